"""How the steps of a pipeline run share one run in MLflow: by its name and, on one machine, by a folder for events.

On a cluster each step keeps its events for itself, and sends them before it ends.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from components.step.pipeline_run import RUN, run_name

EXPERIMENT = "pawline"
QUEUE = "PAWLINE_TRACKING_QUEUE"


def run_key(environment: Mapping[str, str]) -> str:
    """Return what tells the pipeline run from all others, "" if the environment names none."""
    return re.sub(r"[^\w.-]", "_", environment.get(RUN, ""))[:200]


def is_sent_later(environment: Mapping[str, str]) -> bool:
    """Return whether whoever started the step sends its events after its end, so that it need not wait for that."""
    return bool(environment.get(QUEUE))


def queue_folder(output: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """Return where a step keeps its events: with those of its pipeline run, else beside its `output`."""
    return Path(environment.get(QUEUE) or output.absolute().parent / "tracking-queue")


def whose_run(environment: Mapping[str, str], bundle: str = "", name: str = "") -> dict[str, str]:
    """Return by what the MLflow run of a step is found or made: as the environment says, and the digest of `bundle`."""
    return {
        "name": run_name(environment) or name,
        "run": run_key(environment),
        # Nothing of a run on this machine was taken over from an earlier one: the same bundle again is another run.
        "bundle": "" if is_sent_later(environment) else bundle,
        "run_id": environment.get("MLFLOW_RUN_ID", ""),
        "experiment": environment.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT,
        "experiment_id": environment.get("MLFLOW_EXPERIMENT_ID", ""),
    }
