"""The dataset: an immutable snapshot of samples with their image bytes, addressed by its content.

`<dataset_store>/<fingerprint>/samples.parquet` and, written last, `dataset.json`; the images lie in parts in a folder
beside, which datasets share (`table_and_parts`); in format version 1, in parts of its own (`first_format`). Parquet
because DuckDB, pandas, Spark, Ray and Hugging Face `datasets` read it.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from components.dataset.first_format import FirstFormat
from components.dataset.part import Part
from components.dataset.samples import Sample
from components.dataset.table_and_parts import TableAndParts
from components.step.errors import DataError, first_ten, one_line
from components.step.sealed_json import unsealed
from components.storage.names import check_label
from components.storage.store import ObjectMissing, Store
from components.storage.stores import open_store

MANIFEST = "dataset.json"
FORMAT_VERSION = 2
# The names in a manifest without a digest of itself, which the newer format always has.
OLDER_NAMES = ("format_version", "fingerprint", "class_names", "samples", "parts")


class Content(Protocol):
    """The samples and images of a dataset, in one of its formats."""

    @property
    def parts(self) -> list[str]:
        """The parts' names, in the order of the samples."""

    def samples(self) -> list[Sample]:
        """Return every sample, in any order."""

    def images(self, wanted: dict[str, Sample]) -> Iterator[tuple[Sample, bytes]]:
        """Yield the samples of `wanted` that there are, with their images' bytes, and remove them from it."""

    def is_whole(self, known: Mapping[str, Part]) -> bool:
        """Tell whether each byte is the one written; of the parts `known` to be so, by name, none is read."""


FORMATS: Mapping[int, Callable[[Store, Mapping[str, Any]], Content]] = {1: FirstFormat, 2: TableAndParts}


def fingerprint(samples: Iterable[Sample]) -> str:
    """Return the dataset's address: sha256 over the sorted lines `[sample_id, sha256, label, group]`, in JSON.

    A split that came with the images and is kept makes a line's last item.
    """
    digest = hashlib.sha256()
    for sample in sorted(samples):
        given = [sample.given_split] if sample.given_split else []
        line = [sample.sample_id, sample.sha256, sample.label, sample.group, *given]
        digest.update(json.dumps(line, ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()


def open_dataset(uri: str) -> "Dataset":
    """Return the dataset at `uri`, its manifest read and checked.

    Raises:
        DataError: there is no complete dataset, or it is of another format version.
        ServiceError: the store does not answer.
    """
    store = open_store(uri)
    try:
        manifest = unsealed(store.read(MANIFEST), OLDER_NAMES)
        version = manifest["format_version"]
        if type(version) is int and version in FORMATS:
            return _described(store, manifest, FORMATS[version](store, manifest))
    except ObjectMissing as error:
        raise DataError(f"A dataset must have a {MANIFEST}. Received: {one_line(uri)}. Run extract again.") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"A dataset's {MANIFEST} must be as extract writes it. Received: {one_line(uri)}: {one_line(error, 160)}. "
            "Run extract again, which writes it anew."
        ) from error
    raise DataError(
        f"A dataset must have format version {' or '.join(map(str, FORMATS))}. "
        f"Received: {one_line(version, 40)} at {one_line(uri)}. Run extract again."
    )


def _described(store: Store, manifest: Mapping[str, Any], content: Content) -> "Dataset":
    if not isinstance(manifest["fingerprint"], str):
        raise TypeError("fingerprint")
    return Dataset(store, manifest["fingerprint"], [check_label(name) for name in manifest["class_names"]], content)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset that lies in `store`; `class_names` are sorted."""

    store: Store
    fingerprint: str
    class_names: list[str]
    content: Content

    @property
    def uri(self) -> str:
        """Where the dataset lies."""
        return self.store.uri()

    def samples(self) -> list[Sample]:
        """Return every sample, sorted by sample_id; no image is read.

        Raises:
            DataError: the samples are not those that the fingerprint stands for.
        """
        found = sorted(self.content.samples())
        labels = sorted({sample.label for sample in found})
        if fingerprint(found) != self.fingerprint or labels != self.class_names:
            raise DataError(
                f"A dataset must be unchanged since extract. Received: {one_line(self.uri)}. Run extract again."
            )
        return found

    def images(self, samples: Sequence[Sample]) -> Iterator[tuple[Sample, bytes]]:
        """Yield each of `samples` once with its image's bytes, in the dataset's order; memory holds some MB of them.

        Raises:
            DataError: an image is missing or its bytes are not those of its sha256.
        """
        wanted = {sample.sample_id: sample for sample in samples}
        yield from self.content.images(wanted)
        if wanted:
            raise DataError(
                "The dataset must hold every sample of the table. "
                f"Received: {first_ten(sorted(wanted))} not in {one_line(self.uri)}. "
                "Use the split tables made from this dataset."
            )

    def is_whole(self, known: Mapping[str, Part]) -> bool:
        """Tell whether each byte is the one written; of the parts `known` to be so, by name, none is read."""
        try:
            return self.content.is_whole(known) and bool(self.samples())
        except DataError:  # Whole files, which are not those of the manifest.
            return False
