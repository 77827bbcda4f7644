"""The training samples that are most alike to the network: nearest by the cosine of their features."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.features.training_table import TrainingFeatures
from components.step.errors import DataError

NEAREST = 5
DECIMALS = 4  # Of a similarity; the table's 16-bit features say no more.


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A train or validation sample near a test sample; `similarity` is the cosine of their features, -1 to 1."""

    sample_id: str
    label: str
    split: str
    similarity: float


class NeighbourIndex:
    """Finds the nearest samples of a table of training features, exactly: each search compares with all of them."""

    def __init__(self, table: TrainingFeatures) -> None:
        """Index `table`."""
        self._table = table
        self._directions = _unit(table.features)

    @property
    def splits(self) -> dict[str, str]:
        """The split, train or validation, of each sample of the table by id."""
        return dict(zip(self._table.sample_ids, self._table.splits, strict=True))

    def nearest(self, features: NDArray[np.float32]) -> list[list[Neighbour]]:
        """Return the NEAREST samples of each row of `features`, float32 `[N, D]`, the most similar first.

        Raises:
            DataError: the table's features are not of D values: they are another network's.
        """
        if features.shape[1] != self._directions.shape[1]:
            raise DataError(
                "The training features must be those of the bundle's network. Received: "
                f"{self._directions.shape[1]} values a sample, the bundle gives {features.shape[1]}. "
                "Take both from the same training."
            )
        similarities = self._directions @ _unit(features).T  # Twice as fast as the other way round for a few rows.
        return [self._named(row) for row in np.ascontiguousarray(similarities.T)]

    def _named(self, similarities: NDArray[np.float32]) -> list[Neighbour]:
        table = self._table
        return [
            Neighbour(table.sample_ids[i], table.labels[i], table.splits[i], round(float(similarities[i]), DECIMALS))
            for i in _largest(similarities, NEAREST)
        ]


def _unit(features: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)


def _largest(values: NDArray[np.float32], count: int) -> list[int]:
    """Return the indices of the `count` largest of `values`, the largest first; of equals the first."""
    few = min(count, len(values))
    # Partitioning finds them in linear time; which of several equals it takes in is settled by the stable sort below.
    among = np.flatnonzero(values >= np.partition(values, -few)[-few]) if few else np.arange(0)
    return [int(i) for i in among[np.argsort(-values[among], kind="stable")][:few]]
