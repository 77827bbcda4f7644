"""What holds for every annotation format: it is told from all others, read the same, and refused in one line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.extract.formats.reading import TEXT_FORMATS, read_annotations
from components.step.errors import DataError, PawlineError
from tests.support.annotation_files import assert_one_line, read_or_refuse
from tests.support.exports import BY_FORMAT, OTHER_FORMS

FORMS = [(name, text) for name, text in BY_FORMAT.items()]
FORMS += [(name, text) for name, texts in OTHER_FORMS.items() for text in texts]
READERS = [found.read for found in TEXT_FORMATS.values()]
LISTED = ["a.png", "b.png", "README.md"]


def test_each_format_has_an_export_here() -> None:
    assert BY_FORMAT.keys() == TEXT_FORMATS.keys()


@pytest.mark.parametrize(("name", "text"), FORMS)
@pytest.mark.parametrize("start", ["", " \n\t"])
def test_each_export_is_recognised_by_its_format_and_by_no_other(name: str, text: str, start: str) -> None:
    assert [found.name for found in TEXT_FORMATS.values() if found.recognises(start + text)] == [name]


@pytest.mark.parametrize("name", BY_FORMAT)
def test_each_format_says_the_same(name: str, tmp_path: Path) -> None:
    (tmp_path / "export").write_text(BY_FORMAT[name], encoding="utf-8-sig")
    found = read_annotations("auto", str(tmp_path / "export"), "s3://photos/pets", LISTED)
    assert found.format == name
    assert sorted((a.file_name, a.label) for a in found.annotations) == [("a.png", "cat"), ("b.png", "dog")]
    assert not found.bad


@pytest.mark.parametrize("name", BY_FORMAT)
@pytest.mark.parametrize("other", BY_FORMAT)
def test_an_export_read_as_another_format_is_refused_in_one_line(name: str, other: str, tmp_path: Path) -> None:
    """Or it is both: a table is a table, whichever of its forms it is."""
    try:
        found = TEXT_FORMATS[other].read(BY_FORMAT[name])
    except DataError as error:
        assert_one_line(error)
    else:
        assert {a.label for a in found.annotations} <= {"cat", "dog"}


@pytest.mark.parametrize("name", BY_FORMAT)
@pytest.mark.parametrize("percent", range(0, 100, 4))
def test_a_truncated_export_is_refused_or_lacks_rows_alone(name: str, percent: int, tmp_path: Path) -> None:
    whole = BY_FORMAT[name].encode()
    (tmp_path / "export").write_bytes(whole[: len(whole) * percent // 100])
    for format_name in ("auto", name):
        try:
            found = read_annotations(format_name, str(tmp_path / "export"), "s3://photos/pets", LISTED)
        except DataError as error:
            assert_one_line(error)
        else:
            assert "," in BY_FORMAT[name].partition("\n")[0], "only tables have no end"
            assert len(found.annotations) <= 2


HOSTILE = [
    *("[" * 100_000, '{"annotations":' * 100_000, "[{" * 50_000, '{"images":[' * 1000, "<a>" * 50_000),
    *('[{"data":' + "[" * 900 + "]" * 900 + "}]", "[" + "9" * 5000 + "]", "NaN", "{}{}", "[]]", '["\\ud800"]'),
    *(
        "{",
        "[",
        '{"',
        '{"annotations',
        '{"annotations":[',
        '{"annotations":[{',
        '[{"data',
        "{,}",
        "[,]",
        '{"a":}',
        "\0",
    ),
    '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><annotations><version>&c;</version></annotations>',
    '<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotations><image name="a.png"/></annotations>',
    '<?xml version="1.0" encoding="utf-16"?><annotations><image name="a.png"/></annotations>',
    *("<annotations><image", "<annotations></annotations><x/>", "<annotations>&amp;&undeclared;</annotations>"),
    *(
        "file_name",
        "file_name,label\n",
        "ImageID,LabelName\n",
        "annotation_id,id,annotator\n",
        "file_name,label\na.png",
    ),
]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:20])
def test_hostile_texts_are_read_or_refused_in_one_line(read, text: str) -> None:
    read_or_refuse(read, text)
    for found in TEXT_FORMATS.values():
        found.recognises(text)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("text", [" " * 2_000_000, "\n" * 2_000_000 + "a,b", " \n" * 1_000_000, "a," * 1_000_000])
def test_recognising_takes_time_in_line_with_the_text(text: str) -> None:
    """These took hours where the search for the first line began anew at each space."""
    assert not any(found.recognises(text) for found in TEXT_FORMATS.values())


WORDS = sorted(
    {"annotations", "images", "categories", "data", "result", "value", "choices", "bbox", "image_id", "category_id"}
    | {"id", "name", "file_name", "label", "image", "choice", "annotation_id", "annotator", "completed_by", "fileName"}
)
TEXT = st.one_of(st.text(max_size=6), st.sampled_from([*WORDS, "a.png", "cat", "../a.png", "s3://b/a.png"]))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=6)),
    max_leaves=20,
)


@given(st.one_of(JSON, st.lists(st.dictionaries(TEXT, JSON)), st.dictionaries(st.sampled_from(WORDS), st.lists(JSON))))
def test_any_json_is_read_or_refused_in_one_line(export: object) -> None:
    text = json.dumps(export)
    for found in TEXT_FORMATS.values():
        found.recognises(text)
        read_or_refuse(found.read, text)


@st.composite
def changed_exports(draw) -> tuple[str, str]:
    """An export in which one value is another one, or none."""
    name = draw(st.sampled_from(["label-studio", "label-studio-min", "coco"]))
    export = json.loads(BY_FORMAT[name])
    at, value = export, draw(JSON)
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = draw(st.sampled_from(keys))
        if not isinstance(at[key], dict | list) or not at[key] or draw(st.integers(0, 3)) == 0:
            at[key] = value
            return name, json.dumps(export)
        at = at[key]


@given(changed_exports())
def test_an_export_with_one_value_changed_is_read_or_refused_in_one_line(changed: tuple[str, str]) -> None:
    name, text = changed
    TEXT_FORMATS[name].recognises(text)
    read_or_refuse(TEXT_FORMATS[name].read, text)


@given(st.sampled_from(sorted(BY_FORMAT)), st.data())
def test_a_text_with_some_characters_changed_is_read_or_refused_in_one_line(name: str, data) -> None:
    text = BY_FORMAT[name]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(st.text(max_size=3)) + text[at + data.draw(st.integers(0, 5)) :]
    for found in TEXT_FORMATS.values():
        found.recognises(text)
        read_or_refuse(found.read, text)


UNSAFE = [
    "../a.png",
    "a//b.png",
    "a\\b.png",
    "s3://b/../../etc/passwd",
    "/data/local-files/?d=../../x.png",
    "",
    "x" * 5000,
]
UNSAFE += ["http://[bad/a.png", "a\x07.png", "https://h/%2e%2e/a.png"]


@pytest.mark.parametrize("name", sorted(BY_FORMAT.keys() - {"cvat"}))
@pytest.mark.parametrize("unsafe", UNSAFE, ids=lambda text: ascii(text)[:20])
def test_names_that_lead_elsewhere_are_refused(name: str, unsafe: str) -> None:
    old = {"label-studio": "s3://photos/pets/b.png", "label-studio-min": "s3://photos/pets/b.png"}.get(name, "b.png")
    old = "s3://photos/pets/b.png" if name == "label-studio-csv" else "b," if name == "open-images" else old
    new = json.dumps(unsafe)[1:-1] if BY_FORMAT[name].startswith(("{", "[")) else f'"{unsafe}"'
    with pytest.raises(PawlineError) as caught:
        TEXT_FORMATS[name].read(BY_FORMAT[name].replace(old, new + ("," if name == "open-images" else "")))
    assert_one_line(caught.value)
