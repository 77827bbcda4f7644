"""Where the served bundle comes from: a folder, a store of objects, or MLflow's registry."""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from components.bundle.boundary import check_file, damaged, sound
from components.bundle.manifest import MANIFEST, MOST_BYTES
from components.bundle.registered import other_digest
from components.bundle.signature import FILES, SIGNATURE, check_signature
from components.registry.connection import answering_or, registry_client
from components.registry.version import find_version
from components.signing.folder import MOST_BYTES as MOST_SIGNATURE_BYTES
from components.signing.trust import Trust
from components.step.addresses import file_path
from components.step.errors import DataError, UsageError, one_line
from components.step.files import scratch_folder
from components.storage.store import ObjectMissing, Store
from components.storage.stores import open_store
from components.tracking.events import without_passwords

DEFAULT_NAME = "classifier"
_NUMBER = "[0-9]{1,9}"


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


def open_source(uri: str, trust: Trust | None = None) -> Source:
    """Return the source that `uri` names; nothing is read yet. With `trust`, it has only what that has signed.

    Raises:
        UsageError: `uri` is of no known scheme.
    """
    source = _open_source(uri, copied=bool(trust))
    return SignedSource(source, trust) if trust else source


def _open_source(uri: str, copied: bool) -> Source:
    if uri.startswith("models:"):
        return RegistrySource(uri)
    if uri.partition("://")[0].lower() == "s3":
        return StoreSource(open_store(uri))
    open_store(uri)  # Refuses what is no path.
    return FolderSource(file_path(uri), copied)


class SignedSource:
    """What another source has, refused unless it is signed."""

    def __init__(self, source: Source, trust: Trust) -> None:
        """Serve what `source` has and `trust` has signed."""
        self._source, self._trust = source, trust

    def revision(self) -> str:
        """Return the other source's."""
        return self._source.revision()

    @contextmanager
    def bundle(self, revision: str) -> Iterator[Found]:
        """Yield what the other source finds, its signature checked."""
        with self._source.bundle(revision) as found:
            check_signature(found.directory, self._trust)
            yield found


class FolderSource:
    """A bundle in a folder."""

    def __init__(self, directory: Path, copied: bool = False) -> None:
        """Serve the bundle in `directory`; `copied`, from a copy of its files that nobody changes meanwhile."""
        self._directory, self._copied = directory, copied

    def revision(self) -> str:
        """Return the manifest's digest."""
        return _manifest_digest(open_store(str(self._directory)))

    @contextmanager
    def bundle(self, revision: str) -> Iterator[Found]:
        """Yield the folder itself, or the copy."""
        if not self._copied:
            yield Found(self._directory, DEFAULT_NAME, "")
            return
        with scratch_folder() as folder:
            for name in (*FILES, SIGNATURE):
                _copy(self._directory / name, folder / name)
            yield Found(folder, DEFAULT_NAME, "")


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
        for found in self._store.list():
            if found.size > (most := _most_bytes(found.name) or found.size):
                raise damaged(Path(found.name), f"{found.size} bytes, at most {most} are read")
        with scratch_folder() as folder:
            for name in FILES:
                self._store.download(name, folder / name)
            with suppress(ObjectMissing):
                self._store.download(SIGNATURE, folder / SIGNATURE)
            yield Found(folder, DEFAULT_NAME, "")


class RegistrySource:
    """A bundle logged to MLflow and registered there."""

    def __init__(self, uri: str) -> None:
        """Serve `uri`, `models:/name@alias` or `models:/name/version`, of the MLflow that the environment names.

        Raises:
            UsageError: `uri` is something else, or the environment names no MLflow.
        """
        parts = re.fullmatch(r"models:/([^/@]{1,128})(?:@([^/@]{1,128})|/(" + _NUMBER + "))", uri)
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
        uri = f"models:/{self._name}@{self._alias}"
        with _answering(uri):
            version = str(registry_client(os.environ).get_model_version_by_alias(self._name, self._alias).version)
        if not re.fullmatch(_NUMBER, version):
            raise _not_there(f"{uri}: version {version}")
        return version

    @contextmanager
    def bundle(self, revision: str) -> Iterator[Found]:
        """Yield a temporary folder with the registered version's files, which are those that were promoted."""
        uri = f"models:/{self._name}/{revision}"
        with scratch_folder() as folder:
            with _answering(uri):
                version = find_version(registry_client(os.environ), self._name, revision)
                from mlflow.artifacts import download_artifacts

                download_artifacts(artifact_uri=uri, dst_path=str(folder))
            directory = folder / "bundle"
            if version is None:
                raise _not_there(uri)
            if digest := other_digest(directory, version):
                raise DataError(
                    "A registered model must be the bundle that was promoted. Received: "
                    f"{one_line(uri)}: digest {digest}, its tag says {one_line(version.tag('digest'))}. Promote again."
                )
            yield Found(directory, self._name, revision)


def _most_bytes(name: str) -> int:
    """Return how many bytes of a bundle's file are read at most, 0 where there is no such file."""
    return {**MOST_BYTES, SIGNATURE: MOST_SIGNATURE_BYTES}.get(name, 0)


def _copy(path: Path, to: Path) -> None:
    """Copy the file at `path`, if there is one, of no more bytes than may be read."""
    if not path.exists():
        return  # Whoever needs it says so.
    with sound(path):
        check_file(path, _most_bytes(path.name))
        shutil.copyfile(path, to)


@contextmanager
def _answering(uri: str) -> Iterator[None]:
    where = os.environ.get("MLFLOW_REGISTRY_URI") or os.environ.get("MLFLOW_TRACKING_URI", "")
    rule = f"MLflow at {one_line(without_passwords(where))} must answer"
    with answering_or(rule, f"{one_line(uri)} is wanted from it; check its address and that it runs."):
        try:
            yield
        except Exception as error:
            # MLflow's own class takes a second to import, so it is not named.
            if getattr(error, "error_code", None) not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise
            raise _not_there(f"{uri}: {without_passwords(str(error))}") from error


def _not_there(received: str) -> DataError:
    said = one_line(received.rstrip(". "))
    return DataError(f"A registered model must be there. Received: {said}. Check name and alias.")


def _manifest_digest(store: Store) -> str:
    """Return the digest of the manifest in `store`, of which no more is read than one may have."""
    most = MOST_BYTES[MANIFEST]
    try:
        with store.open(MANIFEST) as file:
            content = file.read(most + 1)
    except ObjectMissing as error:
        raise DataError(
            f"A bundle must have its manifest. Received: {one_line(store.uri())}, without {MANIFEST}. "
            "Name a bundle's folder, or train one."
        ) from error
    if len(content) > most:
        received = one_line(store.uri(MANIFEST))
        raise DataError(
            f"A manifest must have at most {most} bytes. Received: {received}, which has more. Train again."
        )
    return hashlib.sha256(content).hexdigest()
