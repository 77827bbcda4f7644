"""Parameters from a YAML file, `pawline run --config`: read by the types that the pipeline declares, and written back.

A plain value means what it means behind `--param name=`, so YAML 1.1's surprises do not arise: `no` is the text "no"
where text is declared, `1e-3` is a number where a number is. The file is not trusted: no tags, no aliases, no depth.
"""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from components.errors import UsageError, one_line
from components.files import write_text
from pipeline.compiled import Parameter
from pipeline.parameters import check_known, read_value

LARGEST_BYTES = 65_536
DEEPEST = 16
HEAD = "# Every parameter of this run; `pawline run --config` repeats it. Paths are relative to where it was started.\n"
NULLS = ("", "~", "null", "Null", "NULL")
COLLECTIONS = {"STRUCT": (yaml.MappingNode, "a mapping"), "LIST": (yaml.SequenceNode, "a list")}
FORMS: dict[type[yaml.Node], str] = {yaml.MappingNode: "mapping", yaml.SequenceNode: "list"}
# What JSON reads as something else than text (RFC 8259).
JSON_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
JSON_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})")
JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def read_config(path: Path, declared: Mapping[str, Parameter]) -> dict[str, Any]:
    """Return the parameters that the YAML file at `path` gives, of the types in `declared`.

    Raises:
        UsageError: the file cannot be read, is no mapping of parameter names to values, has tags, aliases or a key
            twice, names a parameter that is not in `declared`, or gives a value of another type.
    """
    values = {}
    for key, node in _pairs(_root(path), path):
        check_known(key, declared, _at(node, path))
        values[key] = _value(key, node, declared[key].kind, path)
    return values


def write_config(path: Path, parameters: Mapping[str, Any]) -> None:
    """Write `parameters` to `path` so that `read_config` gives back the same, atomically."""
    named = {_Name(name): value for name, value in parameters.items()}
    text = yaml.dump(named, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**6)
    write_text(path, HEAD + text)


class _Name(str):
    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


# Quoted, text is never taken for anything else, whoever reads the file.
_Dumper.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))
_Dumper.add_representer(_Name, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text)))


def _root(path: Path) -> yaml.MappingNode:
    try:
        text = _text(path)
        _refuse_hostile(text, path)
        # Nodes only, no objects are made: SafeLoader composes nothing else.
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise _refusal(path, _reason(error)) from error
    if not isinstance(node, yaml.MappingNode):
        raise _refusal(path, "nothing" if node is None else "something else than `name: value` lines")
    return node


def _text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(LARGEST_BYTES + 1)
    if len(data) > LARGEST_BYTES:
        raise ValueError(f"more than {LARGEST_BYTES} bytes")
    return data.decode("utf-8-sig")


def _refuse_hostile(text: str, path: Path) -> None:
    """Refuse what could make a small file large, run code, or end the recursion over nodes."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise _refusal(_place(path, event.start_mark), f"more than {DEEPEST} levels")
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            raise _refusal(_place(path, event.start_mark), "an anchor or alias (&, *)")
        if getattr(event, "tag", None) is not None:
            raise _refusal(_place(path, event.start_mark), "a tag (!)")


def _pairs(mapping: yaml.MappingNode, path: Path) -> Iterator[tuple[str, yaml.Node]]:
    seen: set[str] = set()
    for key, value in mapping.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _refusal(_at(key, path), "a key that is no text")
        if key.value in seen:
            raise _refusal(_at(key, path), f"{one_line(key.value, 80)} twice")
        seen.add(key.value)
        yield key.value, value


def _value(name: str, node: yaml.Node, kind: str, path: Path) -> Any:
    where = _at(node, path)
    if kind in COLLECTIONS:
        form, expected = COLLECTIONS[kind]
        if not isinstance(node, form):
            raise _mistyped(name, expected, node, where)
        return _json_value(node, path)
    if not isinstance(node, yaml.ScalarNode):
        raise _mistyped(name, "a single value", node, where)
    if node.style is None and node.value in NULLS:
        raise UsageError(f'{name} must have a value. Received: none at {where}. Write one, "" for no text.')
    if node.style is not None and kind != "STRING":
        raise _mistyped(name, "written without quotes", node, where)
    return read_value(name, node.value, kind, where)


def _json_value(node: yaml.Node, path: Path) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {key: _json_value(value, path) for key, value in _pairs(node, path)}
    if isinstance(node, yaml.SequenceNode):
        return [_json_value(item, path) for item in node.value]
    if not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return node.value
    if node.value in NULLS:
        return None
    return JSON_WORDS[node.value] if node.value in JSON_WORDS else _number_or_text(node, path)


def _number_or_text(node: yaml.Node, path: Path) -> int | float | str:
    text: str = node.value
    if JSON_INTEGER.fullmatch(text):
        return int(text)
    if not JSON_NUMBER.fullmatch(text):
        return text
    if not math.isfinite(float(text)):
        raise _refusal(_at(node, path), f"{text[:40]}, which no number can hold")
    return float(text)


def _mistyped(name: str, expected: str, node: yaml.Node, where: str) -> UsageError:
    received = repr(node.value[:80]) if isinstance(node, yaml.ScalarNode) else f"a {FORMS[type(node)]}"
    return UsageError(f"{name} must be {expected}. Received: {name}={received} at {where}. Correct it.")


def _refusal(where: Path | str, received: str) -> UsageError:
    rule = "--config must be a plain YAML file of `name: value` lines"
    return UsageError(f"{rule}. Received: {one_line(where)}: {received}. Correct it.")


def _reason(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "strerror", None) or getattr(error, "problem", None) or str(error).partition("\n")[0]
    return one_line(f"line {mark.line + 1}: {what}" if mark else what)


def _at(node: yaml.Node, path: Path) -> str:
    return _place(path, node.start_mark)


def _place(path: Path, mark: Any) -> str:
    return f"{one_line(path)}, line {mark.line + 1}"
