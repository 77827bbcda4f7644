"""Documents to images: each read once, its images and its record written, and at the end what follows from all."""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from components.ingest.documents import Document, check_settings, listed_documents
from components.ingest.manifest import (
    MANIFEST,
    Record,
    image_name,
    manifest_lines,
    read_record,
    record_of,
    record_text,
)
from components.ingest.taking import Settings, take
from components.ingest.tasks import ECOTAG, LABEL_STUDIO, ecotag_tasks, label_studio_tasks
from components.step.cores import available_cores
from components.step.errors import DataError, first_ten, one_line
from components.step.files import scratch_folder
from components.step.parallel import each_in_parallel
from components.step.progress import Progress
from components.storage.store import ObjectMissing, Store
from components.storage.stores import open_store

MAX_DOCUMENT_BYTES = 512 << 20
IMAGES, DOCUMENTS = "images", "documents"


@dataclass(frozen=True, slots=True)
class Ingested:
    """What came of it: records by document, how many of them were there already, and documents with their faults."""

    records: list[Record]
    kept: int
    faults: list[tuple[str, str]]

    @property
    def images(self) -> list[tuple[str, str]]:
        """Every image's name with its document's, which is its group."""
        return [(record.image_name(image), record.name) for record in self.records for image in record.images]


def ingest(source_uri: str, destination_uri: str, settings: Settings) -> Ingested:
    """Take the photos out of every PDF at `source_uri` and write them with their manifest to `destination_uri`.

    A document that was taken in before, and is as it was, is not read again. One that cannot be read is a fault.

    Raises:
        UsageError: a setting is not legal.
        DataError: there is no document, or none that can be read.
        ServiceError: a store failed.
    """
    check_settings(settings)
    source, target = open_store(source_uri), open_store(destination_uri)
    target.check_writable()
    documents, faults = listed_documents(source)
    there = _sizes(target)
    found: dict[str, Record | str] = {}
    kept = 0
    with Progress("reading documents", len(documents)) as progress:
        work = each_in_parallel(lambda d: _one(d, source, target, settings, there), documents, available_cores())
        for document, (result, was_there) in work:
            found[document.name], kept = result, kept + was_there
            progress.advance()
    records = [found[document.name] for document in documents]
    faults += [(d.file.name, r) for d, r in zip(documents, records, strict=True) if isinstance(r, str)]
    ingested = Ingested([record for record in records if isinstance(record, Record)], kept, sorted(faults))
    if not ingested.records:
        raise refusal(ingested, len(documents) + len(faults), source_uri)
    _finish(target, ingested)
    return ingested


def _sizes(target: Store) -> dict[str, int]:
    with suppress(ObjectMissing):  # The folder is made by the first upload.
        return {found.name: found.size for found in target.list()}
    return {}


def _one(
    document: Document, source: Store, target: Store, settings: Settings, there: dict[str, int]
) -> tuple[Record | str, bool]:
    """Return the document's record, or what is wrong with it, and whether the record was there."""
    place = f"{DOCUMENTS}/{document.name}.json"
    record = read_record(target.read(place)) if place in there else None
    if record and record.is_of(document.file, settings) and _all_there(record, there):
        return record, True
    if document.file.size > MAX_DOCUMENT_BYTES:
        return f"has {document.file.size:,} bytes, more than the limit of {MAX_DOCUMENT_BYTES:,}", False
    try:
        data = source.read(document.file.name, document.file, MAX_DOCUMENT_BYTES)
    except DataError as error:  # Removed or changed meanwhile, or damaged on its way.
        return getattr(error, "why", "cannot be read: it was changed or removed meanwhile"), False
    return _taken_in(document, data, source.uri(document.file.name), target, settings), False


def _all_there(record: Record, there: dict[str, int]) -> bool:
    return all(f"{IMAGES}/{record.image_name(image)}" in there for image in record.images)


def _taken_in(document: Document, data: bytes, uri: str, target: Store, settings: Settings) -> Record | str:
    with scratch_folder() as folder:
        (folder / "document.pdf").write_bytes(data)
        taken = take(folder / "document.pdf", folder, settings)
        if taken.fault:
            return taken.fault
        for image in taken.images:
            name = image_name(document.name, image.page, image.index)
            target.upload(f"{IMAGES}/{name}", folder / image.file)
        digest = hashlib.sha256(data).hexdigest()
        record = record_of(document.name, uri, document.file, digest, settings, taken)
        _write(target, f"{DOCUMENTS}/{document.name}.json", [record_text(record)])
    return record


def _finish(target: Store, ingested: Ingested) -> None:
    """Write what follows from all the records; the manifest comes last."""
    project = target.uri().rstrip("/").rpartition("/")[2]
    root = target.uri(IMAGES)
    _write(target, LABEL_STUDIO, [label_studio_tasks(ingested.images, root)])
    _write(target, ECOTAG, [ecotag_tasks(ingested.images, project)])
    _write(target, f"{IMAGES}/{MANIFEST}", manifest_lines(ingested.records))


def _write(target: Store, name: str, texts: Iterable[str]) -> None:
    with scratch_folder() as folder:
        with (folder / "text").open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(texts)
        target.upload(name, folder / "text")


def refusal(ingested: Ingested, of: int, source_uri: str) -> DataError:
    """Return the error that names what is wrong with some `of` the documents at `source_uri`."""
    named = [f"{one_line(name, 120)} {why}" for name, why in ingested.faults]
    return DataError(
        "Every document must be a PDF that can be read. "
        f"Received: {len(named)} of {of} in {one_line(source_uri)} are not: {first_ten(named)}. "
        "Correct or remove them, or leave them out with on_bad_document=drop."
    )
