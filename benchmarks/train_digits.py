"""Handwritten digits from scratch: scikit-learn's 1,797, `small_cnn` with the recipe of docs/backbones.md."""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from benchmarks.measure import machine, spread, table
from benchmarks.steps import evaluate, folders, split, train

RECIPE = {"backbone": "small_cnn", "epochs": 12, "learning_rate": 2e-3, "schedule": "cosine"}
ACCURACY, SECONDS = 0.97, 60


def digits_page(_: Path, folder: Path, repeats: int) -> tuple[str, bool]:
    """Return the table and whether every run met both targets."""
    _write_digits(folder / "images")
    task = folders(folder / "images", folder)
    accuracies, seconds = [], []
    for seed in range(repeats):
        split(task, seed)
        seconds.append(train(task, f"seed-{seed}", seed=seed, **RECIPE).training)
        accuracies.append(evaluate(task, f"seed-{seed}")["accuracy"])
    rows = [
        ["test accuracy", spread(accuracies, 3), f"{ACCURACY:.2f} at least"],
        ["seconds of training", spread(seconds, 1), f"{SECONDS} at most"],
    ]
    text = (
        f"`python -m benchmarks.train --only train-digits` on {machine()} `small_cnn` with the recipe of "
        f"backbones.md; 80/10/10; median of {repeats} seeds (smallest to largest)."
    )
    held = min(accuracies) >= ACCURACY and max(seconds) < SECONDS
    return f"{text}\n\n{table(['', 'found', 'target'], rows)}", held


def _write_digits(folder: Path) -> None:
    images, labels = load_digits(return_X_y=True)
    for number, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        grey = (pixels.reshape(8, 8) * (255 / 16)).round().astype(np.uint8)
        Image.fromarray(grey).save(folder / str(label) / f"{number:04}.png")
