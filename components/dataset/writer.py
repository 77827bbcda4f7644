"""Writing a dataset: parts first, each under the name of its content, then the table of samples, the manifest last.

A part that no dataset refers to does no harm: the next extract that comes to the same images finds it, and whoever
prunes a store removes it where no dataset has it and nobody can be about to refer to it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from components.dataset.part import Part
from components.dataset.sample_table import TABLE, Record, write_table
from components.dataset.snapshot import FORMAT_VERSION, MANIFEST, fingerprint, open_dataset
from components.dataset.unchanged import Digests, is_whole, sha256_of
from components.step.errors import DataError, ServiceError, one_line
from components.step.files import json_text, scratch_folder
from components.step.sealed_json import sealed
from components.storage.ranged_file import block_digests
from components.storage.store import Store
from components.storage.stores import open_store


def keep_part(store: Store, part: Part, path: Path) -> None:
    """Store the file at `path` as `part`, unless it is there; what is there is read to know that it is whole.

    Raises:
        ServiceError: the store failed.
    """
    if not is_whole(store, part.name, Digests(part.size, part.sha256)):
        store.upload(part.name, path)


def write_dataset(
    store_uri: str, records: Sequence[Record], parts: Mapping[str, Part], source_uri: Callable[[str], str]
) -> str:
    """Write the dataset of `records` below `store_uri`, unless it is there, each byte of it read; return its URI.

    Args:
        store_uri: where datasets are kept.
        records: its samples, in any order.
        parts: what was just written or found whole in the store's folder of parts, by name.
        source_uri: gives where the sample with some id came from.

    Raises:
        ServiceError: the store or the temporary folder cannot be written.
    """
    records = sorted(records, key=lambda record: record.sample)
    address = fingerprint(record.sample for record in records)
    store = open_store(f"{store_uri.rstrip('/')}/{address}")
    if not _is_there(store, parts):
        with temporary_folder() as folder:
            write_table(folder / TABLE, records, source_uri)
            manifest = _manifest(address, records, parts, folder / TABLE)
            (folder / MANIFEST).write_text(json_text(sealed(manifest)), encoding="utf-8")
            for name in (TABLE, MANIFEST):
                store.upload(name, folder / name)
    return store.uri()


def _is_there(store: Store, parts: Mapping[str, Part]) -> bool:
    try:
        return open_dataset(store.uri()).is_whole(parts)
    except DataError:  # Absent, or another's manifest.
        return False


def _manifest(address: str, records: Sequence[Record], parts: Mapping[str, Part], table: Path) -> dict[str, Any]:
    used = dict.fromkeys(record.place.part for record in records)
    with table.open("rb") as file:
        blocks = "".join(block_digests(file))
    return {
        "format_version": FORMAT_VERSION,
        "fingerprint": address,
        "class_names": sorted({record.sample.label for record in records}),
        "samples": len(records),
        "table": {"size": table.stat().st_size, "sha256": sha256_of(table), "blocks": blocks},
        "parts": [asdict(parts[name]) for name in used],
    }


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a temporary folder, removed afterwards; an OSError within is said to be its.

    Raises:
        ServiceError: it cannot be written, or is full.
    """
    try:
        with scratch_folder() as folder:
            yield folder
    except OSError as error:
        raise ServiceError(
            "The temporary folder must have room for what is written there. "
            f"Received: {one_line(error.strerror or error)}. Free space or set TMPDIR."
        ) from error
