"""A bundle's ONNX network gives, besides the probabilities, what the head sees, as Keras and the feature pass do."""

import numpy as np
import pytest

from components.bundle.manifest import Provenance
from components.bundle.reader import load_bundle
from components.bundle.writer import save_bundle
from components.features.network import feature_network
from components.inference.engine import make_engine
from components.inference.twin import NoFeatures, load_twin
from components.network.classifier import join, split
from components.network.keras_runtime import keras
from components.onnx_twin.export import export_onnx
from tests.support.serving import colour_bundle
from tests.support.small_network import CLASSES, SIDE, small_network_bundle

IMAGES = np.random.default_rng(0).integers(0, 256, (6, SIDE, SIDE, 3), np.uint8)


def classifier():
    """Return a network whose every layer has an ONNX form of ours."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    image, seen = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="image"), keras.Input((16,))
    x = layers.Conv2D(16, 3, strides=2, activation="relu")(layers.Rescaling(1 / 128, -1.0)(image))
    extractor = keras.Model(image, layers.GlobalAveragePooling2D()(x))
    return join(extractor, keras.Model(seen, layers.Dense(3, activation="softmax")(seen)))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twin") / "bundle"
    provenance = Provenance(CLASSES, SIDE, "small", "none", "f" * 64, 0, {}, {})
    save_bundle(folder, classifier(), IMAGES[:4], provenance)
    return folder


def test_the_head_sees_the_very_bits_of_the_feature_pass(bundle):
    features = load_twin(bundle, features=True).predict_with_features(IMAGES)[1]
    np.testing.assert_array_equal(features, feature_network(split(classifier())[0])(IMAGES))


@pytest.mark.parametrize("exported", ["by ourselves", "by Keras"])
def test_both_outputs_are_those_of_keras(bundle, tmp_path, exported):
    place = bundle if exported == "by ourselves" else small_network_bundle(tmp_path / "bundle")
    expected = load_bundle(place).predict_with_features(IMAGES)
    found = load_twin(place, features=True).predict_with_features(IMAGES)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(load_twin(place).predict(IMAGES), found[0])


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_what_is_served_is_not_changed_by_the_second_output(bundle, tmp_path, monkeypatch, engine):
    monkeypatch.setattr("components.inference.engine.find_spec", lambda name: name == engine)
    export_onnx(classifier(), tmp_path / "without.onnx")
    with_features, without = (
        make_engine(path.read_bytes(), SIDE, 2) for path in (bundle / "model.onnx", tmp_path / "without.onnx")
    )
    for image in IMAGES:
        np.testing.assert_array_equal(with_features.run(image, False), without.run(image, False))


def test_a_bundle_without_features_is_told_from_a_damaged_one(tmp_path):
    folder = colour_bundle(tmp_path / "bundle")
    with pytest.raises(NoFeatures, match="must give features by ONNX"):
        load_twin(folder, features=True)
    assert load_twin(folder).class_names == ["blue", "green", "red"]
