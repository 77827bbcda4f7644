"""The packaged sample: 400 photos, written as an ecotag export with its images."""

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from components.step.errors import ServiceError, UsageError
from pipeline.sample.pack_fashion_mnist import pack
from pipeline.sample.photos import ARCHIVE, CLASS_NAMES, write_sample

ROOT = Path(__file__).parents[3]
ORIGINAL = Path("/usr/share/datasets/fashion-mnist")


def test_the_sample_is_an_export_of_400_photos_of_ten_classes(tmp_path: Path) -> None:
    annotations, images = write_sample(tmp_path / "sample")
    export = json.loads(annotations.read_text(encoding="utf-8"))
    labels = Counter(annotation["annotation"]["label"] for annotation in export["annotations"])
    assert labels == dict.fromkeys(CLASS_NAMES, 40)
    assert all(re.fullmatch(r"[a-zA-Z0-9-_]{3,48}", label) for label in labels)
    assert export["projectType"] == "ImageClassifier"
    assert export["numberAnnotationsDone"] == export["numberAnnotationsToDo"] == 400
    names = [annotation["fileName"] for annotation in export["annotations"]]
    assert sorted(names) == sorted(path.name for path in images.iterdir())
    for name in names:
        with Image.open(images / name) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "L", (28, 28))


def test_the_sample_is_the_same_bytes_everywhere(tmp_path: Path) -> None:
    write_sample(tmp_path)
    digest = hashlib.sha256()
    for path in sorted(path for path in tmp_path.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(tmp_path)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    assert digest.hexdigest() == "ea5fdbf966705b92594244f9c54c6988737f246abe259517079b04468c4103f2"


def test_writing_it_again_changes_nothing(tmp_path: Path) -> None:
    annotations, _ = write_sample(tmp_path)
    before = annotations.stat()
    write_sample(tmp_path)
    assert annotations.stat().st_ino == before.st_ino


@pytest.mark.parametrize("name", ["notes.txt", "annotations.json", "images"])
def test_a_folder_with_other_content_is_not_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match="must be new or empty"):
        write_sample(tmp_path)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_a_damaged_sample_is_refused_and_not_trusted(tmp_path: Path) -> None:
    _, images = write_sample(tmp_path)
    (images / "bag_00.png").write_bytes(b"")
    with pytest.raises(UsageError, match="must be new or empty"):
        write_sample(tmp_path)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceError, match="must be writable"):
        write_sample(tmp_path / "file" / "sample")


@pytest.mark.skipif(not os.path.isdir(ORIGINAL), reason="Debian's dataset-fashion-mnist is not installed")
def test_the_archive_can_be_made_again_from_the_original(tmp_path: Path) -> None:
    pack(ORIGINAL, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == ARCHIVE.read_bytes()


def test_two_processes_that_write_it_at_once_both_have_it(tmp_path: Path) -> None:
    code = """
import sys, time
from pathlib import Path
from pipeline.sample.photos import write_sample
while not Path(sys.argv[2]).exists():
    time.sleep(0.001)
write_sample(Path(sys.argv[1]))
"""
    for attempt in range(3):
        folder, start = tmp_path / f"sample{attempt}", tmp_path / f"start{attempt}"
        command = [sys.executable, "-c", code, str(folder), str(start)]
        both = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(3)]
        time.sleep(0.5)
        start.touch()
        assert [process.communicate()[1] for process in both] == [""] * 3
        assert len(list((folder / "images").iterdir())) == 400
        assert [path.name for path in tmp_path.glob(".partial*")] == []
