"""`pawline ingest`: the photos of PDFs as images, with a manifest and lists for labelling tools."""

import argparse

from components.step.command import log_to_stderr


def ingest(arguments: argparse.Namespace) -> None:
    """Take in the documents that the command line's `arguments` name, and print where their images lie.

    Raises:
        UsageError: an argument is not legal.
        DataError: there is no document, or one that cannot be read.
        ServiceError: a store failed.
    """
    log_to_stderr("ingest")
    # numpy and what reads images take long to import, and help must not.
    from components.ingest.ingestion import IMAGES
    from components.ingest.step import run
    from components.ingest.taking import Settings
    from components.storage.stores import open_store

    run(arguments.documents, arguments.destination, Settings(arguments.take, arguments.dpi), arguments.on_bad_document)
    print(open_store(arguments.destination).uri(IMAGES))
