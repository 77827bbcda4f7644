"""The answers of two bundles to the same samples."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.dataset.batches import image_batches
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

    def answers(self, dataset: Dataset, samples: Sequence[Sample], batch_size: int) -> list[str]:
        """Return the class that the bundle gives each of `samples`, which lie in `dataset`; each image is asked once.

        Raises:
            DataError: the dataset does not hold a sample, or its image is damaged.
        """
        if new := [sample for sample in samples if sample.sha256 not in self.known]:
            self._ask(dataset, new, batch_size)
        return [self.known[sample.sha256] for sample in samples]

    def _ask(self, dataset: Dataset, samples: Sequence[Sample], batch_size: int) -> None:
        names = self.twin.class_names
        with Progress(f"predicting with the {self.name}", len(samples)) as progress:
            for batch, pixels in image_batches(dataset, samples, self.twin.image_size, batch_size):
                best = self.twin.predict(pixels).argmax(axis=1)
                self.known.update((s.sha256, names[at]) for s, at in zip(batch, best, strict=True))
                progress.advance(len(batch))


def ask(directory: Path, name: str) -> Asked:
    """Return the bundle in `directory`, verified, under the `name` that the log gives it; without TensorFlow.

    Raises:
        DataError: no bundle, a damaged one, or one whose network does not give what it must.
    """
    return Asked(name, load_twin(directory))
