"""Decoded pixels in a mapped file: right, in order, gone afterwards, memory flat."""

import subprocess
import sys

import numpy as np
import pytest

from components.dataset.images import to_model_input
from components.features import unnamed_file
from components.features.pixel_cache import decoded_pixels
from components.features.unnamed_file import feature_rows, let_go, take_rows
from components.step.errors import ServiceError
from tests.support.extraction import extract_arguments, run_extract
from tests.support.generated import image_bytes, write_files


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("noise")
    write_files(folder / "images", {f"{'ab'[seed % 2]}/{seed:03}.png": image_bytes(seed % 60) for seed in range(70)})
    outcome = run_extract(
        extract_arguments(folder, "", folder / "images", folder / "store", annotation_format="folders")
    )
    return outcome.dataset()


def test_each_image_has_its_row_and_the_file_no_name(dataset, tmp_path):
    samples = dataset.samples()[::-1]
    pixels = decoded_pixels(dataset, samples, 16, tmp_path / "pixels")
    assert (pixels.dtype, pixels.shape) == (np.uint8, (70, 16, 16, 3))
    expected = {sample.sample_id: to_model_input(data, 16) for sample, data in dataset.images(samples)}
    for sample, image in zip(samples, pixels, strict=True):
        np.testing.assert_array_equal(image, expected[sample.sample_id])
    assert list((tmp_path / "pixels").iterdir()) == []
    with pytest.raises(ValueError, match="read-only"):
        pixels[0] = 0


def test_rows_are_taken_as_often_as_wanted(dataset, tmp_path):
    pixels = decoded_pixels(dataset, dataset.samples(), 16, tmp_path)
    rows = np.array([5, 60, 5])
    whole = np.array(pixels)
    for _ in range(2):
        np.testing.assert_array_equal(take_rows(pixels, rows), whole[rows])
        np.testing.assert_array_equal(take_rows(pixels[10:], rows[:1]), whole[10:][rows[:1]])
    np.testing.assert_array_equal(take_rows(whole, rows), whole[rows])


def test_a_folder_that_cannot_be_written_is_one_line(dataset, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ServiceError, match=r"must have room for 0 MB\. Received: .*file"):
        decoded_pixels(dataset, dataset.samples(), 16, tmp_path / "file")


MEASURE = """
import sys
import numpy as np
from pathlib import Path
from benchmarks.measure import peak_mib
from components.dataset.snapshot import open_dataset
from components.features.pixel_cache import decoded_pixels
from components.features.unnamed_file import take_rows

dataset = open_dataset(sys.argv[1])
decoded_pixels(dataset, dataset.samples()[:33], 64, Path(sys.argv[2]))
before = peak_mib()
pixels = decoded_pixels(dataset, dataset.samples() * 3, 640, Path(sys.argv[2]))
order = np.random.default_rng(0).permutation(len(pixels))
for start in range(0, len(pixels), 8):
    take_rows(pixels, order[start : start + 8])
print(pixels.nbytes / 2**20, peak_mib() - before)
"""


def test_many_features_lie_in_a_file_without_a_name(tmp_path, monkeypatch):
    assert not isinstance(feature_rows(10, 4, tmp_path), np.memmap)
    monkeypatch.setattr(unnamed_file, "MOST_IN_MEMORY", 100)
    assert not isinstance(feature_rows(10, 4, None), np.memmap)
    features = feature_rows(1000, 7, tmp_path)
    assert isinstance(features, np.memmap)
    expected = np.random.default_rng(0).random((1000, 7), np.float32)
    for row in range(1000):
        features[[row]] = expected[row]
        let_go(features)
    np.testing.assert_array_equal(take_rows(features[100:], np.array([5, 1, 5])), expected[[105, 101, 105]])
    np.testing.assert_array_equal(features, expected)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ServiceError, match=r"folder for features must have room for 0 MB\. Received: .*file"):
        feature_rows(1000, 7, tmp_path / "file")


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_memory_does_not_grow_with_the_pixels(dataset, tmp_path, monkeypatch):
    """258 MB of pixels; a few batches of 39 MB are decoded at a time and 8 images are taken."""
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, dataset.uri, str(tmp_path)], capture_output=True, text=True, check=True
    )
    size, grown = map(float, run.stdout.split())
    assert size > 240
    assert grown < 200
