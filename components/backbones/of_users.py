"""A user's own networks as backbones: entry points of the group `pawline.backbones`, or `module:function` as a name.

`components.parameters.own_function` finds the function; here it is called, and what it returns checked.
"""

from typing import Any

from components.backbones.weights import load_weights, weights_file
from components.network.keras_runtime import keras
from components.parameters.networks import IMAGENET, NONE
from components.parameters.own_function import BuildNetwork, failed
from components.step.errors import UsageError, one_line


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
        raise failed(name, error) from error
    _check_network(name, network, image_size)
    if weights not in (IMAGENET, NONE):
        with weights_file(weights) as path:
            load_weights(network, path)
    takes_pixels = network.inputs[0].dtype == "uint8"
    return [] if takes_pixels else [keras.layers.Rescaling(1.0, name="pixels_as_float")], network


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
