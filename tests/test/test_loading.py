"""Bundles from before the ONNX network gave features are tested by Keras, where there is one."""

import json

import numpy as np
import pytest

from components.bundle.manifest import MANIFEST, ONNX_NETWORK, sha256_of
from components.bundle.reader import load_bundle, load_network
from components.onnx_twin.export import export_onnx
from components.test.step import main
from tests.support.sealed_files import seal_again
from tests.support.tested import Material, material


@pytest.fixture(scope="module")
def older(tmp_path_factory) -> Material:
    """The test of a bundle of format 2."""
    made = material(tmp_path_factory.mktemp("older"))
    bundle = made.folder / "bundle"
    export_onnx(load_network(bundle), bundle / ONNX_NETWORK)
    files = {ONNX_NETWORK: sha256_of(bundle / ONNX_NETWORK)}
    seal_again(bundle / MANIFEST, lambda values: {**values, "files": values["files"] | files, "format_version": 2})
    return made


def test_a_bundle_of_an_older_format_is_tested_by_keras(older, tmp_path, capsys):
    assert main(older.arguments(tmp_path)) == 0
    assert "gives no features: tested by its Keras network" in capsys.readouterr().err
    assert json.loads((tmp_path / "statistics.json").read_text())["ok"] == 13
    assert np.isfinite(load_bundle(older.folder / "bundle").predict(np.zeros((1, 16, 16, 3), np.uint8))).all()


def test_without_keras_it_is_one_line(older, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("components.test.loading.find_spec", lambda name: None)
    assert main(older.arguments(tmp_path)) == 1
    [line] = [line for line in capsys.readouterr().err.splitlines() if "error:" in line]
    assert "must give features by ONNX where there is no Keras" in line
    assert line.endswith("format_version=2. Train again, or test where train runs.")
    assert list(tmp_path.iterdir()) == []
