"""Numbers of things, as people say them, in whatever is printed."""

import ast
import re
from pathlib import Path

from components.step.counts import counted

ROOT = Path(__file__).parents[2]
# What is counted in what a person reads; `bytes`, `pixels` and the like are limits that are never 1.
THINGS = "files|events|images|samples|groups|queues|candidates|annotations|classes|runs|cores|epochs|objects"
COUNT = re.compile(r"(count|len|left|refused|others|cores|groups|samples|epochs|done|todo|total|failed)\W*$")


def test_one_is_no_plural() -> None:
    assert [counted(number, "file") for number in (0, 1, 2, 1234)] == ["0 files", "1 file", "2 files", "1,234 files"]
    assert counted(1, "copy", "copies") == "1 copy"
    assert counted(2, "copy", "copies") == "2 copies"


def test_no_text_has_a_number_before_a_plural() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{text.lineno}"
        for folder in ("components", "pipeline")
        for path in (ROOT / folder).rglob("*.py")
        for text in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(text, ast.JoinedStr) and _has_plural(text)
    ]
    assert found == []


def _has_plural(text: ast.JoinedStr) -> bool:
    pairs = zip(text.values, text.values[1:], strict=False)
    return any(
        isinstance(value, ast.FormattedValue)
        and isinstance(after, ast.Constant)
        and re.match(rf" ({THINGS})\b", str(after.value))
        and COUNT.search(re.sub(r"\(.*\)", "", ast.unparse(value.value)))
        for value, after in pairs
    )
