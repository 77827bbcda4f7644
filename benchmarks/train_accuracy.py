"""What the default recipe learns: five seeds, each another split, on two tasks."""

import statistics
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import machine, table
from benchmarks.steps import Task, cats_dogs_other, evaluate, folders, split, train
from components.evaluation import wilson_interval

SEEDS = range(5)
TARGETS = {"cats-dogs-other by document": 0.95, "TrashNet": 0.86}
TASKS: dict[str, Callable[[Path, Path], Task]] = {
    "cats-dogs-other by document": cats_dogs_other,
    "TrashNet": lambda data, folder: folders(data / "trashnet", folder),
}


def accuracy_page(data: Path, folder: Path, _: int) -> tuple[str, bool]:
    """Return the table and whether the targets were met."""
    rows, held = [], True
    for name, made in TASKS.items():
        (folder / name).mkdir()
        task = made(data, folder / name)
        found = [_one(task, seed) for seed in SEEDS]
        correct, total = (sum(column) for column in zip(*found, strict=True))
        mean = statistics.mean(right / of for right, of in found)
        each = ", ".join(f"{right / of:.3f}" for right, of in found)
        low, high = wilson_interval(correct, total)
        rows.append([name, each, f"{mean:.3f}", f"{low:.3f} to {high:.3f}", total, f"{TARGETS[name]:.2f}"])
        held &= mean >= TARGETS[name]
    header = ["", "test accuracy, seeds 0 to 4", "mean", "95 % interval", "images judged", "target"]
    text = (
        f"`python -m benchmarks.train --only train-accuracy` on {machine()} Default recipe, frozen "
        "EfficientNet-Lite0; 80/10/10, each seed its own split; Wilson's interval over all images judged, some of "
        "them by several seeds."
    )
    return f"{text}\n\n{table(header, rows)}", held


def _one(task: Task, seed: int) -> tuple[int, int]:
    """Return how many test images were right, of how many."""
    split(task, seed)
    train(task, f"seed-{seed}", seed=seed)
    judged = len((task.folder / "test.csv").read_text().splitlines()) - 1
    return round(evaluate(task, f"seed-{seed}")["accuracy"] * judged), judged
