"""Pawline's own outputs among the images are told from samples."""

from pathlib import Path

import pytest

from components.extract.leavings import is_leaving, without_own

SHA = "ab" * 32
IMAGES = [
    "cat/a.png",
    "dog/b.png",
    "runs of deer/c.png",
    "cat/20260101-000000/d.png",
    "hops/runs/20260101-000000/e.png",
]


@pytest.mark.parametrize(
    "name",
    [
        "runs/20260101-000000/train/tensorboard/thumbnails.png",
        "runs/20260101-000000-2/extract/report.html",
        f"sets/{SHA}/dataset.json",
        "store/x/part-00000-abcdefabcdef.parquet",
        "out/samples.csv",
    ],
)
def test_what_pawline_wrote_is_no_sample_and_is_named(name: str, tmp_path: Path) -> None:
    outputs = [str(tmp_path / "store"), str(tmp_path / "out/samples.csv"), "/elsewhere"]
    kept, notes = without_own([*IMAGES, name], str(tmp_path), outputs)
    assert kept == IMAGES
    assert name in notes[0]


def test_all_of_a_folder_of_runs_and_what_lies_beside_a_dataset_are_own() -> None:
    own = [
        "runs/20260101-000000/train/a.png",
        "runs/b.png",
        f"sets/{SHA}/dataset.json",
        f"sets/{SHA}/x",
        "sets/features/y",
    ]
    assert without_own([*IMAGES, *own], "s3://bucket/images", ["s3://bucket/images-too"])[0] == IMAGES
    assert without_own(IMAGES, "s3://bucket/images", ["s3://bucket/images"]) == (IMAGES, [])


def test_runs_of_any_name_in_any_folder_are_own_and_photos_beside_them_are_not() -> None:
    run = ["out/first/config.yaml", "out/first/run.json", "out/first/train/a.png", "out/mlartifacts/b.png"]
    photos = [*IMAGES, "out/c.png", "cat/run.json", "cat/d/run.json"]
    kept, notes = without_own([*photos, *run, "out/mlflow.db"], "images", [])
    assert kept == photos
    assert "5 in all" in notes[0]


def test_runs_of_a_person_and_what_was_recycled_are_samples() -> None:
    photos = ["runs/20260101-000000/a.png", "runs/20260101-000000-2/front/b.png", "Recycled/c.png", "recycled/d.png"]
    assert without_own(photos, "images", []) == (photos, [])
    assert [name for name in photos if any(map(is_leaving, name.split("/")))] == []
