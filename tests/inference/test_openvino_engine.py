import numpy as np
import pytest

from components.bundle.manifest import ONNX_NETWORK
from components.inference.openvino_engine import OpenVinoEngine
from tests.support.serving import SIDE, colour_bundle, colour_probabilities

IMAGE = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)


@pytest.fixture
def engine(tmp_path):
    return OpenVinoEngine((colour_bundle(tmp_path / "bundle") / ONNX_NETWORK).read_bytes(), SIDE, 2)


@pytest.mark.parametrize("slow", ["_all_cores", "_one_core_each"])
def test_a_lone_image_goes_the_way_that_is_quicker_now(engine, monkeypatch, slow):
    gone, clock = [], [0.0]
    monkeypatch.setattr("components.inference.openvino_engine.time.perf_counter", lambda: clock[0])
    for name in ("_all_cores", "_one_core_each"):
        requests = getattr(engine, name)

        def run(request, image, name=name, real=requests.run):
            gone.append(name)
            clock[0] += 0.1 if name == slow else 0.01
            return real(request, image)

        monkeypatch.setattr(requests, "run", run)
    for _ in range(32):
        np.testing.assert_allclose(engine.run(IMAGE, alone=True), colour_probabilities(IMAGE[None])[0], atol=1e-6)
    assert gone.count(slow) < 8
    gone.clear()
    engine.run(IMAGE, alone=False)
    assert gone == ["_one_core_each"]


def test_a_second_lone_image_does_not_wait_for_the_first(engine):
    taken = engine._all_cores.take()
    for _ in range(32):
        np.testing.assert_allclose(engine.run(IMAGE, alone=True), colour_probabilities(IMAGE[None])[0], atol=1e-6)
    engine._all_cores._free.put(taken)
