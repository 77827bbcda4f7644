"""The compiled pipeline is understood by a KFP backend 2.5.0, which refuses every field it does not know."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.compilation import COMPILED_PIPELINE

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


def read(python: Path, pipeline: Path) -> subprocess.CompletedProcess[str]:
    command = [str(python), str(ROOT / "tests" / "support" / "old_backend_reader.py"), str(pipeline)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_committed_pipeline_is_read_without_an_unknown_field(old_python: Path) -> None:
    done = read(old_python, COMPILED_PIPELINE)
    assert (done.returncode, done.stdout) == (0, "5\n"), done.stderr[-2000:]


@pytest.mark.parametrize(
    ("before", "after", "unknown"),
    [
        (
            "            secretNameParameter:",
            "            optional: false\n            secretNameParameter:",
            "optional",
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
