"""How a server is measured: a trial finds the setting that is best for each figure, rounds measure it in that."""

import sys
from pathlib import Path

import numpy as np

from benchmarks.serve_contestants import Contestant, Running, running
from benchmarks.serve_environments import KEPT
from benchmarks.serve_load import load
from benchmarks.serve_tables import CONCURRENCIES, LEAN, Measured, Tuned, role

SECONDS = {1: 4.0, 8: 8.0, 32: 5.0}
TRIAL_SECONDS = 3.0


def tuned(contestant: Contestant, bundle: Path, photos: list[bytes]) -> Tuned:
    """Return the setting of `contestant` with most answers a second at each concurrency, and with least memory."""
    trials = {}
    for setting in contestant.settings if len(contestant.settings) > 1 else ():
        with running(contestant, setting, bundle, photos[0]) as server:
            trials[setting] = _trial(server)
        said = ", ".join(f"{name}: {value:.0f}" for name, value in trials[setting].items())
        say(f"trial: {contestant.name}, {setting}: {said}")
    if not trials:
        return dict.fromkeys([*map(role, CONCURRENCIES), LEAN], next(iter(contestant.settings)))
    best = {role(c): max(trials, key=lambda setting: trials[setting][role(c)]) for c in CONCURRENCIES}
    return best | {LEAN: min(trials, key=lambda setting: trials[setting][LEAN])}


def _trial(server: Running) -> dict[str, float]:
    load(server.url, KEPT / "photos", 8, 1)
    rates = {role(c): load(server.url, KEPT / "photos", c, TRIAL_SECONDS).rate for c in CONCURRENCIES}
    return {**rates, LEAN: server.memory_mib()}


def measure_round(
    contestant: Contestant, settings: Tuned, bundle: Path, photos: list[bytes], truth: np.ndarray, found: Measured
) -> None:
    """Add to `found` one value of each figure of `contestant`, started in each of its `settings`."""
    for setting in dict.fromkeys(settings.values()):
        with running(contestant, setting, bundle, photos[0]) as server:
            found.setdefault("difference", []).append(float(np.abs(_answers(server, photos) - truth).max()))
            _measure(server, [name for name, best in settings.items() if best == setting], found)


def _measure(server: Running, roles: list[str], found: Measured) -> None:
    for concurrency in (8, 32):
        load(server.url, KEPT / "photos", concurrency, 1)
    for concurrency in CONCURRENCIES:
        if role(concurrency) in roles:
            began = server.processor_seconds()
            result = load(server.url, KEPT / "photos", concurrency, SECONDS[concurrency])
            found.setdefault(role(concurrency), []).append(result)
            spent = (server.processor_seconds() - began) / (result.rate * SECONDS[concurrency]) * 1000
            found.setdefault(f"processor {role(concurrency)}", []).append(spent)
    if LEAN in roles:
        found.setdefault("ready", []).append(server.ready_seconds)
        found.setdefault("memory", []).append(server.memory_mib())
        found.setdefault("peak", []).append(server.peak_rss_mib())


def _answers(server: Running, photos: list[bytes]) -> np.ndarray:
    """Return the probabilities that `server` gives for `photos`, float64 `[N, classes]`."""
    return np.array([server.probabilities(photo) for photo in photos])


def say(text: str) -> None:
    """Show what is going on."""
    print(text, file=sys.stderr, flush=True)
