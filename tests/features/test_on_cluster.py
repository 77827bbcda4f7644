"""The feature pass on the nodes of a Ray cluster: the same bits as in one process."""

import numpy as np
import pytest

from components.features import by_cluster
from components.features.cache import open_feature_cache
from components.features.extraction import extract_features
from components.step.errors import DataError
from tests.features.test_cache import SIZE, extractor, make_dataset

pytest.importorskip("ray")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def network():
    return extractor()


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    monkeypatch.setattr(by_cluster, "AT_ONCE", 8)
    return make_dataset(tmp_path, range(40))


def test_a_cluster_computes_the_same_bits_and_fills_the_same_cache(dataset, network, tmp_path, ray_cluster):
    samples = dataset.samples()
    alone, kept = extract_features(network, dataset, samples, keep=[samples[3].sample_id])
    cache = open_feature_cache(str(tmp_path / "cache"), network, SIZE)
    many, kept_too = extract_features(network, dataset, samples, [samples[3].sample_id], cache, cluster=ray_cluster)
    assert many.tobytes() == alone.tobytes()
    assert {name: image.tobytes() for name, image in kept_too.items()} == {
        name: image.tobytes() for name, image in kept.items()
    }
    rows = {sample.sha256: [row] for row, sample in enumerate(samples)}
    found = np.zeros_like(alone)
    assert cache.read(rows, found) == set(rows)
    assert found.tobytes() == alone.tobytes()


def test_of_units_that_fail_the_others_are_in_the_cache(dataset, network, tmp_path, ray_cluster):
    samples = dataset.samples()
    unknown = [*samples[:8], type(samples[0])("a/absent.png", "a", "g", "0" * 64, 1, 1), *samples[8:]]
    cache = open_feature_cache(str(tmp_path / "cache"), network, SIZE)
    with pytest.raises(DataError, match=r"a/absent\.png .* 1 unit of 6 failed: a/absent\.png to "):
        extract_features(network, dataset, unknown, cache=cache, cluster=ray_cluster)
    rows = {sample.sha256: [row] for row, sample in enumerate(samples)}
    assert len(cache.read(rows, np.zeros((len(samples), network.output_shape[-1]), np.float32))) == 40 - 7
