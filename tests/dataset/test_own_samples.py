"""Tables of samples are those of the dataset, row by row: no flipped bit in one is learnt from or tested on."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from components.dataset.own_samples import own_samples
from components.dataset.samples import Sample, Split, read_split_table, write_split_table
from components.dataset.snapshot import Dataset
from components.step.errors import DataError
from tests.dataset.test_dataset import SAMPLES, write
from tests.support.flips import flipped


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return write(tmp_path_factory.mktemp("dataset"))


def test_tables_of_the_dataset_pass_and_all_it_has_comes_back(dataset: Dataset) -> None:
    tables: dict[Split, list[Sample]] = {"train": SAMPLES[3:], "test": SAMPLES[:3]}
    assert own_samples(dataset, tables) == {sample.sample_id: sample for sample in SAMPLES}


def test_a_given_split_is_not_in_the_tables_and_does_not_count(tmp_path: Path) -> None:
    kept = write(tmp_path, [replace(s, given_split=get_args(Split)[i % 3]) for i, s in enumerate(SAMPLES)])
    write_split_table(tmp_path / "train.csv", kept.samples()[:5], "train")
    own_samples(kept, {"train": read_split_table(tmp_path / "train.csv", "train")})


@pytest.mark.parametrize(
    "change", [{"sample_id": "x"}, {"label": "x"}, {"group": "x"}, {"sha256": "0" * 64}, {"width": 1}, {"height": 1}]
)
def test_a_row_of_another_dataset_is_named(dataset: Dataset, change: dict[str, object]) -> None:
    stranger = replace(SAMPLES[0], **change)  # type: ignore[arg-type]  # one field at a time
    with pytest.raises(
        DataError, match=rf"The validation table must be of this dataset\. Received: {stranger.sample_id}"
    ):
        own_samples(dataset, {"train": SAMPLES[1:], "validation": [stranger]})


def test_a_sample_in_two_places_is_named(dataset: Dataset) -> None:
    for tables in ({"train": [*SAMPLES, SAMPLES[0]]}, {"train": SAMPLES[:2], "test": SAMPLES[1:]}):
        with pytest.raises(DataError, match=r"\.png \(1 in all\) more than once"):
            own_samples(dataset, tables)  # type: ignore[arg-type]  # their keys are splits


def test_every_flipped_bit_of_a_table_is_found(dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "test.csv"
    write_split_table(path, SAMPLES[:3], "test")
    for damaged in flipped(path.read_bytes()):
        path.write_bytes(damaged)
        with pytest.raises(DataError):
            own_samples(dataset, {"test": read_split_table(path, "test")})
