"""Networks become ONNX layer by layer: the same values, the same bytes every time; Keras exports the rest."""

import numpy as np
import onnxruntime
import pytest

from components.network.keras_runtime import keras
from components.onnx_twin.export import export_onnx, run_onnx
from components.onnx_twin.graph import to_onnx
from components.onnx_twin.nodes import NoOnnxForm

layers = keras.layers
SIDE = 11  # Odd, so that "same" pads unevenly.
PIXELS = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)


def network_of(*parts):
    """Return the network of `parts` one behind the other, with weights that are nowhere zero."""
    keras.utils.set_random_seed(0)
    image = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 255)(image)
    for part in parts:
        x = part(x)
    network = keras.Model(image, x)
    generator = np.random.default_rng(1)
    network.set_weights([generator.uniform(0.1, 0.5, weight.shape) for weight in network.get_weights()])
    return network


def run(network):
    session = onnxruntime.InferenceSession(to_onnx(network, "image", ["out"]).SerializeToString())
    return session.run(["out"], {"image": PIXELS})[0]


def squeeze_and_excite(x):
    weights = layers.GlobalAveragePooling2D()(x)
    weights = layers.Conv2D(3, 1, activation="sigmoid")(layers.Reshape((1, 1, 3))(weights))
    return layers.Multiply()([x, weights])


PARTS = {
    "convolution": [layers.Conv2D(4, 3, activation="relu")],
    "same padding, strides": [layers.Conv2D(4, 4, strides=2, padding="same")],
    "dilation": [layers.Conv2D(4, 3, dilation_rate=2, padding="same", use_bias=False)],
    "groups": [layers.Conv2D(6, 3, groups=3, activation="tanh")],
    "depthwise": [layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2, activation="silu")],
    "separable": [layers.SeparableConv2D(5, 3, padding="same", activation="sigmoid")],
    "maximum": [layers.MaxPooling2D(3, strides=2, padding="same")],
    "average": [layers.AveragePooling2D(2, padding="same")],
    "global maximum": [layers.GlobalMaxPooling2D()],
    "global average, kept": [layers.GlobalAveragePooling2D(keepdims=True)],
    "norm": [layers.BatchNormalization(), layers.BatchNormalization(scale=False, center=False, epsilon=0.01)],
    "channels": [layers.Rescaling([1.0, 2.0, 3.0], [0.1, 0.2, 0.3])],
    "capped": [layers.Conv2D(4, 3), layers.ReLU(max_value=6.0), layers.Activation("relu6"), layers.ReLU()],
    "pads": [layers.ZeroPadding2D(((0, 1), (2, 3))), layers.Dropout(0.5), layers.SpatialDropout2D(0.5)],
    "flat": [layers.Flatten(), layers.Dense(5, activation="softmax")],
    "softmax over channels": [layers.Activation("softmax")],
    "sum": [lambda x: layers.Add()([x, x, layers.Conv2D(3, 1)(x)])],
    "broadcast": [lambda x: layers.Multiply()([layers.Flatten()(x), layers.Dense(1)(layers.Flatten()(x))])],
    "joined": [lambda x: layers.Concatenate()([x, layers.Conv2D(2, 1)(x)])],
    "squeeze and excite": [squeeze_and_excite],
    "nested": [
        keras.Sequential([keras.Input((SIDE, SIDE, 3)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(3)]),
    ],
}


@pytest.mark.parametrize("name", PARTS)
def test_the_same_as_keras(name):
    network = network_of(*PARTS[name])
    expected = keras.ops.convert_to_numpy(network(PIXELS, training=False))
    np.testing.assert_allclose(run(network), expected, rtol=1e-4, atol=1e-5)


def test_a_layer_that_is_called_twice_is_written_twice():
    twice = layers.Conv2D(3, 3, padding="same")
    network = network_of(twice, layers.ReLU(), twice)
    expected = keras.ops.convert_to_numpy(network(PIXELS, training=False))
    np.testing.assert_allclose(run(network), expected, rtol=1e-4, atol=1e-5)


def test_the_same_network_gives_the_same_bytes_whatever_its_layers_are_called(tmp_path):
    for name in ("first", "second"):
        export_onnx(network_of(layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)), tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


class Doubled(layers.Conv2D):
    def call(self, inputs):
        return 2 * super().call(inputs)


REFUSED = {
    "unknown layer": [layers.UnitNormalization()],
    "subclass": [Doubled(2, 3)],
    "activation": [layers.Conv2D(2, 3, activation="softplus")],
    "leaky": [layers.ReLU(negative_slope=0.1)],
    "axis": [layers.BatchNormalization(axis=1)],
    "dense over a map": [layers.Dense(4)],
    "other shape": [layers.Reshape((SIDE, 3 * SIDE))],
    "bare function": [lambda x: keras.ops.mean(x, axis=3, keepdims=True)],
    "constant operand": [lambda x: x * 2.0],
    "training": [lambda x: layers.BatchNormalization()(x, training=True)],
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_known_is_refused(name):
    with pytest.raises(NoOnnxForm):
        to_onnx(network_of(*REFUSED[name]), "image", ["out"])


@pytest.mark.parametrize("name", ["unknown layer", "bare function"])
def test_keras_exports_what_is_refused(name, tmp_path):
    network = network_of(*REFUSED[name])
    export_onnx(network, tmp_path / "model.onnx")
    expected = keras.ops.convert_to_numpy(network(PIXELS, training=False))
    np.testing.assert_allclose(run_onnx(tmp_path / "model.onnx", PIXELS), expected, rtol=1e-4, atol=1e-5)
