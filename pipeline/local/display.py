"""What a person sees of a local run: the steps with their durations while it goes on, and its results at the end."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from components.step.errors import one_line
from pipeline.local.record import RunRecord, StepState

STYLES = {
    "waiting": "dim",
    "running": "cyan",
    "succeeded": "green",
    "failed": "bold red",
    "stopped": "yellow",
    "lost": "yellow",
}
SIGNS = {"waiting": "·", "succeeded": "✓", "failed": "✗", "stopped": "■", "lost": "?"}
LINE_LIMIT = 4000


class RunDisplay:
    """Shows a run's log lines, and on a terminal below them the list of its steps with a spinner and durations."""

    def __init__(self, console: Console, states: Sequence[StepState]) -> None:
        """Show on `console` the steps in `states`, which whoever runs them keeps up to date."""
        self.console, self.states = console, states
        self._began: dict[str, float] = {}
        self._spinner = Spinner("dots", style=STYLES["running"])

    @contextmanager
    def live(self) -> Iterator[None]:
        """Keep the list of steps below the log lines while the context lasts; do nothing where there is no terminal."""
        if not self.console.is_terminal:
            yield
            return
        with Live(get_renderable=self._table, console=self.console, transient=True, refresh_per_second=8):
            yield

    def changed(self, state: StepState) -> None:
        """Show that a step has started or ended."""
        if state.status == "running":
            self._began[state.name] = time.monotonic()
        if not self.console.is_terminal:
            ended = "" if state.status == "running" else f" after {duration(state.seconds)}"
            self.line(state.name, f"{state.status}{ended}")

    def line(self, step: str, text: str) -> None:
        """Show a line of a step; the step's name goes before it unless its own log format has it there."""
        if not re.match(rf"\d\d:\d\d:\d\d {re.escape(step)} *\|", text):
            text = f"{datetime.now():%H:%M:%S} {step:<7} | {text}"
        # Never wrapped by us and never markup: the line may be a path to copy, and its text is not ours.
        self.console.print(Text(one_line(text, LINE_LIMIT)), soft_wrap=True)

    def _table(self) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        for state in self.states:
            style = STYLES[state.status]
            sign = self._spinner if state.status == "running" else Text(SIGNS[state.status], style=style)
            table.add_row(sign, Text(state.name, style=style), Text(self._so_far(state), style=style))
        return table

    def _so_far(self, state: StepState) -> str:
        if state.status == "waiting":
            return ""
        if state.reused_from:
            return f"from {state.reused_from}"
        running = state.status == "running"
        return duration(time.monotonic() - self._began[state.name] if running else state.seconds)


def duration(seconds: float) -> str:
    """Return `seconds` as a person says it: 0.4 s, 12 s, 3 min 05 s, 2 h 07 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def print_summary(console: Console, record: RunRecord, results: Mapping[str, str]) -> None:
    """Print the table of steps and below it the `results`, a line each; nothing is cut at the terminal's width."""
    title = f"run {record.folder.name}: {record.status} after {duration(record.seconds)}"
    console.print(Text(title, style=STYLES[record.status]), soft_wrap=True)
    table = Table("step", "status", "duration")
    for state in record.steps:
        seconds = duration(state.seconds) if state.status != "waiting" else ""
        table.add_row(Text(state.name), Text(state.status, style=STYLES[state.status]), Text(seconds, justify="right"))
    console.print(table)
    width = max(map(len, results), default=0)
    for name, value in results.items():
        console.print(Text.assemble((f"{name:<{width}}", "bold"), "  ", one_line(value, LINE_LIMIT)), soft_wrap=True)


def short_path(path: Path) -> str:
    """Return `path` relative to where the user stands, if it lies below."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
