"""Which images and groups a model has been trained on, small enough to keep with each version of it.

A champion that knows a test image has an advantage there that says nothing about new images.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.dataset.samples import Sample
from components.step.errors import DataError, one_line


@dataclass(frozen=True, slots=True)
class Seen:
    """The first 64 bits of the sha256 of each image and of each group's name, uint64, sorted, each once."""

    images: NDArray[np.uint64]
    groups: NDArray[np.uint64]

    def has(self, samples: Sequence[Sample]) -> NDArray[np.bool_]:
        """Return for each of `samples` whether its image or another of its group is among these, bool `[N]`."""
        found = seen(samples, unique=False)
        return np.isin(found.images, self.images) | np.isin(found.groups, self.groups)


def seen(samples: Iterable[Sample], unique: bool = True) -> Seen:
    """Return the images and groups of `samples`; not `unique`, one of each for each sample, in their order.

    Raises:
        DataError: a sample's sha256 is none.
    """
    pairs = [(_first_bits(sample.sha256), _hashed(sample.group)) for sample in samples]
    images, groups = (np.array(column, np.uint64) for column in (zip(*pairs, strict=True) if pairs else ((), ())))
    return Seen(np.unique(images), np.unique(groups)) if unique else Seen(images, groups)


def write_seen(path: Path, found: Seen) -> None:
    """Write `found` to `path`, an .npz file."""
    with path.open("wb") as file:
        np.savez_compressed(file, images=found.images, groups=found.groups)


def read_seen(path: Path) -> Seen:
    """Return what `write_seen` wrote to `path`.

    Raises:
        DataError: there is nothing, or something else.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = Seen(arrays["images"], arrays["groups"])
    except Exception as error:  # numpy, zipfile and zlib have no closed list of what they raise.
        raise _refusal(path, error) from error
    if any(values.dtype != np.uint64 or values.ndim != 1 for values in (found.images, found.groups)):
        raise _refusal(path, "other arrays")
    return found


def _first_bits(digest: str) -> int:
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise DataError(f"A sample's sha256 must be 64 digits. Received: {one_line(digest, 80)}. Run split again.")
    return int(digest[:16], 16)


def _hashed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _refusal(path: Path, what: object) -> DataError:
    return DataError(
        f"A champion's training samples must be as promote wrote them. Received: {path.name}: {one_line(what)}."
    )
