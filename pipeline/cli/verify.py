"""`pawline verify`: what is wrong with a bundle."""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from components.bundle.signature import check_signature
from components.signing.key_files import key_file
from components.signing.trust import Trust, checked_trust, trust_from
from components.step.errors import DataError, one_line
from pipeline.local.references import bundle_of, use_store_of


def verify(arguments: argparse.Namespace) -> None:
    """Print what is wrong with a bundle, a line each.

    Raises:
        UsageError: what is named is no bundle.
        DataError: something is wrong with it.
    """
    from components.bundle.verification import verify_bundle

    trust = _trust(arguments, os.environ)
    place = bundle_of(arguments.bundle, arguments.runs)
    use_store_of(arguments.runs)
    with _folder(place) as folder:
        found = [*_signature_problems(folder, trust), *verify_bundle(folder, arguments.onnx_only)]
        problems = [problem.replace(f"{folder}", place) for problem in found]
    for problem in problems:
        print(f"pawline verify: {one_line(problem, 2000)}", file=sys.stderr)
    if problems:
        raise DataError(f"A bundle must pass every check. Received: {one_line(place)}, problems={len(problems)}.")
    networks = "ONNX network" if arguments.onnx_only else "Keras and ONNX networks"
    signed = "signature, " if trust else ""
    print(f"{one_line(place)}: {signed}digests and golden outputs of the {networks} are as they must be")


def _trust(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Trust | None:
    if not (arguments.key or arguments.identity or arguments.issuer):
        return trust_from(environment)
    files = {name: key_file(f"--{name}", value) for name in ("key", "sigstore") if (value := getattr(arguments, name))}
    return checked_trust(Trust(files.get("key"), arguments.identity, arguments.issuer, files.get("sigstore")))


def _signature_problems(folder: Path, trust: Trust | None) -> list[str]:
    try:
        if trust:
            check_signature(folder, trust)
    except DataError as error:
        return [str(error)]
    return []


@contextmanager
def _folder(place: str) -> Iterator[Path]:
    if ":" not in place or Path(place).is_dir():
        yield Path(place)
        return
    from components.inference.source import open_source

    source = open_source(place)
    with source.bundle(source.revision()) as found:
        yield found.directory
