"""A Label Studio export of images labelled with choices: CSV, one row an annotation."""

from components.extract.annotations import AnnotationSet
from components.extract.formats.annotation_format import TextFormat
from components.extract.formats.label_studio_rows import is_label_studio_row, read_rows
from components.extract.formats.table_rows import header_of, read_rows_by_name


def read_label_studio_csv(text: str) -> AnnotationSet:
    """Read a Label Studio export (CSV), which has no annotations that were cancelled.

    Raises:
        DataError: it is no such table, which column holds the image or the choice cannot be told, or a row is damaged.
    """
    return read_rows(list(read_rows_by_name(text)), "label-studio-csv")


def _is_label_studio_csv(text: str) -> bool:
    return is_label_studio_row({name.strip() for name in header_of(text)})


FORMAT = TextFormat("label-studio-csv", "a Label Studio export (CSV)", _is_label_studio_csv, read_label_studio_csv)
