import threading

import numpy as np
import pytest

from components.bundle.manifest import ONNX_NETWORK
from components.inference import batch_engine
from components.inference.batch_engine import BatchEngine
from components.inference.onnx_engine import OnnxRuntimeEngine
from components.step.errors import DataError
from tests.support.patience import PATIENCE
from tests.support.serving import SIDE, colour_bundle, colour_probabilities

IMAGES = np.random.default_rng(0).integers(0, 256, (7, SIDE, SIDE, 3), np.uint8)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return (colour_bundle(tmp_path_factory.mktemp("colours") / "bundle") / ONNX_NETWORK).read_bytes()


def of_cores(monkeypatch, network, count):
    monkeypatch.setattr(batch_engine, "available_cores", lambda: count)
    return BatchEngine(network)


def test_an_image_gives_the_same_bits_on_any_number_of_cores_in_batches_of_any_size(monkeypatch, network):
    [expected] = of_cores(monkeypatch, network, 1).run(IMAGES)
    np.testing.assert_allclose(expected, colour_probabilities(IMAGES), atol=1e-6)
    for cores in (2, 3, 16):
        engine = of_cores(monkeypatch, network, cores)
        for size in (1, 2, 7):
            parts = [engine.run(IMAGES[start : start + size])[0] for start in range(0, len(IMAGES), size)]
            np.testing.assert_array_equal(np.concatenate(parts), expected)


def test_each_core_has_an_image_of_its_own_and_none_is_shared(monkeypatch, network):
    together, values = threading.Barrier(3), OnnxRuntimeEngine.values

    def met(self, image, outputs):
        together.wait(PATIENCE)  # Fails where fewer than three are under way.
        return values(self, image, outputs)

    monkeypatch.setattr(OnnxRuntimeEngine, "values", met)
    engine = of_cores(monkeypatch, network, 3)
    engine.run(IMAGES[:6])
    assert engine._engine._session.get_session_options().intra_op_num_threads == 1


def test_a_network_that_lacks_an_output_is_refused_in_one_line(network):
    with pytest.raises(DataError, match=r"must run on ONNX Runtime .*features"):
        BatchEngine(network, ["features"]).run(IMAGES)
