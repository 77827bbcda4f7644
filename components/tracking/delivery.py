"""One queue's events as calls of MLflow's client, each made so that repeating it after a kill changes nothing."""

import json
import posixpath
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.step.addresses import file_uri, sqlite_path
from components.step.files import scratch_folder
from components.tracking.database import ARTIFACTS
from components.tracking.events import MAX_PARAMETER, MAX_TAG, legal_name
from components.tracking.mlflow_run import TOKEN_TAG, begun_before, create, of_whole_pipeline
from components.tracking.queue import State
from components.tracking.runs_view import VIEW_TAG

if TYPE_CHECKING:
    from mlflow import MlflowClient

MODEL = "model"
# What MLflow says of values it will never take; all else may be over tomorrow.
FOR_GOOD = ("INVALID_PARAMETER_VALUE", "INVALID_STATE")
MAX_PARAMETERS = 100
KIND = {"mlflow.experimentKind": "custom_model_development"}  # So that MLflow's page shows runs first, and not chats.


class Rejected(Exception):
    """An event that MLflow will never take."""


class Delivery:
    """Delivers to the run of `state`, which it keeps; `save` is called where a kill must not forget the state."""

    def __init__(self, client: "MlflowClient", state: State, save: Callable[[], None]) -> None:
        """Deliver through `client`."""
        self._client, self.state, self._save = client, state, save

    def deliver(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Deliver `events`: one, or several of kind "metrics".

        Raises:
            Rejected: MLflow will never take them.
            Exception: whatever MLflow raises where it could not be reached or refused for now.
        """
        from mlflow.exceptions import MlflowException

        kind = str(events[0].get("kind"))
        if kind != "start" and not self.state.run_id:
            raise Rejected("no run was begun")
        try:
            if kind == "metrics":
                self._metrics(events)
            elif method := self._methods().get(kind):
                method(events[0])
            else:
                raise Rejected("it is damaged on disk, or of another version of Pawline")
        except MlflowException as error:
            if error.error_code in FOR_GOOD:
                raise Rejected(str(error)) from error
            raise
        except FileNotFoundError as error:
            raise Rejected(str(error)) from error

    def end(self, status: str, continued: bool, time: int) -> None:
        """End the run as of `time`, unless it was begun by somebody else or a later step has had its say."""
        if not self.state.run_id or continued:
            return
        run = self._client.get_run(self.state.run_id).info
        if run.status == "RUNNING" or (run.end_time or 0) < time:
            self._client.set_terminated(self.state.run_id, status, time)

    def _methods(self) -> dict[str, Callable[[Mapping[str, Any]], None]]:
        return {
            "start": self._start,
            "tags": self._tags,
            "artifact": self._artifact,
            "model": self._model,
            "finish": self._finish,
        }

    def _start(self, event: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        if not self.state.run_id:
            self.state.run_id = self._begun(event)
            self._save()
        self._go_on(event["time"], bool(event["run_id"]))
        self._client.set_experiment_tag(self.state.experiment_id, *VIEW_TAG)
        self._tags(event)
        parameters = [Param(legal_name(name), value[:MAX_PARAMETER]) for name, value in event["parameters"].items()]
        for start in range(0, len(parameters), MAX_PARAMETERS):
            self._parameters(parameters[start : start + MAX_PARAMETERS])
        if event["dataset"]:
            self._dataset(event["dataset"])

    def _begun(self, event: Mapping[str, Any]) -> str:
        if event.get("known"):
            return str(event["known"])
        if event["run_id"]:
            return of_whole_pipeline(self._client, event["run_id"])
        experiment = event["experiment_id"] or experiment_id(self._client, event["experiment"])
        if found := begun_before(self._client, experiment, event):
            return found
        if self.state.creating:  # A kill came between creating the run and writing its id down.
            found_again = self._client.search_runs([experiment], f"tags.`{TOKEN_TAG}` = '{event['token']}'")
            if found_again:
                return str(found_again[0].info.run_id)
        self.state.creating = True
        self._save()
        return create(self._client, experiment, event)

    def _go_on(self, time: int, continued: bool) -> None:
        run = self._client.get_run(self.state.run_id).info
        self.state.experiment_id = run.experiment_id
        # One that ended later than `time` was gone on with by a step after this one.
        if not continued and run.status != "RUNNING" and (run.end_time or 0) < time:
            self._client.update_run(self.state.run_id, "RUNNING")

    def _tags(self, event: Mapping[str, Any]) -> None:
        from mlflow.entities import RunTag

        tags = [RunTag(legal_name(name), value[:MAX_TAG]) for name, value in event["tags"].items()]
        for start in range(0, len(tags), MAX_PARAMETERS):
            self._client.log_batch(self.state.run_id, tags=tags[start : start + MAX_PARAMETERS])

    def _parameters(self, parameters: "Sequence[Any]") -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.log_batch(self.state.run_id, params=parameters)
        except MlflowException as error:
            if error.error_code not in FOR_GOOD:
                raise
            if len(parameters) > 1:  # One that a run gone on with has already, with another value, must not cost all.
                for parameter in parameters:
                    self._parameters([parameter])

    def _dataset(self, dataset: Mapping[str, Any]) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        fingerprint = dataset["fingerprint"]
        entity = Dataset(
            name="pawline",
            digest=fingerprint[:36],  # MLflow's limit; the whole fingerprint is in the source.
            source_type="s3" if dataset["uri"].startswith("s3://") else "local",
            source=json.dumps({"uri": dataset["uri"], "fingerprint": fingerprint}),
            profile=json.dumps({"num_rows": dataset["samples"]}),
        )
        tag = InputTag("mlflow.data.context", "training")
        self._client.log_inputs(self.state.run_id, [DatasetInput(entity, [tag])])

    def _metrics(self, events: Sequence[Mapping[str, Any]]) -> None:
        from mlflow.entities import Metric

        # The queue's own times: MLflow's store takes the same metric of the same time once.
        metrics = [
            Metric(name, value, event["time"], event["step"])
            for event in events
            for name, value in event["metrics"].items()
        ]
        for start in range(0, len(metrics), 1000):
            self._client.log_batch(self.state.run_id, metrics=metrics[start : start + 1000])

    def _artifact(self, event: Mapping[str, Any]) -> None:
        path = Path(event["path"])
        path.stat()  # FileNotFoundError, which MLflow would call something else.
        self._upload(path, event["folder"])

    def _upload(self, path: Path, folder: str) -> None:
        for file in _files(path):
            below = file.parent.relative_to(path).as_posix() if path.is_dir() else "."
            self._client.log_artifact(self.state.run_id, str(file), posixpath.normpath(f"./{folder}/{below}"))
            self._beat()

    def _upload_model(self, model_id: str, folder: Path) -> None:
        for file in _files(folder):
            with scratch_folder() as alone:  # MLflow takes folders only.
                place = alone / file.relative_to(folder)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to(file.resolve())
                self._client.log_model_artifacts(model_id, str(alone))
            self._beat()

    def _beat(self) -> None:
        """Write down that a file was sent: whoever waits sees that it goes well."""
        self.state.beats += 1
        self._save()

    def _model(self, event: Mapping[str, Any]) -> None:
        from mlflow.exceptions import MlflowException

        from components.tracking.mlflow_model import write_model

        experiment = self._client.get_run(self.state.run_id).info.experiment_id
        with scratch_folder() as folder:
            try:
                model_id = self._logged_model(experiment)
            except MlflowException as error:
                if error.error_code not in ("ENDPOINT_NOT_FOUND", "NOT_IMPLEMENTED"):
                    raise
                model_id = ""  # MLflow before 3 has models only as files of their run.
            write_model(Path(event["path"]), folder, self.state.run_id, model_id)
            if not model_id:
                self._upload(folder, MODEL)
                return
            self._upload_model(model_id, folder)
            self._client.finalize_logged_model(model_id, "READY")

    def _logged_model(self, experiment: str) -> str:
        query = f"source_run_id = '{self.state.run_id}' AND name = '{MODEL}'"
        if found := self._client.search_logged_models([experiment], query):
            return str(found[0].model_id)
        return str(self._client.create_logged_model(experiment, MODEL, self.state.run_id).model_id)

    def _finish(self, event: Mapping[str, Any]) -> None:
        self.end(event["status"], bool(event.get("continued")), event["time"])


def _files(path: Path) -> list[Path]:
    """Return the file `path`, or all files below the folder `path`."""
    return sorted(found for found in path.rglob("*") if found.is_file()) if path.is_dir() else [path]


def experiment_id(client: "MlflowClient", name: str) -> str:
    """Return the id of the experiment called `name`, made if need be; where that was deleted, of `name`-2, and so on.

    MLflow keeps the name of a deleted experiment and takes no runs for it.
    """
    from mlflow.exceptions import MlflowException

    for free in chain([name], (f"{name}-{number}" for number in count(2))):
        found = client.get_experiment_by_name(free)
        if found and found.lifecycle_stage == "deleted":
            continue
        try:
            made = None if found else client.create_experiment(free, artifact_location(client.tracking_uri), KIND)
        except MlflowException:
            if not (found := client.get_experiment_by_name(free)):  # Another was faster, or it is refused.
                raise
        return str(found.experiment_id if found else made)
    raise AssertionError("there is always another number")


def artifact_location(tracking_uri: str) -> str | None:
    """Return where a new experiment keeps its files: beside an sqlite file, else None for the server's own choice.

    Without a server, MLflow would put them below whatever folder the process happens to stand in.
    """
    path = sqlite_path(tracking_uri.partition("?")[0])
    return file_uri(path.parent / ARTIFACTS) if path else None
