"""Possible leakage: copies of images learnt from are named, each test image once, and nothing else is."""

import csv
import hashlib
import io
import zipfile

import numpy as np
import pytest
from PIL import Image, ImageOps
from sklearn.datasets import load_digits

from components.dataset.looks import LOOK_BYTES, look_of
from components.dataset.samples import Sample
from components.features.neighbours import Neighbour
from components.test.learnt_images import LearntImages
from components.test.near_duplicates import (
    IDENTICAL,
    MIRRORED,
    NEAR,
    NearDuplicate,
    near_duplicates,
    write_near_duplicates_csv,
)
from components.test.predictions import Prediction
from components.test.resemblance import NOTHING_ALIKE, distances
from pipeline.sample.photos import ARCHIVE
from tests.support.copies import COPIES, jpeg, photo


def sample(name, label, picture):
    return Sample(name, label, name, hashlib.sha256(picture.tobytes()).hexdigest(), *picture.size)


def found(tested, learnt, neighbours=()):
    """Return the near-duplicates of pictures by name; the part of a name before its first dash is its label."""
    rows = [sample(name, name.partition("-")[0], picture) for name, picture in tested.items()]
    known = [sample(name, name.partition("-")[0], picture) for name, picture in learnt.items()]
    predictions = [
        Prediction(
            r.sample_id, True, r.label, r.label, [1.0], 1.0, r.group, 0.0, 1, 1, 0.0, neighbours=list(neighbours)
        )
        for r in rows
    ]
    looks = {name: look_of(picture) for name, picture in tested.items()}
    seen = np.stack([look_of(p) for p in learnt.values()]) if learnt else np.zeros((0, LOOK_BYTES), np.uint8)
    return near_duplicates(rows, predictions, looks, LearntImages(known, ["train"] * len(known), seen))


def photos(count, first=0):
    return {f"{'cat' if n % 2 else 'dog'}-{n}": photo(n) for n in range(first, first + count)}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_found_whatever_was_done_to_it(name):
    learnt = photos(40)
    tested = photos(20, first=100) | {"cat-copy": COPIES[name](learnt["cat-7"])}
    [copy] = found(tested, learnt)
    kind = IDENTICAL if name == "the same" else NEAR
    assert (copy.sample_id, copy.other_sample_id, copy.other_split, copy.kind) == ("cat-copy", "cat-7", "train", kind)
    assert copy.similarity > 0.9


def test_a_mirrored_copy_is_found_and_called_so():
    learnt = photos(40)
    [copy] = found(photos(20, first=100) | {"cat-copy": ImageOps.mirror(learnt["cat-7"])}, learnt)
    assert (copy.other_sample_id, copy.kind) == ("cat-7", MIRRORED)


def test_where_every_test_image_is_a_copy_all_are_found():
    learnt = photos(40)
    tested = {f"{name}-copy": jpeg(picture, 60) for name, picture in learnt.items()}
    assert len(found(tested, learnt)) == 40


def test_an_image_with_many_likes_counts_once():
    learnt = photos(30) | {f"cat-again{quality}": jpeg(photo(7), quality) for quality in (40, 60, 80)}
    assert [d.sample_id for d in found(photos(9, first=100) | {"cat-copy": photo(7).rotate(0.1)}, learnt)] == [
        "cat-copy"
    ]


def test_two_different_digits_are_not_taken_for_one_and_copies_are():
    numbers = load_digits()
    pictures = [Image.fromarray((page * 15.9).astype(np.uint8)).convert("RGB") for page in numbers.images]
    named = {f"{label}-{at}": picture for at, (label, picture) in enumerate(zip(numbers.target, pictures, strict=True))}
    names = list(named)
    tested, learnt = {n: named[n] for n in names[::6]}, {n: named[n] for n in names if n not in names[::6]}
    assert found(tested, learnt) == []
    copies = {f"{name}-copy": jpeg(learnt[name], 90) for name in list(learnt)[:10]}
    assert {d.other_sample_id for d in found(tested | copies, learnt)} == set(list(learnt)[:10])


def test_two_different_products_of_the_packaged_sample_are_not_taken_for_one_and_copies_are():
    with zipfile.ZipFile(ARCHIVE) as archive:
        files = {info.filename: archive.read(info) for info in archive.infolist() if info.filename.endswith(".png")}
    named = {
        name.rpartition("/")[2].replace("-", " ").replace("_", "-"): Image.open(io.BytesIO(data)).convert("RGB")
        for name, data in files.items()
    }
    assert len(named) == 400
    names = sorted(named)
    tested, learnt = {n: named[n] for n in names[::10]}, {n: named[n] for n in names if n not in names[::10]}
    assert found(tested, learnt) == []
    copies = {f"{name}-copy": jpeg(learnt[name], 90) for name in list(learnt)[:10]}
    assert {d.other_sample_id for d in found(tested | copies, learnt)} == set(list(learnt)[:10])


def test_the_network_may_propose_and_decides_nothing():
    learnt = photos(40)
    near = [Neighbour(name, "cat", "train", 1.0) for name in list(learnt)[:2]]
    assert found(photos(20, first=100), learnt, near) == []


def test_flat_pictures_are_like_nothing_but_the_same_file():
    greys = {f"grey-{level}": Image.new("RGB", (20, 20), (level, level, level)) for level in range(0, 200, 10)}
    assert found({"grey-other": Image.new("RGB", (20, 20), (5, 5, 5))}, greys) == []
    [same] = found({"grey-again": greys["grey-50"]}, greys)
    assert (same.kind, same.similarity) == (IDENTICAL, 1.0)


def test_the_same_shape_in_another_colour_is_another_picture():
    random = np.random.default_rng(0)
    grey = random.integers(60, 120, (9, 9), dtype=np.uint8)
    red, blue = (np.stack([grey + 100 * (channel == at) for channel in range(3)], 2) for at in (0, 2))
    looks = [look_of(Image.fromarray(one.astype(np.uint8)).resize((64, 64)))[None] for one in (red, blue)]
    assert distances(*looks) == [NOTHING_ALIKE]


def test_without_images_there_is_nothing_to_find():
    assert found({}, photos(3)) == []
    assert found(photos(3), {}) == []


def test_the_csv_says_what_was_found(tmp_path):
    one = NearDuplicate('=a, "b"', "cat", "copy", "dog", "train", NEAR, 0.99)
    write_near_duplicates_csv(tmp_path / "n.csv", [one])
    with (tmp_path / "n.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    assert row == {
        "sample_id": '\'=a, "b"', "label": "cat", "other_sample_id": "copy", "other_label": "dog",
        "other_split": "train", "kind": "near-duplicate", "similarity": "0.99",
    }  # fmt: skip
    write_near_duplicates_csv(tmp_path / "none.csv", [])
    assert (tmp_path / "none.csv").read_text().startswith("sample_id,label,")
