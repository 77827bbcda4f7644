"""The files of `pawline init`: parameters to fill in, their schema, and what git leaves alone; none is overwritten."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from components.step.errors import ServiceError, one_line
from components.step.files import PARTIAL, json_text, scratch_folder
from pipeline.compiled import Parameter
from pipeline.project.schema import config_schema

PARAMETERS, SCHEMA, IGNORE = "run.yaml", "run.schema.json", ".gitignore"
# The parameters that most runs differ in, with what to write where the default is nobody's own.
MATTERING: Mapping[str, str] = {
    "annotations_uri": "photos",
    "images_uri": "photos",
    "group_pattern": '""',
    "backbone": "efficientnet_lite0",
    "epochs": "30",
    "augment": "none",
}
HEAD = f"""\
# yaml-language-server: $schema=./{SCHEMA}
# The parameters of a run: `pawline run --config {PARAMETERS}`. Paths are relative to where that is called.
"""
REST = """\
# What else there is, with its default, is in the schema beside this file; an editor that knows YAML completes it.
"""
IGNORED = "# What runs leave behind: datasets, models, reports.\nruns/\n"


def write_starter(folder: Path, declared: Mapping[str, Parameter]) -> dict[str, bool]:
    """Write the files to `folder`, made if need be; return which were written, by name: what is there stays.

    Raises:
        ServiceError: the folder cannot be written.
    """
    files = {PARAMETERS: starter_text(declared), SCHEMA: json_text(config_schema(declared)), IGNORE: IGNORED}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return {name: _written(folder / name, text) for name, text in files.items()}
    except OSError as error:
        raise ServiceError(
            f"The folder must be writable. Received: {one_line(folder)}: {error.strerror}. Name another one."
        ) from error


def starter_text(declared: Mapping[str, Parameter]) -> str:
    """Return the file of parameters: those that matter, each below what it is."""
    return "\n".join([HEAD, *_lines(declared), REST])


def _lines(declared: Mapping[str, Parameter]) -> Iterator[str]:
    for name, value in MATTERING.items():
        if name in declared:
            yield f"# {declared[name].description}\n{name}: {value}\n"


def _written(path: Path, text: str) -> bool:
    """Write `text` to `path`, whole, unless something is there."""
    with scratch_folder(path.parent, PARTIAL) as folder:
        temporary = folder / path.name
        temporary.write_text(text, encoding="utf-8", newline="\n")
        try:
            os.link(temporary, path)  # Unlike a rename, it never replaces.
        except FileExistsError:
            return False
    return True
