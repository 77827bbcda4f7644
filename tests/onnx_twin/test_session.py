import ast

import numpy as np
import pytest

from components.bundle.manifest import ONNX_NETWORK
from components.onnx_twin import session
from components.onnx_twin.session import cpu_session
from tests.support.serving import ROOT, SIDE, colour_bundle, colour_probabilities


@pytest.mark.parametrize(("asked", "given"), [(0, 3), (1, 1), (2, 2)])
def test_threads_are_as_many_as_there_are_cores_or_as_asked_and_sleep_while_they_wait(
    tmp_path, monkeypatch, asked, given
):
    monkeypatch.setattr(session, "available_cores", lambda: 3)
    network = colour_bundle(tmp_path / "bundle") / ONNX_NETWORK
    images = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3), np.uint8)
    for form in (network, network.read_bytes()):
        made = cpu_session(form, asked)
        options = made.get_session_options()
        assert options.intra_op_num_threads == given
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
        np.testing.assert_allclose(made.run(None, {"image": images})[0], colour_probabilities(images), atol=1e-6)


def test_nobody_makes_a_session_of_another_kind():
    makers = {
        path.relative_to(ROOT).as_posix()
        for package in ("components", "pipeline", "pawline")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "InferenceSession" and isinstance(node.ctx, ast.Load)
        if path.name != "session.py"
    }
    assert makers == set()
