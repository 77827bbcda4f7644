"""Open Images: CSV with `ImageID,Source,LabelName,Confidence`, of whole images or, with `XMin` and so on, of boxes."""

from collections.abc import Mapping

from components.extract.annotations import Annotation, AnnotationSet, Box
from components.extract.formats.addresses import name_at
from components.extract.formats.annotation_format import TextFormat
from components.extract.formats.boxes import checked_box, number
from components.extract.formats.table_rows import header_of, read_rows_by_name
from components.extract.one_class import one_class_each
from components.step.counts import counted
from components.step.errors import DataError, one_line
from components.storage.names import check_label

IMAGE, LABEL, CONFIDENCE = "ImageID", "LabelName", "Confidence"
SIDES = ("XMin", "XMax", "YMin", "YMax")


def read_open_images(text: str) -> AnnotationSet:
    """Read a table of Open Images; rows with a confidence of 0 say what is not in an image and do not count.

    Raises:
        DataError: the columns are others, or a row is damaged; names its line.
    """
    rows = list(read_rows_by_name(text))
    if rows and not rows[0][1].keys() >= {IMAGE, LABEL}:
        raise DataError(
            f"A table of Open Images must have the columns {IMAGE} and {LABEL}. "
            f"Received: {one_line(list(rows[0][1]), 120)}. Name its format or export it again."
        )
    said = [_annotation(row, where) for where, row in rows]
    positive = [annotation for annotation in said if annotation]
    whole, bad = one_class_each(a for a in positive if not a.box)
    absent = len(said) - len(positive)
    notes = [f"{counted(absent, 'row', 'rows')} of what is not in an image did not count."] if absent else []
    return AnnotationSet("open-images", whole + [a for a in positive if a.box], notes, bad, has_addresses=True)


def _annotation(row: Mapping[str, str], where: str) -> Annotation | None:
    name, label = name_at(row[IMAGE], where), check_label(row[LABEL], where)
    confidence = number(row.get(CONFIDENCE) or "1")
    if confidence is None or not 0 <= confidence <= 1:
        raise DataError(
            f"{CONFIDENCE} must be a number from 0 to 1. "
            f"Received: {where}: {one_line(row[CONFIDENCE], 80)}. Correct it."
        )
    return Annotation(name, label, box=_box(row, where)) if confidence else None


def _box(row: Mapping[str, str], where: str) -> Box | None:
    if not row.keys() >= set(SIDES):
        return None
    left, right, top, bottom = (number(row[side]) for side in SIDES)
    if left is None or right is None or top is None or bottom is None:
        return checked_box([left, top, right, bottom], where)
    if (left, right, top, bottom) == (0, 1, 0, 1):
        return None
    return checked_box([100 * left, 100 * top, 100 * (right - left), 100 * (bottom - top)], where, percent=True)


def _is_open_images(text: str) -> bool:
    return {name.strip() for name in header_of(text)} >= {IMAGE, LABEL}


FORMAT = TextFormat("open-images", "a table of Open Images (CSV)", _is_open_images, read_open_images)
