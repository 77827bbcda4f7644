"""A user's own networks: backbones, entry points of the group `pawline.backbones` or `module:function`; preprocessings.

`components.parameters.own_function` finds the function; here it is called, and what it returns checked.
"""

from typing import Any

from components.backbones.weights import load_weights, weights_file
from components.network.keras_runtime import keras
from components.parameters.networks import IMAGENET, NONE
from components.parameters.own_function import BuildNetwork, failed, find_function
from components.parameters.roles import BACKBONE, PREPROCESSING, Role
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
    network = _built(name, build, image_size, BACKBONE)
    if weights not in (IMAGENET, NONE):
        with weights_file(weights) as path:
            load_weights(network, path)
    takes_pixels = network.inputs[0].dtype == "uint8"
    return [] if takes_pixels else [keras.layers.Rescaling(1.0, name="pixels_as_float")], network


def user_preprocessing(name: str, image_size: int) -> list["keras.Layer"]:
    """Return the layers of the preprocessing called `name`, from RGB 0..255 `[N, H, W, 3]` to float32 of that shape.

    Raises:
        UsageError: there is none, it fails, or returns something else than the contract says.
    """
    network = _built(name, find_function(name, PREPROCESSING), image_size, PREPROCESSING)
    return [keras.layers.Rescaling(1.0, name="pixels_to_preprocess"), network]


def _built(name: str, build: BuildNetwork, image_size: int, role: Role) -> "keras.Model":
    try:
        network = build(image_size)
    except Exception as error:
        raise failed(name, error, role) from error
    _check_network(name, network, image_size, role)
    return network


def _check_network(name: str, network: Any, image_size: int, role: Role) -> None:
    shape = (None, image_size, image_size, 3)
    if not isinstance(network, keras.Model):
        raise _refusal(name, role, "a keras.Model", type(network).__name__)
    given, made = (getattr(network, side, None) for side in ("input_shape", "output_shape"))
    if given != shape:
        raise _refusal(name, role, f"a functional or Sequential model of input shape {shape}", given)
    if role is PREPROCESSING and made != shape:
        raise _refusal(name, role, f"images of shape {shape}", made)
    if not isinstance(made, tuple) or len(made) not in (2, 4) or type(made[-1]) is not int:
        raise _refusal(name, role, "features of shape [N, D] or [N, h, w, D]", made)


def _refusal(name: str, role: Role, rule: str, received: object) -> UsageError:
    return UsageError(
        f"{role.called} must give {rule}. Received: {role.flag} {one_line(name, 120)}: {received}. Correct it."
    )
