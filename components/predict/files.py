"""The image files that a person names: single ones, folders with all that lies below, and their like in buckets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.step.errors import DataError, one_line
from components.storage.store import Store
from components.storage.stores import local_path, open_store, split_uri

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp")


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file called `filename` by whoever named it or its folder; `store` has it as `name`."""

    filename: str
    store: Store
    name: str


@dataclass(frozen=True, slots=True)
class Found:
    """The files to label, and how many others were in the folders, whose names say that they are no images."""

    files: Sequence[ImageFile]
    others: int


def find_files(sources: Sequence[str]) -> Found:
    """Return the files that `sources` name: files as they are, folders with the images below them, by name.

    Raises:
        UsageError: a source is of no known scheme.
        DataError: one is not there, or none has an image.
        ServiceError: a store does not answer.
    """
    files: list[ImageFile] = []
    others = 0
    for source in sources:
        if single := _single(source):
            files.append(single)
            continue
        below = sorted(_below(source), key=lambda file: file.name)
        files += [file for file in below if file.name.lower().endswith(SUFFIXES)]
        others += len(below)
    if not files:
        raise DataError(
            f"There must be an image to label. Received: {one_line(', '.join(sources))}, with files={others} and none "
            f"called {', '.join(SUFFIXES)}. Name another folder."
        )
    return Found(files, others - sum(1 for file in files if file.filename not in sources))


def _single(source: str) -> ImageFile | None:
    """Return the file that `source` is, None if it is no single file."""
    if _is_s3(source):
        if source.endswith("/") or source.count("/") < 3:
            return None
        store, name = split_uri(source)
        return ImageFile(source, store, name) if store.exists(name) else None
    open_store(source)  # Refuses what is no path.
    path = local_path(source)
    # A link that is named itself is meant; only inside a folder may it not lead out.
    real = path.resolve() if path.is_file() else None
    return ImageFile(source, open_store(str(real.parent)), real.name) if real else None


def _below(source: str) -> Iterator[ImageFile]:
    if not _is_s3(source) and not local_path(source).is_dir():
        raise DataError(f"The images must be there. Received: {one_line(source)}. Check its name.")
    store = open_store(source)
    for found in store.list():
        if not any(part.startswith(".") for part in Path(found.name).parts):  # What systems and editors put there.
            yield ImageFile(f"{source.rstrip('/')}/{found.name}", store, found.name)


def _is_s3(source: str) -> bool:
    return source.partition("://")[0].lower() == "s3"
