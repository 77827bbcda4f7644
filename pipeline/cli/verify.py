"""`pawline verify`: what is wrong with a bundle."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.step.errors import DataError, one_line
from pipeline.local.references import bundle_of, use_store_of


def verify(arguments: argparse.Namespace) -> None:
    """Print what is wrong with a bundle, a line each.

    Raises:
        UsageError: what is named is no bundle.
        DataError: something is wrong with it.
    """
    from components.bundle.verification import verify_bundle

    place = bundle_of(arguments.bundle, arguments.runs)
    use_store_of(arguments.runs)
    with _folder(place) as folder:
        problems = [problem.replace(f"{folder}", place) for problem in verify_bundle(folder, arguments.onnx_only)]
    for problem in problems:
        print(f"pawline verify: {one_line(problem, 2000)}", file=sys.stderr)
    if problems:
        raise DataError(f"A bundle must pass every check. Received: {one_line(place)}, problems={len(problems)}.")
    networks = "ONNX network" if arguments.onnx_only else "Keras and ONNX networks"
    print(f"{one_line(place)}: digests and golden outputs of the {networks} are as they must be")


@contextmanager
def _folder(place: str) -> Iterator[Path]:
    if ":" not in place or Path(place).is_dir():
        yield Path(place)
        return
    from components.inference.source import open_source

    source = open_source(place)
    with source.bundle(source.revision()) as found:
        yield found.directory
