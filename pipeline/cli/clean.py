"""`pawline clean`: what can go from the folder of runs, shown first and removed on demand."""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from components.step.counts import counted
from components.step.errors import UsageError, one_line
from components.step.files import json_text
from components.tracking.database import ARTIFACTS
from pipeline.cleanup.plan import KEY, Removable, removable, size_of
from pipeline.cleanup.removal import remove
from pipeline.local.delivery import Delivered, deliver, meant_for_another
from pipeline.local.display import fits, short_path
from pipeline.local.folder import check_runs_folder
from pipeline.local.hold import held_alone

RUN_GOES_ON = "A run is going on: what runs share is left alone."
FEWEST_DIGITS = 8


def clean(arguments: argparse.Namespace) -> None:
    """Print what can go from the folder that the command line's `arguments` name, and remove it if they say so.

    What MLflow has not got of a run is sent first; a run of which it does not take all stays, and is named.

    Raises:
        UsageError: `--keep` is negative, or there is no such folder.
        ServiceError: something cannot be removed.
    """
    runs: Path = arguments.runs
    if arguments.keep < 0:
        raise UsageError(f"--keep must be at least 0. Received: --keep {arguments.keep}. Correct it.")
    check_runs_folder(runs)
    with held_alone(runs) as alone:
        found = removable(runs, arguments.keep, alone)
        sent = deliver(runs, Console(stderr=True)) if arguments.yes and any(item.events for item in found) else None
        items = removable(runs, arguments.keep, alone, waiting_too=False) if sent else found
        if arguments.yes:
            remove(items)
    kept = _without(found, items)
    if arguments.json:
        print(json_text(_as_json(items, kept, arguments.yes, sent or Delivered(runs))), end="")
        return
    _print(Console(highlight=False), items, runs, arguments.yes)
    _print_what_stays(kept, sent or Delivered(runs), runs)
    if not alone:
        print(RUN_GOES_ON)


def _without(found: Sequence[Removable], gone: Sequence[Removable]) -> list[Removable]:
    """Return the runs of `found` that are not `gone`."""
    places = {item.path for item in gone}
    return [item for item in found if item.kind == "run" and item.path not in places]


def _as_json(items: Sequence[Removable], kept: Sequence[Removable], removed: bool, sent: Delivered) -> dict[str, Any]:
    listed = [
        {"kind": item.kind, "path": str(item.path), "reason": item.reason, "bytes": item.bytes, "events": item.events}
        for item in items
    ]
    stay = [{"path": str(item.path), "events": item.events} for item in kept]
    found = {"removed": removed, "bytes": sum(item.bytes for item in items), "items": listed, "kept": stay}
    return found | {"refused": sent.refused}


def _print(console: Console, items: Sequence[Removable], runs: Path, removed: bool) -> None:
    if not items:
        console.print("nothing to remove")
        return
    places = [one_line(_short(item.path, items).relative_to(runs), 500) for item in items]
    table = _table(items, places)
    if fits(console, table):
        console.print(table)
    else:
        _print_list(console, items, places)
    total = _megabytes(sum(item.bytes for item in items))
    console.print(f"{total} MB removed" if removed else f"{total} MB can go; --yes removes them")
    if not removed and any(item.events for item in items):
        console.print("What MLflow has not got, --yes sends first; a run of which it does not take all stays.")


def _table(items: Sequence[Removable], places: Sequence[str]) -> Table:
    table = Table("what", "where", "why", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("MB", justify="right", no_wrap=True)
    for item, place in zip(items, places, strict=True):
        table.add_row(item.kind, Text(place), item.reason, _megabytes(item.bytes))
    return table


def _print_list(console: Console, items: Sequence[Removable], places: Sequence[str]) -> None:
    """Print what the table has where it would break names, which are there to be copied."""
    for item, place in zip(items, places, strict=True):
        console.print(Text(place, style="bold"), soft_wrap=True)
        words = Text(f"{item.kind}, {_megabytes(item.bytes)} MB: {item.reason}")
        console.print(Padding(words, (0, 0, 0, 2)))


def _print_what_stays(kept: Sequence[Removable], sent: Delivered, runs: Path) -> None:
    if sent.refused:
        print(f"MLflow refused {counted(sent.refused, 'event')} for good, e.g.: {one_line(sent.refusal, 200)}")
    for item in kept:
        other = meant_for_another(item.path)
        reason = f"; set MLFLOW_TRACKING_URI to {other}" if other else f": {sent.why}"
        words = f"MLflow has not got {counted(item.events, 'event')} of it{one_line(reason, 300)}"
        print(f"{one_line(item.path.name, 90)} stays: {words}")
    if kept:
        print(f"To send them: {shlex.join(['pawline', 'deliver', '--runs', short_path(runs.absolute())])}")
    if (copies := runs / ARTIFACTS).is_dir():
        where = one_line(short_path(copies.absolute()), 500)
        print(f"MLflow's own copies stay, {_megabytes(size_of(copies))} MB in {where}: docs/tutorial.md")


def _short(path: Path, items: Sequence[Removable]) -> Path:
    """Return `path` with a name of 64 digits cut so that it still names one thing of its folder."""
    if not KEY.fullmatch(path.name):
        return path
    others = {item.path.name for item in items if item.path.parent == path.parent}
    others |= {other.name for other in path.parent.iterdir()} if path.parent.is_dir() else set()
    digits = FEWEST_DIGITS
    while any(other.startswith(path.name[:digits]) for other in others - {path.name}):
        digits += 1
    return path.with_name(f"{path.name[:digits]}…")


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f}"
