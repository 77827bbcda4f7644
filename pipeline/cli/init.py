"""`pawline init`: a folder to begin in."""

import argparse
import shlex

from components.step.errors import one_line
from pipeline.compilation import COMPILED_PIPELINE
from pipeline.compiled import load_pipeline
from pipeline.local.display import short_path
from pipeline.project.starter import PARAMETERS, write_starter


def init(arguments: argparse.Namespace) -> None:
    """Write the files to the folder that the command line's `arguments` name; print what was written and what stayed.

    Raises:
        ServiceError: the folder cannot be written.
    """
    folder = arguments.folder.absolute()
    for name, is_new in write_starter(folder, load_pipeline(COMPILED_PIPELINE).parameters).items():
        print(f"{'written' if is_new else 'there already, left as it is'}: {one_line(short_path(folder / name), 4000)}")
    place = one_line(short_path(folder / PARAMETERS), 4000)
    command = shlex.join(["pawline", "run", "--config", short_path(folder / PARAMETERS)])
    print(f"Say in {place} where your images are, then: {one_line(command, 4000)}")
