"""Verification of a bundle: everything that is wrong with it, not only the first."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.bundle.golden import Golden, check_golden, read_golden
from components.bundle.manifest import GOLDEN, NETWORK, ONNX_NETWORK, SEALED, Manifest, read_manifest, verify_file
from components.bundle.reader import load_network, run_network
from components.onnx_twin.export import run_onnx
from components.step.errors import DataError, one_line

Run = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def verify_bundle(directory: Path, onnx_only: bool = False) -> list[str]:
    """Return what is wrong with the bundle in `directory`, a line each; nothing if it is whole.

    Checks the manifest, each file's digest, and that the Keras and the ONNX network give the golden probabilities. A
    file of another digest is never loaded.

    Args:
        directory: the bundle.
        onnx_only: leave out the Keras network's outputs; nothing imports Keras or TensorFlow then.
    """
    try:
        manifest = read_manifest(directory)
    except DataError as error:
        return [str(error), *_missing(directory)]
    damaged = {name: problem for name in SEALED if (problem := _digest_problem(directory, manifest, name))}
    return [*damaged.values(), *_output_problems(directory, manifest, set(damaged), onnx_only)]


def _missing(directory: Path) -> list[str]:
    # Without the manifest no digest is known; whether a file is there at all can still be said.
    return [
        f"A bundle must be complete. Received: no {one_line(directory / name)}. Train again."
        for name in SEALED
        if directory.is_dir() and not (directory / name).is_file()
    ]


def _digest_problem(directory: Path, manifest: Manifest, name: str) -> str | None:
    try:
        verify_file(directory, manifest, name)
    except DataError as error:
        return str(error)
    return None


def _output_problems(directory: Path, manifest: Manifest, damaged: set[str], onnx_only: bool) -> list[str]:
    if GOLDEN in damaged:
        return []  # Nothing to compare with.
    try:
        golden = read_golden(directory, manifest)
    except DataError as error:
        return [str(error)]
    runs: dict[str, Run] = {ONNX_NETWORK: lambda images: run_onnx(directory / ONNX_NETWORK, images)}
    if not onnx_only:
        runs[NETWORK] = lambda images: run_network(load_network(directory), images)
    problems = (_network_problem(golden, name, run) for name, run in runs.items() if name not in damaged)
    return [problem for problem in problems if problem]


def _network_problem(golden: Golden, name: str, run: Run) -> str | None:
    try:
        check_golden(golden, run(golden.images), name)
    except DataError as error:
        return str(error)
    except Exception as error:  # onnxruntime and Keras raise classes of their own on a network they cannot run.
        what = f"{name}: {type(error).__name__}: {one_line(error)}"
        return f"The network must run on its golden images. Received: {what}. Train again."
    return None
