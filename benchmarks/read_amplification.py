"""How many bytes of a dataset each step reads, against the images it needs: photos on disk, default network.

`python -m benchmarks.read_amplification count STEP …` is the process in which a step's reads are counted.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.evaluate import photo
from benchmarks.measure import in_process, machine, publish, table
from benchmarks.steps import Task, folders, split

CLASSES, TARGET = 6, 1.3


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table; return 1 where a step reads more than TARGET times what it needs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.read_amplification", description=__doc__)
    parser.add_argument("--images", type=int, default=1000, help="photos in the dataset, a tenth of them for testing")
    parser.add_argument("--update", action="store_true", help="put the table into docs/performance.md")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="pawline-") as name:
        folder = Path(name)
        for index in range(arguments.images):
            path = folder / "images" / f"class{index % CLASSES}" / f"{index:05}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            photo(index, index % CLASSES).save(path, quality=85)
        task = folders(folder / "images", folder)
        split(task)
        needed, read = _needed(folder), _read(task)
    rows = [
        [step, f"{needed[step] / 1e6:.1f}", f"{read[step] / 1e6:.1f}", f"{read[step] / needed[step]:.2f}"]
        for step in STEPS
    ]
    text = (
        f"`python -m benchmarks.read_amplification` on {machine()} {arguments.images:,} generated photos, 80/10/10, "
        f"EfficientNet-Lite0. Target {TARGET}.\n\n"
        f"{table(['step', 'its images, MB', 'read of the dataset, MB', 'ratio'], rows)}"
    )
    publish("read-amplification", text, arguments.update)
    return 0 if all(read[step] <= TARGET * needed[step] for step in STEPS) else 1


FIRST, CACHED, TEST, PROMOTE = STEPS = ("train", "train, features cached", "test of a tenth", "promote")


def _needed(folder: Path) -> dict[str, int]:
    """Return the bytes of the images that each step looks at; of a cached training, those for the views it writes."""
    size = {}
    for name in ("train", "validation", "test"):
        lines = (folder / f"{name}.csv").read_text().splitlines()[1:]
        size[name] = sum((folder / "images" / line.partition(",")[0]).stat().st_size for line in lines)
    learnt = size["train"] + size["validation"]
    # Four golden images need little; TensorBoard's folder, which shows validation images, is asked for.
    return {FIRST: learnt, CACHED: size["validation"], TEST: learnt + size["test"], PROMOTE: size["test"]}


def _read(task: Task) -> dict[str, int]:
    folder, read = task.folder, {}
    tables = {f"{name}_samples": folder / f"{name}.csv" for name in ("train", "validation")}
    for step, name, epochs in ((FIRST, "first", 1), (CACHED, "second", 3)):
        outputs = {"bundle": "bundle", "metrics": "m.json", "history": "h.csv", "report": "r.html"}
        outputs |= {"training_features": "features.parquet", "tensorboard": "logs"}
        out = {option: folder / name / file for option, file in outputs.items()}
        read[step] = _count("train", dataset_uri=task.dataset_uri, epochs=epochs, **tables, **out)
    out = folder / "test"
    outputs = {"statistics": "s.json", "predictions": "p.json", "predictions_csv": "p.csv", "metrics": "m.json"}
    outputs |= {"confusion_matrix": "c.json", "report": "r.html"}
    given = {"dataset_uri": task.dataset_uri, "test_samples": folder / "test.csv"}
    features = folder / "second" / "features.parquet"
    written = {option: out / file for option, file in outputs.items()}
    read[TEST] = _count("test", bundle=folder / "second" / "bundle", training_features=features, **given, **written)
    for name in ("first", "second"):
        outputs = {option: folder / name / f"{option}.json" for option in ("decision", "report")}
        outputs["metrics"] = folder / name / "promote.json"
        read[PROMOTE] = _count("promote", bundle=folder / name / "bundle", **given, **tables, **outputs)
    return read


def _count(step: str, **options: object) -> int:
    """Return the bytes that `step` reads of the dataset it is given, run in a process of its own."""
    words = [str(word) for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
    registry = {"MLFLOW_TRACKING_URI": f"sqlite:///{Path(str(options['bundle'])).parents[1]}/mlflow.db"}
    return int(in_process("benchmarks.read_amplification", "count", step, *words, environment=registry)["bytes"])


def count(step: str, arguments: Sequence[str]) -> int:
    """Run `step` and return the bytes it read of a dataset: parts, table, manifest."""
    from tests.support.counted_reads import counted_reads

    with counted_reads() as read:
        if import_module(f"components.{step}.step").main(arguments):
            raise SystemExit(f"{step} failed")
    return sum(size for name, size in read.items() if name.startswith(("part-", "samples.parquet", "dataset.json")))


if __name__ == "__main__":
    if sys.argv[1:2] == ["count"]:
        print(json.dumps({"bytes": count(sys.argv[2], sys.argv[3:])}))
    else:
        sys.exit(main())
