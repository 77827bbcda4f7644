"""Many images end to end: time and memory of extract, split, train and test at several sizes, and of more on paper.

The images are small JPEGs made here, so that a pass is about what grows with their number, not about decoding; the
network is the default one at a small size. Every step is a process of its own with everything on disk.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.measure import machine, publish, table
from benchmarks.steps import Run, Task, extracted, split, test, train

SIZES = (12_500, 50_000, 200_000)
ON_PAPER = 1_000_000
CLASSES, SIDE = 10, 64
RECIPE = {"image_size": 32, "epochs": 2, "checkpoint_minutes": 0.5}
STEPS = ("extract", "split", "train", "test")
# Of the processor time an image, the largest size over the smallest, which still has its start in it.
MOST_GROWTH = 1.15
# Of a peak, for each further image: its row of text in memory, no image and no features.
MOST_BYTES_AN_IMAGE = 4096

Measured = Mapping[str, Run]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the tables; return 1 where time is more than linear or memory grows with images."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of images, ascending")
    parser.add_argument("--update", action="store_true", help="put the tables into docs/performance.md")
    arguments = parser.parse_args(argv)
    found: dict[int, Measured] = {}
    for size in arguments.sizes:
        found[size] = _measured(size)
        print(f"{size}: {found[size]}", file=sys.stderr, flush=True)
    publish("scale", _page(found), arguments.update)
    return 0 if all(_linear(found, step) and _flat(found, step) for step in STEPS) else 1


def _measured(size: int) -> dict[str, Run]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_images(folder / "images", size)
        places = {"annotations_uri": "", "images_uri": folder / "images", "annotation_format": "folders"}
        task: Task = extracted(folder, **places)
        assert task.extracting
        splitting = split(task)
        training = train(task, "trained", **RECIPE)
        return {"extract": task.extracting, "split": splitting, "train": training, "test": test(task, "trained")}


def _write_images(folder: Path, count: int) -> None:
    """Write `count` different JPEGs, a folder for each class, whose colour says a little of the class."""
    random = np.random.default_rng(0)
    for label in range(CLASSES):
        (folder / f"class{label}").mkdir(parents=True)
    for number in range(count):
        label = number % CLASSES
        coarse = random.integers(0, 200, (8, 8, 3), dtype=np.uint8) + np.uint8(5 * label)
        picture = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        picture.save(folder / f"class{label}" / f"{number:07}.jpg", quality=85)


def _slope(found: Mapping[int, Measured], step: str, name: str) -> tuple[float, float]:
    """Return what a step takes at no image and for each further one, by least squares."""
    values = [getattr(measured[step], name) for measured in found.values()]
    slope, start = np.polyfit(list(found), values, 1) if len(found) > 1 else (0.0, values[0])
    return float(start), float(slope)


def _linear(found: Mapping[int, Measured], step: str) -> bool:
    return _growth_of(found, step) <= MOST_GROWTH


def _growth_of(found: Mapping[int, Measured], step: str) -> float:
    costs = [measured[step].busy / size for size, measured in found.items()]
    return costs[-1] / statistics.median(costs)


def _flat(found: Mapping[int, Measured], step: str) -> bool:
    return _slope(found, step, "peak")[1] * 2**20 <= MOST_BYTES_AN_IMAGE


def _page(found: Mapping[int, Measured]) -> str:
    header = ["images", *(f"{step}: s, processor s, MiB" for step in STEPS), "all, s"]
    rows = [
        [
            f"{size:,}",
            *(_cell(measured[step]) for step in STEPS),
            f"{sum(run.seconds for run in measured.values()):.0f}",
        ]
        for size, measured in found.items()
    ]
    paper = [_on_paper(found, step) for step in STEPS]
    rows.append([f"{ON_PAPER:,} on paper", *map(_cell, paper), f"{sum(run.seconds for run in paper):.0f}"])
    verdicts = [
        [
            "processor time an image, the largest over the median; at most 1.15",
            *(_growth(found, step) for step in STEPS),
        ],
        ["bytes of peak memory each further image; at most 4,096", *(_bytes(found, step) for step in STEPS)],
    ]
    return "\n\n".join(
        [
            f"`python -m benchmarks.scale` on {machine()} JPEGs of {SIDE} x {SIDE} pixels in {CLASSES} classes, "
            f"EfficientNet-Lite0 at {RECIPE['image_size']} pixels, {RECIPE['epochs']} epochs of the head; one run of "
            "each size. On paper: straight lines through the sizes measured.",
            table(header, rows),
            table(["", *STEPS], verdicts),
        ]
    )


def _row(name: str, steps: Sequence[Run]) -> list[str]:
    return [name, *map(_cell, steps), f"{sum(run.seconds for run in steps):.0f}"]


def _cell(run: Run) -> str:
    return f"{run.seconds:.0f}, {run.busy:.0f}, {run.peak:.0f}"


def _on_paper(found: Mapping[int, Measured], step: str) -> Run:
    lines = {name: _slope(found, step, name) for name in ("seconds", "peak", "busy")}
    return Run(**{name: start + slope * ON_PAPER for name, (start, slope) in lines.items()})


def _growth(found: Mapping[int, Measured], step: str) -> str:
    return f"{_growth_of(found, step):.2f}"


def _bytes(found: Mapping[int, Measured], step: str) -> str:
    return f"{_slope(found, step, 'peak')[1] * 2**20:,.0f}"


if __name__ == "__main__":
    sys.exit(main())
