"""`pawline dataset`: datasets for other tools."""

import argparse

from components.step.command import log_to_stderr
from components.step.counts import counted


def export(arguments: argparse.Namespace) -> None:
    """Write the dataset that the command line's `arguments` name in the form of another tool.

    Raises:
        UsageError: no form is called so, or something lies at the destination.
        DataError: there is no such dataset, or it cannot be laid out so.
        ServiceError: a store failed.
    """
    log_to_stderr("dataset")
    # pyarrow takes long to import, and help must not.
    from components.export.datasets import export_dataset

    count = export_dataset(arguments.dataset, arguments.destination, arguments.form)
    print(f"{counted(count, 'sample')}: {arguments.destination}")
