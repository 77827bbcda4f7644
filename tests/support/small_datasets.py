"""Datasets of small images made by hand, as extract writes them."""

import hashlib
import random
import tempfile
from pathlib import Path

from components.dataset.part import Image, Part, Place, write_part
from components.dataset.sample_table import Record
from components.dataset.samples import Sample
from components.dataset.snapshot import Dataset, open_dataset
from components.dataset.writer import keep_part, write_dataset
from components.storage.folder import LocalStore

COUNT = 30


def image_of(index: int) -> bytes:
    return random.Random(index).randbytes(800 + index)  # noqa: S311 — small real bytes, the same everywhere.


def sample(index: int) -> Sample:
    data = image_of(index)
    label = ("cat", "dog", "👍 <b>")[index % 3]
    return Sample(f"folder/{index:02}.png", label, f"doc {index // 2}", hashlib.sha256(data).hexdigest(), 3 + index, 4)


SAMPLES = [sample(index) for index in range(COUNT)]
IMAGES = {sample(index).sample_id: image_of(index) for index in range(COUNT)}


def part_of(store: Path, samples: list[Sample], folder: Path) -> tuple[Part, list[Place]]:
    """Write the images of `samples` as one part in the dataset store at `store`."""
    images = [Image(IMAGES[s.sample_id], s.sha256, s.width, s.height) for s in samples]
    part, places = write_part(folder / "part", images)
    keep_part(LocalStore(store / "parts"), part, folder / "part")
    return part, places


def write(store: Path, samples: list[Sample] = SAMPLES, per_part: int = COUNT) -> Dataset:
    """Write `samples` as a dataset in `store`, `per_part` images a part."""
    records, parts, ordered = [], {}, sorted(samples)
    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, len(samples), per_part):
            some = ordered[start : start + per_part]
            part, places = part_of(store, some, Path(folder))
            parts[part.name] = part
            records += [Record(s, "etag", place) for s, place in zip(some, places, strict=True)]
    return open_dataset(write_dataset(str(store), records[::-1], parts, lambda name: f"s3://bucket/{name}"))


def paths_of(dataset: Dataset) -> dict[str, Path]:
    """Return every file of `dataset` by name: manifest, table and parts."""
    own = sorted(Path(dataset.uri).iterdir())
    return {
        path.name: path for path in [*own, *(Path(dataset.uri).parent / "parts" / p for p in dataset.content.parts)]
    }


def files_of(dataset: Dataset) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in paths_of(dataset).items()}
