"""Golden examples: a few real images with the probabilities that the network must give for them, wherever it runs."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from components.bundle.boundary import check_archive, check_file, sound
from components.bundle.manifest import GOLDEN, MANIFEST, MOST_BYTES, Manifest
from components.step.errors import DataError

TOLERANCE = 1e-4
MOST_EXAMPLES = 64  # Training writes 4; each is run before anything is served.
# Source: numpy.lib.format, "Format Version 1.0" and "2.0"; the third is for names of columns that are not Latin.
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


@dataclass(frozen=True, slots=True)
class Golden:
    """Real images, uint8 `[K, H, W, 3]`, and the probabilities they must give, float32 `[K, classes]`."""

    images: NDArray[np.uint8]
    probabilities: NDArray[np.float32]


def read_golden(directory: Path, manifest: Manifest | None = None) -> Golden:
    """Return the golden examples in `directory`; sizes and types are known before anything is inflated.

    With a `manifest`, they are of the image size and the classes that it says.

    Raises:
        DataError: the file holds something else, or what proves nothing about such a network.
    """
    path = directory / GOLDEN
    with sound(path):
        check_file(path, MOST_BYTES[GOLDEN])
        check_archive(path, MOST_BYTES[GOLDEN])
        with zipfile.ZipFile(path) as archive:
            golden = Golden(_array(archive, "images", "u"), _array(archive, "probabilities", "f"))
    if manifest:
        _check_fit(golden, manifest)
    return golden


def _check_fit(golden: Golden, manifest: Manifest) -> None:
    side, count = manifest.image_size, len(golden.images) if golden.images.ndim else 0
    shown = min(max(count, 1), MOST_EXAMPLES)
    expected = ((shown, side, side, 3), (shown, len(manifest.class_names)))
    found = (golden.images.shape, golden.probabilities.shape)
    if found != expected or not np.isfinite(golden.probabilities).all():
        raise DataError(
            f"The golden examples must be uint8 images and finite probabilities of shapes {expected}. "
            f"Received: {GOLDEN}: {golden.images.dtype} of shapes {found}. Train again."
        )


def _array(archive: zipfile.ZipFile, name: str, kind: str) -> NDArray[Any]:
    """Return the member `name`, of the `kind` of numbers that numpy calls so, 8 bytes each at most."""
    member = archive.getinfo(f"{name}.npy")
    with archive.open(member) as file:
        shape, dtype = _header(file)
    if dtype.kind != kind or (kind == "u" and dtype.itemsize > 1):
        raise ValueError(f"{name} of type {dtype}, read with allow_pickle=False")
    size = dtype.itemsize
    for length in shape:
        size *= length
    if not 0 <= size <= member.file_size:
        raise ValueError(f"{name} of shape {shape} in {member.file_size} bytes")
    with archive.open(member) as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"an array of format {version}")
    shape, _, dtype = _HEADERS[version](file)
    return shape, dtype


def check_golden(golden: Golden, probabilities: NDArray[np.float32], network: str) -> None:
    """Check what `network`, a file's name, gave for the golden images, within TOLERANCE.

    Raises:
        DataError: it gave something else.
    """
    same_shape = probabilities.shape == golden.probabilities.shape
    difference = float(np.abs(probabilities - golden.probabilities).max()) if same_shape else float("inf")
    if not difference <= TOLERANCE:
        raise DataError(
            f"The network must give its golden probabilities within {TOLERANCE}. "
            f"Received: {network} off by {difference:.2g}. Train again, or use the library versions in {MANIFEST}."
        )
