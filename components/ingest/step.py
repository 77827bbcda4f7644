"""ingest: PDFs in; their photos, a manifest and lists for labelling tools out."""

import argparse
import logging
from collections.abc import Iterator, Sequence

from components.ingest.documents import ON_BAD, WHAT, check_on_bad_document
from components.ingest.ingestion import DOCUMENTS, IMAGES, Ingested, ingest, refusal
from components.ingest.taking import Settings
from components.step.command import run_step, step_parser
from components.step.counts import counted
from components.step.errors import first_ten, one_line
from components.step.outputs import ExecutorOutputs
from components.storage.stores import open_store

log = logging.getLogger("pawline")


def run(documents_uri: str, destination_uri: str, settings: Settings, on_bad_document: str = "fail") -> Ingested:
    """Take in the documents at `documents_uri`, and say in the log what was done and what is wrong.

    Raises:
        UsageError: a setting is not legal.
        DataError: there is no document, or with `fail` one that cannot be read; all others are there by then.
        ServiceError: a store failed.
    """
    check_on_bad_document(on_bad_document)
    ingested = ingest(documents_uri, destination_uri, settings)
    for line in said_of(ingested):
        log.info("%s", one_line(line, 2000))
    if ingested.faults and on_bad_document == "fail":
        raise refusal(ingested, len(ingested.records) + len(ingested.faults), documents_uri)
    return ingested


def said_of(ingested: Ingested) -> Iterator[str]:
    """Yield sentences on what was done, what was left out and what is wrong."""
    yield f"{counted(len(ingested.images), 'image')} of {counted(len(ingested.records), 'document')}"
    if ingested.kept:
        yield f"{counted(ingested.kept, 'document was', 'documents were')} taken in before and not read again"
    left_out = [
        f"{r.name}, page {page}, index {index}: {why}" for r in ingested.records for page, index, why in r.left_out
    ]
    if left_out:
        yield f"left out, all of it said in {DOCUMENTS}/: {first_ten(left_out)}"
    for name, why in ingested.faults:
        yield f"bad document: {one_line(name, 120)} {why}"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m components.ingest`."""
    parser = step_parser("ingest", "Take the photos out of PDFs, for a labelling tool and for extract.")
    parser.add_argument("--documents-uri", required=True, help="folder or prefix of the PDFs")
    parser.add_argument("--destination-uri", required=True, help="folder or prefix to write to")
    parser.add_argument("--take", default="embedded", help=f"{' or '.join(WHAT)}, each as a whole")
    parser.add_argument("--dpi", type=int, default=150, help="dots per inch of a page")
    parser.add_argument("--on-bad-document", default="fail", help=f"{' (at the end) or '.join(ON_BAD)} and report")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step's command; return its exit code."""
    return run_step(build_parser(), argv, _act)


def _act(arguments: argparse.Namespace, outputs: ExecutorOutputs) -> None:
    settings = Settings(arguments.take, arguments.dpi)
    run(arguments.documents_uri, arguments.destination_uri, settings, arguments.on_bad_document)
    outputs.parameter("images_uri", open_store(arguments.destination_uri).uri(IMAGES))
