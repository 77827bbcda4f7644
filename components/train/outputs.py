"""What train writes beside the bundle: history and report; and how it cleans up after a killed attempt."""

import csv
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.step.errors import DataError, one_line
from components.step.files import PARTIAL, atomic_write, write_text
from components.step.regular_files import open_regular_text, read_regular
from components.step.reports import render_report
from components.step.strict_json import read_json
from components.train.epoch import HEAD, PHASES, Epoch

if TYPE_CHECKING:
    from components.bundle.manifest import Provenance

COLUMNS = {*(field.name for field in fields(Epoch)), "kept"}
_KEPT = {"true": True, "false": False}


def write_history(path: Path, history: Sequence[Epoch], best: Epoch) -> None:
    """Write every epoch as a row of CSV; `kept` marks the one whose weights are in the bundle."""
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*asdict(best), "kept"])
        writer.writerows([*asdict(epoch).values(), str(epoch == best).lower()] for epoch in history)


def read_history(path: Path) -> list[dict[str, Any]]:
    """Return every epoch of the CSV at `path` with numbers as such; the keys are its columns.

    Raises:
        DataError: there is no such file, or it is not one that train wrote.
    """
    try:
        with open_regular_text(path) as file:
            rows = csv.DictReader(file, strict=True)
            names = list(rows.fieldnames or ())
            if len(set(names)) < len(names):
                raise ValueError(f"a column twice among {names}")
            return _checked([_epoch(row) for row in rows])
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise DataError(
            "The history must be CSV as train writes it. "
            f"Received: {one_line(path)}: {one_line(error, 120)}. Train again."
        ) from error


def _epoch(row: Mapping[str, str]) -> dict[str, Any]:
    if unknown := row.keys() - COLUMNS:
        raise ValueError(f"the column {sorted(map(str, unknown))[0]}")
    if row.get("phase", HEAD) not in PHASES:
        raise ValueError(f"the phase {row['phase']}")
    numbers = {name: float(value) for name, value in row.items() if name not in ("epoch", "phase", "kept")}
    texts = {"phase": row["phase"]} if "phase" in row else {}
    return {"epoch": int(row["epoch"]), **numbers, **texts, "kept": _KEPT[row["kept"]]}


def _checked(epochs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return `epochs`, which count on from 1, and of which one is kept.

    Raises:
        ValueError: they do not, or not one is.
    """
    if [epoch["epoch"] for epoch in epochs] != list(range(1, len(epochs) + 1)):
        raise ValueError("the epochs do not count on from 1")
    if sum(epoch["kept"] for epoch in epochs) != 1:
        raise ValueError("not one epoch is kept")
    return epochs


def write_train_report(
    path: Path, history: Sequence[Epoch], best: Epoch, provenance: "Provenance", seconds: Mapping[str, float]
) -> None:
    """Write the report: curves, recipe, provenance, and where the time went."""

    def line(name: str, field: str) -> dict[str, Any]:
        return {"name": name, "points": [(epoch.epoch, getattr(epoch, field)) for epoch in history]}

    html = render_report(
        "train.html.j2",
        best=best,
        epochs=len(history),
        phases=phases_of(history),
        losses=[line("train", "loss"), line("validation", "validation_loss")],
        accuracies=[line("train", "accuracy"), line("validation", "validation_accuracy")],
        provenance=provenance,
        seconds=seconds,
    )
    write_text(path, html)


def phases_of(history: Sequence[Epoch]) -> list[dict[str, Any]]:
    """Return name, first and last epoch of each phase in `history`."""
    phases: dict[str, list[int]] = {}
    for epoch in history:
        phases.setdefault(epoch.phase, []).append(epoch.epoch)
    return [{"name": name, "first": epochs[0], "last": epochs[-1]} for name, epochs in phases.items()]


def remove_leftovers(outputs: Iterable[Path]) -> None:
    """Remove what a killed attempt at writing any of `outputs` left beside it under a temporary name."""
    for output in outputs:
        for folder in output.parent.glob(f"{PARTIAL}*"):
            if {path.name for path in folder.glob("*")} == {output.name}:
                shutil.rmtree(folder, ignore_errors=True)


def remove_own_bundle(directory: Path, provenance: "Provenance") -> None:
    """Remove a bundle that a killed attempt at this very training completed; anything else stays and is refused."""
    try:
        found = read_json(read_regular(directory / "bundle.json"))
        own = all(found[name] == getattr(provenance, name) for name in ("training", "dataset_fingerprint", "metrics"))
    except (OSError, ValueError, KeyError, TypeError):
        return
    if own:
        shutil.rmtree(directory)
