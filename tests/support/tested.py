"""A small test of a network that is known by construction: what it says of an image follows from its brightness."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from components.bundle.manifest import Provenance
from components.bundle.writer import save_bundle
from components.dataset.samples import Sample, write_split_table
from components.dataset.snapshot import Dataset
from components.features.training_table import write_training_features
from tests.support.extraction import extract_arguments, run_extract

SHADES = ("dark", "grey", "light")
CENTRES = (-0.6, 0.0, 0.6)  # Of mean brightness, -1 to 1.
SIZE = 16
TEMPERATURE = 2.0
MISLABELLED = "dark/really light.png"  # Its features and its neighbours are those of a light image.
COPY, COPIED = "grey/copy.jpg", "grey/g01.png"


@dataclass(frozen=True)
class Material:
    """What the test step takes."""

    folder: Path
    dataset: Dataset
    test: list[Sample]

    def arguments(self, out: Path, **options: object) -> list[str]:
        """Return the step's command line, its outputs below `out`; an option of None is left out."""
        inputs = {
            "dataset_uri": self.dataset.uri,
            "bundle": self.folder / "bundle",
            "test_samples": self.folder / "test.csv",
            "training_features": self.folder / "features.parquet",
            "history": self.folder / "history.csv",
        }
        named = {**inputs, **{name: out / file for name, file in OUTPUTS.items()}, **options}
        given = {name: value for name, value in named.items() if value is not None}
        return [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", str(value))]


OUTPUTS = {
    "statistics": "statistics.json",
    "predictions": "predictions.json",
    "predictions_csv": "predictions.csv",
    "probabilities": "probabilities.parquet",
    "metrics": "metrics.json",
    "confusion_matrix": "confusion_matrix.json",
    "roc": "roc.json",
    "report": "report.html",
    "summary": "summary.md",
    "label_errors": "label_errors.csv",
    "labels_to_check": "labels_to_check.json",
    "near_duplicates": "near_duplicates.csv",
}


def network():
    """Return the network: 4 x 4 mean colours, and the shade whose centre the mean brightness is nearest to."""
    from components.network.classifier import join
    from components.network.keras_runtime import keras

    image = keras.Input((SIZE, SIZE, 3), dtype="uint8", name="image")
    scaled = keras.layers.Rescaling(1 / 127.5, -1.0)(image)
    means = keras.layers.Flatten()(keras.layers.AveragePooling2D(SIZE // 4)(scaled))
    extractor = keras.Model(image, means)
    features = keras.Input((48,))
    head = keras.Model(features, keras.layers.Dense(3, activation="softmax")(features))
    centres = np.array(CENTRES)
    # -6 (mean - centre)² without the square that all shades share.
    head.set_weights([np.tile(12 * centres / 48, (48, 1)), -6 * centres**2])
    return join(extractor, head)


def material(folder: Path) -> Material:
    """Make 36 training images and 14 test images, of which one is mislabelled and one a copy."""
    _write_images(folder / "images")
    outcome = run_extract(
        extract_arguments(folder, "", folder / "images", folder / "store", annotation_format="folders")
    )
    dataset = outcome.dataset()
    samples = dataset.samples()
    test = [s for s in samples if s.sample_id in (MISLABELLED, COPY) or "/t" in s.sample_id]
    learnt = [s for s in samples if s not in test]
    write_split_table(folder / "test.csv", test, "test")
    model = network()
    save_bundle(folder / "bundle", model, np.zeros((2, SIZE, SIZE, 3), np.uint8), _provenance(dataset))
    _write_features(folder / "features.parquet", model, dataset, learnt)
    (folder / "history.csv").write_text(
        "epoch,loss,accuracy,validation_loss,validation_accuracy,phase,kept\n1,0.9,0.5,0.8,0.5,head,false\n"
        "2,0.5,0.75,0.4,1.0,head,true\n"
    )
    return Material(folder, dataset, test)


def _write_images(folder: Path) -> None:
    for row, shade in enumerate(SHADES):
        (folder / shade).mkdir(parents=True)
        for number in range(12):
            _noise(100 * row + number, row).save(folder / shade / f"{shade[0]}{number:02}.png")
        for number in range(4):
            _noise(50 + 100 * row + number, row).save(folder / shade / f"t{number}.png")
    _noise(77, 2).save(folder / MISLABELLED)
    Image.open(folder / COPIED).save(folder / COPY, quality=90)


def _noise(seed: int, shade: int) -> Image.Image:
    low = 5 + 85 * shade
    coarse = np.random.default_rng(seed).integers(low, low + 70, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((48, 40), Image.Resampling.BICUBIC)


def _provenance(dataset: Dataset) -> Provenance:
    known = Provenance(list(SHADES), SIZE, "known", "none", dataset.fingerprint, 7, {"epochs": 2}, {"loss": 0.4})
    facts = {"splits": {"train": dict.fromkeys(SHADES, 12)}, "width": {"min": 48, "median": 48, "max": 48}}
    return replace(known, temperature=TEMPERATURE, data=facts)


def _write_features(path: Path, model, dataset: Dataset, learnt: list[Sample]) -> None:
    from components.dataset.images import to_model_input
    from components.network.classifier import split

    images = {sample: to_model_input(data, SIZE) for sample, data in dataset.images(learnt)}
    features = split(model)[0].predict_on_batch(np.stack([images[sample] for sample in learnt]))
    write_training_features(path, learnt[:-3], learnt[-3:], np.asarray(features))
