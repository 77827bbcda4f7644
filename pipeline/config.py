"""Parameters from a YAML file, `pawline run --config`: read by the types that the pipeline declares, and written back.

A plain value means what it means behind `--param name=`: `no` is the text "no" where text is declared, `1e-3` is a
number where a number is.
"""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from components.step.errors import UsageError, one_line
from components.step.files import write_text
from components.step.plain_yaml import LARGEST_BYTES, PlainYaml
from components.step.regular_files import open_regular
from pipeline.compiled import Parameter
from pipeline.parameters import check_known, read_value

RULE = "--config must be a plain YAML file of `name: value` lines"
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
    source = PlainYaml(str(path), RULE)
    return read_values(read_root(path, source), declared, source)


def read_configs(paths: Sequence[Path], declared: Mapping[str, Parameter]) -> dict[str, Any]:
    """Return what the files at `paths` give; of two that give one parameter the later one counts. See `read_config`."""
    values: dict[str, Any] = {}
    for path in paths:
        values |= read_config(path, declared)
    return values


def read_root(path: Path, source: PlainYaml) -> yaml.MappingNode:
    """Return the mapping that the YAML file at `path` is, as `source` reads and names it.

    Raises:
        UsageError: the file cannot be read, or is no plain YAML mapping.
    """
    return source.root(_bytes(path, source))


def read_values(mapping: yaml.MappingNode, declared: Mapping[str, Parameter], source: PlainYaml) -> dict[str, Any]:
    """Return the parameters that `mapping` in `source` gives, of the types in `declared`.

    Raises:
        UsageError: a parameter is not in `declared`, there twice, or of another type.
    """
    values = {}
    for key, node in source.pairs(mapping):
        check_known(key, declared, source.at(node))
        values[key] = _value(key, node, declared[key].kind, source)
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


def _bytes(path: Path, source: PlainYaml) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise source.refusal(source.source, one_line(getattr(error, "strerror", None) or error)) from error


def _value(name: str, node: yaml.Node, kind: str, source: PlainYaml) -> Any:
    where = source.at(node)
    if kind in COLLECTIONS:
        form, expected = COLLECTIONS[kind]
        if not isinstance(node, form):
            raise _mistyped(name, expected, node, where)
        return _json_value(node, source)
    if not isinstance(node, yaml.ScalarNode):
        raise _mistyped(name, "a single value", node, where)
    if node.style is None and node.value in NULLS:
        raise UsageError(f'{name} must have a value. Received: none at {where}. Write one, "" for no text.')
    if node.style is not None and kind != "STRING":
        raise _mistyped(name, "written without quotes", node, where)
    return read_value(name, node.value, kind, where)


def _json_value(node: yaml.Node, source: PlainYaml) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {key: _json_value(value, source) for key, value in source.pairs(node)}
    if isinstance(node, yaml.SequenceNode):
        return [_json_value(item, source) for item in node.value]
    if not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return node.value
    if node.value in NULLS:
        return None
    return JSON_WORDS[node.value] if node.value in JSON_WORDS else _number_or_text(node, source)


def _number_or_text(node: yaml.Node, source: PlainYaml) -> int | float | str:
    text: str = node.value
    if JSON_INTEGER.fullmatch(text):
        return int(text)
    if not JSON_NUMBER.fullmatch(text):
        return text
    if not math.isfinite(float(text)):
        raise source.refusal(source.at(node), f"{text[:40]}, which no number can hold")
    return float(text)


def _mistyped(name: str, expected: str, node: yaml.Node, where: str) -> UsageError:
    received = repr(node.value[:80]) if isinstance(node, yaml.ScalarNode) else f"a {FORMS[type(node)]}"
    return UsageError(f"{name} must be {expected}. Received: {name}={received} at {where}. Correct it.")
