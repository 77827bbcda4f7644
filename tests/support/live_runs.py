"""Runs on a real KFP by Pawline's own commands, and their pods."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.live_cluster import Document, LiveCluster

ROOT = Path(__file__).parents[2]
RUN_SECONDS = 1200.0  # Argo's and the drivers' own time is most of a run's.
ENDED = ("succeeded", "failed", "stopped")
NAME = "app.kubernetes.io/name"


@dataclass(frozen=True)
class LiveRuns:
    """Runs with `parameters` in the namespace of `cluster`; `folder` has what was compiled."""

    cluster: LiveCluster
    folder: Path
    parameters: Mapping[str, Any]

    def said(self, *words: str) -> list[str]:
        """Return the lines that `pawline words` prints, which must succeed."""
        command = [sys.executable, "-m", "pawline", *words]
        own = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=self.folder, env=own, capture_output=True, text=True, timeout=RUN_SECONDS)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def answer(self, *words: str) -> Any:
        """Return the JSON that it prints."""
        return json.loads("\n".join(self.said(*words, "--json")))

    def write_parameters(self, **given: Any) -> str:
        """Write a configuration with the parameters and `given`; return its name."""
        name = f"{uuid.uuid4().hex[:8]}.yaml"
        (self.folder / name).write_text(json.dumps({**self.parameters, **given}))
        return name

    def submitted(self, **given: Any) -> str:
        """Return the id of a run that has begun."""
        file = self.write_parameters(**given)
        return str(self.answer("submit", "--config", file, "--name", f"test-{file}")["run_id"])

    def ended(self, run_id: str) -> dict[str, Any]:
        """Return what `pawline status` says of a run once it has ended."""

        def look() -> Any:
            found = self.answer("status", run_id)
            return found["status"] in ENDED and found

        return self.cluster.eventually(look, RUN_SECONDS)

    def step_pods(self, run_id: str) -> dict[str, Document]:
        """Return the pods in which the run's steps are, by step, the last of each."""
        pods = self.cluster.get("pods", f"--selector=pipeline/runid={run_id}")["items"]
        pods.sort(key=lambda pod: pod["metadata"]["creationTimestamp"])
        found = {pod["metadata"]["labels"].get(NAME, "").removeprefix("pawline-"): pod for pod in pods}
        return {step: pod for step, pod in found.items() if step}

    def running(self, run_id: str, step: str) -> str:
        """Return the name of the pod of `step` if it runs, else nothing."""
        pod = self.step_pods(run_id).get(step)
        return str(pod["metadata"]["name"]) if pod and pod["status"].get("phase") == "Running" else ""

    def placed(self, run_id: str) -> dict[str, str]:
        """Return the nodes that the steps' pods have got, by step."""
        nodes = {step: pod["spec"].get("nodeName") for step, pod in self.step_pods(run_id).items()}
        return {step: node for step, node in nodes.items() if node}
