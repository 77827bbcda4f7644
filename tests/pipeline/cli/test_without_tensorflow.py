"""Whatever does not train does without TensorFlow: a walk over the commands, each in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.generated import noise_images, write_files
from tests.support.recorded_runs import record_run

ROOT = Path(__file__).parents[3]
COMMANDS = [
    ["runs"],
    ["show", "a", "--json"],
    ["clean", "--json"],
    ["init", "{folder}/project"],
    ["schedule", "next", "{folder}/schedules.yaml", "--json"],
    ["sample", "{folder}/sample"],
    ["compile", "--image", "example.test/x:1", "--output", "{folder}/p.yaml"],
    ["check-backbone", "--json"],
    ["verify", "a", "--onnx-only"],
    ["predict", "a", "{folder}/photos", "--json"],
    ["compare", "a", "b", "--json", "--html", "{folder}/c.html"],
]
WITHOUT_RUNS = ("schedule", "init", "sample", "compile", "check-backbone")
CODE = """
import sys
from pipeline.cli.main import main
code = main(sys.argv[1:])
loaded = {"tensorflow", "keras"} & set(sys.modules)
sys.exit(f"{code}: {loaded}" if code or loaded else 0)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs in `runs`, and photos."""
    folder = tmp_path_factory.mktemp("tried")
    for name, right in (("a", [True] * 8), ("b", [True, False] * 4)):
        path = record_run(folder / "runs" / name, right) / "run.json"
        more = {"pipeline": "pawline", "seconds": 9.0, "started": "2026-01-01T00:00:00+00:00"}
        path.write_text(json.dumps(json.loads(path.read_text()) | more))
    write_files(folder / "photos", noise_images(3))
    (folder / "schedules.yaml").write_text("schedules:\n  - {name: nightly, cron: '@daily', parameters: {epochs: 3}}\n")
    return folder


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_a_command_that_does_not_train_imports_no_tensorflow(folder: Path, words: list[str]) -> None:
    runs = [] if words[0] in WITHOUT_RUNS else ["--runs", str(folder / "runs")]
    command = [sys.executable, "-c", CODE, *(word.format(folder=folder) for word in words), *runs]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if "--json" in words:
        assert json.loads(done.stdout) is not None


def test_help_imports_nothing_of_clusters() -> None:
    code = (
        "import sys; from pipeline.cli.parser import build_parser; print(build_parser().format_help()); "
        "found = {'kfp', 'kfp_server_api', 'kubernetes', 'cronsim', 'urllib3', 'yaml', 'rich'} & set(sys.modules); "
        "sys.exit(str(found) if found else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "submit" in done.stdout
