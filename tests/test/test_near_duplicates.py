"""Possible leakage: named when features and hash agree, and only then."""

import csv

import pytest
from PIL import Image

from components.dataset.pictures import Picture
from components.dataset.samples import Sample
from components.features.neighbours import Neighbour
from components.test.near_duplicates import (
    LEAST_SIMILARITY,
    MOST_BITS,
    MOST_CANDIDATES,
    candidates,
    near_duplicates,
    write_near_duplicates_csv,
)
from components.test.predictions import Prediction


def prediction(name, *neighbours):
    near = [Neighbour(other, "cat", split, similarity) for other, split, similarity in neighbours]
    return Prediction(name, True, "cat", "cat", [1.0], 1.0, name, 0.0, 1, 1, 0.0, neighbours=near)


def found(pairs, hashes, others, sha256s):
    known = {name: Sample(name, "cat", name, sha, 1, 1) for name, sha in sha256s.items()}
    return near_duplicates(
        pairs, hashes, {name: Picture(0.0, value, Image.new("RGB", (1, 1))) for name, value in others.items()}, known
    )


def test_features_and_hash_must_both_agree():
    far = (1 << MOST_BITS + 1) - 1  # One bit too many.
    pairs = candidates(
        [
            prediction("a", ("copy", "train", 0.99), ("same bytes", "validation", 1.0), ("unlike", "train", 0.95)),
            prediction("b", ("copy", "train", LEAST_SIMILARITY - 0.001)),
            prediction("c", ("elsewhere", "train", 0.99)),
        ]
    )
    others = {"copy": 0b111, "same bytes": 0, "unlike": far}
    sha256s = {"a": "x", "copy": "y", "same bytes": "x", "unlike": "z", "c": "w"}
    alike = found(pairs, {"a": 0, "b": 0, "c": 0}, others, sha256s)
    assert [(d.sample_id, d.other_sample_id, d.other_split, d.kind, d.distance) for d in alike] == [
        ("a", "same bytes", "validation", "identical file", 0),
        ("a", "copy", "train", "near-duplicate", 3),
    ]


@pytest.mark.parametrize(("bits", "named"), [(MOST_BITS, True), (MOST_BITS + 1, False)])
def test_the_limit_of_the_hash(bits, named):
    pairs = candidates([prediction("a", ("copy", "train", 0.99))])
    assert bool(found(pairs, {"a": 0}, {"copy": (1 << bits) - 1}, {"a": "x", "copy": "y"})) == named


def test_of_very_many_candidates_the_nearest_are_looked_at():
    many = [prediction(f"{i:04}", ("t", "train", 0.9 + i / 20_000)) for i in range(MOST_CANDIDATES + 50)]
    pairs = candidates(many)
    assert len(pairs) == MOST_CANDIDATES
    assert min(neighbour.similarity for _, neighbour in pairs) == pytest.approx(0.9 + 50 / 20_000)


def test_the_csv_says_what_was_found(tmp_path):
    pairs = candidates([prediction('a, "b"', ("copy", "train", 0.99))])
    write_near_duplicates_csv(
        tmp_path / "n.csv", found(pairs, {'a, "b"': 0}, {"copy": 1}, {'a, "b"': "x", "copy": "y"})
    )
    with (tmp_path / "n.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    assert row == {
        "sample_id": 'a, "b"', "label": "cat", "other_sample_id": "copy", "other_label": "cat", "other_split": "train",
        "kind": "near-duplicate", "similarity": "0.99", "distance": "1",
    }  # fmt: skip
    write_near_duplicates_csv(tmp_path / "none.csv", [])
    assert (tmp_path / "none.csv").read_text().startswith("sample_id,label,")
