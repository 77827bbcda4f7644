"""The list of runs in the terminal: two lines a run, or three where names need the width; legible at 50 columns."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from components.step.durations import duration
from components.step.errors import one_line
from pipeline.history.overview import RunOverview
from pipeline.local.display import NARROW, STYLES, fits

WORD_LIMIT = 90


def print_runs(console: Console, runs: Sequence[RunOverview]) -> None:
    """Print `runs`, one after another in the order given."""
    table = _table([(_run(run), _state(run), _accuracy(run), _network(run)) for run in runs])
    if fits(console, table):
        console.print(table)
        return
    for run in runs:  # A name is never broken: it is there to be copied.
        console.print(Text.assemble((one_line(run.run_id, WORD_LIMIT), "bold"), "  ", _begun(run)), soft_wrap=True)
        console.print(Padding(_below(run), (0, 0, 0, 2)))


def _table(rows: Sequence[tuple[Text, Text, Text, Text]]) -> Table:
    table = Table(box=NARROW, pad_edge=False, padding=0)
    for name in ("run", "state", "accuracy", "network"):
        table.add_column(name, justify="right" if name == "accuracy" else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def _below(run: RunOverview) -> Table:
    """Return what stands below the name of `run` where both have no room beside each other."""
    grid = Table.grid(padding=(0, 1))
    for width, justify in ((11, "left"), (8, "right")):
        grid.add_column(min_width=width, no_wrap=True, justify=justify)  # type: ignore[arg-type]  # Literals of rich.
    grid.add_column(overflow="fold")
    grid.add_row(_state(run), _accuracy(run), _network(run))
    return grid


def day_and_time(moment: datetime) -> str:
    """Return `moment` on the clock of whoever reads it."""
    return f"{moment.astimezone():%d %b %Y %H:%M}"


def _run(run: RunOverview) -> Text:
    return _lines(one_line(run.run_id, WORD_LIMIT), _begun(run))


def _begun(run: RunOverview) -> str:
    return f"{run.started.astimezone():%d %b %H:%M}" if run.started else ""


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
