"""Testing a model: the pass over 2,500 images against its bare parts, and the report that follows.

The images are made by this program: photo-like JPEGs of 500 x 375 pixels in six classes.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from benchmarks.measure import in_process, machine, publish, spread, table
from benchmarks.steps import Run, Task, folders, run
from components.dataset.samples import read_split_table, write_split_table
from components.dataset.snapshot import open_dataset

CLASSES, LEARNT = 6, 600
RATIO, SECONDS, START = 1.2, 5.0, 3.0


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the tables; return 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluate", description=__doc__)
    parser.add_argument("--images", type=int, default=2500, help="test images")
    parser.add_argument("--repeats", type=int, default=5, help="how often each is measured")
    parser.add_argument("--update", action="store_true", help="put the tables into docs/performance.md")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="pawline-") as name:
        folder = Path(name)
        task = _task(folder, arguments.images)
        parts = {
            part: in_process("benchmarks.evaluate_parts", part, name, task.dataset_uri, str(arguments.repeats))
            for part in ("measure", "follow")
        }
        steps = {images: [_step(task, images) for _ in range(arguments.repeats)] for images in (1, arguments.images)}
    text, held = evaluate_page(parts, steps, arguments.repeats)
    publish("evaluate", text, arguments.update)
    return 0 if held else 1


def _task(folder: Path, images: int) -> Task:
    """Make the images, a dataset of them, its tables, and a bundle trained on some."""
    for index in range(LEARNT + images):
        path = folder / "images" / f"class{index % CLASSES}" / f"{index:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        photo(index, index % CLASSES).save(path, quality=85)
    task = folders(folder / "images", folder)
    samples = sorted(open_dataset(task.dataset_uri).samples(), key=lambda sample: sample.sample_id[-9:])
    write_split_table(folder / "train.csv", samples[: LEARNT - 100], "train")
    write_split_table(folder / "validation.csv", samples[LEARNT - 100 : LEARNT], "validation")
    write_split_table(folder / "test.csv", samples[LEARNT:], "test")
    out = folder / "model"
    outputs = {"bundle": "bundle", "metrics": "m.json", "history": "h.csv", "report": "r.html"}
    run(
        "components.train",
        dataset_uri=task.dataset_uri,
        train_samples=folder / "train.csv",
        validation_samples=folder / "validation.csv",
        epochs=3,
        training_features=out / "features.parquet",
        **{name: out / file for name, file in outputs.items()},
    )
    return task


def _step(task: Task, images: int) -> Run:
    """Run the test step, a process, on some of the test images."""
    table, out = task.folder / f"test-{images}.csv", task.folder / f"tested-{images}"
    write_split_table(table, read_split_table(task.folder / "test.csv", "test")[:images], "test")
    outputs = {
        "statistics": "s.json", "predictions": "p.json", "predictions_csv": "p.csv", "metrics": "m.json",
        "confusion_matrix": "c.json", "report": "r.html", "near_duplicates": "n.csv", "label_errors": "l.csv",
    }  # fmt: skip
    return run(
        "components.test",
        dataset_uri=task.dataset_uri,
        bundle=task.folder / "model" / "bundle",
        test_samples=table,
        training_features=task.folder / "model" / "features.parquet",
        **{name: out / file for name, file in outputs.items()},
    )


def photo(seed: int, kind: int) -> Image.Image:
    """Return blobs of colour with some noise, 500 x 375; the kind tints them, so that classes overlap."""
    random = np.random.default_rng(seed)
    blobs = random.integers(0, 256, (6, 8, 3)) * 0.8
    blobs[..., kind % 3] += 20 * (1 + kind // 3)
    smooth = Image.fromarray(np.clip(blobs, 0, 255).astype(np.uint8)).resize((500, 375), Image.Resampling.BICUBIC)
    noise = random.normal(0, 6, (375, 500, 1))
    return Image.fromarray(np.clip(np.asarray(smooth) + noise, 0, 255).astype(np.uint8))


def evaluate_page(
    parts: dict[str, dict[str, list[float]]], steps: dict[int, list[Run]], repeats: int
) -> tuple[str, bool]:
    """Return the tables and whether every target was met."""
    bare, after = parts["measure"], parts["follow"]
    passes = [
        ("the network alone, batches in memory", "forward"),
        ("reading and decoding alone", "decode"),
        ("evaluation: both, with brightness, thumbnails, hashes and neighbours", "evaluate"),
        (f"evaluation against the two together; target {RATIO}", "ratios"),
    ]
    afterwards = [
        ("statistics with their intervals", "statistics"),
        ("doubtful labels, near-duplicates, pictures of neighbours", "lists"),
        ("the report", "report"),
    ]
    rows = [[name, spread(bare[part]), spread(bare[f"{part} cpu"])] for name, part in passes]
    rows += [[name, spread(after[part]), ""] for name, part in afterwards]
    rows += [[f"lists and report together; target {SECONDS:.0f} s", f"{after['together']:.2f}", ""]]
    rows += [
        [
            f"the step, a process, on {images:,}",
            spread([one.seconds for one in runs]),
            spread([one.busy for one in runs]),
        ]
        for images, runs in steps.items()
    ]
    text = (
        f"`python -m benchmarks.evaluate` on {machine()} {bare['images']:,} generated photos of 500 x 375 pixels, "
        f"EfficientNet-Lite0, 10,000 training samples to look for neighbours in; median of {repeats} (smallest to "
        f"largest). The report has {after['megabytes']:.1f} MB. Peak memory {max(bare['peak'], after['peak']):.0f} MiB."
    )
    start = median(one.seconds for one in steps[1])
    held = median(bare["ratios"]) <= RATIO and after["together"] < SECONDS and start < START
    return f"{text}\n\n{table(['', 'seconds or ratio', 'the same of processor time'], rows)}", held


if __name__ == "__main__":
    sys.exit(main())
