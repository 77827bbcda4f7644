"""`pawline sample`: the packaged sample as files."""

import argparse

from pipeline.sample.photos import write_sample


def sample(arguments: argparse.Namespace) -> None:
    """Write the sample to the folder that the command line's `arguments` name; print the parameters that use it.

    Raises:
        UsageError: the folder holds files.
        ServiceError: it cannot be written.
    """
    annotations, images = write_sample(arguments.folder)
    print(f"annotations_uri={annotations}\nimages_uri={images}")
