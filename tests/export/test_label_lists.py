"""Lists of images to look at: what tools import, and what our own readers make of it once it is answered."""

import json
from pathlib import Path

import pytest

from components.export.label_lists import FORMS, ToLabel, write_label_list
from components.extract.formats.ecotag import read_ecotag
from components.extract.formats.label_studio import read_label_studio
from components.extract.formats.table import read_csv
from components.step.errors import UsageError
from pipeline.cli.main import main
from tests.support.annotation_files import assert_one_line

IMAGES = [ToLabel("=a b.png", "cat", "dog", 0.75, "the model is unsure", "doc"), ToLabel("c.png", "", "cat", 0.5, "r")]


def written(tmp_path: Path, form: str, images_uri: str = "s3://bucket/pets/") -> str:
    write_label_list(tmp_path / "list", form, IMAGES, images_uri)
    return (tmp_path / "list").read_text()


def test_label_studio_shows_the_suggestion_and_its_answer_is_read_back(tmp_path: Path) -> None:
    tasks = json.loads(written(tmp_path, "label-studio"))
    assert [task["data"]["image"] for task in tasks] == ["s3://bucket/pets/=a b.png", "s3://bucket/pets/c.png"]
    assert [(t["predictions"][0]["score"], t["predictions"][0]["result"][0]["value"]) for t in tasks] == [
        (0.75, {"choices": ["dog"]}),
        (0.5, {"choices": ["cat"]}),
    ]
    answered = [{**task, "annotations": [{"result": task["predictions"][0]["result"]}]} for task in tasks]
    found = read_label_studio(json.dumps(answered))
    assert [(a.file_name, a.label) for a in found.annotations] == [
        ("bucket/pets/=a b.png", "dog"),
        ("bucket/pets/c.png", "cat"),
    ]
    local = json.loads(written(tmp_path, "label-studio", "/data/pets"))
    assert local[0]["data"]["image"] == "/data/local-files/?d=%3Da%20b.png"


def test_ecotag_and_csv_are_read_back(tmp_path: Path) -> None:
    found = read_ecotag(written(tmp_path, "ecotag"))
    assert [(a.file_name, a.label, a.annotator) for a in found.annotations] == [
        ("=a b.png", "dog", "pawline"),
        ("c.png", "cat", "pawline"),
    ]
    text = written(tmp_path, "csv").replace("c.png,,", "c.png,cat,")
    assert "'=a b.png" in text  # No formula.
    assert [(a.file_name, a.label, a.group) for a in read_csv(text).annotations] == [
        ("=a b.png", "cat", "doc"),
        ("c.png", "cat", ""),
    ]


@pytest.mark.parametrize("form", ["", "json", "CSV"])
def test_other_forms_are_refused(form: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=", ".join(FORMS)) as caught:
        written(tmp_path, form)
    assert_one_line(caught.value)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs" / "20260101-120000"
    (folder / "test").mkdir(parents=True)
    (folder / "run.json").write_text(
        json.dumps({"parameters": {"images_uri": "s3://b/pets"}, "started": "2026-01-01T12:00:00+00:00"})
    )
    return folder


def test_the_labels_that_a_test_suspects_are_listed(run: Path, capsys) -> None:
    rows = ["file,label,suggested,score,suspected,group", "a.png,cat,dog,0.9,true,g", "b.png,cat,dog,0.1,false,g"]
    (run / "test" / "label_errors.csv").write_text("\n".join([*rows, "'=c.png,dog,cat,0.5,true,g"]) + "\n")
    for form in FORMS:
        assert main(["label", "check", "20260101-120000", "--form", form, "--output", f"list.{form}"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "2 labels to check: list.label-studio"
    tasks = json.loads(Path("list.label-studio").read_text())
    assert [task["data"]["image"] for task in tasks] == ["s3://b/pets/a.png", "s3://b/pets/=c.png"]


@pytest.mark.parametrize("text", [None, "", "file\n", "file,label,suggested,score,suspected,group\na,b,c,x,true,g\n"])
def test_a_run_without_a_whole_list_is_one_line(text: str | None, run: Path, capsys) -> None:
    if text is not None:
        (run / "test" / "label_errors.csv").write_text(text)
    assert main(["label", "check", "20260101-120000", "--output", "list.json"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
