"""Runs on a cluster: begun, found by what people call them, stopped, tried again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from components.step.errors import DataError, one_line
from components.step.nearest import did_you_mean
from pipeline.cluster.kfp_api import KfpApi
from pipeline.cluster.shapes import fitting, given
from pipeline.cluster.tasks import STATES, TASK, seconds_of

LAST = "last"
RUN = {
    "display_name": str,
    "state": str,
    "created_at": str,
    "finished_at": str,
    "pipeline_version_reference": {"pipeline_id": str, "pipeline_version_id": str},
    "pipeline_spec": {str: object},
    "runtime_config": {"parameters": {str: object}, "pipeline_root": str},
    "run_details": {"task_details": [TASK]},
}
ENDED = frozenset({"SUCCEEDED", "SKIPPED", "FAILED", "CANCELED"})


@dataclass(frozen=True, slots=True)
class ClusterRun:
    """A run: its id, name and KFP's word for its state; `answer` is what is read of what the KFP API says."""

    id: str
    name: str
    state: str
    answer: Mapping[str, Any]

    @property
    def ended(self) -> bool:
        """Tell whether it goes on no more."""
        return self.state in ENDED

    @property
    def status(self) -> str:
        """Return its state in the words of local runs."""
        return STATES.get(self.state, self.state.lower())

    @property
    def seconds(self) -> float | None:
        """Return how long it took; None while it goes on."""
        return seconds_of(self.answer, "created_at", "finished_at")

    def as_json(self) -> dict[str, Any]:
        """Return what a list says of it for programs."""
        begun = self.answer.get("created_at")
        return {"run_id": self.id, "name": self.name, "status": self.status, "started": begun, "seconds": self.seconds}


def is_run_id(text: str) -> bool:
    """Tell whether `text` is a run's id on a cluster."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def begin_run(kfp: KfpApi, body: Mapping[str, Any]) -> ClusterRun:
    """Begin the run in `body`, as the KFP API takes it.

    Raises:
        DataError: the server refuses it.
        ServiceError: it does not answer.
    """
    return _run(kfp.call("POST", "/runs", body=body))


def get_run(kfp: KfpApi, run_id: str) -> ClusterRun:
    """Return the run with this id; errors are as in `begin_run`, and `NotThere` where there is none."""
    return _run(kfp.get(f"/runs/{run_id}"))


def find_cluster_run(kfp: KfpApi, words: str) -> ClusterRun:
    """Return the run that `words` name: its id, `last`, or its name where no other has it.

    Raises:
        DataError: there is none, or several are called so.
        ServiceError: the server does not answer.
    """
    if is_run_id(words):
        return get_run(kfp, words.lower())
    runs = _newest_first(kfp)
    if words == LAST and (newest := next(runs, None)):
        return get_run(kfp, given(newest, "run_id"))
    named = [(str(item.get("display_name")), item) for item in runs]
    found = [given(item, "run_id") for name, item in named if name == words]
    if len(found) == 1:
        return get_run(kfp, found[0])
    hint = "" if found else did_you_mean(words, [one_line(name, 80) for name, _ in named])
    received = f"{one_line(words, 120)}, which {', '.join(found[:5])} have" if found else one_line(words, 120)
    raise DataError(
        f"A run of the cluster is named by its id, its name or {LAST}. Received: {received}. {hint}Give an id."
    )


def latest_runs(kfp: KfpApi, most: int) -> list[ClusterRun]:
    """Return the runs begun last, `most` of them at most, the last one first; errors are as in `begin_run`."""
    return [_run(item) for item in islice(_newest_first(kfp), most)]


def _newest_first(kfp: KfpApi) -> Iterator[dict[str, Any]]:
    return kfp.pages("/runs", "runs", {"sort_by": "created_at desc", **kfp.of_namespace})


def cancel_run(kfp: KfpApi, run: ClusterRun) -> None:
    """Stop `run`.

    Raises:
        DataError: it has ended.
        ServiceError: the server does not answer.
    """
    if run.ended:
        raise DataError(f"A run that goes on can be cancelled. Received: {_said(run)}. There is nothing to stop.")
    kfp.call("POST", f"/runs/{run.id}:terminate", body={})


def retry_run(kfp: KfpApi, run: ClusterRun) -> None:
    """Let `run` go on with what failed; what succeeded is kept.

    Raises:
        DataError: it has not failed.
        ServiceError: the server does not answer.
    """
    if run.state not in ("FAILED", "CANCELED"):
        advice = "Submit a new one" if run.ended else "Wait for it, or cancel it first"
        raise DataError(f"A run that failed can be tried again. Received: {_said(run)}. {advice}.")
    kfp.call("POST", f"/runs/{run.id}:retry", body={})


def _said(run: ClusterRun) -> str:
    return f"{one_line(run.name, 80)} ({run.id}), {run.state.lower()}"


def _run(answer: Any) -> ClusterRun:
    found = fitting(answer, RUN)
    return ClusterRun(given(answer, "run_id"), found.get("display_name", ""), found.get("state") or "PENDING", found)
