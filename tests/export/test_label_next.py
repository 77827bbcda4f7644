"""`pawline label next`: disputed images first, then the least sure, none that is labelled."""

import json
from pathlib import Path

import pytest

from pipeline.cli.main import main
from tests.support.annotation_files import annotation, project
from tests.support.generated import write_files
from tests.support.generated_images import PICTURES
from tests.support.serving import colour_bundle


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    write_files(tmp_path / "photos", {f"{i}.png": make() for i, make in enumerate(PICTURES.values())})
    return tmp_path / "photos"


def listed(tmp_path: Path, photos: Path, *more: str) -> list[tuple[str, str]]:
    output = tmp_path / "next.json"
    bundle = colour_bundle(tmp_path / "bundle") if not (tmp_path / "bundle").exists() else tmp_path / "bundle"
    assert main(["label", "next", str(bundle), str(photos), "--output", str(output), *more]) == 0
    return [(t["data"]["image"].partition("?d=")[2], t["data"]["reason"]) for t in json.loads(output.read_text())]


def test_disputed_images_come_first_and_labelled_ones_not_at_all(tmp_path: Path, photos: Path) -> None:
    said = [annotation("0.png", "cat", "ann"), annotation("1.png", "cat", "ann"), annotation("1.png", "dog", "bob")]
    (tmp_path / "export.json").write_text(json.dumps(project(*said)))
    found = listed(tmp_path, photos, "--annotations", str(tmp_path / "export.json"))
    assert found[0] == ("1.png", "annotators disagree")
    assert {name for name, _ in found[1:]} <= {f"{i}.png" for i in range(2, len(PICTURES))}
    assert {reason for _, reason in found[1:]} == {"the model is unsure"}


def test_the_least_sure_come_first_and_no_more_than_asked_for(tmp_path: Path, photos: Path) -> None:
    everything = listed(tmp_path, photos)
    tasks = json.loads((tmp_path / "next.json").read_text())
    scores = [task["predictions"][0]["score"] for task in tasks]
    assert scores == sorted(scores, reverse=True)
    assert listed(tmp_path, photos, "--count", "2") == everything[:2]


def test_wrong_arguments_are_one_line(tmp_path: Path, photos: Path, capsys) -> None:
    words = ["label", "next", str(tmp_path), str(photos), "--output", str(tmp_path / "x")]
    assert main([*words, "--count", "0"]) == 2
    assert main([*words, "--form", "xml"]) == 2
    assert capsys.readouterr().err.count("\n") == 2
