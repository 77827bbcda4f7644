"""The one place where JSON is read: an object with the same name twice is refused, where others keep the last value."""

import json
import reprlib
from collections.abc import Callable
from typing import Any

from components.step.errors import one_line

Pairs = list[tuple[str, Any]]
Convert = Callable[[dict[str, Any]], Any]


class NameTwice(ValueError):
    """An object has a name twice; the message says which, and both values."""


def read_json(data: str | bytes, convert: Convert | None = None, **options: Any) -> Any:
    """Return the value that `data`, JSON text, stands for.

    Args:
        data: text, or bytes in UTF-8, UTF-16 or UTF-32.
        convert: what each object becomes, as it is read; a dict if None.
        options: further ones of `json.loads`.

    Raises:
        ValueError: it is no JSON, an object has a name twice (NameTwice), or it is nested too deeply.
    """

    def object_of(pairs: Pairs) -> Any:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise _name_twice(pairs)
        return convert(found) if convert else found

    try:
        return json.loads(data, object_pairs_hook=object_of, **options)
    except RecursionError as error:
        raise ValueError(str(error)) from error


def _name_twice(pairs: Pairs) -> NameTwice:
    seen: dict[str, Any] = {}
    for name, value in pairs:
        if name in seen:
            both = f"{reprlib.repr(seen[name])} and {reprlib.repr(value)}"
            return NameTwice(f"the name {one_line(repr(name), 80)} twice in one object, {one_line(both, 160)}")
        seen[name] = value
    raise AssertionError("no name twice")
