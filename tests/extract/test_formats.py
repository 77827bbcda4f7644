"""Annotation formats: full real exports are read, damaged and hostile ones end as one line."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from components.extract.annotations import Annotation, AnnotationSet, by_file
from components.extract.formats import read_annotations, read_csv, read_ecotag, read_folders, recognise
from components.step.errors import DataError, PawlineError, UsageError

# 1 March 2023 in .NET ticks, as ecotag writes them.
TICKS = 638132256000000000


def annotation(name: Any, label: Any, annotator: str = "ann@example.org", created: Any = TICKS) -> dict[str, Any]:
    return {
        "nameIdentifier": annotator,
        "createDate": created,
        "fileName": name,
        "annotation": {"label": label},
    }


def project(*annotations: Any, **changes: Any) -> dict[str, Any]:
    return {
        "projectName": "pets",
        "projectType": "ImageClassifier",
        "datasetName": "pets photos",
        "datasetType": "Image",
        "classification": "Public",
        "numberAnnotationsDone": len(annotations),
        "numberAnnotationsToDo": len(annotations),
        "annotations": list(annotations),
        **changes,
    }


def assert_one_line(error: PawlineError) -> None:
    assert str(error).isprintable(), "one line without control characters"
    assert 0 < len(str(error)) < 1000


def refusal(read: Callable[[str], object], text: str) -> str:
    with pytest.raises(DataError) as caught:
        read(text)
    assert_one_line(caught.value)
    return str(caught.value)


# ecotag


def test_a_full_export_is_read_with_annotator_and_time() -> None:
    found = read_ecotag(json.dumps(project(annotation("a_page1.png", "cat"), annotation("b.png", "dog", "bob", 5))))
    assert found == AnnotationSet(
        "ecotag",
        [Annotation("a_page1.png", "cat", "ann@example.org", TICKS), Annotation("b.png", "dog", "bob", 5)],
    )


def test_the_bare_list_of_the_course_is_read() -> None:
    found = read_ecotag('[{"fileName": "a.png", "annotation": {"label": "cat"}}]')
    assert found.annotations == [Annotation("a.png", "cat")]


def test_cross_annotation_keeps_every_annotator() -> None:
    export = project(annotation("a.png", "cat", "ann"), annotation("a.png", "dog", "bob"))
    assert [(a.annotator, a.label) for a in read_ecotag(json.dumps(export)).annotations] == [
        ("ann", "cat"),
        ("bob", "dog"),
    ]


@pytest.mark.parametrize(
    ("done", "todo", "said"), [(3, 8, "3 of 8"), (8, 8, ""), (9, 8, ""), (None, 8, ""), ("3", 8, "")]
)
def test_an_unfinished_export_is_said(done: object, todo: object, said: str) -> None:
    export = project(annotation("a.png", "cat"), numberAnnotationsDone=done, numberAnnotationsToDo=todo)
    notes = read_ecotag(json.dumps(export)).notes
    assert len(notes) == bool(said)
    assert all(said in note for note in notes)


@pytest.mark.parametrize("project_type", ["ImageClassifier", "DocumentClassifier"])
def test_projects_that_label_whole_images_are_read(project_type: str) -> None:
    assert read_ecotag(json.dumps(project(annotation("a.png", "cat"), projectType=project_type))).annotations


@pytest.mark.parametrize(
    "project_type",
    [
        "Cropping",
        "NamedEntity",
        "Ocr",
        "Rotation",
        "EmlClassifier",
        "DocumentOcr",
        "",
        None,
        3,
        ["x"],
        {"a": 1},
        "x" * 9999,
    ],
)
def test_other_project_types_are_named_and_refused(project_type: object) -> None:
    message = refusal(read_ecotag, json.dumps(project(annotation("a.png", "cat"), projectType=project_type)))
    assert f"projectType={project_type!r}"[:60] in message


def test_the_annotations_of_a_cropping_project_are_refused_too() -> None:
    crops = {"labels": {"boundingBoxes": [{"left": 1, "top": 2, "width": 3, "height": 4, "label": "cat"}]}}
    export = project({"fileName": "a.png", "annotation": crops}, projectType="Cropping")
    assert "a.png" in refusal(read_ecotag, json.dumps(export))


@pytest.mark.parametrize(
    "export",
    [
        *(None, 1, "text", {}, {"annotations": None}, {"annotations": {}}, {"annotations": [1]}, [[]], [{}], [None]),
        project({"fileName": "a.png"}),
        project({"fileName": "a.png", "annotation": None}),
        project({"fileName": "a.png", "annotation": []}),
        project({"fileName": "a.png", "annotation": {}}),
        project({"annotation": {"label": "cat"}}),
        *(
            project(annotation("a.png", label))
            for label in (None, 1, 1.5, True, [], ["cat"], {"cat": 1}, "", " \n", "x" * 1001)
        ),
        *(
            project(annotation(name, "cat"))
            for name in (None, 1, [], {}, "", "../a.png", "/a.png", "a\\b", "x" * 10_000, "\0")
        ),
        {**project(annotation("a.png", "cat")), "fileName": "b.png"},
    ],
)
def test_damaged_structures_end_as_one_line(export: object) -> None:
    refusal(read_ecotag, json.dumps(export))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"annotations":' * 100_000,
        "[" * 100_000 + "]" * 100_000,
        *('{"projectType": ' + "[" * depth + "]" * depth + ', "annotations": []}' for depth in range(100, 1000, 25)),
        "[" + "9" * 5000 + "]",
        "NaN",
        "[NaN, Infinity, -Infinity]",
        "{}{}",
        "[]]",
        '["\\ud800"]',
        '[{"fileName": "\\ud800.png", "annotation": {"label": "cat"}}]',
        '[{"fileName": "a.png", "annotation": {"label": "\\udfff"}}]',
        "{'annotations': []}",
    ],
    ids=lambda text: text[:20],
)
def test_hostile_json_ends_as_one_line(text: str) -> None:
    refusal(read_ecotag, text)


@pytest.mark.parametrize("created", [None, "2023", 1.5, float("nan"), [1], {}, 1e400])
def test_a_time_that_is_no_number_of_ticks_counts_as_none(created: object) -> None:
    assert read_ecotag(json.dumps([annotation("a.png", "cat", created=created)])).annotations[0].created == 0


def test_of_duplicate_keys_the_last_counts_as_json_has_it() -> None:
    text = '[{"fileName": "a.png", "fileName": "b.png", "annotation": {"label": "cat", "label": "dog"}}]'
    assert read_ecotag(text).annotations == [Annotation("b.png", "dog")]


WORDS = (
    "annotations",
    "projectType",
    "fileName",
    "annotation",
    "label",
    "createDate",
    "nameIdentifier",
    "numberAnnotationsDone",
)
TEXT = st.one_of(st.text(max_size=8), st.sampled_from([*WORDS, "ImageClassifier", "a.png", "cat"]))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=6)),
    max_leaves=20,
)
EXPORTS = st.one_of(
    JSON,
    st.lists(
        st.fixed_dictionaries({"fileName": JSON, "annotation": st.one_of(JSON, st.fixed_dictionaries({"label": JSON}))})
    ),
    st.fixed_dictionaries({"annotations": st.lists(JSON)}, optional=dict.fromkeys(WORDS[1:], JSON)),
)


def read_or_refuse(read: Callable[[str], AnnotationSet], text: str) -> None:
    try:
        found = read(text)
    except DataError as error:
        assert_one_line(error)
    else:
        assert all(isinstance(item, Annotation) and item.file_name and item.label for item in found.annotations)


@given(EXPORTS)
def test_any_json_is_read_or_refused_in_one_line(export: object) -> None:
    read_or_refuse(read_ecotag, json.dumps(export))


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


# csv


@pytest.mark.parametrize(
    ("text", "annotations"),
    [
        ("file,label\na.png,cat\n", [Annotation("a.png", "cat", "2")]),
        ("image name,label\r\na.png,cat\r\n", [Annotation("a.png", "cat", "2")]),
        ("Label, File ,GROUP\ncat,a.png,doc 1\n", [Annotation("a.png", "cat", "2", 0, "doc 1")]),
        ("file,label,group\na.png,cat,\n", [Annotation("a.png", "cat", "2")]),
        ('file,label\n"a, b.png","the ""cat"""\n', [Annotation("a, b.png", 'the "cat"', "2")]),
        ("file,label\n\na.png,cat\n\n\nb.png,dog", [Annotation("a.png", "cat", "3"), Annotation("b.png", "dog", "6")]),
        ("who,file,note,label\nann,a.png,,cat", [Annotation("a.png", "cat", "2")]),
        ("file,label\n", []),
    ],
)
def test_csv_is_read(text: str, annotations: list[Annotation]) -> None:
    assert recognise(text) == "csv"
    assert read_csv(text) == AnnotationSet("csv", annotations)


