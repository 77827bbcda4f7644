"""Backbones: networks without their top, by name: pretrained ones, small_cnn, and a user's own."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial

from components.backbones import applications, efficientnet_lite0, small_cnn
from components.backbones.of_users import build_user_network, user_preprocessing
from components.network.keras_runtime import keras
from components.parameters.networks import (
    DEFAULT,
    OWN_SUFFIXES,
    SMALL_CNN,
    Facts,
    check_image_size,
    check_weights,
    facts_of,
)
from components.parameters.own_function import declared_by, find_build
from components.step.errors import UsageError, one_line

Build = Callable[[int, str], tuple[list["keras.Layer"], "keras.Model"]]


@dataclass(frozen=True, slots=True)
class Backbone(Facts):
    """A network without its top: what is known of it before, and how it is built.

    `build(image_size, weights)` returns the layers that prepare RGB 0..255, and the network that takes their output.
    """

    build: Build


def find_backbone(name: str) -> Backbone:
    """Return the backbone called `name`; case, `_` and `-` do not matter, so `mobilenet_v2` is `mobilenetv2`.

    A user's own, registered or `module:function`, is spelled exactly; it cannot take the name of one of ours.

    Raises:
        UsageError: there is none, with the nearest names; or a user's own cannot be imported.
    """
    facts = facts_of(name)
    if facts is None:
        return _user_backbone(name)
    builds = {DEFAULT: efficientnet_lite0.build_with_weights, SMALL_CNN: small_cnn.build_with_weights}
    build = builds.get(facts.name) or partial(applications.build_application, facts.name)
    return Backbone(**asdict(facts), build=build)


def _user_backbone(name: str) -> Backbone:
    function = find_build(name)
    found = declared_by(name, function)
    build = partial(build_user_network, name, function)
    return Backbone(name, found.image_size, found.minimum_size, OWN_SUFFIXES, found.trained_from_scratch, build)


def build_feature_extractor(
    backbone: Backbone, image_size: int, weights: str, preprocessing: str = ""
) -> "keras.Model":
    """Return the network from uint8 RGB `[N, image_size, image_size, 3]` to pooled features, float32 `[N, D]`.

    It is frozen, unless the backbone is `trained_from_scratch`.

    Args:
        backbone: from `find_backbone`.
        image_size: pixels a side; 0 stands for the backbone's own.
        weights: `imagenet`, `none` (random, drawn from Keras's global seed) or the URI of a weights file.
        preprocessing: a user's own, `module:function`; none if empty.

    Raises:
        UsageError: the image is too small for the backbone, `weights` is no legal value, or the preprocessing is none.
        DataError: the weights file is missing or another network's.
        ServiceError: the weights could not be fetched.
    """
    size = check_image_size(backbone, image_size)
    check_weights(weights, backbone.weights_suffixes)
    prepare, network = backbone.build(size, weights)
    if preprocessing:
        prepare = [*user_preprocessing(preprocessing, size), *_taking_floats(prepare, network, backbone.name)]
    if not backbone.trained_from_scratch:
        for layer in [*prepare, network]:
            layer.trainable = False
    inputs = keras.Input((size, size, 3), dtype="uint8", name="image")
    x = inputs
    for layer in [*prepare, network, _pooling(network)]:
        x = layer(x)
    return keras.Model(inputs, x, name="feature_extractor")


def _taking_floats(prepare: list["keras.Layer"], network: "keras.Model", name: str) -> list["keras.Layer"]:
    if prepare or network.inputs[0].dtype != "uint8":
        return prepare
    raise UsageError(
        "A backbone behind a preprocessing must take pixels as float32. "
        f"Received: --backbone {one_line(name, 120)}, which takes uint8. Give it such an input."
    )


def _pooling(network: "keras.Model") -> "keras.Layer":
    pooled = len(network.output_shape) == 2
    return keras.layers.Identity(name="features") if pooled else keras.layers.GlobalAveragePooling2D(name="features")
