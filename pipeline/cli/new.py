"""`pawline new`: a project of one's own, from the template or brought to a later one."""

import argparse

from components.step.counts import counted
from components.step.errors import UsageError, one_line
from pipeline.compilation import COMPILED_PIPELINE
from pipeline.compiled import load_pipeline
from pipeline.local.display import short_path
from pipeline.project.new_project import BESIDE, CONFLICT, update_project, write_project
from pipeline.project.template_files import project_called


def new(arguments: argparse.Namespace) -> None:
    """Write a new project to the folder that the command line's `arguments` name, or update the one that is there.

    Raises:
        UsageError: the folder holds something, or no project can be called so.
        DataError: what is to be updated is no project of the template.
        ServiceError: the folder cannot be written.
    """
    folder, declared = arguments.folder.absolute(), load_pipeline(COMPILED_PIPELINE).parameters
    place = one_line(short_path(folder), 4000)
    if not arguments.update:
        files = write_project(folder, project_called(arguments.name or folder.name), declared)
        print(f"{counted(len(files), 'file')} in {place}. Begin with its README.md; `git init` and commit it first.")
        return
    if arguments.name:
        raise UsageError("A project keeps its name. Received: --update and --name. Leave one out.")
    done = update_project(folder, declared)
    for name, what in done.items():
        print(f"{what}: {one_line(name)}{f', see {one_line(name)}{BESIDE}' if what == CONFLICT else ''}")
    print(f"{place} is of this version's template. Look at the changes before you commit them.")
