"""A folder on disk as a store."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from components.step.errors import DataError, ServiceError, one_line
from components.step.files import atomic_write
from components.storage.names import check_name
from components.storage.store import ObjectChanged, ObjectMissing, StoredObject


class LocalStore:
    """A folder on disk."""

    def __init__(self, root: Path) -> None:
        """Stand for the folder `root`, which need not exist before the first upload."""
        self._root = root

    def uri(self, name: str = "") -> str:
        """Return the path of the object called `name`."""
        return str(self._root / name) if name else str(self._root)

    def list(self) -> Iterator[StoredObject]:
        """List the files below the folder, links to folders not followed."""
        if not self._root.is_dir():
            raise ObjectMissing(f"The folder must exist. Received: {one_line(self._root)}. Check the URI.")
        for folder, _, files in os.walk(self._root):
            relative = PurePosixPath(Path(folder).relative_to(self._root).as_posix())
            for file in files:
                yield from self._described(str(relative / file))

    def _described(self, name: str) -> Iterator[StoredObject]:
        try:
            found = (self._root / name).stat()
        except OSError:  # A dangling link, or a file removed while we look: as good as absent.
            return
        if stat.S_ISREG(found.st_mode):  # A pipe or device would block or never end.
            yield StoredObject(name, found.st_size, _local_etag(found))

    def read(self, name: str, expected: StoredObject | None = None) -> bytes:
        """Return the file's bytes; see `Store.read`."""
        with self.open(name) as file:
            data = file.read()
            etag = _local_etag(os.fstat(file.fileno()))
        if expected and (etag != expected.etag or len(data) != expected.size):
            raise ObjectChanged(
                f"A file must not change while it is read. Received: {one_line(self.uri(name))}. Run again."
            )
        return data

    def open(self, name: str) -> BinaryIO:
        """Open the file; see `Store.open`."""
        path = self._inside(name)
        try:
            return path.open("rb")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise ObjectMissing(f"The file must exist. Received: {one_line(path)}. Check the URI.") from error
        except OSError as error:
            raise ServiceError(
                f"The file must be readable. Received: {one_line(path)}: {error.strerror}. Check its permissions."
            ) from error

    def download(self, name: str, path: Path) -> None:
        """Copy the file to `path`; see `Store.download`."""
        with atomic_write(path) as temporary:
            temporary.write_bytes(self.read(name))

    def upload(self, name: str, path: Path) -> None:
        """Copy the file at `path` here; see `Store.upload`."""
        with atomic_write(self._inside(name)) as temporary, path.open("rb") as source, temporary.open("wb") as target:
            while block := source.read(1 << 20):
                target.write(block)

    def exists(self, name: str) -> bool:
        """Tell whether there is a file called `name`."""
        return self._inside(name).is_file()

    def check_writable(self) -> None:
        """Make a file for a moment in the folder, or in the next one above that is there; see `Store`."""
        folder = next(path for path in (self._root, *self._root.parents) if path.exists())
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise ServiceError(
                f"The folder must be writable. Received: {one_line(self._root)}: {error.strerror}. "
                "Check its permissions."
            ) from error

    def clear(self) -> None:
        """Remove the folder with all it holds; see `Store.clear`."""
        try:
            shutil.rmtree(self._root)
        except FileNotFoundError:
            return
        except OSError as error:
            raise ServiceError(
                f"The folder must be removable. Received: {one_line(self._root)}: {error.strerror}. "
                "Check its permissions."
            ) from error

    def _inside(self, name: str) -> Path:
        path = self._root / check_name(name)
        with suppress(RuntimeError):  # What pathlib makes of a link that leads to itself.
            if path.resolve().is_relative_to(self._root.resolve()):
                return path
        raise DataError(f"A link must not lead out of its folder. Received: {one_line(path)}. Remove the link.")


def _local_etag(found: os.stat_result) -> str:
    return f"{found.st_size}-{found.st_mtime_ns}"
