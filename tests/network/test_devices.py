"""GPUs, of which the tests have none: what is turned on is shown with bfloat16, which a CPU computes, too."""

import numpy as np
import pytest

from components.backbones.by_name import find_backbone
from components.network import devices
from components.network.keras_runtime import keras
from components.parameters.recipe import Recipe
from components.train.examples import Examples
from components.train.learning_data import Material, Pair
from components.train.phases import PhasedTraining
from components.train.training import BackboneChoice, _extractor, _for_saving


@pytest.fixture
def half_precision(monkeypatch):
    monkeypatch.setattr(devices, "gpu_count", lambda: 1)
    monkeypatch.setattr(devices, "GPU_POLICY", "mixed_bfloat16")
    yield devices.use_gpus()
    keras.config.set_dtype_policy("float32")


def test_without_gpu_nothing_changes():
    assert devices.gpu_count() == 0
    assert devices.use_gpus() == "float32"


def test_a_network_trained_in_half_precision_is_saved_in_float32_with_the_same_weights(half_precision):
    assert half_precision == "mixed_bfloat16"
    choice, recipe = BackboneChoice("small_cnn", "none", 16), Recipe(epochs=2, batch_size=4)
    backbone = find_backbone(choice.name)
    extractor = _extractor(backbone, choice, recipe)
    images = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8)
    examples = Examples(images, np.arange(8) % 2)
    training = PhasedTraining(extractor, Material(None, Pair(examples, examples), images), 2, recipe)
    training.run(None, lambda epoch: None)
    assert training.head.get_layer("probabilities").compute_dtype == "float32"
    saved, head = _for_saving(backbone, choice, recipe, extractor, training)
    assert {layer.dtype_policy.name for layer in [*saved.layers, *head.layers]} == {"float32"}
    for one, other in zip(extractor.get_weights(), saved.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    features = extractor(images, training=False)
    np.testing.assert_allclose(saved(images, training=False), keras.ops.cast(features, "float32"), atol=0.3)
