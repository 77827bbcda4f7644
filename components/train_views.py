"""What a training shows beside its report: TensorBoard's logs and the model card."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.classifier import run_batch
from components.dataset import Dataset
from components.fitting import Epoch, OnEpoch
from components.image_batches import image_batches
from components.model_card import write_model_card
from components.samples import Sample
from components.tensorboard_logs import ScalarLog, Watched, write_tensorboard
from components.training import Trained

if TYPE_CHECKING:
    from components.bundle import Provenance

MOST_WATCHED = 300  # Seconds of work, and as many thumbnails as a person looks at.
BATCH_SIZE = 32


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


def write_tensorboard_views(
    folder: str, bundle: Path, dataset: Dataset, validation: Sequence[Sample], trained: Trained, facts: "Provenance"
) -> None:
    """Write graph, samples, embeddings, histograms and hyperparameters to `folder`, unless that is empty."""
    if folder:
        head_weights = {weight.path: weight.numpy() for weight in trained.head.weights}
        watched = _watched(dataset, validation[:MOST_WATCHED], trained)
        write_tensorboard(Path(folder), bundle / "model.onnx", head_weights, watched, facts.training, facts.metrics)


def _watched(dataset: Dataset, samples: Sequence[Sample], trained: Trained) -> Watched:
    """Return the samples in the dataset's order with their pixels and the trained backbone's features."""
    taken: list[Sample] = []
    pixels, features = [], []
    for batch, images in image_batches(dataset, samples, trained.extractor.input_shape[1], BATCH_SIZE):
        taken += batch
        pixels.append(images)
        features.append(run_batch(trained.extractor, images, BATCH_SIZE))
    names = list(dataset.class_names)
    labels = np.array([names.index(sample.label) for sample in taken], np.int64)
    return Watched(np.concatenate(pixels), np.concatenate(features), labels, names)


def write_card(path: str, facts: "Provenance", tables: Sequence[Sequence[Sample]], dataset_uri: str) -> None:
    """Write the model card to `path`, unless that is empty."""
    if path:
        train, validation = (dict(Counter(sample.label for sample in table)) for table in tables)
        write_model_card(Path(path), facts, {"train": train, "validation": validation}, dataset_uri)
