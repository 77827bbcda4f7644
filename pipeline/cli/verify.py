"""`pawline verify`: what is wrong with a bundle."""

import argparse
import sys

from components.step.errors import DataError, one_line


def verify(arguments: argparse.Namespace) -> None:
    """Print what is wrong with a bundle, a line each.

    Raises:
        DataError: something is.
    """
    from components.bundle.verification import verify_bundle

    problems = verify_bundle(arguments.bundle, arguments.onnx_only)
    for problem in problems:
        print(f"pawline verify: {one_line(problem, 2000)}", file=sys.stderr)
    if problems:
        raise DataError(f"A bundle must pass every check. Received: {arguments.bundle}, problems={len(problems)}.")
    networks = "ONNX network" if arguments.onnx_only else "Keras and ONNX networks"
    print(f"{one_line(arguments.bundle)}: digests and golden outputs of the {networks} are as they must be")
