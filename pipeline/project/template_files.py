"""The files of a new project: those of the folder `template` with the project's names in them, and two that are made.

Each has the suffix `.in`, so that no tool takes it for a file of ours; the folder `package` gets the package's name.
"""

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from components import VERSION
from components.step.errors import UsageError, one_line
from components.step.files import json_text
from pipeline.compiled import Parameter
from pipeline.project.schema import config_schema
from pipeline.project.starter import PARAMETERS, SCHEMA, starter_text

TEMPLATE, SUFFIX = Path(__file__).with_name("template"), ".in"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9 _-]{0,39}")
TAKEN = {"components", "pawline", "pipeline", "tests", "data", "cluster", "environments", "runs"}
OWN_FUNCTIONS = """\
# Functions of this project, each of which tests/ checks. To use one take the # off, and its name away above.
# backbone: {package}.backbone:build
# augment: {package}.augmentation:augment
# preprocessing: {package}.preprocessing:build
# evaluator: {package}.evaluator:evaluate
"""


@dataclass(frozen=True, slots=True)
class Project:
    """What a project is called: `name` for people, `package` in Python."""

    name: str
    package: str


def project_called(name: str) -> Project:
    """Return the project of that name.

    Raises:
        UsageError: no package can be called so.
    """
    package = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if not NAME.fullmatch(name) or package in TAKEN or keyword.iskeyword(package):
        raise UsageError(
            "A project's name must be of letters, digits, spaces, '-' and '_', begin with a letter and be no folder's "
            f"of the template. Received: {one_line(name, 80)}. Name another one: --name NAME."
        )
    return Project(name, package)


def rendered(project: Project, declared: Mapping[str, Parameter]) -> dict[str, str]:
    """Return the text of each file of `project` by its path in the project's folder, with `/` between its parts."""
    namespace = project.package.replace("_", "-")
    values = {"name": project.name, "package": project.package, "namespace": namespace, "version": VERSION}
    files = {PARAMETERS: f"{starter_text(declared)}\n{OWN_FUNCTIONS.format(package=project.package)}"}
    files[SCHEMA] = json_text(config_schema(declared))
    for path in sorted(TEMPLATE.rglob(f"*{SUFFIX}")):
        place = path.relative_to(TEMPLATE).as_posix().removesuffix(SUFFIX)
        files[re.sub(r"^package/", f"{project.package}/", place)] = _filled(path.read_text(encoding="utf-8"), values)
    return files


def _filled(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], text)
