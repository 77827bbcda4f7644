"""`pawline predict`: a bundle's answers for files, folders and buckets of images."""

import argparse
from pathlib import Path

from components.step.command import log_to_stderr
from components.step.errors import UsageError, one_line
from pipeline.local.references import bundle_of, use_store_of

SUFFIXES = {".csv": "csv", ".json": "json", ".txt": "text"}


def predict(arguments: argparse.Namespace) -> None:
    """Label the images that the command line's `arguments` name.

    Raises:
        UsageError: what is named is no bundle, or the output's form is not known.
        DataError: a damaged bundle, no images, or one that could not be labelled: the others were.
        ServiceError: a store or the registry does not answer, or the output cannot be written.
    """
    form = _form(arguments)
    bundle = bundle_of(arguments.bundle, arguments.runs)
    use_store_of(arguments.runs)
    log_to_stderr("predict")
    # numpy and what reads images take long to import, and help must not.
    from components.predict.prediction import predict as predict_files

    predict_files(bundle, arguments.images, form, arguments.output)


def _form(arguments: argparse.Namespace) -> str:
    if arguments.csv or arguments.json:
        return "csv" if arguments.csv else "json"
    output: Path | None = arguments.output
    if output is None:
        return "text"
    if output.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"The form of --output must be known. Received: {one_line(output)}. Add --csv or --json, or call it so."
        )
    return SUFFIXES[output.suffix.lower()]
