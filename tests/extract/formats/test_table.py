"""CSV: what people write is read, what is damaged ends as one line."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.extract.annotations import Annotation
from components.extract.formats.reading import recognise
from components.extract.formats.table import read_csv
from components.step.errors import DataError
from tests.support.annotation_files import assert_one_line, refusal


@pytest.mark.parametrize(
    ("text", "annotations"),
    [
        ("file,label\na.png,cat\n", [Annotation("a.png", "cat", "2")]),
        ("image name,label\r\na.png,cat\r\n", [Annotation("a.png", "cat", "2")]),
        ("file,label\ra.png,cat\rb.png,dog\r", [Annotation("a.png", "cat", "2"), Annotation("b.png", "dog", "3")]),
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
    found = read_csv(text)
    assert (found.format, found.annotations) == ("csv", annotations)


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


@pytest.mark.parametrize(
    "row",
    ["a.png,", ",cat", ",", ",,", "a\\b.png,cat", "../a.png,x", "/a.png,cat", "a//b.png,x", "a.png,c\0t", "a.png"],
)
def test_every_fault_of_a_row_is_said_with_its_line(row: str) -> None:
    assert "line 4" in refusal(read_csv, f"file,label\nx.png,cat\n\n{row}\ny.png,dog\n")


def test_a_row_with_more_columns_than_the_header_is_not_cut() -> None:
    assert "line 2" in refusal(read_csv, "file,label\na.png,cat, black\n")
    assert read_csv("file,label,,\na.png,cat,,\n").annotations == [Annotation("a.png", "cat", "2")]
    assert read_csv("file,label\na.png,cat,,\n").annotations == [Annotation("a.png", "cat", "2")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file;label\na.png;cat\n", "semicolons"),
        ("sep=;\nfile;label\na.png;cat\n", "semicolons"),
        ("sep=,\nfile,label\na.png,cat\n", "Remove that line"),
        ("file\tlabel\na.png\tcat\n", "tabs"),
        ("file|label\na.png|cat\n", "bars"),
        ("name,label\na.png,cat\n", "name, label"),
        ("image,species\na.png,cat\n", "image, species"),
        ("image,path,label\na.png,b.png,cat\n", "each column once"),
        ("file,class,category\na.png,cat,dog\n", "each column once"),
        ("file,label,group,group\na.png,cat,1,2\n", "each column once"),
        ("file,label,label\na.png,cat,dog\n", "each column once"),
        ("file,image name,label\na.png,b.png,cat\n", "each column once"),
    ],
)
def test_a_header_that_is_not_ours_is_told_what_is_wrong_with_it(text: str, said: str) -> None:
    assert recognise(text) == "csv"
    message = refusal(read_csv, text)
    assert said in message
    assert "Add the header" not in message


def test_blank_lines_before_the_header_do_not_count() -> None:
    assert read_csv("\n\nfile,label\n\na.png,cat\n").annotations == [Annotation("a.png", "cat", "5")]


def test_a_column_split_is_read() -> None:
    found = read_csv("file,label,split\na.png,cat,train\nb.png,cat,Val\nc.png,cat,\n")
    assert [a.split for a in found.annotations] == ["train", "validation", ""]
    assert found.given_split == "the column split holds train, validation"
    assert "line 2" in refusal(read_csv, "file,label,split\na.png,cat,unlabelled\n")


def test_columns_that_are_not_read_space_that_does_not_count_and_files_without_a_group_are_named() -> None:
    found = read_csv("file,label,weight,group\na.png,cat ,1,g\nb.png,cat,2,\n")
    assert found.notes == [
        "Columns that were not read: weight (1 in all).",
        "Space around labels does not count: 'cat ' (1 in all).",
        "Files without a group: b.png (1 in all).",
    ]
    assert read_csv("file,label,group\na.png,cat,\nb.png,dog,\n").notes == []


@pytest.mark.parametrize("name", ["subset", "Set", "partition", "fold "])
def test_a_split_under_another_name_is_not_passed_over(name: str) -> None:
    message = refusal(read_csv, f"file,label,{name}\na.png,cat,train\nb.png,cat,val\nc.png,dog,\n")
    assert name.strip() in message
    assert "train, val" in message
    assert "must be called split" in message
    assert read_csv(f"file,label,{name}\na.png,cat,train\nb.png,cat,bus\n").annotations


@pytest.mark.parametrize(
    ("header", "name"),
    [
        *((header, "a.png") for header in ("filename,label", "image,class", "path,category", "Image_Path,Class Name")),
        *((header, "photos/a.png") for header in ("filename,label", "file_path,target")),
        *((header, "a") for header in ("id,label", "image_id,class")),
        *((header, "s3://bucket/pets/a.png") for header in ("image,label", "path,label")),
    ],
)
def test_columns_are_known_by_the_names_that_people_give_them(header: str, name: str) -> None:
    found = read_csv(f"{header}\n{name},cat\n")
    assert recognise(f"{header}\n{name},cat\n") == "csv"
    assert found.annotations == [Annotation(name.removeprefix("s3://"), "cat", "2")]
    assert found.has_addresses


def test_our_own_names_go_before_those_of_others() -> None:
    found = read_csv("id,path,file,label,class\n7,x/b.png,a.png,cat,dog\n")
    assert found.annotations == [Annotation("a.png", "cat", "2")]
    assert found.notes == ["Columns that were not read: id, path, class (3 in all)."]
    assert not found.has_addresses


def test_a_column_annotator_is_read() -> None:
    found = read_csv("file,label,annotator\na.png,cat,ann\na.png,dog,bob\nb.png,dog,\n")
    assert [a.annotator for a in found.annotations] == ["ann", "bob", "4"]
