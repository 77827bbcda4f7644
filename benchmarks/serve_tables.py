"""The tables of the serving benchmark, and which of its targets are held."""

import statistics
import subprocess

from benchmarks.measure import level, machine, over, spread, table
from benchmarks.serve_contestants import PAWLINE, PEERS_OF_PAWLINE, Contestant
from benchmarks.serve_load import Load

CONCURRENCIES = (1, 8, 32)
TOLERANCE = 1e-5
LEAN = "memory and start"
# What was measured of one server, a value for each round: `ready`, `difference`, `at 8`, `memory` and so on
Measured = dict[str, list]
# The setting that is best for a figure: `at 1`, `at 8`, `at 32`, and for memory and start
Tuned = dict[str, str]


def role(concurrency: int) -> str:
    """Return the name of the figure that is measured with `concurrency` connections."""
    return f"at {concurrency}"


def rates(measured: Measured, concurrency: int) -> list[float]:
    """Return the answers a second of each round."""
    return [result.rate for result in measured[role(concurrency)]]


def best_peer(measured: dict[str, Measured], concurrency: int) -> list[float]:
    """Return the most answers a second of the peers whose answers are right, a value for each round."""
    exact = [peer.name for peer in PEERS_OF_PAWLINE if peer.exact and peer.name in measured]
    return max((rates(measured[name], concurrency) for name in exact), key=statistics.median)


def slowness(measured: Measured) -> float:
    """Return p99 over p50 at 8 connections, the median of rounds."""
    return statistics.median(result.p99 / result.p50 for result in measured["at 8"])


def bad(measured: Measured) -> int:
    """Return how many requests were not answered with 2xx."""
    return sum(result.bad for concurrency in CONCURRENCIES for result in measured[f"at {concurrency}"])


def targets(measured: dict[str, Measured]) -> list[tuple[str, str, str, bool]]:
    """Return each target: what, how much, of how much, whether it is held."""
    ours = measured[PAWLINE.name]
    rows = []
    for concurrency in CONCURRENCIES:
        mine, theirs = rates(ours, concurrency), best_peer(measured, concurrency)
        what = f"answers a second at {concurrency}, over the best exact peer's"
        held = statistics.median(mine) >= statistics.median(theirs) or level(mine, theirs)
        rows.append((what, over(mine, theirs), "level at least", held))
    ready, peak, difference = max(ours["ready"]), max(ours["peak"]), max(ours["difference"])
    return [
        *rows,
        ("p99 over p50 at 8", f"{slowness(ours):.2f}", "under 3", slowness(ours) < 3),
        (
            "largest difference from the test step",
            f"{difference:.0e}",
            f"{TOLERANCE:.0e} at most",
            difference <= TOLERANCE,
        ),
        ("requests without 2xx", f"{bad(ours)}", "0", bad(ours) == 0),
        ("most memory of the process, MiB", f"{peak:.0f}", "under 400", peak < 400),
        ("process start to first answer, s, the worst", f"{ready:.2f}", "under 3", ready < 3),
    ]


def holds(measured: dict[str, Measured]) -> bool:
    """Tell whether all targets are held."""
    return all(held for *_, held in targets(measured))


def page(everyone: list[Contestant], settings: dict[str, Tuned], measured: dict[str, Measured], repeats: int) -> str:
    """Return the section's text."""
    header = ["server", *(f"answers/s at {c}" for c in CONCURRENCIES), "p50 at 8, ms", "p99 at 8, ms"]
    header += ["processor at 8, ms an answer", "not 2xx", "memory, MiB", "ready, s", "largest difference"]
    rows = [_row(contestant, measured[contestant.name], measured[PAWLINE.name]) for contestant in everyone]
    figures = [*map(role, CONCURRENCIES), LEAN]
    chosen = [[one.title, *(settings[one.name][figure] for figure in figures)] for one in everyone]
    held = [(*texts, "yes" if good else "**no**") for *texts, good in targets(measured)]
    intro = (
        f"`make bench-serve` on {machine()} wrk {_wrk_version()} with one thread, on the same cores; 18 JPEGs of 26 kB "
        f"and 500 x 375 pixels, posted raw; EfficientNet-Lite0; median of {repeats} rounds (smallest to largest), "
        '"level" where Pawline\'s rounds and theirs overlap. Memory counts all processes, shared pages once. The '
        "difference is to ONNX Runtime's on the same pixels. The second table has the settings that trials found best "
        "for each figure."
    )
    tables = [table(header, rows), table(["server", *figures], chosen)]
    return "\n\n".join([intro, *tables, table(["target", "measured", "wanted", "held"], held)])


def _row(contestant: Contestant, measured: Measured, ours: Measured) -> list[str]:
    at_8: list[Load] = measured["at 8"]
    answered = [_answered(rates(measured, c), rates(ours, c) if measured is not ours else None) for c in CONCURRENCIES]
    latencies = [f"{statistics.median(values):.1f}" for values in ([r.p50 for r in at_8], [r.p99 for r in at_8])]
    costs = [spread(measured["processor at 8"], 1), str(bad(measured)), f"{max(measured['memory']):.0f}"]
    last = [spread(measured["ready"], 1), f"{max(measured['difference']):.0e}"]
    return [contestant.title, *answered, *latencies, *costs, *last]


def _answered(theirs: list[float], ours: list[float] | None) -> str:
    return f"{spread(theirs, 0)}{', level' if ours and level(theirs, ours) else ''}"


def _wrk_version() -> str:
    try:
        return subprocess.run(["wrk", "-v"], capture_output=True, text=True).stdout.split()[1]  # noqa: S607
    except FileNotFoundError:  # Where a table is written of what another machine has measured.
        return "(unknown version)"
