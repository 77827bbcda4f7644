"""JSON is read in one place, where an object with the same name twice is refused; YAML and tables likewise."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.step.strict_json import NameTwice, read_json

ROOT = Path(__file__).parents[2]
SOURCES = [path for folder in ("components", "pipeline", "pawline") for path in (ROOT / folder).rglob("*.py")]
# What reads a text that a person or another program may have written, and keeps the last of two equal names.
LAX = {("json", "load"), ("json", "loads"), ("yaml", "safe_load"), ("yaml", "safe_load_all"), ("yaml", "load")}
LAX |= {("orjson", "loads"), ("csv", "DictReader"), ("yaml", "load_all")}
ALLOWED = {
    "components/step/strict_json.py",  # The one place.
    "components/extract/pattern_process.py",  # Runs alone, and reads what our own process has just made of a dict.
    "components/ingest/document_process.py",  # As pattern_process.
    "components/serve/oip/request.py",  # orjson, with a check of its own: `has_each_name_once`.
    "components/train/outputs.py",  # DictReader, whose header is checked.
    "pipeline/cli/label.py",  # Likewise.
    "pipeline/compiled.py",  # By OnceLoader, which refuses a name twice.
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_what_has_each_name_once_is_read_as_ever(value: Any) -> None:
    assert read_json(json.dumps(value)) == read_json(json.dumps(value).encode()) == value


@given(st.dictionaries(st.text(), JSON, min_size=1, max_size=4), st.data())
def test_a_name_twice_is_refused_wherever_it_is_and_named(values: dict[str, Any], data: Any) -> None:
    name = data.draw(st.sampled_from(sorted(values)))
    text = json.dumps(values)[:-1] + f", {json.dumps(name)}: 1}}"
    for nested in (text, f'{{"a": [1, {text}]}}', f"[[{text}]]"):
        with pytest.raises(NameTwice, match="twice in one object") as refused:
            read_json(nested)
        assert len(str(refused.value)) < 400
        assert str(refused.value).isprintable()


def test_both_values_are_named() -> None:
    with pytest.raises(NameTwice, match=r"'label' twice in one object, 'cat' and \{'name': 'dog'\}"):
        read_json('{"label": "cat", "x": 0, "label": {"name": "dog"}}')


def test_nothing_else_reads_json_yaml_or_tables_by_name() -> None:
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = {(node.value.id, node.attr)} if _is_dotted(node) else set()
            imported = (
                {(node.module, alias.name) for alias in node.names} if isinstance(node, ast.ImportFrom) else set()
            )
            if (called | imported) & LAX:
                found.add(str(path.relative_to(ROOT)))
    assert found == ALLOWED


def _is_dotted(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
