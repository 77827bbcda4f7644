"""Names and labels: everything that could leave its folder or break a line is refused in one short line."""

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from components.step.errors import DataError
from components.storage.names import MAX_LABEL_CHARACTERS, MAX_NAME_BYTES, check_label, check_name

ANY_TEXT = st.text(st.characters(codec=None))  # Lone surrogates included.
PATH_LIKE = st.lists(st.sampled_from(["..", ".", "", "a", "b.png", "\\", "C:", "~", "\0", "é", "👍"])).map("/".join)
ANY_VALUE = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.binary(), st.lists(st.text()), ANY_TEXT)


def assert_one_short_line(error: Exception) -> None:
    assert len(str(error).splitlines()) == 1
    assert len(str(error)) < 500
    assert str(error).isprintable()


def assert_stays_inside(name: str) -> None:
    root = Path("/root-of-images")
    joined = os.path.normpath(root / name)
    assert Path(joined).is_relative_to(root)
    assert joined == str(root / name), "the name has one spelling only"
    name.encode()
    assert "\0" not in name
    assert len(name.splitlines()) == 1


@given(st.one_of(ANY_TEXT, PATH_LIKE, ANY_TEXT.map(lambda text: f"../{text}"), ANY_TEXT.map(lambda text: f"a/{text}")))
@example("a\u2028b")
@example("a/b/../../../c")
@example("x" * 10_000)
def test_any_name_stays_inside_or_is_refused_in_one_line(name: str) -> None:
    try:
        checked = check_name(name)
    except DataError as error:
        assert_one_short_line(error)
    else:
        assert checked == name
        assert_stays_inside(checked)


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../a.png", "a/../b.png", "a/./b.png", "a//b.png", "a/", "/etc/passwd", "//a", "/"),
        *(
            "a\\b.png",
            "..\\a.png",
            "a\0.png",
            "a\n.png",
            "a\r.png",
            "a\x7f.png",
            "a\u0085.png",
            "a\u2029.png",
            "a\ud800.png",
        ),
        *("x" * 10_000, "é" * 600, "a/" * 600 + "b", "y" * 256),
    ],
)
def test_hostile_names_are_refused(name: str) -> None:
    with pytest.raises(DataError) as caught:
        check_name(name)
    assert_one_short_line(caught.value)


@given(ANY_VALUE)
def test_a_value_that_is_no_text_is_no_name_and_no_label(value: object) -> None:
    for check in (check_name, check_label):
        try:
            assert isinstance(check(value), str)
        except DataError as error:
            assert_one_short_line(error)


@pytest.mark.parametrize(
    "name",
    [
        "a.png",
        "cat 1.png",
        "-rf.png",
        "..a.png",
        "a..",
        "deep/er/file.JPG",
        "C:x.png",
        "👩‍👩‍👧.png",
        "صورة.png",
        "~/a.png",
        "%2e%2e/a.png",
    ],
)
def test_unusual_but_harmless_names_are_accepted(name: str) -> None:
    assert check_name(name) == name
    assert_stays_inside(name)


def test_a_name_may_have_as_many_bytes_as_an_s3_key() -> None:
    longest = "/".join(["é" * 127, *["x" * 191] * 4, "y"])
    assert len(longest.encode()) == MAX_NAME_BYTES
    assert check_name(longest) == longest
    with pytest.raises(DataError):
        check_name(longest + "z")


@pytest.mark.parametrize("label", ["cat", "🐈‍⬛", "قطة", "‮gnp", "<script>", "=cmd|'/c'!A1", "../..", "x" * 1000, "a b"])
def test_any_text_without_control_characters_is_a_label(label: str) -> None:
    assert check_label(f" {label}\t") == label


@given(ANY_TEXT)
@example("x" * 1001)
@example(" \t\n")
@example("a\u2028b")
def test_any_label_is_one_line_or_refused_in_one_line(label: str) -> None:
    try:
        checked = check_label(label)
    except DataError as error:
        assert_one_short_line(error)
    else:
        assert checked == label.strip()
        assert len(checked.splitlines()) == 1
        assert len(checked) <= MAX_LABEL_CHARACTERS
        checked.encode()
