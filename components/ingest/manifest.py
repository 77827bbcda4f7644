"""Which image came from which page of which document: a record each document, and the manifest beside the images."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from components.ingest.taking import Settings, Taken, TakenImage
from components.step.errors import DataError, one_line
from components.step.files import json_text
from components.step.sealed_json import sealed, unsealed
from components.step.strict_json import read_json
from components.storage.names import check_label, check_name
from components.storage.store import ObjectMissing, Store, StoredObject

MANIFEST = "ingest.jsonl"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Record:
    """A document that was taken in; `name` is its path without the suffix, which is the group of its images."""

    name: str
    source: str
    etag: str
    size: int
    sha256: str
    settings: Settings
    images: list[TakenImage]
    left_out: list[tuple[int, int, str]]

    def is_of(self, found: StoredObject, settings: Settings) -> bool:
        """Tell whether taking `found` in with `settings` would give the same again."""
        return (self.etag, self.size, self.settings) == (found.etag, found.size, settings)

    def image_name(self, image: TakenImage) -> str:
        """Return what `image` is called below the folder of images."""
        return image_name(self.name, image.page, image.index)


def image_name(document: str, page: int, index: int) -> str:
    """Return what the image at `index` of `page` of `document` is called."""
    return f"{document}_page{page}_index{index}.png"


def record_of(name: str, source: str, found: StoredObject, digest: str, settings: Settings, taken: Taken) -> Record:
    """Return the record of the document `found`, from which `taken` came."""
    return Record(name, source, found.etag, found.size, digest, settings, taken.images, taken.left_out)


def record_text(record: Record) -> str:
    """Return `record` as sealed JSON."""
    return json_text(sealed({"format_version": VERSION, **asdict(record)}))


def read_record(data: bytes) -> Record | None:
    """Return the record in `data`, None where it is damaged or of another version: its document is read again."""
    try:
        values = unsealed(data, ())
        if values.pop("format_version") != VERSION:
            return None
        images = [TakenImage(**image) for image in values.pop("images")]
        left_out = [(page, index, why) for page, index, why in values.pop("left_out")]
        return Record(settings=Settings(**values.pop("settings")), images=images, left_out=left_out, **values)
    except (ValueError, KeyError, TypeError):
        return None


def manifest_lines(records: Iterable[Record]) -> Iterator[str]:
    """Yield the manifest, a line an image."""
    for record in records:
        for image in record.images:
            line = {"image": record.image_name(image), "document": record.name, "page": image.page}
            line |= {"index": image.index, "sha256": image.sha256, "width": image.width, "height": image.height}
            line |= {"source": record.source, "source_sha256": record.sha256}
            yield json.dumps(line, ensure_ascii=False) + "\n"


def documents_of(images: Store) -> Mapping[str, str]:
    """Return the document of each image in `images`, by name, from the manifest beside them; empty without one.

    Raises:
        DataError: the manifest is damaged.
        ServiceError: the store failed.
    """
    try:
        data = images.read(MANIFEST)
    except ObjectMissing:
        return {}
    return dict(_named(data, images.uri(MANIFEST)))


def _named(data: bytes, where: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(data.split(b"\n"), 1):
        if line:
            yield _image_and_document(line, f"{where}, line {number}")


def _image_and_document(line: bytes, where: str) -> tuple[str, str]:
    try:
        found: Any = read_json(line)
        return check_name(found["image"], where), check_label(found["document"], where)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"A manifest of images must be as ingest wrote it. Received: {one_line(where, 160)}: "
            f"{one_line(error, 120)}. Run `pawline ingest` again, which writes it anew."
        ) from error
