"""A dataset whose reading is timed."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from components.dataset.samples import Sample
from components.dataset.snapshot import Dataset
from components.step.stopwatch import Stopwatch


@dataclass(frozen=True, slots=True)
class TimedDataset(Dataset):
    """`Dataset` that counts the time its store takes as `read`, whichever thread waits for it."""

    stopwatch: Stopwatch

    def images(self, samples: Sequence[Sample]) -> Iterator[tuple[Sample, bytes]]:
        """Yield what `Dataset.images` does."""
        images = Dataset.images(self, samples)
        while True:
            started = time.monotonic()
            found = next(images, None)
            self.stopwatch.add_beside("read", time.monotonic() - started)
            if found is None:
                return
            yield found


def timed(dataset: Dataset, stopwatch: Stopwatch) -> TimedDataset:
    """Return `dataset` with its reading timed."""
    return TimedDataset(dataset.store, dataset.fingerprint, dataset.class_names, dataset.content, stopwatch)
