"""Parameters given as `name=value`, checked against the types in the compiled pipeline."""

import difflib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from components.errors import UsageError
from pipeline.compiled import Parameter


def parse_parameters(assignments: Sequence[str], declared: Mapping[str, Parameter]) -> dict[str, Any]:
    """Return every parameter in `declared` with its value from `assignments` ("name=value"), else its default.

    Text is taken as it stands; integers, numbers, booleans (true, false), JSON objects and JSON lists are read.

    Raises:
        UsageError: an assignment without "=", an unknown or repeated name, a value of another type, a value missing.
    """
    given: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise UsageError(f"A parameter is given as name=value. Received: {assignment!r}. Write --param name=value.")
        _check_name(name, declared, given)
        given[name] = _value(name, text, declared[name].kind)
    values = {name: given.get(name, parameter.default) for name, parameter in declared.items()}
    _check_complete(values)
    return values


def _check_name(name: str, declared: Mapping[str, Parameter], given: Mapping[str, Any]) -> None:
    if name in given:
        raise UsageError(f"A parameter is given once. Received: {name} twice. Leave one out.")
    if name not in declared:
        nearest = difflib.get_close_matches(name, declared, n=1)
        hint = f"Did you mean {nearest[0]}? " if nearest else ""
        raise UsageError(
            f"A parameter must be one of the pipeline's. Received: {name[:80]!r}. {hint}Legal: {', '.join(declared)}."
        )


def _check_complete(values: Mapping[str, Any]) -> None:
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise UsageError(f"A parameter without default must be given. Received: no {', '.join(missing)}. Use --param.")


def _value(name: str, text: str, kind: str) -> Any:
    expected, read = READERS[kind]
    try:
        return read(text)
    except ValueError as error:
        raise UsageError(f"{name} must be {expected}. Received: {name}={text[:80]!r}. Correct the --param.") from error


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _json_of(kind: type) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        value = json.loads(text)
        if not isinstance(value, kind):
            raise ValueError(text)
        return value

    return read


READERS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "STRING": ("text", str),
    "NUMBER_INTEGER": ("an integer", int),
    "NUMBER_DOUBLE": ("a number", _number),
    "BOOLEAN": ("true or false", _boolean),
    "STRUCT": ("a JSON object", _json_of(dict)),
    "LIST": ("a JSON list", _json_of(list)),
}
