"""What benchmarks.train times in one process: `python -m benchmarks.train_parts PART DATASET_URI FOLDER REPEATS`."""

import io
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from benchmarks.measure import timed

Seconds = dict[str, float]


def features(uri: str, _: Path, repeats: int) -> Seconds:
    """Time the feature pass against the bare compiled network on batches in memory, in turn."""
    from components.backbones.by_name import build_feature_extractor, find_backbone
    from components.dataset.batches import image_batches
    from components.dataset.snapshot import open_dataset
    from components.features.extraction import BATCH_SIZE, extract_features
    from components.network.keras_runtime import keras

    keras.utils.set_random_seed(0)
    extractor = build_feature_extractor(find_backbone("efficientnet_lite0"), 0, "imagenet")
    dataset = open_dataset(uri)
    # Full batches only: the network alone is not charged for images that fill up the last one.
    samples = dataset.samples()
    samples = samples[: len(samples) // BATCH_SIZE * BATCH_SIZE]
    batches = [pixels for _, pixels in image_batches(dataset, samples, extractor.input_shape[1], BATCH_SIZE)]

    def bare() -> None:
        for pixels in batches:
            extractor.predict_on_batch(pixels)

    bare()
    pairs = [(timed(bare), timed(lambda: extract_features(extractor, dataset, samples))) for _ in range(repeats)]
    return {
        "images": len(samples),
        "bare": statistics.median(one for one, _ in pairs),
        "pass": statistics.median(other for _, other in pairs),
        "ratio": statistics.median(other / one for one, other in pairs),
    }


def decode(uri: str, folder: Path, repeats: int) -> Seconds:
    """Time reading, decoding and resizing against Keras's own on the same images as files, in turn."""
    from components.dataset.batches import image_batches
    from components.dataset.images import to_model_input
    from components.dataset.snapshot import open_dataset
    from components.network.keras_runtime import keras

    dataset = open_dataset(uri)
    samples = dataset.samples()
    options = {"image_size": (224, 224), "batch_size": 32, "shuffle": False, "verbose": False}
    files = keras.utils.image_dataset_from_directory(folder, **options)

    def ours() -> None:
        for _ in image_batches(dataset, samples, 224, 32):
            pass

    def keras_s() -> None:
        for _ in files:
            pass

    found: dict[str, list[float]] = {"keras": [], "ours": [], "keras cpu": [], "ours cpu": []}
    ours()
    keras_s()
    for _ in range(repeats):
        for name, work in (("keras", keras_s), ("ours", ours)):
            busy = time.process_time()
            found[name].append(timed(work))
            found[f"{name} cpu"].append(time.process_time() - busy)
    data = [image for _, image in dataset.images(samples)]
    for name, one in (("to_model_input", lambda image: to_model_input(image, 224)), ("pixels only", _pixels_only)):
        found[name] = [timed(lambda one=one: [one(image) for image in data]) for _ in range(repeats)]
    ratios = [one / other for one, other in zip(found["keras"], found["ours"], strict=True)]
    medians = {name: statistics.median(values) for name, values in found.items()}
    return {"images": len(samples), **medians, "ratio": statistics.median(ratios)}


def _pixels_only(data: bytes) -> None:
    """Inflate and unfilter a PNG, no more: what no arrangement of threads can save."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()


PARTS: dict[str, Callable[[str, Path, int], Seconds]] = {"features": features, "decode": decode}

if __name__ == "__main__":
    part, uri, folder, repeats = sys.argv[1:]
    print(json.dumps(PARTS[part](uri, Path(folder), int(repeats))))
