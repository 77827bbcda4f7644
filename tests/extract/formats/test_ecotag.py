"""Ecotag exports: full real ones are read, damaged and hostile ones end as one line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.extract.annotations import Annotation, AnnotationSet
from components.extract.formats.ecotag import read_ecotag
from components.step.errors import DataError
from tests.support.annotation_files import TICKS, annotation, project, read_or_refuse, refusal


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


@given(EXPORTS)
def test_any_json_is_read_or_refused_in_one_line(export: object) -> None:
    read_or_refuse(read_ecotag, json.dumps(export))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 1, "category_id": 1}]}',
            "COCO JSON",
        ),
        ('[{"id": 1, "data": {"image": "a.jpg"}, "annotations": [{"result": []}]}]', "Label Studio"),
        ('{"shapes": [], "imagePath": "a.jpg"}', "labelme"),
        ('{"fileName": "a.jpg", "annotation": {"label": "cat"}}\n{"fileName": "b.jpg", "annotation": {}}', "JSON"),
        ('{"file": "a.jpg"}\n{"file": "b.jpg"}\n', "JSON lines"),
    ],
)
def test_exports_of_other_tools_are_called_by_their_name(text: str, said: str) -> None:
    message = refusal(read_ecotag, text)
    assert said in message
    assert message.endswith("as a CSV with the columns file,label.")


def test_a_bad_label_is_said_with_its_file() -> None:
    assert "label of a.png" in refusal(read_ecotag, json.dumps([annotation("a.png", "")]))


@pytest.mark.parametrize(
    ("text", "both"),
    [
        ('{"annotations": [], "annotations": [{"fileName": "a.png", "annotation": {"label": "x"}}]}', "'annotations'"),
        ('[{"fileName": "a.png", "annotation": {"label": "cat", "label": "dog"}}]', "'label' twice .* 'cat' and 'dog'"),
        ('[{"fileName": "a.png", "fileName": "b.png", "annotation": {"label": "x"}}]', "'a.png' and 'b.png'"),
        ('{"images": [], "annotations": [], "categories": [], "images": [1]}', "'images'"),  # COCO's.
    ],
)
def test_a_name_twice_is_refused_with_both_values(text: str, both: str) -> None:
    with pytest.raises(DataError, match=both) as refused:
        read_ecotag(text)
    assert "\n" not in str(refused.value)
