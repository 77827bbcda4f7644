"""The model registry: versions of one registered model in MLflow, and the alias `champion` on one of them.

Each version points at the MLflow run in which its bundle was trained and tested. There its files have a folder of
their own, uploaded before the version is made: `model`, the bundle as an MLflow model, and `evidence`, what a later
challenger is compared with.
"""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.parameters.places import check_model_name
from components.registry.connection import answering_or, check_answers, registry_client
from components.registry.runs import NO_RUN, Run, find_or_make_run
from components.registry.version import PREFIX, Version, described, find_version, or_none
from components.step.errors import ServiceError
from components.step.files import scratch_folder
from components.tracking.database import make_database
from components.tracking.delivery import MODEL
from components.tracking.events import MAX_TAG, check_tracking_uri
from components.tracking.mlflow_model import write_model
from components.tracking.shared_run import whose_run

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION = "champion"
# Where a version keeps its bundle, within the MLflow model that it is, and what it is compared by, beside that.
BUNDLE, EVIDENCE = "bundle", "evidence"
VERSIONS = "registered"


def open_registry(environment: Mapping[str, str], model_name: str) -> "Registry | None":
    """Return the registry of `model_name` in the MLflow that `environment` names, None if it names none.

    Raises:
        UsageError: MLFLOW_TRACKING_URI or `model_name` is not legal.
        ServiceError: MLflow does not answer.
    """
    check_model_name(model_name)
    if not environment.get("MLFLOW_TRACKING_URI"):
        return None
    check_tracking_uri(environment["MLFLOW_TRACKING_URI"])
    with answering():
        make_database(environment["MLFLOW_TRACKING_URI"])
        given = dict(environment)  # Connecting writes to os.environ.
        client = registry_client(environment)
        check_answers(client, given)
        return Registry(client, model_name)


class Registry:
    """The versions of one registered model; every method raises ServiceError where MLflow does not answer."""

    def __init__(self, client: "MlflowClient", model_name: str) -> None:
        """Work on `model_name` through `client`; nothing is read or made yet."""
        self._client, self._name = client, model_name

    def champion_number(self) -> str:
        """Return the number of the version that the alias is on, "" if there is none."""
        with answering():
            model = or_none(self._client.get_registered_model, self._name)
            return str(model.aliases.get(CHAMPION, "")) if model else ""

    def version(self, number: str) -> Version | None:
        """Return the version called `number`, None if there is none."""
        with answering():
            return find_version(self._client, self._name, number) if number else None

    def versions(self) -> list[Version]:
        """Return every version, the oldest first."""
        with answering():
            found: list[Version] = []
            page: Any = None
            while page is None or page.token:
                token = page.token if page is not None else None
                page = self._client.search_model_versions(f"name='{self._name}'", 1000, page_token=token)
                found += [described(version) for version in page]
        return sorted(found, key=lambda version: int(version.number))

    def set_champion(self, number: str) -> None:
        """Put the alias on the version called `number`."""
        try:
            self._set_champion(number)
        except ServiceError:  # Two runs that make the first champion at once: MLflow refuses one of them, for now.
            self._set_champion(number)

    def _set_champion(self, number: str) -> None:
        with answering():
            self._client.set_registered_model_alias(self._name, CHAMPION, number)

    def set_tag(self, number: str, name: str, value: str) -> None:
        """Set our tag `name` of the version called `number`."""
        with answering():
            self._client.set_model_version_tag(self._name, number, PREFIX + name, value[:MAX_TAG])

    def download(self, version: Version, folder: str, into: Path) -> Path | None:
        """Write the BUNDLE or EVIDENCE of `version` below `into`; return where they lie, None if there are none."""
        import mlflow

        source = version.source.rstrip("/")
        uri = f"{source}/{folder}" if folder == BUNDLE else f"{source.removesuffix(f'/{MODEL}')}/{folder}"
        tracking = self._client.tracking_uri
        with answering():
            try:
                if not mlflow.artifacts.list_artifacts(artifact_uri=uri, tracking_uri=tracking):
                    return None
                place = mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(into), tracking_uri=tracking)
            except Exception as error:
                if _is_gone(error):
                    return None
                raise
        return Path(place)

    def run(self, whose: Mapping[str, str], queue_folder: Path | None = None) -> Run:
        """Return the MLflow run that a version is to come from; see `find_or_make_run`."""
        with answering():
            return find_or_make_run(self._client, whose, queue_folder)

    def add(
        self, bundle: Path, evidence: Path, tags: Mapping[str, str], description: str = "", run: Run = NO_RUN
    ) -> Version:
        """Upload `bundle` and the files in `evidence` to `run`, then make them a version; return it.

        Args:
            bundle: the folder that train wrote.
            evidence: a folder with what a later challenger is compared with.
            tags: of the version, without their prefix.
            description: of the version, Markdown.
            run: where the bundle was trained and tested; one of its own if that is not known.
        """
        run = run if run.id else self.run(whose_run(os.environ, name=f"promote {self._name}"))
        # A place of its own: the same bundle may become another version, with other evidence.
        place = f"{VERSIONS}/{secrets.token_hex(8)}"
        with answering():
            with scratch_folder() as folder:
                write_model(bundle, folder, run.id)
                self._client.log_artifacts(run.id, str(folder), f"{place}/{MODEL}")
            self._client.log_artifacts(run.id, str(evidence), f"{place}/{EVIDENCE}")
            with _suppress_existing():
                self._client.create_registered_model(self._name)
            named = {PREFIX + name: value[:MAX_TAG] for name, value in tags.items()}
            source = f"{run.artifact_uri}/{place}/{MODEL}"
            made = self._client.create_model_version(self._name, source, run.id, named, description=description)
        return described(made)


def answering() -> AbstractContextManager[None]:
    """Turn what MLflow, its database and the network raise into a ServiceError of one line."""
    return answering_or("The model registry must answer", "Nothing was promoted; check MLFLOW_TRACKING_URI.")


@contextmanager
def _suppress_existing() -> Iterator[None]:
    """Do nothing about what MLflow has already."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _is_gone(error: Exception) -> bool:
    """Say whether S3 says that there is no such thing, be it the bucket."""
    answer = getattr(error, "response", None)
    return isinstance(answer, dict) and answer.get("Error", {}).get("Code") in ("NoSuchBucket", "NoSuchKey", "404")
