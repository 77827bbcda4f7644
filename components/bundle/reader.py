"""Reads a bundle: verified, loaded into Keras, and asked for its golden examples."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from components.bundle.boundary import check_archive, sound
from components.bundle.golden import check_golden, read_golden
from components.bundle.manifest import NETWORK, Manifest, read_manifest, verify_files

if TYPE_CHECKING:
    import keras
# Images that go through the network together, always: kernels choose by a batch's shape in which order they add up.
# More are hardly faster on a CPU; a single one is slower, and its bits depend on the number of cores.
TOGETHER = 8


@dataclass(frozen=True)
class Bundle:
    """A loaded and verified bundle."""

    directory: Path
    manifest: Manifest
    network: "keras.Model"

    @property
    def class_names(self) -> list[str]:
        """The classes in the order of the outputs."""
        return self.manifest.class_names

    @property
    def image_size(self) -> int:
        """Pixels a side of the network's input."""
        return self.manifest.image_size

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probabilities, float32 `[N, classes]`, of `images`, uint8 RGB `[N, H, W, 3]`."""
        return self.predict_with_features(images)[0]

    def predict_with_features(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the probabilities, `[N, classes]`, and what the head sees, `[N, D]`; both float32.

        An image gives the same bits wherever it stands among others, and on any number of cores.
        """
        from components.network.classifier import run_batches

        extractor, head = self._parts
        features = run_batches(extractor, images, TOGETHER, TOGETHER)
        # The product of two matrices adds up in another order in a batch's last rows on some processors (AVX2).
        return run_batches(head, features, TOGETHER, 1), features

    @cached_property
    def _parts(self) -> tuple["keras.Model", "keras.Model"]:
        from components.network.classifier import split

        return split(self.network)


def whole_batches(batch_size: int) -> int:
    """Return `batch_size`, at least 1, rounded up so that it is run in full batches.

    So the same samples meet in a batch of the network whatever the batch size is.
    """
    return -(-batch_size // TOGETHER) * TOGETHER


def load_bundle(directory: Path) -> Bundle:
    """Return the bundle in `directory`: digests verified before anything is loaded, golden examples after.

    Raises:
        DataError: no bundle, a damaged one, or one whose network does not give what it must.
    """
    manifest = read_manifest(directory)
    verify_files(directory, manifest)
    golden = read_golden(directory, manifest)
    network = load_network(directory)
    with sound(directory / NETWORK):
        outputs = run_network(network, golden.images)
    check_golden(golden, outputs, NETWORK)
    return Bundle(directory, manifest, network)


def load_network(directory: Path) -> "keras.Model":
    """Return the Keras network in `directory`, whose digest has been verified before.

    Raises:
        DataError: Keras refuses it.
    """
    from components.network.keras_runtime import keras

    path = directory / NETWORK
    with sound(path, f"Keras {keras.__version__}"):
        check_archive(path, path.stat().st_size)  # Keras packs nothing.
        return keras.models.load_model(path, compile=False, safe_mode=True)


def run_network(network: "keras.Model", images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what `network` gives for a few `images`, in one batch and without compiling."""
    from components.network.keras_runtime import keras

    return np.asarray(keras.ops.convert_to_numpy(network(images, training=False)), np.float32)
