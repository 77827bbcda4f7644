"""CSV with the columns `file,label[,group][,split][,annotator]`, in any order; people may call them otherwise."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence

from components.extract.annotations import Annotation, AnnotationSet
from components.extract.formats.addresses import name_at
from components.extract.formats.annotation_format import TextFormat
from components.extract.formats.label_studio_rows import is_label_studio_row
from components.extract.formats.table_rows import checked_row, first_line, header_of
from components.extract.formats.usual_names import FILES, IDS, LABELS
from components.extract.given_split import split_called
from components.extract.notes import noted
from components.step.errors import DataError, first_ten, one_line
from components.step.spreadsheets import as_written
from components.storage.names import check_label, check_name

Named = Callable[[object, str], str]

FILE_COLUMNS = ("file", "image name")
LABEL_COLUMNS = ("label",)
FURTHER = ("group", "split", "annotator")
# By rank: where a name of an earlier rank is there, those of later ones are columns like any other.
FILE_RANKS, LABEL_RANKS = (FILE_COLUMNS, FILES, IDS), (LABEL_COLUMNS, LABELS)
KNOWN = {*FILE_COLUMNS, *FILES, *IDS, *LABELS, *FURTHER}
# Headers that are those of a format with a module of its own.
OF_OTHERS = ({"file_name"}, {"ImageID", "LabelName"})
DOUBTS = {"suggested", "score", "suspected"}  # Columns of the list of doubtful labels.
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_csv(text: str) -> AnnotationSet:
    """Read CSV with the columns `file,label[,group][,split][,annotator]`, in any order.

    The first two may be called otherwise (`usual_names`). Each row counts as another annotator's where none is named.

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
        own = header[columns["file"]].strip().lower() in FILE_COLUMNS
        named = check_name if own else name_at
        annotations = [_annotation(row, columns, width, line, named) for line, row in lines]
    except csv.Error as error:
        raise DataError(
            f"Annotations must be well-formed CSV. Received: line {rows.line_num}: {error}. Correct the file."
        ) from error
    splits = sorted({annotation.split for annotation in annotations} - {""})
    given = f"the column split holds {', '.join(splits)}" if splits else ""
    cells = [row for _, row in lines]
    return AnnotationSet("csv", annotations, _notes(header, columns, cells), given_split=given, has_addresses=not own)


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
    first = first_line(text)
    cells = {cell for separator in (",", *SEPARATORS) if separator in first for cell in _names(first.split(separator))}
    names = {name.strip() for name in header_of(text)}
    if is_label_studio_row(names) or any(names >= of_other for of_other in OF_OTHERS):
        return False
    return not cells.isdisjoint(KNOWN) or first.lower().startswith("sep=")


def _not_blank(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    return (row for row in rows if any(cell.strip() for cell in row))


def _names(header: Sequence[str]) -> list[str]:
    return [name.strip().strip('"').strip().lower() for name in header]


def _columns(header: list[str], text: str) -> dict[str, int]:
    """Return the index of each column that is read, by what it is."""
    names = _names(header)
    found = {"file": _of_first_rank(names, FILE_RANKS), "label": _of_first_rank(names, LABEL_RANKS)}
    found |= {name: [name] * names.count(name) for name in FURTHER if name in names}
    if not found["file"] or not found["label"]:
        raise DataError(f"A CSV of annotations must start with the columns file,label[,group]. {_advice(header, text)}")
    if any(len(of_kind) > 1 for of_kind in found.values()):
        raise DataError(
            "A CSV of annotations must have each column once, and one that names the file. "
            f"Received: the columns {first_ten(header)}. Rename or remove the others."
        )
    return {kind: names.index(of_kind[0]) for kind, of_kind in found.items()}


def _of_first_rank(names: Sequence[str], ranks: Sequence[Sequence[str]]) -> list[str]:
    return next((found for rank in ranks if (found := [name for name in names if name in rank])), [])


def _advice(header: list[str], text: str) -> str:
    first = first_line(text)
    if first.lower().startswith("sep=,"):
        return f"Received: {one_line(first, 40)}. Remove that line."
    for separator, name in SEPARATORS.items():
        if separator in first and "," not in first:
            return f"Received: {name} between the columns. Save it with commas."
    if not set(_names(header)).isdisjoint(KNOWN):
        return f"Received: the columns {first_ten(header)}. Rename them."
    return f"Received: {first_ten(header)}. Add the header."


def _annotation(row: list[str], columns: Mapping[str, int], width: int, line: int, named: Named) -> Annotation:
    where = f"line {line}"
    checked_row(row, max(columns.values()) + 1, width, where)
    group = row[columns["group"]].strip() if "group" in columns else ""
    annotator = row[columns["annotator"]].strip() if "annotator" in columns else ""
    return Annotation(
        named(row[columns["file"]], where),
        check_label(row[columns["label"]], where),
        annotator or str(line),
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
