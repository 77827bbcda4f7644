"""Every help and every table on a narrow terminal: nothing wider than it, nothing cut, no word broken."""

import argparse
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from components.step.findings import Finding
from pipeline.cleanup.plan import Removable
from pipeline.cli import check_backbone, clean
from pipeline.cli.parser import build_parser
from pipeline.history.overview import RunOverview
from pipeline.history.table import print_runs
from pipeline.local.display import print_summary
from pipeline.local.record import RunRecord, StepState

ROOT = Path(__file__).parents[3]
WIDTHS = pytest.mark.parametrize("width", [50, 80])
HEADS = ("run", "state", "accuracy", "network", "what", "where", "why")
LONG_NAME = "second-try-with-more-photos-of-pears-20261126-1525"


def commands(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return [parser, *(inner for action in below for each in action.choices.values() for inner in commands(each))]


@WIDTHS
@pytest.mark.parametrize("command", [parser.prog for parser in commands(build_parser())])
def test_no_help_is_wider_than_the_terminal(command: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    parser = next(parser for parser in commands(build_parser()) if parser.prog == command)
    lines = parser.format_help().splitlines()
    assert [line for line in lines if len(line) > width] == []
    assert lines[0].startswith(f"usage: {command} [options]")


def of_runs(console: Console) -> None:
    started = datetime(2026, 11, 26, 15, 25, tzinfo=UTC)
    for name in (LONG_NAME, "20261126-152524"):
        network, dataset, verdict = "efficientnet_lite0", "5c" * 32, "kept"
        run = RunOverview(name, "succeeded", started, 7384.0, 0.9, (0.77, 0.96), network, dataset, verdict)
        print_runs(console, [run, RunOverview("broken")])


def of_cleaning(console: Console) -> None:
    places = (f"datasets/checkpoints/{'5c' * 32}", f"datasets/features/{'a1' * 32}", LONG_NAME)
    why = "no run that stays needs it; MLflow has not got 47 events of it"
    items = [Removable("checkpoints", Path("runs", place), why, 123_456_789) for place in places]
    clean._print(console, items, Path("runs"), removed=False)


def of_steps(console: Console) -> None:
    steps = [StepState("promote", "succeeded", 7384.0), StepState("extract", "failed", 0.2)]
    print_summary(
        console, RunRecord(Path("20261126-152524"), "pawline", {}, steps, "failed"), {"promotion": "first model"}
    )


def of_rules(console: Console) -> None:
    found = [Finding("only Keras layers", True, "it loads without your code"), Finding("deterministic", False, "no")]
    check_backbone._print_table(console, "small_cnn", found)


# By the module whose table it is; that of comparisons is tried in tests/pipeline/compare.
TABLES: dict[str, Callable[[Console], None]] = {
    "history/table.py": of_runs,
    "cli/clean.py": of_cleaning,
    "local/display.py": of_steps,
    "cli/check_backbone.py": of_rules,
}


@WIDTHS
@pytest.mark.parametrize("module", TABLES)
def test_no_table_is_wider_than_the_terminal_or_breaks_a_word(module: str, width: int) -> None:
    whole, narrow = (shown(TABLES[module], columns) for columns in (400, width))
    lines = [line.rstrip() for line in narrow.splitlines() if LONG_NAME not in line]  # It alone may be wider.
    assert [line for line in lines if len(line) > width] == []
    missing = set(words(whole)) - set(words(narrow))
    assert not missing


def shown(print_table: Callable[[Console], None], width: int) -> str:
    file = io.StringIO()
    print_table(Console(width=width, highlight=False, file=file))
    return file.getvalue()


def words(text: str) -> list[str]:
    """Return what a reader looks for in a table: words, names, numbers; a list in its place does without heads."""
    return [word for word in re.findall(r"[\w./%–-]+…?", text) if word not in HEADS]  # noqa: RUF001  # As shown.


def test_every_table_is_tried() -> None:
    making = {
        str(path.relative_to(ROOT / "pipeline"))
        for path in (ROOT / "pipeline").rglob("*.py")
        if re.search(r"\bTable(\.grid)?\(", path.read_text(encoding="utf-8"))
    }
    assert making == {*TABLES, "compare/table.py"}
