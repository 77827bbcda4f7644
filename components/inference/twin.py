"""A bundle asked about many images through its ONNX network; nothing here knows Keras."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.bundle.boundary import damaged, sound
from components.bundle.manifest import ONNX_NETWORK, Manifest
from components.inference.batch_engine import BatchEngine
from components.inference.verified import read_verified
from components.onnx_twin.ends import FEATURES
from components.step.errors import DataError, one_line


@dataclass(frozen=True)
class Twin:
    """A verified bundle and its `engine`, which gives the probabilities and, if so loaded, what the head sees."""

    directory: Path
    manifest: Manifest
    engine: BatchEngine

    @property
    def class_names(self) -> list[str]:
        """The classes in the order of the outputs."""
        return self.manifest.class_names

    @property
    def image_size(self) -> int:
        """Pixels a side of the network's input."""
        return self.manifest.image_size

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probabilities, float32 `[N, classes]`, of `images`, uint8 RGB `[N, H, W, 3]`, N > 0."""
        return self.engine.run(images)[0]

    def predict_with_features(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the probabilities, `[N, classes]`, and what the head sees, `[N, D]`; both float32.

        An image gives the same bits wherever it stands among others, and on any number of cores.
        """
        probabilities, features = self.engine.run(images)
        return probabilities, features


class NoFeatures(DataError):
    """A bundle, whole but for that, whose ONNX network does not give what the head sees."""


def load_twin(directory: Path, features: bool = False) -> Twin:
    """Return the bundle in `directory`: digests verified before anything is loaded, golden examples after.

    Raises:
        NoFeatures: `features` are wanted of a bundle from before there were any.
        DataError: no bundle, a damaged one, or one whose network does not give what it must.
    """
    bundle = read_verified(directory)
    with sound(directory / ONNX_NETWORK):
        engine = BatchEngine(bundle.network, [FEATURES] if features else [])
    if missing := engine.missing:
        raise NoFeatures(
            f"A bundle must give {', '.join(missing)} by ONNX where there is no Keras. Received: "
            f"{one_line(directory)}, format_version={bundle.manifest.format_version}. "
            "Train again, or test where train runs."
        )
    bundle.check(lambda images: engine.run(images)[0])
    twin = Twin(directory, bundle.manifest, engine)
    if features and (seen := twin.predict_with_features(bundle.golden.images[:1])[1]).ndim != 2:
        raise damaged(directory / ONNX_NETWORK, f"features of shape {seen.shape}")
    return twin