@pytest.mark.parametrize(
    "text",
    [
        *("", "\n", "a.png,cat\n", "file\na.png\n", "label\ncat\n", "file;label\na.png;cat"),
        "file,label\na.png\n",
        "file,label,group\na.png,cat\n",
        "file,label\na.png,\n",
        "file,label\n,cat\n",
        "file,label\n../a.png,cat\n",
        'file,label\n"a.png,cat\n',
        'file,label\n"a.png"x,cat\n',
        'file,label\n"a\nb.png",cat\n',
        f"file,label\n{'x' * 200_000},cat\n",
        f"{'x' * 200_000},label\n",
        "file,label\na.png,c\0t\n",
        "file,label,group\na.png,cat,\0\n",
    ],
    ids=lambda text: text[:20],
)
def test_damaged_csv_ends_as_one_line(text: str) -> None:
    refusal(read_csv, text)


@given(st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1)), min_size=1))
def test_any_csv_rows_are_read_back_or_refused_in_one_line(rows: list[tuple[str, str]]) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([("file", "label"), *rows])
    try:
        found = read_csv(buffer.getvalue())
    except DataError as error:
        assert_one_line(error)
    else:
        assert [(a.file_name, a.label) for a in found.annotations] == [(name, label.strip()) for name, label in rows]


