"""schemathesis, which nobody here wrote, finds nothing: the server does what its OpenAPI document says, and no more."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.serving import colour_bundle, running_server

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def schemathesis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tool in an environment of its own: it wants other versions than the project has."""
    folder = tmp_path_factory.mktemp("schemathesis")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--requirement"]
    lock = ROOT / "requirements" / "schemathesis.txt"
    subprocess.run([folder / "bin" / "python", *install, str(lock)], check=True)
    return folder / "bin" / "schemathesis"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_finds_nothing(schemathesis, tmp_path):
    options = ["--checks", "all", "--max-examples", "100", "--seed", "1", "--generation-database", "none", "--no-color"]
    with running_server(colour_bundle(tmp_path / "bundle"), tmp_path / "log") as server:
        settings = ROOT / "tests" / "schemathesis.toml"
        command = [schemathesis, "--config-file", settings, "run", f"{server.url}/openapi.json", *options]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert server.get("/v2/health/ready")[0] == 200
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-5000:]
    assert "Traceback" not in (tmp_path / "log").read_text()
