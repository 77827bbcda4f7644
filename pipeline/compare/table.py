"""A comparison in the terminal: a table, two lines a run, or two where one is too wide; legible at 50 columns."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from components.step.errors import one_line
from pipeline.compare.comparison import Comparison, Cost
from pipeline.compare.metrics import METRICS, Measured
from pipeline.compare.pairs import Pair
from pipeline.compare.words import costs_note, headline, notes
from pipeline.local.display import LINE_LIMIT, NARROW, fits

# The figures of the test, then what a run costs.
FIGURES, COSTS = ("accuracy", "macro F1", "to best"), ("size", "latency", "training")


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Print `comparison`: the runs by number, a table with the best first, and what to bear in mind."""
    console.print(Text(headline(comparison), style="bold"))
    for number, (run, setting) in enumerate(zip(comparison.runs, comparison.settings, strict=True), 1):
        name = one_line(run.name, LINE_LIMIT)
        console.print(Text.assemble((f"{number:>3}  ", "bold"), name, (f"  {setting}", "cyan")), soft_wrap=True)
    rows = _rows(comparison)
    table = _table((*FIGURES, *COSTS), rows)
    for part in [table] if fits(console, table) else [_table(FIGURES, rows), _table(COSTS, rows)]:
        console.print(part)
    for note in [*notes(comparison), costs_note(comparison)]:
        console.print(Text(note, style="dim"))


def shown(key: str, found: Measured) -> tuple[str, str]:
    """Return the figure `key` of METRICS and its interval as texts, the second empty without one."""
    _, percent, _ = METRICS[key]
    value = f"{found.value:.1%}" if percent else f"{found.value:.3f}"
    if found.interval is None:
        return value, ""
    ends = (f"{100 * end:.1f}" if percent else f"{end:.2f}" for end in found.interval)
    return value, "–".join(ends)  # noqa: RUF001  # The dash between numbers.


def megabytes(count: int) -> str:
    """Return `count` bytes as megabytes (10^6)."""
    return f"{_short(count / 1e6)} MB"


def milliseconds(value: float) -> str:
    """Return `value` milliseconds with their unit."""
    return f"{_short(value)} ms"


def time_taken(seconds: float) -> str:
    """Return `seconds` in the unit that keeps it short: 20 s, 9.0 min, 2.10 h."""
    unit, name = next(((unit, name) for unit, name in ((3600, "h"), (60, "min")) if seconds >= unit), (1, "s"))
    return f"{_short(seconds / unit)} {name}"


def _short(value: float) -> str:
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"


def p_value(p: float) -> str:
    """Return a p value as people write it."""
    return "p<0.001" if p < 0.001 else f"p={p:.3f}"


def _rows(comparison: Comparison) -> list[dict[str, str | Text]]:
    """Return what each run has in each column."""
    found = zip(comparison.runs, [None, *comparison.against_best], comparison.costs, strict=True)
    cells = [
        [*(_cell(key, run.metrics[key]) for key in ("accuracy", "macro_f1")), _against(pair), *_cost_cells(cost)]
        for run, pair, cost in found
    ]
    return [dict(zip((*FIGURES, *COSTS), row, strict=True)) for row in cells]


def _table(columns: Sequence[str], rows: Sequence[Mapping[str, str | Text]]) -> Table:
    table = Table(box=NARROW, pad_edge=False, padding=0)
    for name in ("run", *columns):
        table.add_column(name, justify="left" if name == "run" else "right", no_wrap=True)
    for number, row in enumerate(rows, 1):
        table.add_row(str(number), *(row[name] for name in columns))
    return table


def _cell(key: str, found: Measured) -> Text:
    value, interval = shown(key, found)
    return Text.assemble(value, "\n", (interval, "dim"))


def _against(pair: Pair | None) -> Text:
    if pair is None:
        return Text("best", style="green")
    style = "yellow" if pair.beyond_chance else "dim"
    return Text.assemble(f"{100 * pair.difference:+.1f}", "\n", (p_value(pair.p_holm), style))


def _cost_cells(cost: Cost) -> list[str | Text]:
    latency = milliseconds(cost.latency.median_ms) if cost.latency else ""
    training = time_taken(cost.training_seconds) if cost.training_seconds is not None else ""
    features = f"({time_taken(cost.feature_seconds)})" if cost.feature_seconds is not None else ""
    return [megabytes(cost.onnx_bytes), latency, Text.assemble(training, "\n", (features, "dim"))]
