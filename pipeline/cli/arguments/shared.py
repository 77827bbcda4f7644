"""Arguments that several commands have, with one wording."""

import argparse
from pathlib import Path

BUNDLE_HELP = "a bundle's folder, a run's id or folder, last, s3://bucket/prefix or models:/name@alias"
RUN_HELP = "a run's id, its folder, or last"


def add_runs(command: argparse.ArgumentParser) -> None:
    """Add `--runs`."""
    command.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="where runs are kept (runs)")


def add_json(command: argparse.ArgumentParser, what: str = "print JSON instead of a table") -> None:
    """Add `--json`."""
    command.add_argument("--json", action="store_true", help=what)
