"""What a person sees of a local run: the steps with their durations while it goes on, and its results at the end."""

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from rich.box import Box
from rich.console import Console, RenderableType
from rich.live import Live
from rich.measure import Measurement
from rich.spinner import Spinner
from rich.style import Style
from rich.table import Table
from rich.text import Text

from components.step.addresses import file_uri
from components.step.command import WARNING
from components.step.durations import duration
from components.step.errors import one_line
from pipeline.local.record import RunRecord, StepState

STYLES = {
    "waiting": "dim",
    "running": "cyan",
    "succeeded": "green",
    "failed": "bold red",
    "stopped": "yellow",
}
SIGNS = {"waiting": "·", "succeeded": "✓", "failed": "✗", "stopped": "■"}
# For tables: a line below the head and one space between columns; rich's own boxes take more.
NARROW = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
LINE_LIMIT = 4000
COMMAND = "python -m components."
ERROR = re.compile(r"pawline \w+: error: ")


class RunDisplay:
    """Shows a run: on a terminal a line a step with what it is at, elsewhere every line that its steps print."""

    def __init__(self, console: Console, states: Sequence[StepState]) -> None:
        """Show on `console` the steps in `states`, which whoever runs them keeps up to date."""
        self.console, self.states = console, states
        self._began: dict[str, float] = {}
        self._at = ""
        self._spinner = Spinner("dots", style=STYLES["running"])

    @contextmanager
    def live(self) -> Iterator[None]:
        """Keep the lines of the steps up to date while the context lasts; do nothing where there is no terminal."""
        if not self.console.is_terminal:
            yield
            return
        with Live(get_renderable=self._table, console=self.console, transient=True, refresh_per_second=8):
            yield

    def changed(self, state: StepState) -> None:
        """Show that a step has started or ended."""
        self._at = ""
        if state.status == "running":
            self._began[state.name] = time.monotonic() - state.seconds
        if not self.console.is_terminal:
            ended = "" if state.status == "running" else f" after {duration(state.seconds)}"
            self._print(f"{datetime.now():%H:%M:%S} {state.name:<7} | {state.status}{ended}")

    def line(self, step: str, text: str) -> None:
        """Show a line of a step; its command, a thousand characters, is for its log alone."""
        own = re.match(rf"\d\d:\d\d:\d\d {re.escape(step)} *\| ", text)
        said = text[own.end() :] if own else text
        if said.startswith(COMMAND):
            return
        if not self.console.is_terminal:
            self._print(text if own else f"{datetime.now():%H:%M:%S} {step:<7} | {text}")
        elif said.startswith(WARNING):
            self._print(f"{step}: {said}", STYLES["stopped"])
        elif not ERROR.match(said):  # Said once, when the run has ended.
            self._at = said

    def _print(self, line: str, style: str = "") -> None:
        # Never wrapped by us and never markup: the line may be a path to copy, and its text is not ours.
        self.console.print(Text(one_line(line, LINE_LIMIT), style=style), soft_wrap=True)

    def _table(self) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        for justify in ("left", "left", "right"):
            table.add_column(no_wrap=True, justify=justify)
        table.add_column()  # May wrap, so that it is this one which gives way; its text does not.
        for state in self.states:
            style = STYLES[state.status]
            running = state.status == "running"
            sign = self._spinner if running else Text(SIGNS[state.status], style=style)
            at = Text(one_line(self._at) if running else "", style="dim", no_wrap=True, overflow="ellipsis")
            table.add_row(sign, Text(state.name, style=style), Text(self._so_far(state), style=style), at)
        return table

    def _so_far(self, state: StepState) -> str:
        if state.status == "waiting":
            return ""
        if state.reused_from:
            return f"from {one_line(state.reused_from, 20)}"
        if state.status != "running":
            return duration(state.seconds)
        # The terminal is drawn by a thread of its own, which may see that a step runs before `changed` has said so.
        began = self._began.setdefault(state.name, time.monotonic() - state.seconds)
        return duration(round(time.monotonic() - began))


def show_failure(console: Console, step: str, lines: Sequence[str]) -> None:
    """Show on a terminal why `step` failed, by the last `lines` of its log; elsewhere they have been shown."""
    if not console.is_terminal:
        return
    if lines and ERROR.match(lines[-1]):
        console.print(Text(one_line(lines[-1], LINE_LIMIT), style=STYLES["failed"]), soft_wrap=True)
        return
    console.print(f"last lines of {step}:", style="bold", markup=False)
    for line in lines:
        console.print(Text(f"  {one_line(line, 2000)}"), soft_wrap=True)


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
        shown = Text(one_line(value, LINE_LIMIT), style=_link(value) if console.is_terminal else "")
        console.print(Text.assemble((f"{name:<{width}}", "bold"), "  ", shown), soft_wrap=True)


def fits(console: Console, table: Table) -> bool:
    """Tell whether `console` is as wide as `table` would like to be, nothing in it cut or broken."""
    return Measurement.get(console, console.options.update(width=LINE_LIMIT), table).maximum <= console.width


def _link(value: str) -> Style:
    """Return the style that lets a terminal open what `value` ends with: a path or an address."""
    place = value.rpartition(": ")[2]
    if place.startswith(("http://", "https://")) and " " not in place:
        return Style(link=place)
    return Style(link=file_uri(Path(place))) if os.path.exists(place) else Style()


def short_path(path: Path) -> str:
    """Return `path` relative to where the user stands, if it lies below."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
