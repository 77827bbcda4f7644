"""`pawline clean`: what can go from the folder of runs, shown first and removed on demand."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from components.step.errors import UsageError, one_line
from components.step.files import json_text
from pipeline.cleanup.plan import Removable, removable
from pipeline.cleanup.removal import remove
from pipeline.local.hold import held_alone

RUN_GOES_ON = "A run is going on: what runs share is left alone."


def clean(arguments: argparse.Namespace) -> None:
    """Print what can go from the folder that the command line's `arguments` name, and remove it if they say so.

    Raises:
        UsageError: `--keep` is negative, or there is no such folder.
        ServiceError: something cannot be removed.
    """
    runs: Path = arguments.runs
    if arguments.keep < 0:
        raise UsageError(f"--keep must be at least 0. Received: --keep {arguments.keep}. Correct it.")
    if not runs.is_dir():
        raise UsageError(f"--runs must be a folder of runs. Received: {one_line(runs)}. Name another one.")
    with held_alone(runs) as alone:
        items = removable(runs, arguments.keep, shared_too=alone)
        if arguments.yes:
            remove(items)
    if arguments.json:
        print(json_text(_as_json(items, arguments.yes)), end="")
        return
    _print(items, runs, arguments.yes)
    if not alone:
        print(RUN_GOES_ON)


def _as_json(items: Sequence[Removable], removed: bool) -> dict[str, Any]:
    listed = [{"kind": item.kind, "path": str(item.path), "reason": item.reason, "bytes": item.bytes} for item in items]
    return {"removed": removed, "bytes": sum(item.bytes for item in items), "items": listed}


def _print(items: Sequence[Removable], runs: Path, removed: bool) -> None:
    console = Console(highlight=False)
    if not items:
        console.print("nothing to remove")
        return
    table = Table("what", "where", "why", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("MB", justify="right", no_wrap=True)
    for item in items:
        where = Text(one_line(item.path.relative_to(runs), 500), overflow="fold")
        table.add_row(item.kind, where, item.reason, _megabytes(item.bytes))
    console.print(table)
    total = _megabytes(sum(item.bytes for item in items))
    console.print(f"{total} MB removed" if removed else f"{total} MB can go; --yes removes them")


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f}"
