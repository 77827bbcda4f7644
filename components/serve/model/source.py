"""Where the served bundle comes from: a folder, a store of objects, or MLflow's registry."""

import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from components.bundle.reader import MANIFEST, SEALED
from components.step.errors import DataError, ServiceError, UsageError, one_line
from components.storage.stores import Store, local_path, open_store
from components.tracking.events import without_passwords

if TYPE_CHECKING:
    from mlflow import MlflowClient

MLFLOW_MANNERS = {
    # MLflow would try for a quarter of an hour, and whoever starts a server without its registry would read nothing.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
DEFAULT_NAME = "classifier"


@dataclass(frozen=True, slots=True)
class Found:
    """A bundle's local folder, and the name and version its source knows it by; an empty version if none."""

    directory: Path
    name: str
    version: str


class Source(Protocol):
    """Finds the bundle to serve."""

    def revision(self) -> str:
        """Return what changes whenever there is another bundle to serve; costs little.

        Raises:
            DataError: there is no bundle.
            ServiceError: the source does not answer.
        """

    def bundle(self, revision: str) -> AbstractContextManager[Found]:
        """Return a context with the `Found` bundle of `revision`, whose folder may vanish with it; as `revision`."""


def open_source(uri: str) -> Source:
    """Return the source that `uri` names; nothing is read yet.

    Raises:
        UsageError: `uri` is of no known scheme.
    """
    if uri.startswith("models:"):
        return RegistrySource(uri)
    if uri.partition("://")[0].lower() == "s3":
        return StoreSource(open_store(uri))
    open_store(uri)  # Refuses what is no path.
    return FolderSource(local_path(uri))


class FolderSource:
    """A bundle in a folder."""

    def __init__(self, directory: Path) -> None:
        """Serve the bundle in `directory`."""
        self._directory = directory

    def revision(self) -> str:
        """Return the manifest's digest."""
        return _manifest_digest(open_store(str(self._directory)))

    @contextmanager
    def bundle(self, revision: str) -> Iterator[Found]:
        """Yield the folder itself."""
        yield Found(self._directory, DEFAULT_NAME, "")


class StoreSource:
    """A bundle in a bucket."""

    def __init__(self, store: Store) -> None:
        """Serve the bundle in `store`."""
        self._store = store

    def revision(self) -> str:
        """Return the manifest's digest."""
        return _manifest_digest(self._store)

    @contextmanager
    def bundle(self, revision: str) -> Iterator[Found]:
        """Yield a temporary folder with the bundle's files."""
        with tempfile.TemporaryDirectory(prefix="pawline-bundle-") as folder:
            for name in (MANIFEST, *SEALED):
                self._store.download(name, Path(folder) / name)
            yield Found(Path(folder), DEFAULT_NAME, "")


class RegistrySource:
    """A bundle logged to MLflow and registered there."""

    def __init__(self, uri: str) -> None:
        """Serve `uri`, `models:/name@alias` or `models:/name/version`, of the MLflow that the environment names.

        Raises:
            UsageError: `uri` is something else, or the environment names no MLflow.
        """
        parts = re.fullmatch(r"models:/([^/@]{1,128})(?:@([^/@]{1,128})|/([0-9]{1,9}))", uri)
        if not parts:
            raise UsageError(
                "A registered model must be models:/name@alias or models:/name/version. "
                f"Received: {one_line(uri, 120)}. Correct it."
            )
        if not (os.environ.get("MLFLOW_REGISTRY_URI") or os.environ.get("MLFLOW_TRACKING_URI")):
            raise UsageError(
                f"A registered model needs its MLflow. Received: {one_line(uri, 120)}, no MLFLOW_TRACKING_URI. Set it."
            )
        self._name, self._alias, self._version = parts.groups()

    def revision(self) -> str:
        """Return the version's number."""
        if self._version:
            return self._version
        with _mlflow_errors(f"models:/{self._name}@{self._alias}"):
            return str(_mlflow_client().get_model_version_by_alias(self._name, self._alias).version)

    @contextmanager
    def bundle(self, revision: str) -> Iterator[Found]:
        """Yield a temporary folder with the registered version's files."""
        uri = f"models:/{self._name}/{revision}"
        with tempfile.TemporaryDirectory(prefix="pawline-bundle-") as folder:
            with _mlflow_errors(uri):
                _mlflow_client()
                from mlflow.artifacts import download_artifacts

                download_artifacts(artifact_uri=uri, dst_path=folder)
            yield Found(Path(folder) / "bundle", self._name, revision)


def _mlflow_client() -> "MlflowClient":
    for name, value in MLFLOW_MANNERS.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient  # It takes a second to import; folders and buckets do without.

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    return MlflowClient()


@contextmanager
def _mlflow_errors(uri: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _no_answer(uri, error) from error
    except Exception as error:
        code = getattr(error, "error_code", None)  # MLflow's own class takes a second to import, so it is not named.
        if code is None:
            raise
        if code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise DataError(
                f"A registered model must be there. Received: {one_line(uri)}: {_shown(error)}. Check name and alias."
            ) from error
        raise _no_answer(uri, error) from error


def _no_answer(uri: str, error: Exception) -> ServiceError:
    where = os.environ.get("MLFLOW_REGISTRY_URI") or os.environ.get("MLFLOW_TRACKING_URI", "")
    return ServiceError(
        f"MLflow at {_shown(where)} must answer. Received: {one_line(uri)}: {_shown(error)}. Check its address and "
        "that it runs."
    )


def _shown(text: object) -> str:
    return one_line(without_passwords(str(text)))


def _manifest_digest(store: Store) -> str:
    return hashlib.sha256(store.read(MANIFEST)).hexdigest()
