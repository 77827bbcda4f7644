"""A Label Studio export of images labelled with choices: JSON-MIN, one flat object an annotation."""

from components.extract.annotations import AnnotationSet
from components.extract.formats.annotation_format import TextFormat
from components.extract.formats.json_lists import read_list_of_objects
from components.extract.formats.json_outline import outline
from components.extract.formats.label_studio_rows import is_label_studio_row, read_rows

RULE = "A Label Studio export (JSON-MIN) must be a list of objects with an image and a choice"


def read_label_studio_min(text: str) -> AnnotationSet:
    """Read a Label Studio export (JSON-MIN), which has no annotations that were cancelled.

    Raises:
        DataError: it is no such list, which name holds the image or the choice cannot be told, or an object is damaged.
    """
    objects = read_list_of_objects(text, RULE)
    rows = [(f"annotation {row.get('annotation_id', at)}", row) for at, row in enumerate(objects)]
    return read_rows(rows, "label-studio-min")


def _is_label_studio_min(text: str) -> bool:
    names = outline(text).get("[]", frozenset())
    return is_label_studio_row(names) and "data" not in names


FORMAT = TextFormat("label-studio-min", "a Label Studio export (JSON-MIN)", _is_label_studio_min, read_label_studio_min)
