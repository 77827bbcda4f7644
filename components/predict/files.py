"""The image files that a person names: single ones, folders with all that lies below, and their like in buckets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.step.addresses import file_path
from components.step.errors import DataError, one_line
from components.storage.store import Store
from components.storage.stores import open_store, split_uri

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp")


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file called `filename` by whoever named it or its folder; `store` has it as `name`."""

    filename: str
    store: Store
    name: str


@dataclass(frozen=True, slots=True)
class Found:
    """The files to label, how many others say by their names that they are no images, and what was left out why."""

    files: Sequence[ImageFile]
    others: int
    left_out: Mapping[str, str]


def find_files(sources: Sequence[str]) -> Found:
    """Return the files that `sources` name: files as they are, folders with the images below them, by name.

    Raises:
        UsageError: a source is of no known scheme.
        DataError: one is not there, or none has an image.
        ServiceError: a store does not answer.
    """
    files: list[ImageFile] = []
    left_out: dict[str, str] = {}
    others = 0
    for source in sources:
        if single := _single(source):
            files.append(single)
            continue
        below = sorted(_below(source, left_out), key=lambda file: file.name)
        images = [file for file in below if file.name.lower().endswith(SUFFIXES)]
        files += images
        others += len(below) - len(images)
    if not files:
        raise DataError(
            f"There must be an image to label. Received: {one_line(', '.join(sources))}, with files={others} and none "
            f"called {', '.join(SUFFIXES)}. Name another folder."
        )
    return Found(files, others, left_out)


def _single(source: str) -> ImageFile | None:
    """Return the file that `source` is, None if it is no single file."""
    if _is_s3(source):
        if source.endswith("/") or source.count("/") < 3:
            return None
        store, name = split_uri(source)
        return ImageFile(source, store, name) if store.exists(name) else None
    open_store(source)  # Refuses what is no path.
    path = file_path(source)
    # A link that is named itself is meant; only inside a folder may it not lead out.
    real = path.resolve() if path.is_file() else None
    return ImageFile(source, open_store(str(real.parent)), real.name) if real else None


def _below(source: str, left_out: dict[str, str]) -> Iterator[ImageFile]:
    """Yield the files below `source`; note in `left_out` by its name what the listing leaves out and why."""
    if not _is_s3(source) and not file_path(source).is_dir():
        raise DataError(f"The images must be there. Received: {one_line(source)}. Check its name.")
    store = open_store(source)
    for found in store.list(lambda name, why: left_out.update({f"{source.rstrip('/')}/{name}": why})):
        if not any(part.startswith(".") for part in Path(found.name).parts):  # What systems and editors put there.
            yield ImageFile(f"{source.rstrip('/')}/{found.name}", store, found.name)


def _is_s3(source: str) -> bool:
    return source.partition("://")[0].lower() == "s3"
