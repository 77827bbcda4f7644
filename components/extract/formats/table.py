"""CSV with the columns `file,label[,group]` or `image name,label`, in any order."""

import contextlib
import csv
import io
from collections.abc import Mapping

from components.extract.annotations import Annotation, AnnotationSet
from components.extract.formats.annotation_format import TextFormat
from components.step.errors import DataError, one_line
from components.storage.names import check_label, check_name


def read_csv(text: str) -> AnnotationSet:
    """Read CSV with the columns `file,label[,group]` or `image name,label`, in any order.

    Raises:
        DataError: the columns are others, or a row is damaged.
    """
    rows = csv.reader(io.StringIO(text), strict=True)
    try:
        columns = _csv_columns(next(rows, []))
        if columns is None:
            raise DataError(
                "A CSV of annotations must start with the columns file,label[,group]. Received: others. Add the header."
            )
        return AnnotationSet("csv", [_csv_annotation(row, columns, rows.line_num) for row in rows if row])
    except csv.Error as error:
        raise DataError(
            f"Annotations must be well-formed CSV. Received: line {rows.line_num}: {error}. Correct the file."
        ) from error


def _has_our_columns(text: str) -> bool:
    with contextlib.suppress(csv.Error):
        return _csv_columns(next(csv.reader(io.StringIO(text)), [])) is not None
    return False


def _csv_columns(header: list[str]) -> dict[str, int] | None:
    names = [name.strip().lower() for name in header]
    file = next((name for name in ("file", "image name") if name in names), None)
    if file is None or "label" not in names:
        return None
    columns = {"file": names.index(file), "label": names.index("label")}
    return {**columns, "group": names.index("group")} if "group" in names else columns


def _csv_annotation(row: list[str], columns: Mapping[str, int], line: int) -> Annotation:
    if len(row) <= max(columns.values()):
        raise DataError(
            f"Each CSV row must have every column of the header. Received: line {line}: {one_line(row, 80)}. "
            "Complete it."
        )
    group = row[columns["group"]].strip() if "group" in columns else ""
    return Annotation(
        check_name(row[columns["file"]]), check_label(row[columns["label"]]), str(line), 0, group and check_label(group)
    )


FORMAT = TextFormat("csv", "CSV with the columns file,label[,group]", _has_our_columns, read_csv)
