"""A dataset written for other tools is read back as the same samples, labels and groups, by us and by them."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from components.dataset.samples import Sample
from components.export.datasets import export_dataset
from components.export.layouts import LAYOUTS, check_places
from components.step.errors import DataError, UsageError
from pipeline.cli.main import main
from tests.support.annotation_files import assert_one_line
from tests.support.extraction import extract_arguments, run_extract
from tests.support.generated import image_bytes, write_files

NAMES = ["a/1.png", "a/2.png", "ü b.png", "cat/3.png", "=4#5,6.png"]
LABELS = ["cat", "dog", "big dog", "cat", "dog"]
SPLITS = ["train", "validation", "test", "train", "test"]


@pytest.fixture(params=[False, True], ids=["", "given split"])
def dataset(request, tmp_path: Path) -> str:
    write_files(tmp_path / "images", {name: image_bytes(i) for i, name in enumerate(NAMES)})
    split = ",split" if request.param else ""
    rows = [f'"{n}",{label},g{i // 2}' for i, (n, label) in enumerate(zip(NAMES, LABELS, strict=True))]
    rows = [f"{row},{s}" if split else row for row, s in zip(rows, SPLITS, strict=True)]
    (tmp_path / "labels.csv").write_text("\n".join([f"file,label,group{split}", *rows]))
    return extracted(tmp_path, tmp_path / "labels.csv", tmp_path / "images").dataset_uri


def extracted(tmp_path: Path, annotations: object, images: object):
    outcome = run_extract(
        extract_arguments(
            tmp_path / "out",
            annotations,
            images,
            tmp_path / "store",
            given_split="keep" if "split" in split_of(annotations) else "refuse",
        )
    )
    assert outcome.code == 0, outcome.stderr
    return outcome


def split_of(annotations: object) -> str:
    """Return "split" where the file at `annotations` has one."""
    return "split" if "split" in Path(str(annotations)).read_text().split("g0")[0] else ""


@pytest.mark.parametrize("form", LAYOUTS)
def test_an_export_is_read_back_as_the_same_dataset(form: str, dataset: str, tmp_path: Path) -> None:
    destination = tmp_path / "export"
    assert export_dataset(dataset, str(destination), form) == 5
    layout = LAYOUTS[form]
    index, images = destination / layout.index, destination / layout.images
    again = extracted(tmp_path, index, images).dataset()
    first = run_dataset(dataset)
    if form == "folders":
        first = sorted(replace(s, sample_id=layout.place(s)) for s in first)
    else:
        assert again.uri == dataset
    assert again.samples() == first


def run_dataset(uri: str) -> list[Sample]:
    from components.dataset.snapshot import open_dataset

    return open_dataset(uri).samples()


def test_class_folders_alone_are_the_labels(dataset: str, tmp_path: Path) -> None:
    export_dataset(dataset, str(tmp_path / "export"), "folders")
    (tmp_path / "export" / "labels.csv").unlink()
    arguments = extract_arguments(tmp_path / "o", "", tmp_path / "export", tmp_path / "store")
    assert {s.sample_id.partition("/")[0] for s in run_extract(arguments).dataset().samples()} == set(LABELS)


def test_hugging_face_reads_the_image_folder(dataset: str, tmp_path: Path) -> None:
    export_dataset(dataset, str(tmp_path / "export"), "image-folder")
    code = """
import json, sys, datasets
found = datasets.load_dataset("imagefolder", data_dir=sys.argv[1], split="train", cache_dir=sys.argv[2])
print(json.dumps(sorted([row["label"], row["group"], list(row["image"].size)] for row in found)))
"""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
    command = [sys.executable, "-c", code, str(tmp_path / "export"), str(tmp_path / "cache")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    samples = sorted([s.label, s.group, [s.width, s.height]] for s in run_dataset(dataset))
    assert json.loads(done.stdout.splitlines()[-1]) == samples


def test_nothing_is_overwritten(dataset: str, tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"mine\.txt") as caught:
        export_dataset(dataset, str(tmp_path / "export"), "coco")
    assert_one_line(caught.value)
    assert [path.name for path in (tmp_path / "export").iterdir()] == ["mine.txt"]


def sample(name: str, label: str) -> Sample:
    return Sample(name, label, name, "0" * 64, 2, 2)


@pytest.mark.parametrize("label", ["a/b", "..", ".hidden", "a\\b", "x" * 300])
def test_a_label_that_cannot_name_a_folder_is_refused_for_folders_alone(label: str) -> None:
    with pytest.raises(DataError) as caught:
        check_places(LAYOUTS["folders"], [sample("a.png", label)])
    assert_one_line(caught.value)
    check_places(LAYOUTS["coco"], [sample("a.png", label)])


@pytest.mark.parametrize(
    ("form", "samples"),
    [
        ("folders", [sample("1.png", "cat"), sample("cat/1.png", "cat")]),
        ("image-folder", [sample("metadata.jsonl", "cat")]),
    ],
)
def test_two_images_for_one_place_are_refused(form: str, samples: list[Sample]) -> None:
    with pytest.raises(DataError, match="a place of its own") as caught:
        check_places(LAYOUTS[form], samples)
    assert_one_line(caught.value)


def test_the_command_exports_to_a_bucket(dataset: str, bucket, capsys) -> None:
    assert main(["dataset", "export", dataset, bucket.uri("out"), "--form", "coco"]) == 0
    assert sorted(bucket.listed()) == ["out/annotations.json", *sorted(f"out/images/{name}" for name in NAMES)]
    assert main(["dataset", "export", dataset, bucket.uri("more"), "--form", "yolo"]) == 2
    assert "folders, image-folder, coco" in capsys.readouterr().err
