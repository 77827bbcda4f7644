"""CSV: what people write is read, what is damaged ends as one line."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.extract.annotations import Annotation, AnnotationSet
from components.extract.formats.reading import recognise
from components.extract.formats.table import read_csv
from components.step.errors import DataError
from tests.support.annotation_files import assert_one_line, refusal


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
