"""From a bundle and the names of files to answers, written where they are wanted."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from components.inference.model import Model, load_model
from components.inference.source import open_source
from components.predict.files import Found, find_files
from components.predict.labelling import Answer, labelled, threads_for
from components.predict.writing import FORMATS
from components.signing.trust import trust_from
from components.step.counts import counted
from components.step.errors import DataError, first_ten, one_line
from components.step.files import atomic_write
from components.step.progress import Progress


def predict(bundle: str, sources: Sequence[str], form: str, output: Path | None) -> None:
    """Label the image files that `sources` name by `bundle`; print the answers, or write them to `output`, whole.

    Args:
        bundle: a folder, `s3://…` or `models:/…`.
        sources: files, folders and their like in buckets; see `find_files`.
        form: a key of FORMATS.
        output: the file to write, None for standard output.

    Raises:
        UsageError: an address is of no known scheme.
        DataError: no bundle or a damaged one, no images, or one that could not be labelled: the others were.
        ServiceError: a store or the registry does not answer.
    """
    found = find_files(sources)
    threads = threads_for(found.files)
    model = loaded_model(bundle, threads)
    failed: list[str] = []
    with Progress("labelling", len(found.files), quiet=output is None and sys.stdout.isatty()) as progress:
        with _said(progress, at_once=output is not None or form == "text") as say:
            for line in _left_out(found):
                say(line)
            with _opened(output) as file:
                FORMATS[form](file, model, _watched(labelled(model, found.files, threads), progress, say, failed))
    _check_all(found, failed)


def _left_out(found: Found) -> Iterator[str]:
    for name, why in found.left_out.items():
        yield f"left out: {one_line(name)} {one_line(why)}"
    if found.others:
        yield f"left out: {counted(found.others, 'file')} not called as images are"


def loaded_model(bundle: str, threads: int) -> Model:
    """Return the model of `bundle`, a folder, `s3://…` or `models:/…`, verified, for as many `threads`.

    Raises:
        DataError: no bundle, a damaged one, or one that is not trusted.
        ServiceError: a store or the registry does not answer.
    """
    source = open_source(bundle, trust_from(os.environ))
    with source.bundle(source.revision()) as found:
        return load_model(found.directory, found.name, found.version, threads)


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    with atomic_write(output) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        yield file


@contextmanager
def _said(progress: Progress, at_once: bool) -> Iterator[Callable[[str], None]]:
    """Yield what says a line: `at_once`, or at the end, so that it is not among lines for programs on a terminal."""
    kept: list[str] = []
    try:
        yield progress.say if at_once else kept.append
    finally:
        for line in kept:
            progress.say(line)


def _watched(
    answers: Iterable[Answer], progress: Progress, say: Callable[[str], None], failed: list[str]
) -> Iterator[Answer]:
    for answer in answers:
        if answer.error:
            failed.append(answer.filename)
            say(f"pawline predict: {one_line(answer.filename)}: {one_line(answer.error)}")
        yield answer
        progress.advance()


def _check_all(found: Found, failed: Sequence[str]) -> None:
    if failed:
        raise DataError(
            f"Every file must be an image. Received: {len(failed)} of {counted(len(found.files), 'file')} "
            f"that could not be labelled: {first_ten(list(failed))}."
            + (" The others were." if len(failed) < len(found.files) else "")
        )
