"""A folder on disk as a store."""

import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from components.step.errors import DataError, ServiceError, one_line
from components.step.files import atomic_write
from components.step.regular_files import MAX_BYTES, NotReadable, open_regular
from components.storage.names import check_name
from components.storage.store import (
    EMPTY_FOLDER,
    LEADS_BACK,
    LEADS_OUT,
    LeftOut,
    ObjectChanged,
    ObjectMissing,
    ObjectUnreadable,
    StoredObject,
    check_size,
    unnoted,
)

# Links behind links; folders that link to each other have more ways than files.
MAX_LINKS = 3


class LocalStore:
    """A folder on disk."""

    def __init__(self, root: Path) -> None:
        """Stand for the folder `root`, which need not exist before the first upload."""
        self._root, self._reads, self._lock = root, 0, threading.Lock()

    def uri(self, name: str = "") -> str:
        """Return the path of the object called `name`."""
        return str(self._root / name) if name else str(self._root)

    def list(self, left_out: LeftOut = unnoted) -> Iterator[StoredObject]:
        """List the files below the folder; links are followed inside of it, but not back up; see `Store.list`."""
        if not self._root.is_dir():
            raise ObjectMissing(f"The folder must exist. Received: {one_line(self._root)}. Check the URI.")
        yield from self._below(PurePosixPath(), (self._root.resolve(),), 0, left_out)

    def _below(
        self, folder: PurePosixPath, above: tuple[Path, ...], links: int, left_out: LeftOut
    ) -> Iterator[StoredObject]:
        try:
            entries = sorted(os.scandir(self._root / folder), key=lambda entry: entry.name)
        except OSError as error:
            return left_out(str(folder), f"is a folder that cannot be listed: {error.strerror}")
        if not entries and folder.parts:
            left_out(str(folder), EMPTY_FOLDER)
        for entry in entries:
            name, is_link = folder / entry.name, entry.is_symlink()
            if is_link and (why := self._why_not_followed(entry, above, links)):
                left_out(str(name), why)
            elif entry.is_dir():
                here = (*above, Path(entry.path).resolve()) if is_link else (*above, above[-1] / entry.name)
                yield from self._below(name, here, links + is_link, left_out)
            else:
                yield from _described(entry, str(name), left_out)

    def _why_not_followed(self, link: os.DirEntry[str], above: tuple[Path, ...], links: int) -> str:
        try:
            target = Path(link.path).resolve(strict=True)
        except (OSError, RuntimeError):  # RuntimeError: what pathlib makes of a link that leads to itself.
            return "is a link to nothing"
        if not target.is_relative_to(above[0]):
            return LEADS_OUT
        if target in above:
            return LEADS_BACK
        return f"is a link behind {MAX_LINKS} others" if target.is_dir() and links == MAX_LINKS else ""

    def read(self, name: str, expected: StoredObject | None = None, limit: int = MAX_BYTES) -> bytes:
        """Return the file's bytes; see `Store.read`."""
        with self.open(name) as file:
            check_size(self.uri(name), os.fstat(file.fileno()).st_size, limit)
            data = file.read(limit + 1)
            etag = _local_etag(os.fstat(file.fileno()))
        if expected and (etag != expected.etag or len(data) != expected.size):
            raise ObjectChanged(
                f"A file must not change while it is read. Received: {one_line(self.uri(name))}. Run again."
            )
        with self._lock:
            self._reads += 1
        return data

    def means(self) -> Mapping[str, int]:
        """Return how many files were read: a folder keeps no digests; see `Store.means`."""
        return {"nothing but size and time": self._reads}

    def open(self, name: str) -> BinaryIO:
        """Open the file; see `Store.open`."""
        path = self._inside(name)
        try:
            return open_regular(path)
        except IsADirectoryError as error:
            raise ObjectMissing(
                f"The file must exist. Received: {one_line(path)}, which is a folder. Name a file."
            ) from error
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ObjectMissing(f"The file must exist. Received: {one_line(path)}. Check the URI.") from error
        except NotReadable as error:
            raise DataError(
                f"A file must be a regular one. Received: {one_line(path)}, which {error.strerror}. Name a file."
            ) from error
        except OSError as error:
            raise ObjectUnreadable(
                f"The file must be readable. Received: {one_line(path)}: {error.strerror}. Check its permissions.",
                f"cannot be read: {error.strerror}",
            ) from error

    def download(self, name: str, path: Path) -> None:
        """Copy the file to `path`; see `Store.download`."""
        with self.open(name) as source, atomic_write(path) as temporary, temporary.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)

    def upload(self, name: str, path: Path) -> None:
        """Copy the file at `path` here; see `Store.upload`."""
        with atomic_write(self._inside(name)) as temporary, path.open("rb") as source, temporary.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)

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


def _described(entry: os.DirEntry[str], name: str, left_out: LeftOut) -> Iterator[StoredObject]:
    try:
        found = entry.stat()
    except OSError:  # Removed while we look: as good as absent.
        return
    if stat.S_ISREG(found.st_mode):
        yield StoredObject(name, found.st_size, _local_etag(found), found.st_mtime)
    else:  # It would block or never end.
        left_out(name, "is a pipe, a socket or a device")


def _local_etag(found: os.stat_result) -> str:
    return f"{found.st_size}-{found.st_mtime_ns}"
