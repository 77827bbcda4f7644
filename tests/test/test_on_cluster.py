"""The pass over the test images by the nodes of a Ray cluster: the same results as by one process."""

import numpy as np
import pytest

from components.inference.twin import load_twin
from components.test import image_pass
from components.test.image_pass import evaluate_model
from tests.support.extraction import extract_arguments, run_extract
from tests.support.generated import image_bytes, write_files
from tests.support.small_network import CLASSES, small_network_bundle

pytest.importorskip("ray")
pytestmark = pytest.mark.slow


def test_a_cluster_sees_the_same_in_the_same_images(tmp_path, ray_cluster, monkeypatch):
    monkeypatch.setattr(image_pass, "AT_ONCE", 8)
    write_files(tmp_path / "images", {f"{CLASSES[i % 3]}/{i:03}.png": image_bytes(i) for i in range(40)})
    arguments = extract_arguments(tmp_path, "", tmp_path / "images", tmp_path / "store", annotation_format="folders")
    dataset = run_extract(arguments).dataset()
    bundle = load_twin(small_network_bundle(tmp_path / "bundle"), features=True)
    alone = evaluate_model(bundle, dataset, dataset.samples(), 8)
    many = evaluate_model(bundle, dataset, dataset.samples(), 8, cluster=ray_cluster)
    assert many.predictions == alone.predictions
    assert many.probabilities.tobytes() == alone.probabilities.tobytes()
    assert many.thumbnails == alone.thumbnails
    assert list(many.looks) == list(alone.looks)
    assert all(np.array_equal(look, alone.looks[name]) for name, look in many.looks.items())
