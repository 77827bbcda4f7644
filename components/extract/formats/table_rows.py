"""Rows of a CSV whatever its columns are: by the names in its header, each with its line."""

import csv
import io
import re
from collections.abc import Iterator, Sequence

from components.step.errors import DataError, first_ten, one_line

_FROM_FIRST_LETTER = re.compile(r"\S[^\r\n]*")


def first_line(text: str) -> str:
    """Return the first line of `text` that is not blank, without space before it; an export may have millions."""
    found = _FROM_FIRST_LETTER.search(text)
    return found[0] if found else ""


def header_of(text: str) -> list[str]:
    """Return the names in the first line of `text` that is not blank, as they stand there; [] if that is no CSV."""
    try:
        return next(csv.reader([first_line(text)]), [])
    except csv.Error:
        return []


def read_rows_by_name(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each row of `text`, CSV with a header, by the names of its columns, and words that say where it stands.

    Raises:
        DataError: it is no well-formed CSV, has a column twice, or a row has other columns than the header.
    """
    rows = csv.reader(io.StringIO(text, newline=None), strict=True)  # Excel for Mac ends lines with a bare "\r".
    try:
        filled = (row for row in rows if any(cell.strip() for cell in row))
        header = [name.strip() for name in next(filled, [])]
        _check_header(header)
        for row in filled:
            where = f"line {rows.line_num}"
            yield where, dict(zip(header, checked_row(row, len(header), len(header), where), strict=True))
    except csv.Error as error:
        raise DataError(
            f"Annotations must be well-formed CSV. Received: line {rows.line_num}: {error}. Correct the file."
        ) from error


def _check_header(header: Sequence[str]) -> None:
    twice = sorted({name for name in header if header.count(name) > 1 and name})
    if twice:
        raise DataError(
            "A CSV of annotations must have each column once. "
            f"Received: {first_ten(twice)} several times. Rename or remove the others."
        )


def checked_row(row: Sequence[str], fewest: int, width: int, where: str) -> Sequence[str]:
    """Return the cells of `row` below a header of `width` columns, of which at least `fewest` must be there.

    Raises:
        DataError: cells are missing, or stand behind the last column; `where` says in which line.
    """
    if len(row) < fewest:
        raise DataError(
            f"Each CSV row must have every column of the header. Received: {where}: {one_line(row, 80)}. Complete it."
        )
    if any(cell.strip() for cell in row[width:]):
        raise DataError(
            "A CSV row must not have more columns than the header. "
            f"Received: {where}: {one_line(row, 80)}. Quote what holds a comma."
        )
    return row[:width]
