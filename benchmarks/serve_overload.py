"""Pawline under ten times the load it can answer: what is accepted, what is refused, and whether it still lives."""

import csv
import http.client
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.measure import machine, table
from benchmarks.serve_contestants import PAWLINE, Running, running
from benchmarks.serve_environments import KEPT
from benchmarks.serve_load import load

TIMES = 10
CLIENTS = 500  # Each sends its share of the rate, and waits for the answer before the next.
ACCEPTED_P99_MS = 2000
LIVE_MS = 50
GROWTH_MIB = 64


@dataclass
class Watched:
    """What a look at the server every tenth of a second saw: latencies of its live answers, ms, and its memory, MiB."""

    live: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    dead: int = 0


def overload_page(bundle: Path, photos: list[bytes], seconds: float) -> tuple[str, bool]:
    """Return the section, and whether its targets are held."""
    with running(PAWLINE, "defaults", bundle, photos[0]) as server:
        load(server.url, KEPT / "photos", 8, 2)
        saturation = load(server.url, KEPT / "photos", 32, 5).rate
        print(f"overload: {TIMES} x {saturation:.0f} a second for {seconds:.0f} s", file=sys.stderr, flush=True)
        answered, watched = overloaded(server, saturation * TIMES, seconds)
        after = load(server.url, KEPT / "photos", 8, 3)
    rows = _rows(answered, watched, seconds, saturation, after.rate)
    intro = (
        f"`make bench-serve` on {machine()} hey with {CLIENTS} connections on the same two cores, at a lower priority "
        f"(nice 10) than the server, asks for {saturation * TIMES:.0f} answers a second, {TIMES} times the "
        f"{saturation:.0f} that the server gives at 32 connections; {seconds:.0f} s; live answers asked for every 0.1 "
        "s, each over a new connection."
    )
    text = table(["", "measured", "wanted", "held"], [(*texts, _word(held)) for *texts, held in rows])
    return f"{intro}\n\n{text}", all(held is not False for *_, held in rows)


def overloaded(server: Running, rate: float, seconds: float) -> tuple[list[tuple[int, float]], Watched]:
    """Return the status and ms of each answer to `rate` requests a second, and what was seen meanwhile."""
    watched, ended = Watched(), threading.Event()
    watcher = threading.Thread(target=_watch, args=(server, watched, ended))
    watcher.start()
    try:
        each = rate / CLIENTS
        load_options = ["-z", f"{seconds:.0f}s", "-c", str(CLIENTS), "-q", f"{each:.2f}", "-t", "30", "-o", "csv"]
        body = ["-m", "POST", "-T", "image/jpeg", "-D", str(KEPT / "photos" / "00.jpg")]
        command = ["nice", "-n", "10", "hey", *load_options, *body, server.url]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    finally:
        ended.set()
        watcher.join()
    rows = csv.DictReader(printed.splitlines())
    return [(int(row["status-code"]), float(row["response-time"]) * 1000) for row in rows], watched


def _watch(server: Running, watched: Watched, ended: threading.Event) -> None:
    address = urlsplit(server.url).netloc
    while not ended.wait(0.1):
        began = time.perf_counter()
        try:
            connection = http.client.HTTPConnection(address, timeout=10)
            connection.request("GET", "/v2/health/live")
            connection.getresponse().read()
            connection.close()
            watched.live.append((time.perf_counter() - began) * 1000)
        except OSError:
            watched.dead += 1
        watched.memory.append(server.rss_mib())


def _rows(
    answered: list[tuple[int, float]], watched: Watched, seconds: float, saturation: float, after: float
) -> list[tuple[str, str, str, bool | None]]:
    """Return what, measured, wanted, held; None where nothing is wanted."""
    statuses = Counter(status for status, _ in answered)
    accepted = sorted(ms for status, ms in answered if status == 200)
    others = {status: n for status, n in statuses.items() if status not in (200, 429, 503)}
    p99, growth = percentile(accepted, 99), _growth(watched.memory)
    return [
        ("requests sent a second", f"{len(answered) / seconds:.0f}", f"{saturation * TIMES:.0f}", None),
        ("accepted and answered a second", f"{statuses[200] / seconds:.0f}", "", None),
        ("refused with 429 or 503 a second", f"{(statuses[429] + statuses[503]) / seconds:.0f}", "", None),
        ("answered otherwise", str(others or 0), "0", not others),
        ("accepted: p50, ms", f"{percentile(accepted, 50):.0f}", "", None),
        ("accepted: p99, ms", f"{p99:.0f}", f"under {ACCEPTED_P99_MS}", p99 < ACCEPTED_P99_MS),
        ("live: p50, ms", f"{statistics.median(watched.live):.1f}", "", None),
        ("live: p99, ms", f"{percentile(sorted(watched.live), 99):.1f}", "", None),
        ("live: slowest, ms", f"{max(watched.live):.1f}", f"under {LIVE_MS}", max(watched.live) < LIVE_MS),
        ("live: not answered", str(watched.dead), "0", watched.dead == 0),
        (
            "memory grown from the first sixth to the end, MiB",
            f"{growth:.0f}",
            f"under {GROWTH_MIB}",
            growth < GROWTH_MIB,
        ),
        ("answers a second afterwards at 8", f"{after:.0f}", "", None),
    ]


def percentile(ordered: list[float], percent: int) -> float:
    """Return the smallest of `ordered` that `percent` of them do not exceed, infinity of none."""
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else float("inf")


def _growth(memory: list[float]) -> float:
    return max(memory[len(memory) // 6 :]) - memory[len(memory) // 6]


def _word(held: bool | None) -> str:
    return {None: "", True: "yes", False: "**no**"}[held]
