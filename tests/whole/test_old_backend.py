"""The compiled pipeline is understood by a KFP backend 2.5.0, which refuses every field it does not know."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.compilation import COMPILED_PIPELINE, compile_pipeline
from pipeline.destination import Destination

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def old_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the protos of that time: they cannot share one with today's kfp."""
    folder = tmp_path_factory.mktemp("old-backend")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=120)
    python = folder / "bin" / "python"
    requirements = ROOT / "requirements" / "old-backend.txt"
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--requirement"]
    subprocess.run([*install, str(requirements)], check=True, timeout=300)
    return python


def read(python: Path, pipeline: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [str(python), str(ROOT / "tests" / "support" / "old_backend_reader.py"), str(pipeline), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_committed_pipeline_is_read_without_an_unknown_field(old_python: Path) -> None:
    done = read(old_python, COMPILED_PIPELINE)
    assert (done.returncode, done.stdout) == (0, "5\n"), done.stderr[-2000:]


EVERYTHING = Destination(
    pull_secrets=("pull",),
    mlflow="https://mlflow.test",
    ca_bundle="trusted/all.pem",
    signing_secret="signing",
    trusted_key="signers",
    scratch="50Gi",
    storage_class="fast",
    labels={"team": "vision"},
    retries=3,
    timeout_minutes=90,
)


def test_everything_that_a_cluster_may_ask_for_is_known(old_python: Path, tmp_path: Path) -> None:
    compile_pipeline(tmp_path / "p.yaml", EVERYTHING)
    done = read(old_python, tmp_path / "p.yaml")
    assert (done.returncode, done.stdout) == (0, "5\n"), done.stderr[-2000:]


def test_for_an_old_backend_there_is_nothing_to_pass_over(old_python: Path, tmp_path: Path) -> None:
    assert read(old_python, COMPILED_PIPELINE, "--strictly").returncode != 0
    compile_pipeline(tmp_path / "p.yaml", replace(EVERYTHING, old_backend=True))
    done = read(old_python, tmp_path / "p.yaml", "--strictly")
    assert (done.returncode, done.stdout) == (0, "5\n"), done.stderr[-2000:]


@pytest.mark.parametrize(
    ("before", "after", "unknown"),
    [
        (
            "            secretNameParameter:",
            "            mandatory: false\n            secretNameParameter:",
            "mandatory",
        ),
        ("          resourceCpuLimit:", "          cpuQuota:", "cpuQuota"),
        ("schemaVersion: 2.1.0\n", "schemaVersion: 2.1.0\nworkspace: 1\n", "workspace"),
    ],
)
def test_a_newer_field_would_be_noticed(
    old_python: Path, tmp_path: Path, before: str, after: str, unknown: str
) -> None:
    text = COMPILED_PIPELINE.read_text(encoding="utf-8")
    assert before in text
    (tmp_path / "newer.yaml").write_text(text.replace(before, after, 1), encoding="utf-8")
    done = read(old_python, tmp_path / "newer.yaml")
    assert done.returncode != 0
    assert f'no field named "{unknown}"' in done.stderr
