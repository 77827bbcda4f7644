"""The answers of two bundles to the same samples."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.dataset.batches import decoded_batches
from components.dataset.images import decode_image, model_input
from components.dataset.samples import Sample
from components.dataset.snapshot import Dataset
from components.inference.twin import Twin, load_twin
from components.promote.paired_evidence import ClassComparison, Comparison, compare, compare_classes
from components.step.progress import Progress


@dataclass(frozen=True, slots=True)
class PairedAnswers:
    """What champion and challenger said of `samples`: a class name each; `left_out` samples were not asked about."""

    samples: list[Sample]
    champion: list[str]
    challenger: list[str]
    left_out: int = 0

    def right(self, answers: Sequence[str]) -> NDArray[np.bool_]:
        """Return which of `answers` are the samples' labels, bool `[N]`."""
        return np.array([answer == s.label for answer, s in zip(answers, self.samples, strict=True)], np.bool_)

    def comparison(self, rate: float) -> Comparison | None:
        """Return how the two compare at the one-sided error `rate`, None without samples."""
        groups = [sample.group for sample in self.samples]
        return compare(self.right(self.champion), self.right(self.challenger), groups, rate, self.left_out)

    def classes(self, class_names: Sequence[str], rate: float) -> list[ClassComparison]:
        """Return how the two compare on each class."""
        labels, groups = [s.label for s in self.samples], [s.group for s in self.samples]
        return compare_classes(
            self.right(self.champion), self.right(self.challenger), labels, groups, class_names, rate
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """A bundle's ONNX twin by `name`, and what it said of images so far: the class by the image's sha256."""

    name: str
    twin: Twin
    known: dict[str, str] = field(default_factory=dict)

    def take(self, samples: Sequence[Sample], pixels: Sequence[NDArray[np.uint8]]) -> None:
        """Ask about those of `samples` that are new; `pixels`, uint8 `[H, W, 3]` each, are as the bundle sees them."""
        new = {s.sha256: image for s, image in zip(samples, pixels, strict=True) if s.sha256 not in self.known}
        if new:
            best = self.twin.predict(np.stack(list(new.values()))).argmax(axis=1)
            self.known.update((sha256, self.twin.class_names[at]) for sha256, at in zip(new, best, strict=True))


def answers_of(
    bundles: Sequence[Asked], dataset: Dataset, samples: Sequence[Sample], batch_size: int
) -> list[list[str]]:
    """Return the class that each of `bundles` gives each of `samples`, which lie in `dataset`.

    Each image is read and decoded once, however many are asked about it, and a bundle is asked about it once.

    Raises:
        DataError: the dataset does not hold a sample, or its image is damaged.
    """
    new = [s for s in samples if any(s.sha256 not in asked.known for asked in bundles)]
    sizes = {asked.twin.image_size for asked in bundles}

    def decode(data: bytes) -> dict[int, NDArray[np.uint8]]:
        image = decode_image(data)
        return {size: model_input(image, size) for size in sizes}

    with Progress(f"predicting with the {' and the '.join(a.name for a in bundles)}", len(new)) as progress:
        for batch, seen in decoded_batches(dataset, new, decode, batch_size) if new else ():
            for asked in bundles:
                asked.take(batch, [inputs[asked.twin.image_size] for inputs in seen])
            progress.advance(len(batch))
    return [[asked.known[sample.sha256] for sample in samples] for asked in bundles]


def ask(directory: Path, name: str) -> Asked:
    """Return the bundle in `directory`, verified, under the `name` that the log gives it; without TensorFlow.

    Raises:
        DataError: no bundle, a damaged one, or one whose network does not give what it must.
    """
    return Asked(name, load_twin(directory))
