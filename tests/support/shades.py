"""A small dataset that can be learnt, and the train step's command line on it."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from components.dataset.samples import write_split_table
from components.dataset.snapshot import Dataset
from tests.support.extraction import extract_arguments, run_extract

SHADES = ("dark", "grey", "light")


def write_shades(folder: Path) -> tuple[Path, Dataset]:
    """Return `folder`, with tables of 45 images in three shades of noise, 36 train, 9 validation; and the dataset."""
    for index in range(45):
        shade = index % 3
        pixels = np.random.default_rng(index).integers(60 * shade, 60 * shade + 90, (20, 24, 3), dtype=np.uint8)
        (folder / "images" / SHADES[shade]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / "images" / SHADES[shade] / f"{index:02}.png")
    outcome = run_extract(
        extract_arguments(folder, "", folder / "images", folder / "store", annotation_format="folders")
    )
    dataset = outcome.dataset()
    samples = sorted(dataset.samples(), key=lambda sample: sample.sample_id[-6:])
    write_split_table(folder / "train.csv", samples[:36], "train")
    write_split_table(folder / "validation.csv", samples[36:], "validation")
    return folder, dataset


def step_arguments(shades: tuple[Path, Dataset], out: Path, **options: Any) -> list[str]:
    """Return the step's command line, its outputs below `out`; a small untrained network unless told otherwise."""
    folder, dataset = shades
    named: dict[str, Any] = {
        "dataset-uri": dataset.uri,
        "train-samples": folder / "train.csv",
        "validation-samples": folder / "validation.csv",
        "backbone": "mobilenet",
        "weights": "none",
        "image-size": 32,
        "epochs": 4,
        "bundle": out / "bundle",
        "metrics": out / "metrics.json",
        "history": out / "history.csv",
        "report": out / "report.html",
    }
    named |= {name.replace("_", "-"): value for name, value in options.items()}
    return [word for name, value in named.items() for word in (f"--{name}", str(value))]
