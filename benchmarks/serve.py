"""Serving: Pawline beside other model servers; under ten times what it can answer; and sent what attackers send.

The peers are in benchmarks/serve_peers/, each with the settings that a short trial finds best for it.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.measure import publish
from benchmarks.serve_contestants import PAWLINE, PEERS_OF_PAWLINE, Contestant, Running, running
from benchmarks.serve_environments import KEPT, python_of
from benchmarks.serve_hostile import hostile_page
from benchmarks.serve_load import load, require_generators, write_photos
from benchmarks.serve_overload import overload_page
from benchmarks.serve_tables import CONCURRENCIES, Measured, holds, page
from components.bundle.manifest import ONNX_NETWORK, read_manifest
from components.dataset.images import to_model_input
from components.step.errors import DataError

SECONDS = {1: 4.0, 8: 8.0, 32: 5.0}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the tables; return 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serve", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="rounds in which all are measured one after another")
    parser.add_argument("--overload-seconds", type=float, default=60)
    parser.add_argument(
        "--bundle", type=Path, help="an EfficientNet-Lite0 bundle; else the packaged sample's is trained"
    )
    parser.add_argument(
        "--only", choices=("serve", "serve-overload", "serve-hostile"), help="this section and no other"
    )
    parser.add_argument("--update", action="store_true", help="put the tables into docs/performance.md")
    arguments = parser.parse_args(argv)
    require_generators()
    photos = write_photos(KEPT / "photos")
    bundle = (arguments.bundle or sample_bundle()).absolute()
    pages = {
        "serve": lambda: serve_page(bundle, photos, arguments.repeats),
        "serve-overload": lambda: overload_page(bundle, photos, arguments.overload_seconds),
        "serve-hostile": lambda: hostile_page(bundle, photos),
    }
    held = []
    for section in [arguments.only] if arguments.only else pages:
        text, kept = pages[section]()
        publish(section, text, arguments.update)
        held.append(kept)
    return 0 if all(held) else 1


def sample_bundle() -> Path:
    """Return the bundle of a run on the packaged sample, trained once and kept while its format is today's."""
    found = sorted((KEPT / "runs").glob("*/train/bundle"))
    try:
        read_manifest(found[-1])
    except (IndexError, DataError):
        command = [sys.executable, "-m", "pipeline.cli", "run", "--sample", "--runs", str(KEPT / "runs")]
        subprocess.run(command, check=True, stdout=sys.stderr)
        found = sorted((KEPT / "runs").glob("*/train/bundle"))
    return found[-1]


def serve_page(bundle: Path, photos: list[bytes], repeats: int) -> tuple[str, bool]:
    """Return the section with all servers side by side, and whether the targets are held."""
    everyone = [PAWLINE, *PEERS_OF_PAWLINE]
    for peer in PEERS_OF_PAWLINE:
        python_of(peer.peer)
    settings = {contestant.name: best_setting(contestant, bundle, photos) for contestant in everyone}
    measured: dict[str, Measured] = {contestant.name: {} for contestant in everyone}
    truth = truth_of(bundle, photos)
    for number in range(repeats):
        for contestant in everyone:
            say(f"round {number + 1} of {repeats}: {contestant.name}, {settings[contestant.name]}")
            with running(contestant, settings[contestant.name], bundle, photos[0]) as server:
                measure(server, photos, truth, measured[contestant.name])
    return page(everyone, settings, measured, repeats), holds(measured)


def say(text: str) -> None:
    """Show what is going on."""
    print(text, file=sys.stderr, flush=True)


def best_setting(contestant: Contestant, bundle: Path, photos: list[bytes]) -> str:
    """Return the setting in which `contestant` answers most requests a second at 8 connections."""
    if len(contestant.settings) == 1:
        return next(iter(contestant.settings))
    rates = {}
    for setting in contestant.settings:
        with running(contestant, setting, bundle, photos[0]) as server:
            load(server.url, KEPT / "photos", 8, 1)
            rates[setting] = load(server.url, KEPT / "photos", 8, 3).rate
        say(f"trial: {contestant.name}, {setting}: {rates[setting]:.0f} a second")
    return max(rates, key=rates.__getitem__)


def truth_of(bundle: Path, photos: list[bytes]) -> np.ndarray:
    """Return the probabilities of `photos` as the test step gets them, by ONNX Runtime, float32 `[N, classes]`."""
    import onnxruntime

    size = read_manifest(bundle).image_size
    session = onnxruntime.InferenceSession(bundle / ONNX_NETWORK, providers=["CPUExecutionProvider"])
    images = np.stack([to_model_input(photo, size) for photo in photos])
    return session.run(None, {session.get_inputs()[0].name: images})[0]


def answers(server: Running, photos: list[bytes]) -> np.ndarray:
    """Return the probabilities that `server` gives for `photos`, float64 `[N, classes]`."""
    return np.array([server.probabilities(photo) for photo in photos])


def measure(server: Running, photos: list[bytes], truth: np.ndarray, found: Measured) -> None:
    """Add to `found` what `server`, just started, does under load."""
    found.setdefault("ready", []).append(server.ready_seconds)
    found.setdefault("difference", []).append(float(np.abs(answers(server, photos) - truth).max()))
    load(server.url, KEPT / "photos", 8, 2)
    began, answered = server.processor_seconds(), 0.0
    for concurrency in CONCURRENCIES:
        result = load(server.url, KEPT / "photos", concurrency, SECONDS[concurrency])
        found.setdefault(f"at {concurrency}", []).append(result)
        answered += result.rate * SECONDS[concurrency]
    found.setdefault("processor", []).append((server.processor_seconds() - began) / answered * 1000)
    found.setdefault("memory", []).append(server.memory_mib())
    found.setdefault("peak", []).append(server.peak_rss_mib())


if __name__ == "__main__":
    sys.exit(main())
