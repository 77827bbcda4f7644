"""A small project folder in which every mistake of docs/errors.md can be made for real."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.compilation import COMPILED_PIPELINE
from pipeline.local.record import RunRecord, Status, StepState
from tests.support.generated import image_bytes, write_files
from tests.support.recorded_runs import FINGERPRINT, record_run

PHOTOS = {
    f"{label}/{index}.jpg": 100 * place + index for place, label in enumerate(("cat", "dog")) for index in (1, 2, 3)
}
NAMES = ("cat/1.jpg", "cat/2.jpg", "dog/1.jpg", "dog/2.jpg")
RIGHT = [True, True, False, True] * 8


def make_world(folder: Path) -> Path:
    """Write photos, annotations in every format, files of parameters and runs to `folder`; return it."""
    photos = {name: image_bytes(seed, format="JPEG") for name, seed in PHOTOS.items()}
    write_files(folder / "photos", photos)
    write_files(folder, {name: text.encode() for name, text in _texts().items()})
    (folder / "latin.csv").write_bytes("file,label\ncat/1.jpg,K\xe4tzchen\n".encode("latin-1"))
    shutil.copy(COMPILED_PIPELINE, folder / "pawline.yaml")
    for name, files in _spoilt(photos).items():
        write_files(folder / name, files)
    _make_runs(folder / "runs")
    return folder


def _boxes() -> dict[str, Any]:
    images = [{"id": number, "file_name": name, "width": 32, "height": 32} for number, name in enumerate(NAMES[:2])]
    boxes = [{"image_id": number, "category_id": 1, "bbox": [1, 2, 3, 4]} for number in (0, 0, 1)]
    return {"images": images, "categories": [{"id": 1, "name": "cat"}], "annotations": boxes}


def _texts() -> dict[str, str]:
    rows = "\n".join(f"{name},{name[:3]}" for name in NAMES)
    annotations = [{"fileName": name, "annotation": {"label": name[:3]}, "nameIdentifier": "ann"} for name in NAMES]
    return {
        "labels.csv": f"file,label\n{rows}\n",
        "semicolons.csv": f"file;label\n{rows.replace(',', ';')}\n",
        "headless.csv": f"{rows}\n",
        "other.csv": f"image,species\n{rows}\n",
        "short.csv": f"file,label\n{rows}\ncat/3.jpg\n",
        "contradicting.csv": f"file,label\n{rows}\ncat/1.jpg,dog\n",
        "moved.csv": "file,label\n" + "\n".join(f"old/{name},{name[:3]}" for name in NAMES) + "\n",
        "some-missing.csv": f"file,label\n{rows}\ncat/7.jpg,cat\n",
        "empty.csv": "",
        "split.csv": "file,label,split\n" + "\n".join(f"{name},{name[:3]},train" for name in NAMES) + "\n",
        "labels.xml": "<annotation><filename>cat/1.jpg</filename></annotation>\n",
        "export.json": json.dumps({"projectType": "ImageClassifier", "annotations": annotations})[:-20],
        "boxes.json": json.dumps({"projectType": "Cropping", "annotations": annotations}),
        "coco.json": json.dumps(_boxes()),
        "run.yaml": "annotations_uri: photos\nimages_uri: photos\nepochs: 3\n",
        "twice.yaml": "epochs: 3\nepochs: 4\n",
        "ten.yaml": "annotations_uri: photos\nimages_uri: photos\nepochs: ten\n",
        "equals.yaml": "epochs = 3\n",
        "policy.yaml": "minimum_sample: 30\n",
        "seconds.yaml": "schedules:\n  - name: nightly\n    cron: '0 0 2 * * 1'\n",
        "mynet.py": "def build_it():\n    return None\n",
    }


def _spoilt(photos: dict[str, bytes]) -> dict[str, dict[str, bytes]]:
    """Return folders of images with one thing wrong in each."""
    cats = {name: data for name, data in photos.items() if name.startswith("cat")}
    return {
        "broken": {**photos, "cat/4.jpg": photos["cat/1.jpg"][:300]},
        "loose": {**photos, "5.jpg": photos["cat/1.jpg"]},
        "one-class": cats,
        "hollow": {**photos, "bird/notes.txt": b"none yet"},
        "splits": {f"{split}/{name}": data for split in ("train", "test") for name, data in photos.items()},
        "same": {**photos, "dog/4.jpg": photos["cat/1.jpg"]},
        "tiny": {name: photos[name] for name in ("cat/1.jpg", "dog/1.jpg")},
        "notes": {"todo.txt": b"label them"},
        "mine": {"notes.txt": b"not empty"},
    }


def _make_runs(runs: Path) -> None:
    for run_id in ("20260101-120000", "20260101-130000"):
        _write_run(runs / run_id)
    _write_run(runs / "20260102-120000", "7d" * 32)
    stopped = _write_run(runs / "20260103-120000", status="failed")
    for step in ("train", "test"):
        shutil.rmtree(stopped / step)
    damaged = _write_run(runs / "20260104-120000")
    with (damaged / "train" / "bundle" / "model.onnx").open("ab") as file:
        file.write(b"\0")


def _write_run(folder: Path, fingerprint: str = FINGERPRINT, status: Status = "succeeded") -> Path:
    record_run(folder, RIGHT, fingerprint=fingerprint)
    steps = [StepState(name, "succeeded") for name in ("extract", "split", "train", "test", "promote")]
    steps[0].parameters["fingerprint"] = fingerprint
    started = datetime.strptime(folder.name, "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    RunRecord(folder, "pawline", {"backbone": "small_cnn"}, steps, status, started=started, started_in="").write()
    return folder
