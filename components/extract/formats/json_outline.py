"""What JSON is told apart by: the names in its first objects. Only as much of it is parsed as that takes."""

import json
import re
from collections.abc import Iterator

# A list under one of these names tells by its first object, in any format we know, which format it is.
TELLING = ("annotations", "images")
Outline = dict[str, frozenset[str]]

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


def outline(text: str) -> Outline:
    """Return by its name the names of the first object in each list of the object `text`, as far as they tell.

    Under "" stand the names of `text` itself, or where it is a list, under "[]" those of its first object. What ends
    early or is no JSON gives what was found so far; the reader says what is wrong with it.
    """
    found: Outline = {}
    try:
        for name, names in _first_objects(text):
            found[name] = names
    except (ValueError, IndexError, RecursionError):
        pass
    return found


def _first_objects(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    at = _after_space(text, 0)
    if text[at] == "[":
        yield "[]", _names_of_first(text, at)
        return
    names: list[str] = []
    while text[at] in "{,":
        at = _after_space(text, at + 1)
        if text[at] == "}":
            break
        name, at = _DECODER.raw_decode(text, at)
        names.append(str(name))
        yield "", frozenset(names)
        at = _after_space(text, _after_space(text, at) + 1)
        if text[at] == "[":
            inner = _names_of_first(text, at)
            yield str(name), inner
            if inner and name in TELLING:
                return
        _, at = _DECODER.raw_decode(text, at)
        at = _after_space(text, at)


def _names_of_first(text: str, at: int) -> frozenset[str]:
    """Return the names of the first object in the list that begins at `at`; none if it holds something else."""
    at = _after_space(text, at + 1)
    first = _DECODER.raw_decode(text, at)[0] if text[at] == "{" else {}
    return frozenset(first)


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
