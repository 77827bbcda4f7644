"""JSON exports read whole: a list of objects, or one object a line."""

from collections.abc import Iterator
from typing import Any

from components.step.errors import DataError, one_line
from components.step.strict_json import Convert, read_json


def read_object_or_list(text: str, rule: str, convert: Convert | None = None) -> Any:
    """Return what `text` stands for; `rule` is what an export must be, `convert` what each object becomes.

    Raises:
        DataError: it is no JSON, or an object has a name twice.
    """
    try:
        return read_json(text, convert)
    except ValueError as error:
        raise DataError(f"{rule}. Received: {one_line(error, 160)}. Export it again.") from error


def read_list_of_objects(text: str, rule: str, convert: Convert | None = None) -> list[dict[str, Any]]:
    """Return the objects in the list that `text` stands for; see `read_object_or_list`.

    Raises:
        DataError: it is no list, or what it holds are not all objects.
    """
    found = read_object_or_list(text, rule, convert)
    if isinstance(found, list) and all(isinstance(item, dict) for item in found):
        return found
    raise DataError(f"{rule}. Received: another structure. Export it again.")


def read_lines_of_objects(text: str, rule: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each object of `text`, JSON lines, with the number of its line; blank lines do not count.

    Raises:
        DataError: a line is no JSON object.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            found = read_json(line)
        except ValueError as error:
            raise DataError(f"{rule}. Received: line {number}: {one_line(error, 160)}. Correct it.") from error
        if not isinstance(found, dict):
            raise DataError(f"{rule}. Received: line {number}: {one_line(repr(found), 80)}. Correct it.")
        yield number, found
