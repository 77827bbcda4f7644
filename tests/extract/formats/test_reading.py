"""Annotation formats are told apart by content, and read by the one entry point."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from components.extract.formats.ecotag import read_ecotag
from components.extract.formats.reading import read_annotations
from components.extract.formats.table import read_csv
from components.step.errors import DataError, UsageError
from tests.support.annotation_files import annotation, assert_one_line, project, read_or_refuse


@given(st.text())
@example('[{"fileName": "a.png", "annotation": {"label": "cat"}}')
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    for read in (read_ecotag, read_csv):
        read_or_refuse(read, text)


@pytest.mark.parametrize("percent", range(0, 100, 5))
def test_truncated_exports_are_refused(percent: int, tmp_path: Path) -> None:
    whole = json.dumps(project(*(annotation(f"{i}.png", "cat") for i in range(50)))).encode()
    path = tmp_path / "annotations.json"
    path.write_bytes(whole[: len(whole) * percent // 100])
    with pytest.raises(DataError) as caught:
        read_annotations("auto", str(path), str(tmp_path), [])
    assert_one_line(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "recognised"),
    [
        ("export.json", json.dumps(project(annotation("a.png", "cat"))), "ecotag"),
        ("list.txt", '\n [{"fileName": "a.png", "annotation": {"label": "cat"}}]', "ecotag"),
        ("labels.data", "file,label\na.png,cat\n", "csv"),
        ("table", 'label,"image name"\ncat,a.png\n', "csv"),
    ],
)
@pytest.mark.parametrize("start", ["", "\ufeff"], ids=["", "BOM"])
def test_auto_recognises_the_content_whatever_the_file_is_called(
    name: str, content: str, recognised: str, start: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(start + content, encoding="utf-8")
    found = read_annotations("auto", f"file://{tmp_path / name}", "", [])
    assert (found.format, [(a.file_name, a.label) for a in found.annotations]) == (recognised, [("a.png", "cat")])


@pytest.mark.parametrize(
    ("format_name", "uri"), [("auto", ""), ("auto", "s3://b/images"), ("folders", ""), ("folders", "x")]
)
def test_the_listing_gives_the_labels_where_there_is_no_file(format_name: str, uri: str) -> None:
    found = read_annotations(format_name, uri, "s3://b/images/", ["cat/a.png"])
    assert (found.format, [a.label for a in found.annotations]) == ("folders", ["cat"])


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b" \n", b"\xef\xbb\xbf", b"a.png,cat\n", b"<html>", b"%PDF-1.7", b"\xff\xfe[\0]\0", b"PK\3\4"),
        b"[]",
        b'{"annotations": []}',
        b"file,label\n",
        b"\0" * 100,
        b"x" * 200_000,
    ],
    ids=lambda content: repr(content[:12]),
)
@pytest.mark.parametrize("format_name", ["auto", "ecotag", "csv"])
def test_files_that_hold_no_annotations_end_as_one_line(content: bytes, format_name: str, tmp_path: Path) -> None:
    path = tmp_path / "annotations"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_annotations(format_name, str(path), "", [])
    assert_one_line(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.json"):
        read_annotations("auto", str(tmp_path / "nowhere.json"), "", [])


@pytest.mark.parametrize("format_name", ["", "cocos", "AUTO", "x" * 5000, "a\nb"])
def test_unknown_formats_are_refused_with_the_legal_ones(format_name: str) -> None:
    with pytest.raises(UsageError, match=r"auto, coco, .*ecotag, .*csv, folders") as caught:
        read_annotations(format_name, "x", "", [])
    assert_one_line(caught.value)
