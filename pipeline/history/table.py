"""The list of runs in the terminal: two lines a run, legible from 50 columns on."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from components.step.durations import duration
from components.step.errors import one_line
from pipeline.history.overview import RunOverview
from pipeline.local.display import NARROW, STYLES

WORD_LIMIT = 90


def print_runs(console: Console, runs: Sequence[RunOverview]) -> None:
    """Print `runs`, one after another in the order given."""
    table = Table(box=NARROW, pad_edge=False, padding=0)
    table.add_column("run", overflow="fold", min_width=15)  # A time, whole.
    table.add_column("state", no_wrap=True)
    table.add_column("accuracy", justify="right", no_wrap=True)
    table.add_column("network", overflow="fold", min_width=10)
    for run in runs:
        table.add_row(_run(run), _state(run), _accuracy(run), _network(run))
    console.print(table)


def day_and_time(moment: datetime) -> str:
    """Return `moment` on the clock of whoever reads it."""
    return f"{moment.astimezone():%d %b %Y %H:%M}"


def _run(run: RunOverview) -> Text:
    return _lines(one_line(run.run_id, WORD_LIMIT), f"{run.started.astimezone():%d %b %H:%M}" if run.started else "")


def _state(run: RunOverview) -> Text:
    took = duration(run.seconds) if run.seconds is not None else ""
    return _lines(run.status, took, STYLES.get(run.status, "bold red"))


def _accuracy(run: RunOverview) -> Text:
    if run.accuracy is None:
        return Text()
    interval = run.accuracy_interval_95
    ends = f"{100 * interval[0]:.0f}–{100 * interval[1]:.0f} %" if interval else ""  # noqa: RUF001  # Between numbers.
    return _lines(f"{run.accuracy:.1%}", ends, "bold")


def _network(run: RunOverview) -> Text:
    below = ", ".join(word for word in ((run.dataset or "")[:8], run.promotion or "") if word)
    return _lines(one_line(run.backbone or "", WORD_LIMIT), one_line(below, WORD_LIMIT))


def _lines(first: str, second: str, style: str = "") -> Text:
    return Text.assemble((first, style), "\n", (second, "dim"))
