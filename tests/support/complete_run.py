"""A complete `pawline run` in a process of its own, and what it left behind."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.step.own_processes import own_environment
from tests.support.patience import PATIENCE


@dataclass(frozen=True)
class CompleteRun:
    """A run's exit code, what it printed and its folder."""

    exit_code: int
    printed: str
    folder: Path

    def text(self, step: str, artifact: str) -> str:
        """Return the text of a step's artifact."""
        return (self.folder / step / artifact).read_text(encoding="utf-8")

    def json(self, step: str, artifact: str) -> Any:
        """Return the content of a step's JSON artifact."""
        return json.loads(self.text(step, artifact))

    @property
    def dataset_uri(self) -> str:
        """Where the run's dataset lies."""
        record = json.loads((self.folder / "run.json").read_text())
        return next(step["outputs"]["dataset_uri"] for step in record["steps"] if step["name"] == "extract")


def complete_run(
    runs: Path, run_id: str, *options: str, surroundings: Mapping[str, str] | None = None, **parameters: object
) -> CompleteRun:
    """Run `pawline run` below `runs`, with `options`, `parameters` and variables `surroundings`; wait for its end."""
    given = [word for name, value in parameters.items() for word in ("--param", f"{name}={value}")]
    command = [sys.executable, "-m", "pipeline.cli", "run", "--runs", str(runs), "--run-id", run_id, *options, *given]
    environment = own_environment({**os.environ, "PYTHONPATH": "", **(surroundings or {})})
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=runs.parent, env=environment, timeout=2 * PATIENCE, check=False
    )
    return CompleteRun(done.returncode, done.stdout + done.stderr, runs / run_id)
