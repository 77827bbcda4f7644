"""What a training shows beside its report: TensorBoard's logs and the model card."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from components.bundle.model_card import write_model_card
from components.dataset.batches import image_batches
from components.dataset.samples import Sample
from components.dataset.snapshot import Dataset
from components.features.unnamed_file import take_rows
from components.tracking.tensorboard import ScalarLog, Watched, write_tensorboard
from components.train.epoch import Epoch
from components.train.fitting import OnEpoch

if TYPE_CHECKING:
    import keras

    from components.bundle.manifest import Provenance

MOST_WATCHED = 300  # Seconds of work, and as many thumbnails as a person looks at.
BATCH_SIZE = 32


@dataclass(frozen=True, slots=True)
class Seen:
    """The validation samples with the features, float32 `[N, D]`, that the head sees of them.

    `pixels`, uint8 `[N, H, W, 3]`, are there if the training has decoded them; the images are in `dataset` anyway.
    """

    dataset: Dataset
    validation: Sequence[Sample]
    features: NDArray[np.float32]
    pixels: NDArray[np.uint8] | None


@contextmanager
def scalars(folder: str) -> Iterator[OnEpoch]:
    """Yield what writes each epoch to TensorBoard's logs in `folder`, or does nothing if that is empty."""
    if not folder:
        yield lambda epoch: None
        return
    with ScalarLog(Path(folder)) as log:
        yield lambda epoch: log.epoch(epoch.epoch, epoch_values(epoch))


def epoch_values(epoch: Epoch) -> dict[str, float]:
    """Return losses and accuracies of `epoch` by name."""
    return {name: value for name, value in asdict(epoch).items() if isinstance(value, float)}


def write_tensorboard_views(folder: str, bundle: Path, seen: Seen, head: "keras.Model", facts: "Provenance") -> None:
    """Write graph, samples, embeddings, histograms and hyperparameters to `folder`, unless that is empty."""
    if folder:
        head_weights = {weight.path: weight.numpy() for weight in head.weights}
        watched = _watched(seen, facts)
        write_tensorboard(Path(folder), bundle / "model.onnx", head_weights, watched, facts.training, facts.metrics)


def _watched(seen: Seen, facts: "Provenance") -> Watched:
    samples, names = seen.validation[:MOST_WATCHED], facts.class_names
    labels = np.array([names.index(sample.label) for sample in samples], np.int64)
    return Watched(_pixels(seen, samples, facts.image_size), seen.features[: len(samples)], labels, names)


def _pixels(seen: Seen, samples: Sequence[Sample], image_size: int) -> NDArray[np.uint8]:
    if seen.pixels is not None:
        return take_rows(seen.pixels, np.arange(len(samples)))
    rows = {sample.sample_id: row for row, sample in enumerate(samples)}
    pixels = np.empty((len(samples), image_size, image_size, 3), np.uint8)
    for batch, images in image_batches(seen.dataset, samples, image_size, BATCH_SIZE):
        pixels[[rows[sample.sample_id] for sample in batch]] = images
    return pixels


def write_card(path: str, facts: "Provenance", tables: Sequence[Sequence[Sample]], dataset_uri: str) -> None:
    """Write the model card to `path`, unless that is empty."""
    if path:
        train, validation = (dict(Counter(sample.label for sample in table)) for table in tables)
        write_model_card(Path(path), facts, {"train": train, "validation": validation}, dataset_uri)
