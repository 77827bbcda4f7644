"""Completion: the shell is offered commands, options, runs and parameters."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.recorded_runs import write

pytest.importorskip("argcomplete", reason="it comes with the extra `pipeline` once that is locked")
ROOT = Path(__file__).parents[3]


def offered(folder: Path, line: str) -> set[str]:
    """Return what the shell is offered at the end of `line`, as argcomplete's own protocol gives it."""
    asked = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "COMP_TYPE": "9",
    }
    out = folder / "completions"
    environment = (
        os.environ
        | asked
        | {"_ARGCOMPLETE_STDOUT_FILENAME": str(out), "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    )
    subprocess.run(
        [sys.executable, "-m", "pipeline.cli"], cwd=folder, env=environment, capture_output=True, check=False
    )
    return {word.strip() for word in out.read_text().split("\n")}


def test_commands_options_runs_and_parameters_are_completed(tmp_path: Path) -> None:
    write(tmp_path / "runs" / "20260101-120000" / "run.json", {"started": "2026-01-01T00:00:00+00:00"})
    assert {"run", "runs", "rollback"} <= offered(tmp_path, "pawline r")
    assert "--resume" in offered(tmp_path, "pawline run --re")
    assert {"20260101-120000", "last"} <= offered(tmp_path, "pawline show ")
    assert "epochs=" in offered(tmp_path, "pawline run --param ep")
