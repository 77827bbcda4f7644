"""The metadata of a Hugging Face ImageFolder, `metadata.csv` or `metadata.jsonl`: a file name and a label a line."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.extract.annotations import Annotation, AnnotationSet
from components.extract.formats.addresses import name_at
from components.extract.formats.annotation_format import TextFormat
from components.extract.formats.json_lists import read_lines_of_objects
from components.extract.formats.json_outline import outline
from components.extract.formats.label_studio_rows import is_label_studio_row
from components.extract.formats.table_rows import header_of, read_rows_by_name
from components.extract.formats.usual_names import LABELS
from components.extract.given_split import split_called, splits_among
from components.extract.notes import noted
from components.step.errors import DataError, first_ten, one_line
from components.storage.names import check_label

NAME = "file_name"
RULE = "The metadata of an ImageFolder must have file_name and label in each line"
GROUP, SPLIT = "group", "split"

Row = Mapping[str, Any]


def read_image_folder(text: str) -> AnnotationSet:
    """Read `metadata.csv` or `metadata.jsonl`; folders called like splits are the given split.

    Raises:
        DataError: it is neither, has no label or may have several, or a line is damaged.
    """
    rows = list(_rows(text))
    label = _label({name: None for _, row in rows for name in row})
    read = {NAME, label, GROUP, SPLIT}
    folders = {name_at(row.get(NAME), where).partition("/")[0] for where, row in rows if "/" in str(row.get(NAME))}
    splits = splits_among(folders)
    splits = splits if len(set(splits.values())) > 1 and splits.keys() == folders else {}
    annotations = [_annotation(row, label, splits, where) for where, row in rows]
    unread = {name: None for _, row in rows for name in row if name not in read}
    found = sorted({annotation.split for annotation in annotations} - {""})
    given = f"{'folders' if splits else 'the column split'} say {', '.join(found)}" if found else ""
    notes = noted("Columns that were not read", list(unread))
    return AnnotationSet("image-folder", annotations, notes, given_split=given, has_addresses=True)


def _rows(text: str) -> Iterator[tuple[str, Row]]:
    if text.lstrip().startswith("{"):
        return ((f"line {number}", row) for number, row in read_lines_of_objects(text, RULE))
    return read_rows_by_name(text)


def _label(names: Mapping[str, None]) -> str:
    usual = [name for name in names if name.lower() in LABELS]
    if NAME in names and len(usual) == 1:
        return usual[0]
    raise DataError(f"{RULE}. Received: {first_ten(list(names)) if names else 'no line'}. Call one column label.")


def _annotation(row: Row, label: str, splits: Mapping[str, str], where: str) -> Annotation:
    name, group = name_at(row.get(NAME), where), row.get(GROUP)
    split = splits.get(name.partition("/")[0]) or _split(row.get(SPLIT), where)
    return Annotation(name, _text(row.get(label), where), where, 0, _text(group, where) if group else "", split)


def _text(value: object, where: str) -> str:
    """Return `value` as a label; numbers, such as those of classes without names, as their digits."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return check_label(str(value) if is_number else value, where)


def _split(value: object, where: str) -> str:
    split = split_called(value) if isinstance(value, str) and value.strip() else ""
    if split is None or (value and not isinstance(value, str)):
        raise DataError(
            f"A split must be train, validation or test. Received: {where}: {one_line(repr(value), 80)}. Correct it."
        )
    return split


def _is_image_folder(text: str) -> bool:
    if text.lstrip().startswith("{"):
        return NAME in outline(text).get("", frozenset())
    names = {name.strip() for name in header_of(text)}
    return NAME in names and not is_label_studio_row(names)


FORMAT = TextFormat(
    "image-folder", "the metadata of an ImageFolder (CSV or JSON lines)", _is_image_folder, read_image_folder
)
