"""Runs and bundles as people name them: a run's id, its folder, `last`, or where a bundle lies."""

import os
from datetime import datetime
from pathlib import Path

from components.bundle.manifest import MANIFEST
from components.step.errors import DataError, UsageError, one_line
from components.step.nearest import did_you_mean
from pipeline.local.folder import LAST, TRACKING_STORE, tracking_uri
from pipeline.local.record import RECORD, recorded_values

BUNDLE = Path("train", "bundle")  # Where a run has its own.


def run_folders(runs: Path) -> list[Path]:
    """Return the folders in `runs` that hold a run, by name; links are left out."""
    if not runs.is_dir():
        return []
    return sorted(path.parent for path in runs.glob(f"*/{RECORD}") if not path.parent.is_symlink())


def find_run(name: str, runs: Path) -> Path:
    """Return the folder of the run called `name`: a folder, an id below `runs`, or `last`, the one begun last.

    Raises:
        UsageError: there is no such run.
    """
    known = run_folders(runs)
    if name == LAST and known:
        return max(known, key=_begun).resolve()
    for folder in (Path(name), runs / name) if name else ():
        if _has(folder, RECORD):
            return folder.resolve()
    hint = did_you_mean(name, [*(folder.name for folder in known), *([LAST] if known else [])])
    where = (
        f"there is no {RECORD} in it nor in {one_line(runs / name)}" if name != LAST else f"{one_line(runs)} has none"
    )
    raise UsageError(
        f"A run is a folder that `pawline run` made, its id in --runs, or {LAST}. Received: {one_line(name, 120)}; "
        f"{where}. {hint}`pawline runs` lists them."
    )


def bundle_of(name: str, runs: Path) -> str:
    """Return where the bundle called `name` lies: its own folder or URI, or that of a run's, as `find_run` finds it.

    Raises:
        UsageError: it is neither a bundle nor a run.
        DataError: the run has no bundle.
    """
    if "://" in name or name.startswith("models:") or _has(Path(name), MANIFEST):
        return name
    if _has(Path(name), "") and not _has(Path(name), RECORD):
        return name  # A damaged bundle, of which its reader can say what is missing.
    folder = find_run(name, runs)
    if _has(folder / BUNDLE, MANIFEST):
        return str(folder / BUNDLE)
    raise DataError(
        f"A run must have trained to have a bundle. Received: {one_line(folder.name, 90)}, without {BUNDLE}. "
        f"`pawline show {one_line(folder.name, 90)}` says how far it came."
    )


def use_store_of(runs: Path) -> None:
    """Let `models:/…` mean the registry of the runs in `runs`, where the environment names no other."""
    named = any(name in os.environ for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"))
    if not named and (runs / TRACKING_STORE).is_file():
        os.environ["MLFLOW_TRACKING_URI"] = tracking_uri(runs.absolute())


def _has(folder: Path, file: str) -> bool:
    """Tell whether `folder` is there with `file` in it, or itself for no `file`."""
    try:
        return (folder / file).is_file() if file else folder != Path() and folder.is_dir()
    except (OSError, ValueError):  # A name longer than a path may be, or with a null byte.
        return False


def _begun(folder: Path) -> tuple[datetime, str]:
    """Return when the run in `folder` was begun, long ago where its record is damaged."""
    try:
        return datetime.fromisoformat(recorded_values(folder)["started"]), folder.name
    except (OSError, ValueError, LookupError, TypeError):
        return datetime.fromisoformat("0001-01-01T00:00:00+00:00"), folder.name
