"""Golden examples: a few real images with the probabilities that the network must give for them, wherever it runs."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.bundle.manifest import GOLDEN, MANIFEST, damaged
from components.step.errors import DataError

TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Golden:
    """Real images, uint8 `[K, H, W, 3]`, and the probabilities they must give, float32 `[K, classes]`."""

    images: NDArray[np.uint8]
    probabilities: NDArray[np.float32]


def read_golden(directory: Path) -> Golden:
    """Return the golden examples in `directory`.

    Raises:
        DataError: the file holds something else.
    """
    try:
        with np.load(directory / GOLDEN, allow_pickle=False) as arrays:
            return Golden(arrays["images"], arrays["probabilities"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise damaged(directory / GOLDEN, error) from error


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