# folders, and telling formats apart


def test_folders_take_the_first_folder_as_the_label_and_count_what_they_ignore() -> None:
    names = [
        "cat/a.png",
        "cat/deep/b.JPEG",
        "dog/c.webp",
        "top.png",
        "cat/notes.txt",
        "cat/.hidden.png",
        "dog/.DS_Store",
    ]
    found = read_folders(names)
    assert [(a.file_name, a.label) for a in found.annotations] == [
        ("cat/a.png", "cat"),
        ("cat/deep/b.JPEG", "cat"),
        ("dog/c.webp", "dog"),
    ]
    assert found.notes == ["4 files that are no images in a class folder were ignored."]
    assert read_folders(["cat/a.bmp"]).notes == []


@pytest.mark.parametrize("name", ["../a.png", "cat/../../a.png", "/cat/a.png", "cat\\x/a.png", " /a.png", "c\nt/a.png"])
def test_folders_with_hostile_names_are_refused(name: str) -> None:
    with pytest.raises(DataError) as caught:
        read_folders([name])
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


@pytest.mark.parametrize("format_name", ["", "coco", "AUTO", "x" * 5000, "a\nb"])
def test_unknown_formats_are_refused_with_the_legal_ones(format_name: str) -> None:
    with pytest.raises(UsageError, match="auto, ecotag, csv, folders") as caught:
        read_annotations(format_name, "x", "", [])
    assert_one_line(caught.value)


# the latest annotation of each annotator


def test_by_file_is_sorted_and_keeps_the_latest_of_each_annotator() -> None:
    old, new = Annotation("b.png", "cat", "ann", 1), Annotation("b.png", "dog", "ann", 2)
    bob, first = Annotation("b.png", "cat", "bob", 1), Annotation("a.png", "cat")
    assert list(by_file([new, bob, old, first])) == [("a.png", [first]), ("b.png", [new, bob])]


def test_by_file_keeps_both_of_two_at_the_same_time_and_one_of_two_equal_ones() -> None:
    one, other = Annotation("a.png", "cat", "ann", 1), Annotation("a.png", "dog", "ann", 1)
    assert list(by_file([one, other, one])) == [("a.png", [one, other])]
