"""Training: the train step against the course's recipe, its parts, its memory and what it learns.

On the reference tasks in the folder that PAWLINE_TEST_DATA names; without it nothing is measured.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import publish
from benchmarks.train_accuracy import accuracy_page, fine_tuning_page
from benchmarks.train_digits import digits_page
from benchmarks.train_memory import memory_page
from benchmarks.train_speed import speed_page

SECTIONS = {
    "train": speed_page,
    "train-digits": digits_page,
    "train-memory": memory_page,
    "train-accuracy": accuracy_page,
    "train-fine-tuning": fine_tuning_page,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the tables; return 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="how often each is measured, in turn")
    parser.add_argument(
        "--accuracy", action="store_true", help="also what is learnt, with fine-tuning too; half an hour"
    )
    parser.add_argument("--long", action="store_true", help="also memory on 25,270 images; ten minutes and more")
    parser.add_argument("--only", choices=SECTIONS, help="this section and no other")
    parser.add_argument("--update", action="store_true", help="put the tables into docs/performance.md")
    arguments = parser.parse_args(argv)
    data = Path(os.environ.get("PAWLINE_TEST_DATA", "/nowhere"))
    if not data.is_dir():
        print("PAWLINE_TEST_DATA names no folder: training is not measured.", file=sys.stderr)
        return 0
    asked = {"train": True, "train-digits": True, "train-memory": arguments.long}
    asked |= dict.fromkeys(("train-accuracy", "train-fine-tuning"), arguments.accuracy)
    held = [
        _measured(section, data, arguments)
        for section, wanted in asked.items()
        if (section == arguments.only if arguments.only else wanted)
    ]
    return 0 if all(held) else 1


def _measured(section: str, data: Path, arguments: argparse.Namespace) -> bool:
    with tempfile.TemporaryDirectory(prefix="pawline-") as folder:
        text, held = SECTIONS[section](data, Path(folder), arguments.repeats)
    publish(section, text, arguments.update)
    return held


if __name__ == "__main__":
    sys.exit(main())
