"""The function that a user names, `module:function` or an entry point's name: found, and asked of itself.

What it is for is its role; a backbone's is called `build(image_size)` and returns a Keras model, and docs/backbones.md
and docs/extensions.md have the whole contracts. Whoever names `module:function` runs that module: the code is the
user's, in the user's own process and image.
"""

import builtins
import functools
import hashlib
import importlib
import inspect
import sysconfig
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import components
from components.parameters.references import GROUP, check_form
from components.parameters.roles import BACKBONE, Role
from components.step.errors import UsageError, one_line

IMAGE_SIZE, MINIMUM_SIZE = 224, 1

BuildNetwork = Callable[[int], Any]


@dataclass(frozen=True, slots=True)
class Declared:
    """What a user's function says of its network: pixels a side, and whether it has to be trained whole."""

    image_size: int
    minimum_size: int
    trained_from_scratch: bool


def find_build(name: str) -> BuildNetwork:
    """Return the backbone's function behind `name`, a registered name or `module:function`; as `find_function`."""
    return find_function(name, BACKBONE)


def find_function(name: str, role: Role) -> Callable[..., Any]:
    """Return the function behind `name` that is to be called as `role` says.

    Raises:
        UsageError: it cannot be imported, is no function, or cannot be called so.
    """
    function = _load(name, role)
    if not callable(function):
        raise _none(name, role, f"which is of type {type(function).__name__}")
    if _is_pythons_own(function):
        raise _none(name, role, "which is Python's own, or not written in Python")
    try:
        takes = _takes(inspect.signature(function), role)
    except (ValueError, TypeError):  # None that Python could read: code of another language.
        takes = False
    if not takes:
        raise _none(name, role, f"which does not take {role.taken}")
    return function  # type: ignore[no-any-return]  # what it returns is checked when it is called


def source_digest(name: str) -> str:
    """Return the hex sha256 over the source of the module or package that the function called `name` is of.

    What that imports from elsewhere is not in it: packages have versions.

    Raises:
        UsageError: it is no `module:function`.
    """
    if ":" in name:
        check_form(name)
    top = _entry_point(name).module.partition(".")[0]
    spec = find_spec(top)
    folders = [Path(folder) for folder in (spec and spec.submodule_search_locations) or ()]
    files = [Path(spec.origin)] if spec and spec.origin and not folders else []
    digest = hashlib.sha256()
    for path in files or sorted(path for folder in folders for path in folder.rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def declared_by(name: str, build: BuildNetwork) -> Declared:
    """Return what `build`, called `name`, declares.

    Raises:
        UsageError: a size is no positive integer.
    """
    default = _size(name, build, "image_size", IMAGE_SIZE)
    minimum = _size(name, build, "minimum_size", min(MINIMUM_SIZE, default))
    return Declared(default, minimum, bool(getattr(build, "trained_from_scratch", True)))


def failed(name: str, error: BaseException, role: Role = BACKBONE) -> UsageError:
    """Return the error that says that the module or the function of `name` raised `error`."""
    what = f"{type(error).__name__}: {one_line(error)}{_where(error)}"
    hint = ""
    if isinstance(error, ModuleNotFoundError):
        hint = " Install its package, or put its folder on PYTHONPATH; on a cluster it must be in the image."
    received = f"{role.flag} {one_line(name, 120)}: {what}"
    return UsageError(f"{role.called} must be importable and {role.does}. Received: {received}.{hint}")


def _takes(signature: inspect.Signature, role: Role) -> bool:
    """Tell whether a call with the role's values is meant: those that must be given, the only ones, or called so."""
    count = len(role.takes)
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    parameters = list(signature.parameters.values())
    first, others = parameters[:count], parameters[count:]
    must = all(parameter.default is parameter.empty for parameter in first)
    return must or not others or tuple(parameter.name for parameter in first) == role.takes


def _is_pythons_own(build: Any) -> bool:
    if isinstance(build, functools.partial):
        return _is_pythons_own(build.func)
    module = inspect.getmodule(build)
    if inspect.isbuiltin(build) or module is builtins:
        return True
    file = Path(getattr(module, "__file__", None) or "").resolve()  # Made where no module says so: the user's.
    library = Path(sysconfig.get_path("stdlib")).resolve()
    return file.is_relative_to(library) and "site-packages" not in file.relative_to(library).parts


def _none(name: str, role: Role, what: str) -> UsageError:
    return UsageError(
        f"{role.called} must be a function {role.example}. Received: {role.flag} {one_line(name, 120)}, {what}. "
        "Name such a function."
    )


def _load(name: str, role: Role) -> Any:
    if ":" in name or role is not BACKBONE:  # Backbones alone have entry points.
        check_form(name, role)
    try:
        return _entry_point(name).load()
    except (Exception, SystemExit) as error:  # Importing runs the user's module, which can raise anything.
        raise failed(name, error, role) from error


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
