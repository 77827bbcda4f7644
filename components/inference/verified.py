"""A bundle's ONNX network, read once and verified, for whatever engine runs it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.bundle.boundary import sound
from components.bundle.golden import Golden, check_golden, read_golden
from components.bundle.manifest import MANIFEST, ONNX_NETWORK, Manifest, read_manifest, verify_files
from components.step.errors import DataError, one_line


@dataclass(frozen=True, slots=True)
class Verified:
    """A bundle whose files are those of its manifest; `digest` is the manifest's sha256, `network` the ONNX one."""

    directory: Path
    manifest: Manifest
    digest: str
    golden: Golden
    network: bytes

    def check(self, run: Callable[[NDArray[np.uint8]], NDArray[np.float32]]) -> None:
        """Check that `run`, uint8 `[N, H, W, 3]` to probabilities `[N, classes]`, gives the golden ones.

        Raises:
            DataError: it gives others, or fails.
        """
        with sound(self.directory / ONNX_NETWORK):
            check_golden(self.golden, run(self.golden.images), ONNX_NETWORK)


def read_verified(directory: Path) -> Verified:
    """Return the bundle in `directory`, of which nothing is needed afterwards.

    Raises:
        DataError: it is damaged, or changes meanwhile.
    """
    manifest = read_manifest(directory)
    verify_files(directory, manifest)
    digest = hashlib.sha256(_read(directory / MANIFEST)).hexdigest()
    network = _read(directory / ONNX_NETWORK)
    if hashlib.sha256(network).hexdigest() != manifest.files[ONNX_NETWORK]:
        raise DataError(f"A bundle must not change while it is read. Received: {one_line(directory)}. Start again.")
    return Verified(directory, manifest, digest, read_golden(directory, manifest), network)


def _read(path: Path) -> bytes:
    with sound(path):
        return path.read_bytes()
