"""What a training learns from: features, pixels or both, of the train and the validation samples."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.dataset.samples import Sample
from components.dataset.snapshot import Dataset
from components.engine.opening import OpenEngine
from components.features.cache import default_cache_uri, open_feature_cache
from components.features.extraction import extract_features
from components.features.pixel_cache import decoded_pixels
from components.network.keras_runtime import keras
from components.step.stopwatch import Stopwatch
from components.train.examples import Examples

GOLDEN_COUNT = 4


@dataclass(frozen=True, slots=True)
class Pair:
    """Examples to learn from and to watch."""

    train: Examples
    validation: Examples


@dataclass(frozen=True, slots=True)
class Material:
    """Features and pixels as far as they were asked for, and a few validation images, uint8 `[K, H, W, 3]`."""

    features: Pair | None
    pixels: Pair | None
    golden_images: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Source:
    """Samples of a dataset, the train ones first, and where their pixels and features are kept meanwhile.

    `open_engine` says who computes the features.
    """

    dataset: Dataset
    train: Sequence[Sample]
    validation: Sequence[Sample]
    pixel_folder: Path
    cache_uri: str
    open_engine: OpenEngine = nullcontext

    @property
    def samples(self) -> list[Sample]:
        """Train samples, then validation samples."""
        return [*self.train, *self.validation]

    def pair(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> Pair:
        """Return `inputs`, in the order of `samples`, with their classes, cut in two."""
        names = {name: index for index, name in enumerate(self.dataset.class_names)}
        labels = np.array([names[sample.label] for sample in self.samples], np.int64)
        cut = len(self.train)
        return Pair(Examples(inputs[:cut], labels[:cut]), Examples(inputs[cut:], labels[cut:]))


def gather(
    extractor: "keras.Model", source: Source, needs_features: bool, needs_pixels: bool, stopwatch: Stopwatch
) -> Material:
    """Return the material for a training; pixels, and many features, lie in mapped files in `source.pixel_folder`.

    Raises:
        DataError: an image is missing, damaged or cannot be decoded.
    """
    golden, image_size = golden_samples(source.validation), extractor.input_shape[1]
    features = pixels = None
    images: dict[str, NDArray[np.uint8]] = {}
    decoded: NDArray[np.uint8] | None = None
    if needs_pixels:
        with stopwatch.measured("decode"):
            decoded = decoded_pixels(source.dataset, source.samples, image_size, source.pixel_folder)
        pixels = source.pair(decoded)
        images = {s.sample_id: decoded[row] for row, s in enumerate(source.samples) if s.sample_id in golden}
    if needs_features:
        with stopwatch.measured("features"):
            cache = open_feature_cache(source.cache_uri or default_cache_uri(source.dataset.uri), extractor, image_size)
            with source.open_engine() as cluster:
                values, kept = extract_features(
                    extractor, source.dataset, source.samples, golden, cache, decoded, source.pixel_folder, cluster
                )
        features, images = source.pair(values), images or kept
    return Material(features, pixels, np.stack([images[sample_id] for sample_id in golden]))


def golden_samples(validation: Sequence[Sample]) -> list[str]:
    """Return the ids of a few samples, of different classes as far as there are."""
    first_of_class = {sample.label: sample.sample_id for sample in reversed(validation)}
    ids = [*sorted(first_of_class.values()), *(sample.sample_id for sample in validation)]
    return list(dict.fromkeys(ids))[:GOLDEN_COUNT]
