"""Replaced layers compute the same, and then export to ONNX."""

import numpy as np
import pytest

from components.backbones.exportable import with_exportable_layers
from components.network.keras_runtime import keras
from components.onnx_twin.export import export_onnx, run_onnx

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 12, 12, 3), dtype=np.uint8)


def given(x):
    return keras.layers.Normalization(mean=[10.0, 100.0, 200.0], variance=[4.0, 900.0, 2500.0])(x)


def grouped(x):
    x = keras.layers.Conv2D(8, 3, padding="same", bias_initializer="normal")(x)
    x = keras.layers.Conv2D(8, 7, padding="same", groups=8, bias_initializer="normal")(x)
    return keras.layers.Conv2D(8, 3, padding="same", groups=8, use_bias=False, strides=2)(x)


def gelu(x):
    return keras.layers.Conv2D(4, 3, activation="gelu")(keras.layers.Rescaling(1 / 255)(x))


def adapted(x):
    layer = keras.layers.Normalization()
    layer.adapt(PIXELS.astype("f4"))
    return layer(x)


@pytest.mark.parametrize("part", [adapted, given, grouped, gelu])
def test_the_network_computes_the_same_and_exports(part, tmp_path):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((12, 12, 3))
    network = keras.Model(inputs, part(inputs))
    replaced = with_exportable_layers(network)
    expected = network.predict(PIXELS.astype("f4"), verbose=0)
    np.testing.assert_allclose(replaced.predict(PIXELS.astype("f4"), verbose=0), expected, rtol=1e-4, atol=1e-3)
    image = keras.Input((12, 12, 3), dtype="uint8", name="image")
    whole = keras.Model(image, replaced(keras.layers.Rescaling(1.0)(image)))
    export_onnx(whole, tmp_path / "whole.onnx")
    np.testing.assert_allclose(run_onnx(tmp_path / "whole.onnx", PIXELS), expected, rtol=1e-4, atol=1e-3)


def test_a_network_without_such_layers_is_left_alone():
    inputs = keras.Input((4, 4, 3))
    network = keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs))
    assert with_exportable_layers(network) is network
