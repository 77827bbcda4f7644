"""The sample data: 400 Fashion-MNIST product photos of ten classes, with annotations as ecotag exports them.

The photos are packed as the PNG files they become, so that the dataset has the same fingerprint on every machine.
Fashion-MNIST: Copyright 2017 Zalando SE, MIT licence, https://github.com/zalandoresearch/fashion-mnist.
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.step.errors import ServiceError, UsageError
from components.step.files import atomic_directory

ARCHIVE = Path(__file__).with_name("fashion_mnist_sample.zip")
# In the order of Fashion-MNIST's label numbers, spelled as ecotag allows labels.
CLASS_NAMES = (
    "t-shirt-top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle-boot",
)
IMAGES_PER_CLASS = 40
FIRST_CREATE_DATE = 638_400_000_000_000_000  # .NET ticks, 2024-01-05
TICKS_PER_SECOND = 10_000_000


def image_name(class_name: str, index: int) -> str:
    """Return the file name of the `index`-th photo of a class."""
    return f"{class_name}_{index:02}.png"


def write_sample(folder: Path) -> tuple[Path, Path]:
    """Write the sample to `folder`, complete or not at all; return its annotation file and its image folder.

    A folder that holds the sample already is left as it is.

    Raises:
        UsageError: `folder` is there and holds something else.
        ServiceError: `folder` cannot be written.
    """
    annotations, images = folder / "annotations.json", folder / "images"
    if not _is_complete(folder):
        _refuse_other_content(folder)
        try:
            with atomic_directory(folder) as temporary:
                _write(temporary)
        except ServiceError:
            if not _is_complete(folder):  # Else another run was faster with the same.
                raise
    return annotations, images


def _write(folder: Path) -> None:
    (folder / "images").mkdir()
    with zipfile.ZipFile(ARCHIVE) as archive:
        for _, name in _labels_and_names():
            (folder / "images" / name).write_bytes(archive.read(name))
    (folder / "annotations.json").write_text(_annotations_text(), encoding="utf-8")


def _is_complete(folder: Path) -> bool:
    file = folder / "annotations.json"
    if not file.is_file() or file.read_text(encoding="utf-8", errors="replace") != _annotations_text():
        return False
    with zipfile.ZipFile(ARCHIVE) as archive:
        return all(_holds(folder / "images" / info.filename, archive.read(info)) for info in archive.infolist())


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def _refuse_other_content(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists():
        raise UsageError(f"The sample's folder must be new or empty. Received: {folder}. Name another one.")


def _labels_and_names() -> Iterator[tuple[str, str]]:
    for index in range(IMAGES_PER_CLASS):
        for class_name in CLASS_NAMES:
            yield class_name, image_name(class_name, index)


def _annotations_text() -> str:
    annotations = [_annotation(number, label, name) for number, (label, name) in enumerate(_labels_and_names())]
    export = {
        "projectName": "fashion_mnist_sample",
        "projectType": "ImageClassifier",
        "datasetName": "fashion_mnist_sample",
        "datasetType": "Image",
        "classification": "Public",
        "numberAnnotationsDone": len(annotations),
        "numberAnnotationsToDo": len(annotations),
        "annotations": annotations,
    }
    return json.dumps(export, separators=(",", ":"))


def _annotation(number: int, label: str, name: str) -> dict[str, Any]:
    created = FIRST_CREATE_DATE + number * TICKS_PER_SECOND
    return {"nameIdentifier": "1", "createDate": created, "fileName": name, "annotation": {"label": label}}
