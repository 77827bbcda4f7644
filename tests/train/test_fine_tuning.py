"""Fine-tuning: which layers learn, what moves, and what stays."""

import numpy as np
import pytest

from components.backbones.by_name import build_feature_extractor, find_backbone
from components.network.classifier import join, join_in_inference_mode
from components.network.keras_runtime import keras
from components.network.variables import leaf_layers, moving_variables, seed_states, values_of, weights_digest
from components.train.fine_tuning import unfreeze
from components.train.head import build_head


@pytest.fixture(scope="module")
def parts():
    keras.utils.set_random_seed(0)
    extractor = build_feature_extractor(find_backbone("efficientnet_lite0"), 32, "none")
    features = np.random.default_rng(0).normal(size=(6, 1280)).astype("f4")
    return extractor, build_head(features, 3, 0)


def test_only_the_last_layers_learn_and_no_batch_normalisation(parts):
    extractor, head = parts
    assert unfreeze(extractor, 6) == 2
    learning = [layer for layer in leaf_layers(extractor) if layer.trainable and layer.weights]
    assert [layer.name for layer in learning] == ["blocks_15_project_conv", "conv_head"]
    assert not [layer for layer in learning if isinstance(layer, keras.layers.BatchNormalization)]
    network = join_in_inference_mode(extractor, head)
    assert len(network.trainable_variables) == 2 + 2


def test_all_layers_learn_if_more_are_asked_for_than_there_are(parts):
    extractor, _ = parts
    convolutions = [
        layer
        for layer in leaf_layers(extractor)
        if layer.weights and not isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert unfreeze(extractor, 10_000) == len(convolutions)


def test_a_step_moves_what_is_listed_as_moving_and_nothing_else(parts):
    extractor, head = parts
    unfreeze(extractor, 6)
    network = join_in_inference_mode(extractor, head)
    head.get_layer("probabilities").set_weights([np.ones((1280, 3), "f4"), np.zeros(3, "f4")])
    network.compile("sgd", "categorical_crossentropy")
    before = {
        variable.path: value for variable, value in zip(network.variables, values_of(network.variables), strict=True)
    }
    images = np.random.default_rng(1).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    network.train_on_batch(images, np.eye(3, dtype="f4")[[0, 1, 2, 0]])
    moved = {v.path for v in network.variables if v.path in before and not np.array_equal(before[v.path], v.numpy())}
    assert moved
    assert moved <= {variable.path for variable in moving_variables(network)}
    assert {state.path for state in seed_states(network)} <= moved


def test_the_network_in_inference_mode_predicts_as_the_saved_one(parts):
    extractor, head = parts
    images = np.random.default_rng(2).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    one, other = (build(extractor, head)(images, training=False) for build in (join, join_in_inference_mode))
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_the_digest_of_weights_changes_with_any_weight(parts):
    head = parts[1]
    before = weights_digest(head)
    kernel, bias = head.get_layer("probabilities").get_weights()
    assert weights_digest(head) == before
    head.get_layer("probabilities").set_weights([kernel, bias + np.float32(1e-6)])
    assert weights_digest(head) != before
