"""A project begun from the template, and brought to a later template without losing what its people changed.

`.pawline-template.json` has each file as the template gave it: what differs from that is theirs.
"""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from components import VERSION
from components.step.errors import DataError, UsageError, one_line
from components.step.files import atomic_directory, scratch_folder, write_json, write_text
from components.step.own_processes import own_environment
from components.step.regular_files import read_regular
from components.step.strict_json import read_json
from pipeline.project.template_files import Project, rendered

RECORD, BESIDE = ".pawline-template.json", ".from-template"
ADDED, UPDATED, MERGED, CONFLICT = "added", "updated", "merged", "yours and the template's differ"


def write_project(folder: Path, project: Project, declared: Mapping[str, Any]) -> list[str]:
    """Write `project` to `folder`, which must be new or empty, whole or not at all; return the files' paths.

    Raises:
        UsageError: something is in the folder.
        ServiceError: it cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"A new project's folder must be new or empty. Received: {one_line(folder)}. "
            "Name another one, or --update for a project of the template."
        )
    files = rendered(project, declared)
    with atomic_directory(folder) as temporary:
        for name, text in files.items():
            write_text(temporary / name, text)
        _write_record(temporary, project, files)
    return sorted(files)


def update_project(folder: Path, declared: Mapping[str, Any]) -> dict[str, str]:
    """Bring the project in `folder` to this version's template; return what was done to each file that was touched.

    What its people changed, and the template did not, stays; what both changed is merged line by line; where that
    cannot be, theirs stays and the template's is written beside, with the suffix BESIDE. What they removed stays away.

    Raises:
        DataError: the project has no record of the template, or a damaged one.
        ServiceError: a file cannot be written.
    """
    project, before = _record(folder)
    files = rendered(project, declared)
    done = dict(_updated(folder, before, files))
    _write_record(folder, project, files)
    return done


def _updated(folder: Path, before: Mapping[str, str], files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in files.items():
        path, base = folder / name, before.get(name)
        if not path.exists():
            if base is None:
                write_text(path, text)
                yield name, ADDED
            continue
        mine = _text(path)
        if text in (mine, base):
            continue
        merged = text if mine == base else _merged(mine, base or "", text)
        if merged is None:
            write_text(path.with_name(path.name + BESIDE), text)
            yield name, CONFLICT
        else:
            write_text(path, merged)
            yield name, UPDATED if mine == base else MERGED


def _merged(mine: str, base: str, theirs: str) -> str | None:
    """Return `mine` with what `theirs` changed of `base`; None where lines contradict each other, or git is missing."""
    git = shutil.which("git")
    if git is None:
        return None
    with scratch_folder() as folder:
        names = ("mine", "base", "theirs")
        for name, text in zip(names, (mine, base, theirs), strict=True):
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
        command = [git, "merge-file", "-p", *names]
        done = subprocess.run(command, cwd=folder, env=own_environment(), capture_output=True, check=False)
    return done.stdout.decode() if done.returncode == 0 else None


def _text(path: Path) -> str:
    try:
        return read_regular(path).decode()
    except (OSError, ValueError) as error:
        raise DataError(
            f"A project's files must be text. Received: {one_line(path)}: {one_line(error, 120)}. Move it away."
        ) from error


def _record(folder: Path) -> tuple[Project, dict[str, str]]:
    path = folder / RECORD
    try:
        found = read_json(read_regular(path))
        files = {str(name): str(text) for name, text in found["files"].items()}
        return Project(str(found["name"]), str(found["package"])), files
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = "there is none" if isinstance(error, FileNotFoundError) else one_line(error, 120)
        raise DataError(
            f"A project must have the {RECORD} that `pawline new` wrote. "
            f"Received: {one_line(path)}: {reason}. Name a project's folder, or restore it."
        ) from error


def _write_record(folder: Path, project: Project, files: Mapping[str, str]) -> None:
    described = {"version": VERSION, "name": project.name, "package": project.package, "files": dict(files)}
    write_json(folder / RECORD, described)
