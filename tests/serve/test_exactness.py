"""What is served is what the test step predicts: the Keras network's probabilities, whatever the way to ask."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.serve.api.test_simple import form
from tests.support.generated_images import PICTURES
from tests.support.serving import running_server

SIDE = 24
CLASSES = ["cat", "dog", "fish"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle as train writes it, of a network with convolutions, its weights as they fall."""
    from components.bundle.manifest import Provenance
    from components.bundle.writer import save_bundle
    from components.network.keras_runtime import keras

    keras.utils.set_random_seed(4)
    layers = keras.layers
    inputs = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 128, -1.0)(inputs)
    for filters in (16, 32):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
        x = layers.DepthwiseConv2D(3, padding="same", activation="relu")(x)
    outputs = layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(x) * 20)
    network = keras.Model(inputs, outputs, name="classifier")
    folder = tmp_path_factory.mktemp("exact") / "bundle"
    images = np.random.default_rng(0).integers(0, 256, (4, SIDE, SIDE, 3), np.uint8)
    save_bundle(folder, network, images, Provenance(CLASSES, SIDE, "small", "none", "f" * 64, 0, {}, {}, 1.7))
    return folder


def test_served_probabilities_are_the_test_steps_to_1e_5(bundle, tmp_path):
    from components.bundle.reader import load_bundle
    from components.dataset.images import to_model_input
    from components.metrics.calibration import calibrated

    files = [make() for make in PICTURES.values()]
    expected = load_bundle(bundle).predict(np.stack([to_model_input(data, SIDE) for data in files]))
    assert np.ptp(expected, axis=0).max() > 0.01  # They differ, so a mix-up would be seen.
    body, content_type = form(*(("images[]", "x", data) for data in files))
    with running_server(bundle, tmp_path / "log") as server:
        singles = [json.loads(server.post("/predict", data)[1]) for data in files]
        batch = json.loads(server.post("/batch_predict", body, content_type)[1])["predictions"]
    for answers in (singles, batch):
        found = np.array([[answer["probabilities"][name] for name in CLASSES] for answer in answers])
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
        assert [answer["class"] for answer in answers] == [CLASSES[index] for index in expected.argmax(axis=1)]
        confidences = [answer["confidence"] for answer in answers]
        np.testing.assert_allclose(confidences, calibrated(expected, 1.7).max(axis=1), rtol=0, atol=1e-5)
