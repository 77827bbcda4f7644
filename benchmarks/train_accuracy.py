"""What is learnt: the default recipe on two tasks, each seed another split, and what fine-tuning adds."""

import statistics
from collections.abc import Iterable
from pathlib import Path

from benchmarks.measure import machine, table
from benchmarks.steps import Task, cats_dogs_other, evaluate, folders, split, train
from components.metrics.evaluation import wilson_interval

SEEDS = range(5)
FINE_TUNED_SEEDS = range(3)  # Each takes minutes.
# TrashNet's images have 150 pixels a side; without augmentation they are learnt by heart before the backbone begins.
FINE_TUNING = {
    "image_size": 160,
    "epochs": 3,
    "fine_tune_epochs": 6,
    "fine_tune_layers": 200,
    "augment": "light",
    "schedule": "cosine",
}

Judged = tuple[int, int]  # How many test images were right, of how many.

HEADER = ["", "test accuracy, seed by seed", "mean", "95 % interval", "images judged", "target"]


def accuracy_page(data: Path, folder: Path, _: int) -> tuple[str, bool]:
    """Return the table of the default recipe and whether the targets were met."""
    (folder / "cats").mkdir()
    tasks = {
        ("cats-dogs-other by document", 0.95): cats_dogs_other(data, folder / "cats"),
        ("TrashNet", 0.86): _trashnet(data, folder),
    }
    rows, held = [], True
    for (name, target), task in tasks.items():
        found = [_one(task, seed) for seed in SEEDS]
        rows.append(_row(name, found, f"{target:.2f}"))
        held &= _mean(found) >= target
    return _page("train-accuracy", "Default recipe, frozen EfficientNet-Lite0", rows), held


def fine_tuning_page(data: Path, folder: Path, _: int) -> tuple[str, bool]:
    """Return the table of TrashNet with and without fine-tuning and whether that raised the mean."""
    task = _trashnet(data, folder)
    frozen, tuned = ([_one(task, seed, **options) for seed in FINE_TUNED_SEEDS] for options in ({}, FINE_TUNING))
    rows = [_row("TrashNet, frozen", frozen, "0.86"), _row("TrashNet, fine-tuned", tuned, "more than frozen")]
    options = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in FINE_TUNING.items())
    held = _mean(frozen) >= 0.86 and _mean(tuned) > _mean(frozen)
    return _page("train-fine-tuning", f"Default recipe without and with `{options}`", rows), held


def _trashnet(data: Path, folder: Path) -> Task:
    (folder / "trashnet").mkdir()
    return folders(data / "trashnet", folder / "trashnet")


def _page(section: str, recipe: str, rows: Iterable[list[object]]) -> str:
    return (
        f"`python -m benchmarks.train --only {section}` on {machine()} {recipe}; 80/10/10, each seed its own split; "
        f"Wilson's interval over all images judged, some of them by several seeds.\n\n{table(HEADER, list(rows))}"
    )


def _row(name: str, found: list[Judged], target: str) -> list[object]:
    right, judged = (sum(column) for column in zip(*found, strict=True))
    low, high = wilson_interval(right, judged)
    each = ", ".join(f"{one / of:.3f}" for one, of in found)
    return [name, each, f"{_mean(found):.3f}", f"{low:.3f} to {high:.3f}", judged, target]


def _mean(found: list[Judged]) -> float:
    return statistics.mean(right / judged for right, judged in found)


def _one(task: Task, seed: int, **options: object) -> Judged:
    split(task, seed)
    name = f"seed-{seed}{'-tuned' if options else ''}"
    train(task, name, seed=seed, **options)
    judged = len((task.folder / "test.csv").read_text().splitlines()) - 1
    return round(evaluate(task, name)["accuracy"] * judged), judged
