"""The flat forms of a Label Studio export, JSON-MIN and CSV: one row an annotation, one column a control."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.extract.annotations import Annotation, AnnotationSet
from components.extract.formats.addresses import name_at
from components.extract.formats.label_studio_values import (
    IMAGE_NAMES,
    annotator_of,
    image_in,
    looks_like_an_image,
    microseconds,
)
from components.extract.notes import noted
from components.extract.one_class import not_one_class
from components.step.errors import DataError, first_ten, one_line
from components.step.strict_json import read_json
from components.storage.names import check_label

# What Label Studio adds to the data of the task and to what its controls gave.
OF_THE_TOOL = {"annotation_id", "annotator", "id", "created_at", "updated_at", "lead_time", "agreement", "history"}
USUAL_CONTROLS = ("choice", "choices", "label", "class", "category")

Row = Mapping[str, Any]


def is_label_studio_row(names: frozenset[str] | set[str]) -> bool:
    """Tell whether `names` are those of a row, whatever controls and data its project has."""
    return {"annotation_id", "id"} <= names and not names.isdisjoint({"annotator", "lead_time", "created_at"})


def read_rows(rows: Sequence[tuple[str, Row]], format_name: str) -> AnnotationSet:
    """Return what `rows`, each with where it stands, say in the format called `format_name`.

    Raises:
        DataError: which column holds the image or the choice cannot be told, or a row is damaged.
    """
    control = _control({name: None for _, row in rows for name in row}, rows)
    annotations, bad, empty = [], {}, []
    for where, row in rows:
        name = name_at(image_in({key: value for key, value in row.items() if key != control}), where)
        labels = [check_label(label, where) for label in _choices(row.get(control), where)]
        if len(labels) == 1:
            when = microseconds(row.get("updated_at") or row.get("created_at"))
            annotations.append(Annotation(name, labels[0], annotator_of(row.get("annotator")), when))
        elif labels:
            bad[name] = not_one_class(name, labels)
        else:
            empty.append(name)
    kept = [annotation for annotation in annotations if annotation.file_name not in bad]
    notes = noted("Images with an annotation without a choice", empty)
    return AnnotationSet(format_name, kept, notes, list(bad.values()), has_addresses=True)


def _control(columns: Mapping[str, None], rows: Sequence[tuple[str, Row]]) -> str:
    names = [name for name in columns if name not in OF_THE_TOOL]
    images = [name for name in names if name in IMAGE_NAMES or _holds_images(name, rows)]
    others = [name for name in names if name not in images]
    usual = [name for name in USUAL_CONTROLS if name in others]
    if usual or len(others) == 1:
        return (usual or others)[0]
    raise DataError(
        "A Label Studio export must have one column of choices, called choice where there are others. "
        f"Received: {first_ten(others) if others else 'none'}. Export it as JSON, or rename the column."
    )


def _holds_images(name: str, rows: Sequence[tuple[str, Row]]) -> bool:
    values = [row[name] for _, row in rows if row.get(name)]
    return bool(values) and all(isinstance(value, str) and looks_like_an_image(value) for value in values)


def _choices(value: object, where: str) -> list[Any]:
    """Return the choices that `value` stands for: one, several as an object (in CSV as its text), or none."""
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            value = read_json(value)
        except ValueError:
            return [value]  # A class may be called so.
    if isinstance(value, dict):
        value = value.get("choices")
    if value is None or value == "":
        return []
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    if isinstance(value, str):
        return [value]
    raise DataError(
        "A Label Studio project must label whole images, with choices. "
        f"Received: {one_line(where, 60)}: {one_line(repr(value), 80)}. Export a project of image classification."
    )
