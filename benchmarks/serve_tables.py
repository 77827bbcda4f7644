"""The tables of the serving benchmark, and which of its targets are held."""

import statistics
import subprocess

from benchmarks.measure import machine, spread, table
from benchmarks.serve_contestants import PAWLINE, PEERS_OF_PAWLINE, Contestant
from benchmarks.serve_load import Load

CONCURRENCIES = (1, 8, 32)
TOLERANCE = 1e-5
# What was measured of one server, a value for each round: `ready`, `difference`, `at 8`, `memory` and so on
Measured = dict[str, list]


def rate(measured: Measured, concurrency: int) -> float:
    """Return the median of answers a second."""
    return statistics.median(result.rate for result in measured[f"at {concurrency}"])


def best_peer(measured: dict[str, Measured], concurrency: int) -> float:
    """Return the most answers a second of the peers whose answers are right."""
    exact = [peer.name for peer in PEERS_OF_PAWLINE if peer.exact]
    return max(rate(measured[name], concurrency) for name in exact)


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
        mine, theirs = rate(ours, concurrency), best_peer(measured, concurrency)
        what = f"answers a second at {concurrency}, over the best exact peer's"
        rows.append((what, f"{mine / theirs:.2f}", "1 at least", mine >= theirs))
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


def page(everyone: list[Contestant], settings: dict[str, str], measured: dict[str, Measured], repeats: int) -> str:
    """Return the section's text."""
    header = ["server", "settings", *(f"answers/s at {c}" for c in CONCURRENCIES), "p50 at 8, ms", "p99 at 8, ms"]
    header += ["processor, ms an answer", "not 2xx", "memory, MiB", "ready, s", "largest difference"]
    rows = [_row(contestant, settings[contestant.name], measured[contestant.name]) for contestant in everyone]
    held = [(*texts, "yes" if good else "**no**") for *texts, good in targets(measured)]
    intro = (
        f"`make bench-serve` on {machine()} wrk {_wrk_version()} with one thread, on the same cores; 18 JPEGs of 26 kB "
        f"and 500 x 375 pixels, posted raw; EfficientNet-Lite0; median of {repeats} rounds (smallest to largest). "
        "Memory counts all processes, shared pages once. The difference is to ONNX Runtime's on the same pixels."
    )
    return f"{intro}\n\n{table(header, rows)}\n\n{table(['target', 'measured', 'wanted', 'held'], held)}"


def _row(contestant: Contestant, setting: str, measured: Measured) -> list[str]:
    at_8: list[Load] = measured["at 8"]
    rates = [spread([result.rate for result in measured[f"at {c}"]], 0) for c in CONCURRENCIES]
    latencies = [f"{statistics.median(values):.1f}" for values in ([r.p50 for r in at_8], [r.p99 for r in at_8])]
    costs = [spread(measured["processor"], 1), str(bad(measured)), f"{max(measured['memory']):.0f}"]
    last = [f"{statistics.median(measured['ready']):.1f}", f"{max(measured['difference']):.0e}"]
    return [contestant.title, setting, *rates, *latencies, *costs, *last]


def _wrk_version() -> str:
    try:
        return subprocess.run(["wrk", "-v"], capture_output=True, text=True).stdout.split()[1]  # noqa: S607
    except FileNotFoundError:  # Where a table is written of what another machine has measured.
        return "(unknown version)"
