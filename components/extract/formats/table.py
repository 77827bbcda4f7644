"""CSV with the columns `file,label[,group][,split]` or `image name,label`, in any order."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

from components.extract.annotations import Annotation, AnnotationSet
from components.extract.formats.annotation_format import TextFormat
from components.extract.given_split import split_called
from components.extract.notes import noted
from components.step.errors import DataError, first_ten, one_line
from components.step.spreadsheets import as_written
from components.storage.names import check_label, check_name

FILE_COLUMNS = ("file", "image name")
COLUMNS = (*FILE_COLUMNS, "label", "group", "split")
# What people and other tools call them: enough to know that a table is meant, and to say what its header must be.
OTHER_NAMES = {"filename", "file_name", "file name", "image", "path", "class", "category", "target", "labels"}
DOUBTS = {"suggested", "score", "suspected"}  # Columns of the list of doubtful labels.
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_csv(text: str) -> AnnotationSet:
    """Read CSV with the columns `file,label[,group][,split]` or `image name,label`, in any order.

    Raises:
        DataError: the columns are others, or a row is damaged; names its line.
    """
    rows = csv.reader(io.StringIO(text, newline=None), strict=True)  # Excel for Mac ends lines with a bare "\r".
    try:
        header = next(_not_blank(rows), [])
        columns, width = _columns(header, text), len(header)
        # The list that test writes went through `inert`; in any other CSV an apostrophe is the user's own.
        cell = as_written if set(_names(header)) >= DOUBTS else str
        lines = [(rows.line_num, [*map(cell, row)]) for row in rows if row]
        annotations = [_annotation(row, columns, width, line) for line, row in lines]
    except csv.Error as error:
        raise DataError(
            f"Annotations must be well-formed CSV. Received: line {rows.line_num}: {error}. Correct the file."
        ) from error
    splits = sorted({annotation.split for annotation in annotations} - {""})
    given = f"the column split holds {', '.join(splits)}" if splits else ""
    cells = [row for _, row in lines]
    return AnnotationSet("csv", annotations, _notes(header, columns, cells), given_split=given)


def _notes(header: Sequence[str], columns: Mapping[str, int], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return sentences on what of a table was passed over, or does not count as it stands."""
    unread = {name: index for index, name in enumerate(header) if index not in columns.values() and name.strip()}
    for name, index in unread.items():
        _check_is_no_split(name, {row[index].strip() for row in rows if len(row) > index} - {""})
    padded = {repr(label) for row in rows if (label := row[columns["label"]]) != label.strip()}
    groups = [bool(row[columns["group"]].strip()) for row in rows] if "group" in columns else []
    alone = [row[columns["file"]] for row, has_group in zip(rows, groups, strict=False) if not has_group]
    return [
        *noted("Columns that were not read", list(unread)),
        *noted("Space around labels does not count", sorted(padded)),
        *(noted("Files without a group", alone) if any(groups) else []),
    ]


def _check_is_no_split(name: str, values: set[str]) -> None:
    if len(splits := {split_called(value) for value in values}) > 1 and None not in splits:
        raise DataError(
            "A column of splits must be called split. "
            f"Received: {one_line(repr(name), 80)}, which holds {first_ten(sorted(values))}. Rename or remove it."
        )


def _looks_like_a_table(text: str) -> bool:
    first = next((line for line in text.splitlines() if line.strip()), "")
    cells = {cell for separator in (",", *SEPARATORS) if separator in first for cell in _names(first.split(separator))}
    return not cells.isdisjoint({*COLUMNS, *OTHER_NAMES}) or first.lower().startswith("sep=")


def _not_blank(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    return (row for row in rows if any(cell.strip() for cell in row))


def _names(header: Sequence[str]) -> list[str]:
    return [name.strip().strip('"').strip().lower() for name in header]


def _columns(header: list[str], text: str) -> dict[str, int]:
    names = _names(header)
    known = [name for name in names if name in COLUMNS]
    files = [name for name in known if name in FILE_COLUMNS]
    if not files or "label" not in known:
        raise DataError(f"A CSV of annotations must start with the columns file,label[,group]. {_advice(header, text)}")
    if len(files) > 1 or len(set(known)) < len(known):
        raise DataError(
            "A CSV of annotations must have each column once, and one of file and image name. "
            f"Received: the columns {first_ten(header)}. Rename or remove the others."
        )
    return {"file" if name in FILE_COLUMNS else name: names.index(name) for name in known}


def _advice(header: list[str], text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.lower().startswith("sep=,"):
        return f"Received: {one_line(first, 40)}. Remove that line."
    for separator, name in SEPARATORS.items():
        if separator in first and "," not in first:
            return f"Received: {name} between the columns. Save it with commas."
    if not set(_names(header)).isdisjoint({*COLUMNS, *OTHER_NAMES}):
        return f"Received: the columns {first_ten(header)}. Rename them."
    return f"Received: {first_ten(header)}. Add the header."


def _annotation(row: list[str], columns: Mapping[str, int], width: int, line: int) -> Annotation:
    where = f"line {line}"
    if len(row) <= max(columns.values()):
        raise DataError(
            f"Each CSV row must have every column of the header. Received: {where}: {one_line(row, 80)}. Complete it."
        )
    if any(cell.strip() for cell in row[width:]):
        raise DataError(
            "A CSV row must not have more columns than the header. "
            f"Received: {where}: {one_line(row, 80)}. Quote what holds a comma."
        )
    group = row[columns["group"]].strip() if "group" in columns else ""
    return Annotation(
        check_name(row[columns["file"]], where),
        check_label(row[columns["label"]], where),
        str(line),
        0,
        group and check_label(group, where),
        _split(row[columns["split"]], where) if "split" in columns else "",
    )


def _split(name: str, where: str) -> str:
    split = split_called(name) if name.strip() else ""
    if split is None:
        raise DataError(
            f"A split must be train, validation or test. Received: {where}: {one_line(repr(name), 80)}. Correct it."
        )
    return split


FORMAT = TextFormat("csv", "CSV with the columns file,label[,group]", _looks_like_a_table, read_csv)
