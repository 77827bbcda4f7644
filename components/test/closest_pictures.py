"""The picture that is closest to each of some pictures, sought among many by their coarse outlines first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.dataset.looks import Look
from components.test.resemblance import NOTHING_ALIKE, Floats, distances, mirrored, outlines

LOOKED_AT = 3  # Of those with the most alike outlines; a copy is nearly always the first.
LEAST_OUTLINE = 0.8  # Cosine: 95 of 100 photos cropped by 5 % a side have more.
AT_ONCE = 20_000_000  # Pairs of outlines in memory: 80 MB.
COMPARED_AT_ONCE = 128  # Pairs of pictures, at 100 kB each for each crop that is tried.

Rows = NDArray[np.int64]
Pairs = tuple[Rows, Rows]


@dataclass(frozen=True, slots=True)
class Pictures:
    """The `looks` of some pictures, uint8 [N, LOOK_BYTES], and their N `labels`."""

    looks: Look
    labels: Sequence[str]

    def mirrored(self) -> "Pictures":
        """Return the same pictures turned left to right."""
        return Pictures(mirrored(self.looks), self.labels)


def closest(asked: Pictures, among: Pictures, more: Sequence[Pairs] = ()) -> tuple[Rows, Floats]:
    """Return for each picture `asked` the row of the closest of `among`, and how far that is (`distances`).

    `more` are pairs of rows to compare besides those with alike outlines. Where nothing is alike, the row is 0.
    """
    return _closest(asked, among, [*_alike(asked, among), *more])


def closest_of_other_label(asked: Pictures, among: Pictures) -> Floats:
    """Return how far the closest of `among` is from each picture `asked` that is labelled otherwise."""
    return _closest(asked, among, list(_alike(asked, among, otherwise=True)))[1]


def _closest(asked: Pictures, among: Pictures, pairs: Sequence[Pairs]) -> tuple[Rows, Floats]:
    nearest, far = np.zeros(len(asked.looks), np.int64), np.full(len(asked.looks), NOTHING_ALIKE, np.float32)
    if pairs:
        rows, columns = (np.concatenate(side) for side in zip(*pairs, strict=True))
        away = _compared(asked.looks, among.looks, rows, columns)
        order = np.lexsort((columns, away, rows))
        first = order[np.unique(rows[order], return_index=True)[1]]
        nearest[rows[first]], far[rows[first]] = columns[first], away[first]
    return nearest, far


def _alike(asked: Pictures, among: Pictures, otherwise: bool = False) -> Iterator[Pairs]:
    """Yield the pairs with the most alike outlines, of those labelled `otherwise` alone if so asked."""
    theirs, labels = outlines(among.looks).T, np.asarray(among.labels, dtype=object)
    few, step = min(LOOKED_AT, len(among.looks)), max(1, AT_ONCE // max(1, len(among.looks)))
    for start in range(0, len(asked.looks) if few else 0, step):
        cosines = outlines(asked.looks[start : start + step]) @ theirs
        if otherwise:
            for row, label in enumerate(asked.labels[start : start + step]):
                cosines[row, labels == label] = -1
        nearest = np.argpartition(-cosines, few - 1, axis=1)[:, :few]
        rows, places = np.nonzero(np.take_along_axis(cosines, nearest, 1) >= LEAST_OUTLINE)
        yield start + rows, nearest[rows, places]


def _compared(looks: Look, others: Look, rows: Rows, columns: Rows) -> Floats:
    parts = (slice(start, start + COMPARED_AT_ONCE) for start in range(0, len(rows), COMPARED_AT_ONCE))
    found = [distances(looks[rows[part]], others[columns[part]]) for part in parts]
    return np.concatenate([np.zeros(0, np.float32), *found])
