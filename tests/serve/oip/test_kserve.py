"""kserve's own client is served; its dependencies clash with ours, so it lives in an environment of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serve.api.test_simple import BLUE
from tests.support.serving import ROOT, SIDE, colour_bundle, running_server


@pytest.fixture(scope="module")
def kserve_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kserve")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--requirement"]
    lock = ROOT / "benchmarks" / "serve_peers" / "kserve.txt"  # The benchmark has kserve's server beside ours.
    subprocess.run([folder / "bin" / "python", *install, str(lock)], check=True)
    return folder / "bin" / "python"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kserves_client_is_served(kserve_python, tmp_path):
    (tmp_path / "blue.png").write_bytes(BLUE)
    with running_server(colour_bundle(tmp_path / "bundle"), tmp_path / "log") as server:
        client = ROOT / "tests" / "support" / "kserve_client.py"
        command = [kserve_python, client, server.url, str(SIDE), tmp_path / "blue.png"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "live": True,
        "ready": True,
        "model ready": True,
        "pixels": ["red", "red"],
        "pixels as JSON": ["red", "red"],
        "file": ["blue"],
    }
