"""A user's own networks as backbones: entry points of the group `pawline.backbones`, or `module:function` as a name.

The function is called `build(image_size)` and returns a Keras model; docs/backbones.md has the whole contract.
Whoever names `module:function` runs that function: the code is the user's, in the user's own process and image.
"""

import importlib
import traceback
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from components.backbones.weights import load_weights, weights_file
from components.network.keras_runtime import keras
from components.parameters.networks import GROUP, IMAGENET, NONE
from components.parameters.references import check_form
from components.step.errors import UsageError, one_line

IMAGE_SIZE, MINIMUM_SIZE = 224, 1

BuildNetwork = Callable[[int], Any]


def find_build(name: str) -> BuildNetwork:
    """Return the function behind `name`, a registered name or `module:function`.

    Raises:
        UsageError: it cannot be imported, or is no function.
    """
    build = _load(name)
    if not callable(build):
        raise UsageError(
            f"A backbone must be a function build(image_size). Received: --backbone {one_line(name, 120)}, "
            f"which is of type {type(build).__name__}. Name a function."
        )
    return build  # type: ignore[no-any-return]  # what it returns is checked when it is called


def image_sizes(name: str, build: BuildNetwork) -> tuple[int, int]:
    """Return the default and the smallest image size that `build` declares, in pixels a side.

    Raises:
        UsageError: one of them is no positive integer.
    """
    default = _declared(name, build, "image_size", IMAGE_SIZE)
    return default, _declared(name, build, "minimum_size", min(MINIMUM_SIZE, default))


def is_trained_from_scratch(build: BuildNetwork) -> bool:
    """Say whether the network has to be trained whole, which it has unless `build` declares otherwise."""
    return bool(getattr(build, "trained_from_scratch", True))


def build_user_network(
    name: str, build: BuildNetwork, image_size: int, weights: str
) -> tuple[list["keras.Layer"], "keras.Model"]:
    """Return the layer that gives the network RGB 0..255 in its own dtype, and the network that `build` returns.

    `imagenet` and `none` both stand for the weights that `build` gives it.

    Raises:
        DataError: the weights file is missing or not one of this network.
        ServiceError: the weights file could not be fetched.
        UsageError: `build` fails, or returns something else than the contract says.
    """
    try:
        network = build(image_size)
    except Exception as error:
        raise UsageError(_failed(name, error)) from error
    _check_network(name, network, image_size)
    if weights not in (IMAGENET, NONE):
        with weights_file(weights) as path:
            load_weights(network, path)
    takes_pixels = network.inputs[0].dtype == "uint8"
    return [] if takes_pixels else [keras.layers.Rescaling(1.0, name="pixels_as_float")], network


def _load(name: str) -> Any:
    if ":" in name:
        check_form(name)
    try:
        return _entry_point(name).load()
    except Exception as error:  # Importing runs the user's module, which can raise anything.
        raise UsageError(_failed(name, error)) from error


def _entry_point(name: str) -> EntryPoint:
    if ":" in name:
        importlib.invalidate_caches()
        return EntryPoint(name, name, GROUP)
    return next(point for point in entry_points(group=GROUP) if point.name == name)


def _failed(name: str, error: Exception) -> str:
    what = f"{type(error).__name__}: {one_line(error)}{_where(error)}"
    hint = ""
    if isinstance(error, ModuleNotFoundError):
        hint = " Install its package, or put its folder on PYTHONPATH; on a cluster it must be in the image."
    return f"A backbone must be importable and build. Received: --backbone {one_line(name, 120)}: {what}.{hint}"


def _where(error: Exception) -> str:
    """Return the line that raised, for errors of code that is not ours."""
    frames = traceback.extract_tb(error.__traceback__)
    foreign = [frame for frame in frames if frame.filename != __file__ and "importlib" not in frame.filename]
    return f" ({one_line(foreign[0].filename)}, line {foreign[0].lineno})" if foreign else ""


def _declared(name: str, build: BuildNetwork, attribute: str, default: int) -> int:
    value = getattr(build, attribute, default)
    if type(value) is int and value >= 1:
        return value
    raise UsageError(
        f"A backbone's {attribute} must be a positive integer. "
        f"Received: --backbone {one_line(name, 120)}: {attribute}={one_line(repr(value), 60)}. Correct it."
    )


def _check_network(name: str, network: Any, image_size: int) -> None:
    shape = (None, image_size, image_size, 3)
    if not isinstance(network, keras.Model):
        _refuse(name, "a keras.Model", type(network).__name__)
    given, made = (getattr(network, side, None) for side in ("input_shape", "output_shape"))
    if given != shape:
        _refuse(name, f"a functional or Sequential model of input shape {shape}", given)
    if not isinstance(made, tuple) or len(made) not in (2, 4) or type(made[-1]) is not int:
        _refuse(name, "features of shape [N, D] or [N, h, w, D]", made)


def _refuse(name: str, rule: str, received: object) -> None:
    raise UsageError(
        f"A backbone must give {rule}. Received: --backbone {one_line(name, 120)}: {received}. Correct it."
    )
