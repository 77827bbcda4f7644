"""What is read of an answer, as a shape: what does not fit is left out, as a server of another time would leave it out.

A shape is a type, a list of one shape, or an object of shapes by name; the name `str` stands for any.
"""

from typing import Any

from components.step.errors import DataError, one_line

TEXT_OR_NUMBER = (str, int)
_NOTHING = object()


def fitting(value: Any, shape: Any) -> Any:
    """Return what of the JSON `value` fits `shape`, an empty list, object or text where nothing does."""
    found = _fitting(value, shape)
    if found is not _NOTHING:
        return found
    return type(shape)() if isinstance(shape, list | dict) else ""


def given(answer: dict[str, Any], name: str) -> str:
    """Return the text called `name` of an `answer`, without which there is nothing to go on with.

    Raises:
        DataError: it is not there.
    """
    found = fitting(answer, {name: str})
    if not found.get(name):
        names = ", ".join(fitting(answer, {str: object})) or "nothing"
        received = one_line(f"{name}={answer[name]!r}" if name in answer else names, 200)
        raise DataError(
            f"A KFP API answers with {name}. Received: {received}. "
            "Check that --host names one; it may be of another time."
        )
    return str(found[name])


def _fitting(value: Any, shape: Any) -> Any:
    if isinstance(shape, list):
        kept = [_fitting(item, shape[0]) for item in value] if isinstance(value, list) else None
        return _NOTHING if kept is None else [item for item in kept if item is not _NOTHING]
    if isinstance(shape, dict):
        return _fields(value, shape) if isinstance(value, dict) else _NOTHING
    legal = isinstance(value, shape) and (not isinstance(value, bool) or shape in (bool, object))
    return value if legal else _NOTHING


def _fields(value: dict[str, Any], shape: dict[Any, Any]) -> dict[str, Any]:
    kept = {name: _fitting(inner, shape.get(name, shape.get(str, ()))) for name, inner in value.items()}
    return {name: inner for name, inner in kept.items() if inner is not _NOTHING}
