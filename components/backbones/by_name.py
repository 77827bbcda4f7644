"""Backbones: networks without their top, by name: pretrained ones, small_cnn, and a user's own."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from components.backbones import applications, efficientnet_lite0, small_cnn
from components.backbones import of_users as user_backbones
from components.backbones.weights import check_weights
from components.network.keras_runtime import keras
from components.step.errors import UsageError, one_line

DEFAULT = "efficientnet_lite0"

Build = Callable[[int, str], tuple[list["keras.Layer"], "keras.Model"]]


@dataclass(frozen=True, slots=True)
class Backbone:
    """A network without its top: image sizes in pixels a side, the weights files it reads, and how it is built.

    `build(image_size, weights)` returns the layers that prepare RGB 0..255, and the network that takes their output.
    `trained_from_scratch`: it has no pretrained weights, so that it is trained whole and never frozen.
    """

    name: str
    image_size: int
    minimum_size: int
    weights_suffixes: tuple[str, ...]
    build: Build
    trained_from_scratch: bool = False


def backbone_names() -> list[str]:
    """Return every backbone's name, sorted; those that a user gives as `module:function` have none."""
    return sorted({DEFAULT, small_cnn.NAME, *applications.applications(), *user_backbones.user_backbone_names()})


def find_backbone(name: str) -> Backbone:
    """Return the backbone called `name`; case, `_` and `-` do not matter, so `mobilenet_v2` is `mobilenetv2`.

    A user's own, registered or `module:function`, is spelled exactly; it cannot take the name of one of ours.

    Raises:
        UsageError: there is none, with the nearest names; or a user's own cannot be imported.
    """
    key = name.lower().replace("_", "").replace("-", "")
    if key == DEFAULT.replace("_", ""):
        sizes = (efficientnet_lite0.IMAGE_SIZE, efficientnet_lite0.MINIMUM_SIZE)
        return Backbone(DEFAULT, *sizes, efficientnet_lite0.SUFFIXES, efficientnet_lite0.build_with_weights)
    if key == small_cnn.NAME.replace("_", ""):
        sizes = (small_cnn.IMAGE_SIZE, small_cnn.MINIMUM_SIZE)
        return Backbone(small_cnn.NAME, *sizes, small_cnn.SUFFIXES, small_cnn.build_with_weights, True)
    if key in applications.applications():
        sizes = applications.image_sizes(key)
        return Backbone(key, *sizes, applications.SUFFIXES, partial(applications.build_application, key))
    if user_backbones.is_user_backbone(name):
        return _user_backbone(name)
    raise UsageError(f"The backbone must be known. Received: --backbone {one_line(name, 60)}. {_nearest(key)}")


def _user_backbone(name: str) -> Backbone:
    function = user_backbones.find_build(name)
    sizes = user_backbones.image_sizes(name, function)
    build = partial(user_backbones.build_user_network, name, function)
    from_scratch = user_backbones.is_trained_from_scratch(function)
    return Backbone(name, *sizes, user_backbones.SUFFIXES, build, from_scratch)


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, backbone_names(), n=5, cutoff=0.5)
    return f"Nearest: {', '.join(near)}." if near else f"Known: {', '.join(backbone_names())}."


def build_feature_extractor(backbone: Backbone, image_size: int, weights: str) -> "keras.Model":
    """Return the network from uint8 RGB `[N, image_size, image_size, 3]` to pooled features, float32 `[N, D]`.

    It is frozen, unless the backbone is `trained_from_scratch`.

    Args:
        backbone: from `find_backbone`.
        image_size: pixels a side; 0 stands for the backbone's own.
        weights: `imagenet`, `none` (random, drawn from Keras's global seed) or the URI of a weights file.

    Raises:
        UsageError: the image is too small for the backbone, or `weights` is no legal value.
        DataError: the weights file is missing or another network's.
        ServiceError: the weights could not be fetched.
    """
    size = check_image_size(backbone, image_size)
    check_weights(weights, backbone.weights_suffixes)
    prepare, network = backbone.build(size, weights)
    if not backbone.trained_from_scratch:
        network.trainable = False
    inputs = keras.Input((size, size, 3), dtype="uint8", name="image")
    x = inputs
    for layer in [*prepare, network, _pooling(network)]:
        x = layer(x)
    return keras.Model(inputs, x, name="feature_extractor")


def _pooling(network: "keras.Model") -> "keras.Layer":
    pooled = len(network.output_shape) == 2
    return keras.layers.Identity(name="features") if pooled else keras.layers.GlobalAveragePooling2D(name="features")


def check_image_size(backbone: Backbone, image_size: int) -> int:
    """Return `image_size`, or the backbone's own for 0.

    Raises:
        UsageError: it is smaller than the network can take.
    """
    if image_size and image_size < backbone.minimum_size:
        raise UsageError(
            f"Images for {backbone.name} must be at least {backbone.minimum_size} pixels a side. "
            f"Received: --image-size {image_size}. Use 0 for the backbone's own, {backbone.image_size}."
        )
    return image_size or backbone.image_size
