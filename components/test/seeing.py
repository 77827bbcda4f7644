"""What is seen of test images: the network's answers and pictures, in batches here, or in units by a cluster."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from components.bundle.manifest import ONNX_NETWORK
from components.bundle.reader import whole_batches
from components.dataset.batches import decoded_batches
from components.dataset.pictures import THUMBNAIL_SIZE, Picture, look_at
from components.dataset.samples import Sample
from components.dataset.snapshot import MANIFEST, Dataset
from components.features.unit import kept_dataset, kept_engine, name_of
from components.inference.twin import Twin
from components.onnx_twin.ends import FEATURES

if TYPE_CHECKING:
    from components.engine.ray_cluster import RayCluster

# From uint8 RGB `[N, H, W, 3]` to probabilities, float32 `[N, classes]`, and what the head sees, `[N, D]`.
Answer = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32]]]


@dataclass(frozen=True, slots=True)
class Seen:
    """Some samples with what the network gave for them, `[N, classes]` and `[N, D]`, and their pictures."""

    samples: list[Sample]
    probabilities: NDArray[np.float32]
    features: NDArray[np.float32]
    pictures: list[Picture]


def seen_in_batches(
    dataset: Dataset,
    samples: Sequence[Sample],
    answer: Answer,
    image_size: int,
    batch_size: int,
    advance: Callable[[int], None] = lambda _: None,
) -> Iterator[Seen]:
    """Yield `samples` in batches of `batch_size`, in the dataset's order; `advance` is told how many there were.

    Raises:
        DataError: an image is missing or damaged.
    """

    def decode(data: bytes) -> tuple[NDArray[np.uint8], Picture]:
        return look_at(data, image_size, THUMBNAIL_SIZE)

    for batch, looked in decoded_batches(dataset, samples, decode, whole_batches(batch_size)):
        pixels = np.stack([pixels for pixels, _ in looked])
        yield Seen(batch, *answer(pixels), [picture for _, picture in looked])
        advance(len(batch))


def in_parts(batches: Iterator[Seen], at_once: int) -> Iterator[Seen]:
    """Yield `batches` joined, `at_once` of them at a time."""
    while part := list(islice(batches, at_once)):
        yield _joined(part)


def seen_by_cluster(
    cluster: "RayCluster",
    bundle: Twin,
    dataset: Dataset,
    samples: Sequence[Sample],
    batch_size: int,
    at_once: int,
    advance: Callable[[int], None],
) -> Iterator[Seen]:
    """Yield `samples`, `at_once` at a time as they come, seen by the nodes of `cluster` with the network of `bundle`.

    `advance` is told how many there were.

    Raises:
        DataError: an image is missing or damaged.
        ServiceError: the cluster failed, or its nodes do not see the dataset.
    """
    network = (bundle.directory / ONNX_NETWORK).read_bytes()
    work = SeeingWork(network, bundle.image_size, dataset.uri, batch_size)
    units = [samples[start : start + at_once] for start in range(0, len(samples), at_once)]
    places = ((dataset.uri, MANIFEST),)
    cluster.check_nodes(places)
    for _, seen in cluster.each(partial(see, work), units, name_of, places):
        advance(len(seen.samples))
        yield seen


@dataclass(frozen=True, slots=True)
class SeeingWork:
    """What a unit needs beside its samples: the ONNX `network`, its input's side in pixels, and their dataset."""

    network: bytes
    image_size: int
    dataset_uri: str
    batch_size: int


def see(work: SeeingWork, samples: Sequence[Sample]) -> Seen:
    """Return what is seen of `samples`, N > 0: the same bits on equal processors; raises as `seen_in_batches`."""
    engine, dataset = kept_engine(work.network, (FEATURES,)), kept_dataset(work.dataset_uri)

    def answer(images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        probabilities, features = engine.run(images)
        return probabilities, features

    return _joined(seen_in_batches(dataset, samples, answer, work.image_size, work.batch_size))


def _joined(parts: Iterable[Seen]) -> Seen:
    parts = list(parts)
    return Seen(
        [sample for part in parts for sample in part.samples],
        np.concatenate([part.probabilities for part in parts]),
        np.concatenate([part.features for part in parts]),
        [picture for part in parts for picture in part.pictures],
    )
