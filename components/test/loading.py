"""The bundle that is tested: its ONNX network, which is what is served, so that nothing here needs Keras."""

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from components.bundle.manifest import Manifest
from components.inference.twin import NoFeatures, load_twin

log = logging.getLogger("pawline")


class AskedBundle(Protocol):
    """A verified bundle that answers for images, as `Twin` does."""

    @property
    def directory(self) -> Path:
        """Where it lies."""

    @property
    def manifest(self) -> Manifest:
        """What it says of itself."""

    @property
    def class_names(self) -> list[str]:
        """The classes in the order of the outputs."""

    @property
    def image_size(self) -> int:
        """Pixels a side of the network's input."""

    def predict_with_features(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the probabilities, `[N, classes]`, and what the head sees, `[N, D]`, of uint8 RGB `[N, H, W, 3]`."""


def load_tested(directory: Path) -> AskedBundle:
    """Return the bundle in `directory`, verified; one from before its ONNX network gave features by way of Keras.

    Raises:
        DataError: no bundle, a damaged one, one whose network does not give what it must, or one that wants Keras
            where there is none.
    """
    try:
        return load_twin(directory, features=True)
    except NoFeatures:
        if not find_spec("keras"):
            raise
    log.info("the bundle's ONNX network gives no features: tested by its Keras network")
    from components.bundle.reader import load_bundle

    return load_bundle(directory)
