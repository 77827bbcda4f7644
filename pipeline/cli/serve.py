"""`pawline serve`: the server, for bundles by the names that people on this machine give them."""

import argparse

from components.serve import command
from pipeline.local.references import bundle_of, use_store_of


def serve(arguments: argparse.Namespace) -> None:
    """Serve the bundle that the command line's `arguments` name, until told to end.

    Raises:
        PawlineError: what is named is no bundle, or as `components.serve.command.run`.
    """
    if arguments.bundle is not None:
        arguments.bundle = bundle_of(arguments.bundle, arguments.runs)
    use_store_of(arguments.runs)
    command.run(arguments)
