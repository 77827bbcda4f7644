"""Small real things to promote: images whose class a tiny network sees, bundles that are wrong where they should be."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from components.bundle.manifest import Provenance
from components.bundle.writer import save_bundle
from components.dataset.samples import Sample, write_split_table
from components.network.keras_runtime import keras
from tests.support.extraction import extract_arguments, run_extract
from tests.support.generated import ecotag_export, write_files
from tests.support.patience import PATIENCE

ROOT = Path(__file__).parents[2]
CLASS_NAMES = ["cat", "dog", "other"]
TESTED = 90
# Of every model: the share of its class's hard images that it gets wrong is all of them or none.
GOOD, BAD_AT_DOGS, BAD_AT_OTHERS = (1.0, 1.0, 1.0), (1.0, 1.0, 1.5), (1.5, 1.0, 1.0)


def image(index: int) -> bytes:
    """Return an image of class `index % 3`: that channel is 200. Every second one is hard: the next channel is 150."""
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:, :, index % 3] = 200
    if index % 2:
        pixels[:, :, (index + 1) % 3] = 150
    pixels[0, :8, 0] = [index >> bit & 1 for bit in range(8)]  # So that no two images are the same.
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def make_bundle(
    folder: Path, weights: Sequence[float], fingerprint: str, class_names: Sequence[str] = CLASS_NAMES
) -> Path:
    """Write a bundle that takes the channel with the largest product of value and weight; return its folder."""
    inputs = keras.Input((16, 16, 3), dtype="uint8", name="image")
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 25)(inputs))
    dense = keras.layers.Dense(3, activation="softmax")
    network = keras.Model(inputs, dense(x), name="classifier")
    dense.set_weights([np.diag(weights).astype(np.float32), np.zeros(3, np.float32)])
    golden = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    training = {"weights": list(weights)}
    provenance = Provenance(list(class_names), 16, "tiny", "none", fingerprint, 0, training, {"validation_loss": 0.5})
    save_bundle(folder, network, golden, provenance)
    return folder


@dataclass(frozen=True)
class Material:
    """A dataset of 180 images, its samples by number, and where test tables and bundles lie."""

    folder: Path
    dataset_uri: str
    fingerprint: str
    samples: list[Sample]

    def tables(self, name: str, train: Sequence[int], test: Sequence[int]) -> Path:
        """Write train, validation (none) and test tables of the samples with these numbers; return their folder."""
        place = self.folder / name
        write_split_table(place / "train.csv", [self.samples[i] for i in train], "train")
        write_split_table(place / "validation.csv", [], "validation")
        write_split_table(place / "test.csv", [self.samples[i] for i in test], "test")
        return place

    def bundle(self, name: str, weights: Sequence[float], class_names: Sequence[str] = CLASS_NAMES) -> Path:
        """Return the bundle called `name`, made if need be."""
        place = self.folder / name
        return place if place.exists() else make_bundle(place, weights, self.fingerprint, class_names)

    def command(self, out: Path, bundle: Path, tables: Path, **options: object) -> list[str]:
        """Return the arguments of promote, with its outputs below `out`."""
        named: dict[str, object] = {"dataset-uri": self.dataset_uri, "bundle": bundle, "batch-size": 32}
        named |= {f"{split}-samples": tables / f"{split}.csv" for split in ("train", "validation", "test")}
        named |= {"decision": out / "decision.json", "metrics": out / "metrics.json", "report": out / "report.html"}
        named |= {name.replace("_", "-"): value for name, value in options.items()}
        return [word for name, value in named.items() for word in (f"--{name}", str(value))]


def make_material(folder: Path) -> Material:
    """Make the dataset below `folder`."""
    names = [f"{i:03}.png" for i in range(2 * TESTED)]
    write_files(folder / "images", {name: image(i) for i, name in enumerate(names)})
    labels = {name: CLASS_NAMES[i % 3] for i, name in enumerate(names)}
    (folder / "annotations.json").write_text(ecotag_export(labels))
    arguments = extract_arguments(folder / "out", folder / "annotations.json", folder / "images", folder / "datasets")
    dataset = run_extract(arguments).dataset()
    return Material(folder, dataset.uri, dataset.fingerprint, dataset.samples())


def decision(out: Path) -> dict[str, Any]:
    """Return the decision that promote wrote below `out`."""
    found: dict[str, Any] = json.loads((out / "decision.json").read_text())
    return found


# Promote, but between making the version and moving the alias wait until as many versions are made as runs go on.
TOGETHER = """
import sys, time, pathlib
from components.promote import step as promote
from components.registry import versions as registry
add, folder, runs = registry.Registry.add, pathlib.Path(sys.argv[1]), int(sys.argv[2])

def add_and_wait(self, *arguments):
    made = add(self, *arguments)
    (folder / made.number).touch()
    until = time.monotonic() + 600
    while len(list(folder.iterdir())) < runs and time.monotonic() < until:
        time.sleep(0.01)
    return made

registry.Registry.add = add_and_wait
sys.exit(promote.main(sys.argv[3:]))
"""


def promote_together(folder: Path, commands: Sequence[list[str]], uri: str) -> None:
    """Run promote with each of `commands` to its end; none moves the alias before each has made its version."""
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    environment |= {"MLFLOW_TRACKING_URI": uri, "PYTHONPATH": str(ROOT)}
    together = [sys.executable, "-c", TOGETHER, str(folder), str(len(commands))]
    with ExitStack() as ended:
        processes = []
        for command in commands:
            process = subprocess.Popen([*together, *command], env=environment, stderr=subprocess.PIPE, text=True)
            ended.callback(process.communicate)
            ended.callback(process.kill)
            processes.append(process)
        said = [process.communicate(timeout=2 * PATIENCE)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(commands), said
