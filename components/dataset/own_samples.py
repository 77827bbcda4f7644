"""Whether tables of samples are those of a dataset: a row of another one, or with a flipped bit, is not trained on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from operator import attrgetter

from components.dataset.samples import COLUMNS, Sample, Split
from components.dataset.snapshot import Dataset
from components.step.errors import DataError, first_ten, one_line

_row = attrgetter(*COLUMNS)


def own_samples(dataset: Dataset, tables: Mapping[Split, Sequence[Sample]]) -> dict[str, Sample]:
    """Check that each row of `tables` is in `dataset` just so, and no other has it; return all `dataset` has, by id.

    Raises:
        DataError: a row is not, and which.
    """
    known = {sample.sample_id: sample for sample in dataset.samples()}
    seen: set[str] = set()
    for split, samples in tables.items():
        _refuse(dataset, split, [s.sample_id for s in samples if not _is_row_of(known.get(s.sample_id), s)], "not so")
        count = Counter(sample.sample_id for sample in samples)
        _refuse(dataset, split, [name for name in count if count[name] > 1 or name in seen], "more than once")
        seen |= count.keys()
    return known


def _is_row_of(known: Sample | None, sample: Sample) -> bool:
    return known is not None and _row(known) == _row(sample)


def _refuse(dataset: Dataset, split: Split, names: list[str], how: str) -> None:
    if names:
        raise DataError(
            f"The {split} table must be of this dataset. "
            f"Received: {first_ten(names)} {how} in {one_line(dataset.uri)}. Use the table split made from it."
        )
