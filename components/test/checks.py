"""What must fit together before anything is tested: table, dataset, bundle."""

from collections.abc import Mapping, Sequence

from components.dataset.own_samples import own_samples
from components.dataset.samples import Sample, Split
from components.dataset.snapshot import Dataset
from components.step.errors import DataError, first_ten, one_line


def check_labels(class_names: Sequence[str], samples: Sequence[Sample]) -> None:
    """Check that there are samples and that the bundle's `class_names` hold every label of theirs.

    Raises:
        DataError: no, and which labels it does not know.
    """
    if not samples:
        raise DataError(
            "There must be test samples. Received: an empty test table. Run split with a larger test_ratio."
        )
    _check_known(class_names, {sample.label for sample in samples}, "test samples")


def check_fit(
    class_names: Sequence[str], dataset: Dataset, tables: Mapping[Split, Sequence[Sample]]
) -> dict[str, Sample]:
    """Check that the bundle knows every class of `dataset` and that `tables` are its own; return all it has, by id.

    Raises:
        DataError: the bundle does not know a class, and which; or a row is not the dataset's, and which.
    """
    _check_known(class_names, set(dataset.class_names), "dataset")
    return own_samples(dataset, tables)


def _check_known(class_names: Sequence[str], labels: set[str], whose: str) -> None:
    unknown = sorted(labels - set(class_names))
    if unknown:
        raise DataError(
            f"The bundle must know every class of the {whose}. Received: {first_ten(unknown)}, "
            f"the bundle knows {one_line(', '.join(class_names))}. Train a bundle on this dataset."
        )
