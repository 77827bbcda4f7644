"""What benchmarks.evaluate times in one process: `python -m benchmarks.evaluate_parts FOLDER DATASET_URI REPEATS`."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.measure import peak_mib, timed
from components.dataset.batches import image_batches
from components.dataset.samples import Sample, read_split_table
from components.dataset.snapshot import Dataset, open_dataset
from components.features.neighbours import NeighbourIndex
from components.features.training_table import TrainingFeatures, read_training_features
from components.test.image_pass import evaluate_model
from components.test.loading import AskedBundle, load_tested

BATCH_SIZE = 32
MOST_ROWS = 10_000  # What train writes at most.


def whole_index(table: TrainingFeatures) -> NeighbourIndex:
    """Return the index of `table`, its rows repeated to as many as there can be."""
    rows = np.arange(MOST_ROWS) % len(table.sample_ids)
    columns = {name: [getattr(table, name)[row] for row in rows] for name in ("sample_ids", "labels", "splits")}
    return NeighbourIndex(replace(table, **columns, features=table.features[rows]))


def measure(folder: Path, uri: str, repeats: int) -> dict[str, float | list[float]]:
    """Time evaluation against its bare parts, in turn, and what follows it."""
    dataset, samples = open_dataset(uri), read_split_table(folder / "test.csv", "test")
    bundle = load_tested(folder / "model" / "bundle")
    index = whole_index(read_training_features(folder / "model" / "features.parquet"))
    bare = _bare(bundle, dataset, samples)
    evaluate_model(bundle, dataset, samples[:BATCH_SIZE], BATCH_SIZE, index)
    works = {**bare, "evaluate": lambda: evaluate_model(bundle, dataset, samples, BATCH_SIZE, index)}
    found: dict[str, list[float]] = {f"{name}{unit}": [] for unit in ("", " cpu") for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            busy = time.process_time()
            found[name].append(timed(work))
            found[f"{name} cpu"].append(time.process_time() - busy)
    ratios = {f"ratios{unit}": _ratios(found, unit) for unit in ("", " cpu")}
    return {"images": len(samples), **ratios, **found}


def _ratios(found: dict[str, list[float]], unit: str) -> list[float]:
    parts = (found[f"{name}{unit}"] for name in ("forward", "decode", "evaluate"))
    return [both / (forward + decode) for forward, decode, both in zip(*parts, strict=True)]


def _bare(bundle: AskedBundle, dataset: Dataset, samples: list[Sample]) -> dict[str, Callable[[], object]]:
    """Return the network alone on batches in memory, and reading and decoding alone."""
    full = samples[: len(samples) // BATCH_SIZE * BATCH_SIZE]
    batches = [pixels for _, pixels in image_batches(dataset, full, bundle.image_size, BATCH_SIZE)]

    def forward() -> None:
        for pixels in batches:
            bundle.predict_with_features(pixels)

    def decode() -> None:
        for _ in image_batches(dataset, samples, bundle.image_size, BATCH_SIZE):
            pass

    return {"forward": forward, "decode": decode}


def follow(folder: Path, uri: str, repeats: int) -> dict[str, float | list[float]]:
    """Time what follows the pass: statistics, lists, report."""
    from components.test.doubts_and_duplicates import look_closer, shown_neighbours
    from components.test.facts import data_facts, provenance_of, statistics_of
    from components.test.label_errors import label_doubts
    from components.test.learnt_images import learnt_images
    from components.test.report import write_test_report
    from components.test.report_samples import report_data
    from components.test.results import results_of

    dataset, samples = open_dataset(uri), read_split_table(folder / "test.csv", "test")
    bundle = load_tested(folder / "model" / "bundle")
    index = whole_index(read_training_features(folder / "model" / "features.parquet"))
    known = {sample.sample_id: sample for sample in dataset.samples()}
    results = results_of(bundle, dataset, known, samples, BATCH_SIZE, index)
    provenance, facts = provenance_of(bundle, dataset), data_facts(bundle, results.tested.predictions)

    def report() -> None:
        shown = report_data(results, bundle.manifest.temperature)
        write_test_report(folder / "report.html", results.statistics, shown, provenance, [], facts)

    def look() -> None:
        doubts = label_doubts(
            results.tested.predictions, results.tested.probabilities, bundle.class_names, believed=True
        )
        shown = shown_neighbours(results.tested.predictions, doubts)
        learnt = learnt_images(bundle, dataset, known, samples, index, shown)
        look_closer(dataset, known, results.tested, doubts, learnt, bundle, believed=True)

    works = {"statistics": lambda: statistics_of(results.tested, bundle), "lists": look, "report": report}
    found = {name: [timed(work) for _ in range(repeats)] for name, work in works.items()}
    together = statistics.median(found["lists"]) + statistics.median(found["report"])
    megabytes = (folder / "report.html").stat().st_size / 1e6
    return {"images": len(samples), **found, "together": together, "megabytes": megabytes}


if __name__ == "__main__":
    part, folder, uri, repeats = sys.argv[1:]
    measured = {"measure": measure, "follow": follow}[part](Path(folder), uri, int(repeats))
    print(json.dumps(measured | {"peak": peak_mib()}))
