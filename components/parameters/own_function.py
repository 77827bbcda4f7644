"""The function that a user names as a backbone, `module:function` or an entry point's name: found, and asked of itself.

The function is called `build(image_size)` and returns a Keras model; docs/backbones.md has the whole contract.
Whoever names `module:function` runs that module: the code is the user's, in the user's own process and image.
"""

import builtins
import functools
import importlib
import inspect
import sysconfig
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import components
from components.parameters.references import GROUP, check_form
from components.step.errors import UsageError, one_line

IMAGE_SIZE, MINIMUM_SIZE = 224, 1
EXAMPLE = "build(image_size), which returns a Keras model"

BuildNetwork = Callable[[int], Any]


@dataclass(frozen=True, slots=True)
class Declared:
    """What a user's function says of its network: pixels a side, and whether it has to be trained whole."""

    image_size: int
    minimum_size: int
    trained_from_scratch: bool


def find_build(name: str) -> BuildNetwork:
    """Return the function behind `name`, a registered name or `module:function`.

    Raises:
        UsageError: it cannot be imported, is no function, or cannot be one that builds a network.
    """
    build = _load(name)
    if not callable(build):
        raise _no_build(name, f"which is of type {type(build).__name__}")
    if _is_pythons_own(build):
        raise _no_build(name, "which is Python's own, or not written in Python")
    try:
        takes = _takes_image_size(inspect.signature(build))
    except (ValueError, TypeError):  # None that Python could read: code of another language.
        takes = False
    if not takes:
        raise _no_build(name, "which does not take an image size and nothing else")
    return build  # type: ignore[no-any-return]  # what it returns is checked when it is called


def declared_by(name: str, build: BuildNetwork) -> Declared:
    """Return what `build`, called `name`, declares.

    Raises:
        UsageError: a size is no positive integer.
    """
    default = _size(name, build, "image_size", IMAGE_SIZE)
    minimum = _size(name, build, "minimum_size", min(MINIMUM_SIZE, default))
    return Declared(default, minimum, bool(getattr(build, "trained_from_scratch", True)))


def failed(name: str, error: BaseException) -> UsageError:
    """Return the error that says that the module or the function of `name` raised `error`."""
    what = f"{type(error).__name__}: {one_line(error)}{_where(error)}"
    hint = ""
    if isinstance(error, ModuleNotFoundError):
        hint = " Install its package, or put its folder on PYTHONPATH; on a cluster it must be in the image."
    received = f"--backbone {one_line(name, 120)}: {what}"
    return UsageError(f"A backbone must be importable and build. Received: {received}.{hint}")


def _takes_image_size(signature: inspect.Signature) -> bool:
    """Tell whether a call with one value is meant: the one that must be given, the only one, or `image_size`."""
    try:
        signature.bind(IMAGE_SIZE)
    except TypeError:
        return False
    first, *others = signature.parameters.values()
    return first.default is first.empty or not others or first.name == "image_size"


def _is_pythons_own(build: Any) -> bool:
    if isinstance(build, functools.partial):
        return _is_pythons_own(build.func)
    module = inspect.getmodule(build)
    if inspect.isbuiltin(build) or module is builtins:
        return True
    file = Path(getattr(module, "__file__", None) or "").resolve()  # Made where no module says so: the user's.
    library = Path(sysconfig.get_path("stdlib")).resolve()
    return file.is_relative_to(library) and "site-packages" not in file.relative_to(library).parts


def _no_build(name: str, what: str) -> UsageError:
    return UsageError(
        f"A backbone must be a function {EXAMPLE}. Received: --backbone {one_line(name, 120)}, {what}. "
        "Name such a function."
    )


def _load(name: str) -> Any:
    if ":" in name:
        check_form(name)
    try:
        return _entry_point(name).load()
    except (Exception, SystemExit) as error:  # Importing runs the user's module, which can raise anything.
        raise failed(name, error) from error


def _entry_point(name: str) -> EntryPoint:
    if ":" in name:
        importlib.invalidate_caches()
        return EntryPoint(name, name, GROUP)
    return next(point for point in entry_points(group=GROUP) if point.name == name)


def _where(error: BaseException) -> str:
    """Return the line that raised, for errors of code that is not ours."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = str(Path(components.__file__).parent)
    foreign = [f for f in frames if not f.filename.startswith(ours) and "importlib" not in f.filename]
    return f" ({one_line(foreign[0].filename)}, line {foreign[0].lineno})" if foreign else ""


def _size(name: str, build: BuildNetwork, attribute: str, default: int) -> int:
    value = getattr(build, attribute, default)
    if type(value) is int and value >= 1:
        return value
    raise UsageError(
        f"A backbone's {attribute} must be a positive integer. "
        f"Received: --backbone {one_line(name, 120)}: {attribute}={one_line(repr(value), 60)}. Correct it."
    )
