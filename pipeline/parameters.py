"""Parameters of a run, given as `name=value` or by a file, checked against the types in the compiled pipeline."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from components.step.errors import UsageError, one_line
from components.step.nearest import did_you_mean
from components.step.strict_json import read_json
from pipeline.compiled import Parameter


def parse_parameters(
    assignments: Sequence[str], declared: Mapping[str, Parameter], configured: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return every parameter in `declared`: from `assignments` ("name=value"), else `configured`, else its default.

    Text is taken as it stands; integers, numbers, booleans (true, false), JSON objects and JSON lists are read.

    Raises:
        UsageError: an assignment without "=", an unknown or repeated name, a value of another type, a value missing.
    """
    given: dict[str, Any] = {}
    for assignment in assignments:
        name, text = split_assignment(assignment, declared)
        if name in given:
            raise UsageError(f"A parameter is given once. Received: {name} twice. Leave one out.")
        given[name] = read_value(name, text, declared[name].kind)
    defaults = {name: parameter.default for name, parameter in declared.items()}
    values = {**defaults, **(configured or {}), **given}
    _check_complete(values)
    return values


def split_assignment(assignment: str, declared: Mapping[str, Parameter]) -> tuple[str, str]:
    """Return name and text of `assignment`, "name=text".

    Raises:
        UsageError: there is no "=", or no parameter of that name in `declared`.
    """
    name, equals, text = assignment.partition("=")
    if not equals:
        raise UsageError(f"A parameter is given as name=value. Received: {assignment!r}. Write --param name=value.")
    check_known(name, declared)
    return name, text


def check_known(name: str, declared: Mapping[str, Parameter], where: str = "") -> None:
    """Check that the pipeline has a parameter called `name`; `where` says where in a file it was given.

    Raises:
        UsageError: it has none; the message has the nearest and every legal name.
    """
    if name not in declared:
        raise UsageError(
            f"A parameter must be one of the pipeline's. Received: {name[:80]!r}{_at(where)}. "
            f"{did_you_mean(name, declared)}Legal: {', '.join(declared)}."
        )


def read_value(name: str, text: str, kind: str, where: str = "") -> Any:
    """Return `text` as a value of KFP's type `kind`; `where` says where in a file it was given.

    Raises:
        UsageError: it is of another type.
    """
    expected, read = READERS[kind]
    try:
        return read(text)
    except (ValueError, RecursionError) as error:
        received = f"{name}={one_line(repr(text[:80]), 100)}{_at(where)}"
        raise UsageError(f"{name} must be {expected}. Received: {received}. Correct it.") from error


def _at(where: str) -> str:
    return f" at {where}" if where else ""


def _check_complete(values: Mapping[str, Any]) -> None:
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise UsageError(f"A parameter without default must be given. Received: no {', '.join(missing)}. Use --param.")


def _text(text: str) -> str:
    text.encode()  # Bytes that are no UTF-8 reach argv as lone surrogates, which no file can hold.
    return text


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
        value = read_json(_text(text), parse_constant=_refuse_constant, parse_float=_number)
        if not isinstance(value, kind):
            raise ValueError(text)
        return value

    return read


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity, which JSON does not have.


READERS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "STRING": ("text", _text),
    "NUMBER_INTEGER": ("an integer", int),
    "NUMBER_DOUBLE": ("a number", _number),
    "BOOLEAN": ("true or false", _boolean),
    "STRUCT": ("a JSON object", _json_of(dict)),
    "LIST": ("a JSON list", _json_of(list)),
}
