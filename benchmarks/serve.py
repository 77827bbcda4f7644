"""Serving: Pawline beside other model servers; under ten times what it can answer; and sent what attackers send.

The peers are in benchmarks/serve_peers/, each in the settings that short trials find best for it at each concurrency.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.measure import publish
from benchmarks.serve_contestants import PAWLINE, PEERS_OF_PAWLINE
from benchmarks.serve_environments import KEPT, python_of
from benchmarks.serve_hostile import hostile_page
from benchmarks.serve_load import require_generators, write_photos
from benchmarks.serve_neighbour import neighbour_page
from benchmarks.serve_overload import overload_page
from benchmarks.serve_rounds import measure_round, say, tuned
from benchmarks.serve_tables import Measured, holds, page
from components.bundle.manifest import ONNX_NETWORK, read_manifest
from components.dataset.images import to_model_input
from components.step.errors import DataError


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the tables; return 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serve", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="rounds in which all are measured one after another")
    parser.add_argument("--overload-seconds", type=float, default=60)
    parser.add_argument(
        "--bundle", type=Path, help="an EfficientNet-Lite0 bundle; else the packaged sample's is trained"
    )
    parser.add_argument(
        "--only",
        choices=("serve", "serve-neighbour", "serve-overload", "serve-hostile"),
        help="this section and no other",
    )
    names = sorted({peer.peer for peer in PEERS_OF_PAWLINE})
    parser.add_argument("--peers", nargs="*", choices=names, default=[], help="these peers and no others")
    parser.add_argument("--update", action="store_true", help="put the tables into docs/performance.md")
    arguments = parser.parse_args(argv)
    require_generators()
    photos = write_photos(KEPT / "photos")
    bundle = (arguments.bundle or sample_bundle()).absolute()
    pages = {
        "serve": lambda: serve_page(bundle, photos, arguments.repeats, arguments.peers),
        "serve-neighbour": lambda: neighbour_page(bundle, photos, arguments.repeats),
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


def serve_page(bundle: Path, photos: list[bytes], repeats: int, only: Sequence[str]) -> tuple[str, bool]:
    """Return the section with the servers side by side, of the peers those named in `only`, and whether it holds."""
    peers = [peer for peer in PEERS_OF_PAWLINE if not only or peer.peer in only]
    for peer in peers:
        python_of(peer.peer)
    everyone = [PAWLINE, *peers]
    settings = {contestant.name: tuned(contestant, bundle, photos) for contestant in everyone}
    measured: dict[str, Measured] = {contestant.name: {} for contestant in everyone}
    truth = truth_of(bundle, photos)
    for number in range(repeats):
        for contestant in everyone:
            say(f"round {number + 1} of {repeats}: {contestant.name}")
            mine = settings[contestant.name], bundle, photos, truth, measured[contestant.name]
            measure_round(contestant, *mine)
    return page(everyone, settings, measured, repeats), holds(measured)


def truth_of(bundle: Path, photos: list[bytes]) -> np.ndarray:
    """Return the probabilities of `photos` as the test step gets them, by ONNX Runtime, float32 `[N, classes]`."""
    import onnxruntime

    size = read_manifest(bundle).image_size
    session = onnxruntime.InferenceSession(bundle / ONNX_NETWORK, providers=["CPUExecutionProvider"])
    images = np.stack([to_model_input(photo, size) for photo in photos])
    return session.run(None, {session.get_inputs()[0].name: images})[0]


if __name__ == "__main__":
    sys.exit(main())
