"""What is served is what the test step predicts, whatever the way to ask."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.serve.api.test_simple import form
from tests.support.generated_images import PICTURES
from tests.support.serving import running_server
from tests.support.small_network import CLASSES, SIDE, small_network_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_network_bundle(tmp_path_factory.mktemp("exact") / "bundle")


def test_served_probabilities_are_the_test_steps_to_1e_5(bundle, tmp_path):
    from components.dataset.images import to_model_input
    from components.inference.twin import load_twin
    from components.metrics.calibration import calibrated

    files = [make() for make in PICTURES.values()]
    expected = load_twin(bundle).predict(np.stack([to_model_input(data, SIDE) for data in files]))
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
