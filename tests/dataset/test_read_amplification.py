"""What a reader reads: the images it was asked for, once, and little more."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.dataset import image_ranges
from components.dataset.snapshot import Dataset, open_dataset
from tests.support.counted_reads import counted_reads, of_parts
from tests.support.small_datasets import COUNT, IMAGES, SAMPLES, paths_of, write


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A dataset of three parts, whose images are smaller than what is usually read between two of them."""
    return write(tmp_path_factory.mktemp("store"), per_part=10)


@given(st.sets(st.integers(0, COUNT - 1), min_size=1))
def test_of_any_set_of_images_no_byte_is_read_in_vain(dataset: Dataset, wanted: set[int]) -> None:
    chosen = [SAMPLES[index] for index in wanted]
    with pytest.MonkeyPatch.context() as patched, counted_reads() as read:
        patched.setattr(image_ranges, "GAP_BYTES", 100)
        assert len(list(open_dataset(dataset.uri).images(chosen))) == len(wanted)
    needed = sum(len(IMAGES[sample.sample_id]) for sample in chosen)
    assert needed <= of_parts(read) <= needed + 8 * len(wanted)  # Lengths between neighbours.


def test_a_gap_that_costs_less_than_a_request_is_read(dataset: Dataset) -> None:
    with counted_reads() as read:
        list(dataset.images(SAMPLES[0:10:2]))
    assert of_parts(read) < sum(len(IMAGES[sample.sample_id]) for sample in SAMPLES[:10]) + 100


def test_whatever_is_asked_of_a_dataset_its_table_is_read_once(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    table = paths_of(dataset)["samples.parquet"].stat().st_size
    with counted_reads() as read:
        again = open_dataset(dataset.uri)
        for _ in range(3):
            list(again.images(again.samples()[:2]))
    assert read["samples.parquet"] <= table
    assert read["dataset.json"] <= paths_of(dataset)["dataset.json"].stat().st_size
