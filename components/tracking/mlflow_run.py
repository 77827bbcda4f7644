"""The MLflow run that a step's events belong to: the one that a step before has begun, else a new one."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient

TOKEN_TAG = "pawline.queue"  # noqa: S105 - the name of a tag, not a secret
# Of which pipeline run it is, and the digest of the bundle that came out of it.
RUN_TAG, BUNDLE_TAG = "pawline.run", "pawline.bundle"
# The last that a training and a test say, each with the bundle's digest: whoever finds it knows that all has arrived.
TRAINED_TAG, TESTED_TAG = "pawline.trained", "pawline.tested"
NOTE_TAG = "mlflow.note.content"  # The run's description, in Markdown.
PARENT_TAG, KFP_TAG = "mlflow.parentRunId", "kfp.pipeline_run_id"


def begun_before(client: "MlflowClient", experiment: str, start: Mapping[str, Any]) -> str:
    """Return the id of the run in `experiment` that the event `start` goes on with, "" if none was begun.

    That is the run of the same pipeline run or, where a cluster took over the training from an earlier one, the newest
    that has trained the same bundle.
    """
    for tag, value in ((RUN_TAG, start.get("run")), (BUNDLE_TAG, start.get("bundle"))):
        if value and (found := client.search_runs([experiment], f"tags.`{tag}` = '{value}'", max_results=1)):
            return str(found[0].info.run_id)
    return ""


def of_whole_pipeline(client: "MlflowClient", run_id: str) -> str:
    """Return the run of the whole pipeline where `run_id` is the one that Kubeflow made of a step, else `run_id`."""
    parent = client.get_run(run_id).data.tags.get(PARENT_TAG)
    return parent if parent and KFP_TAG in client.get_run(parent).data.tags else run_id


def create(client: "MlflowClient", experiment: str, start: Mapping[str, Any]) -> str:
    """Make the run that the event `start` describes, with the tags by which it is found; return its id."""
    named = {TOKEN_TAG: start["token"], RUN_TAG: start.get("run"), BUNDLE_TAG: start.get("bundle")}
    tags = {name: value for name, value in named.items() if value}
    return str(client.create_run(experiment, start.get("began") or start["time"], tags, start["name"]).info.run_id)
