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
    """Time the feature pass against the engine it uses on batches in memory, and against decoding alone, in turn."""
    from components.backbones.by_name import build_feature_extractor, find_backbone
    from components.dataset.batches import image_batches
    from components.dataset.snapshot import open_dataset
    from components.features.extraction import BATCH_SIZE, extract_features
    from components.features.network import feature_network
    from components.network.keras_runtime import keras

    keras.utils.set_random_seed(0)
    extractor = build_feature_extractor(find_backbone("efficientnet_lite0"), 0, "imagenet")
    dataset = open_dataset(uri)
    # Full batches only: the network alone is not charged for images that fill up the last one.
    samples = dataset.samples()
    samples = samples[: len(samples) // BATCH_SIZE * BATCH_SIZE]
    images = [dataset, samples, extractor.input_shape[1], BATCH_SIZE]
    batches, network = [pixels for _, pixels in image_batches(*images)], feature_network(extractor)
    works: dict[str, Callable[[], object]] = {
        "engine": lambda: [network(pixels) for pixels in batches],
        "pass": lambda: extract_features(extractor, dataset, samples),
        "decoding": lambda: [None for _ in image_batches(*images)],
    }
    found = _in_turn(works, repeats)
    ratios = {f"ratio{unit}": _median_ratio(found[f"pass{unit}"], found[f"engine{unit}"]) for unit in ("", " cpu")}
    return {"images": len(samples), **ratios, **{name: statistics.median(values) for name, values in found.items()}}


def _in_turn(works: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Return the seconds that each of `works` took in each round, and under `<name> cpu` those of processor time."""
    found: dict[str, list[float]] = {f"{name}{unit}": [] for name in works for unit in ("", " cpu")}
    for work in works.values():
        work()
    for _ in range(repeats):
        for name, work in works.items():
            busy = time.process_time()
            found[name].append(timed(work))
            found[f"{name} cpu"].append(time.process_time() - busy)
    return found


def _median_ratio(ones: list[float], others: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(ones, others, strict=True))


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

    works: dict[str, Callable[[], object]] = {
        "keras": lambda: [None for _ in files],
        "ours": lambda: [None for _ in image_batches(dataset, samples, 224, 32)],
    }
    found = _in_turn(works, repeats)
    data = [image for _, image in dataset.images(samples)]
    for name, one in (("to_model_input", lambda image: to_model_input(image, 224)), ("pixels only", _pixels_only)):
        found[name] = [timed(lambda one=one: [one(image) for image in data]) for _ in range(repeats)]
    medians = {name: statistics.median(values) for name, values in found.items()}
    return {"images": len(samples), **medians, "ratio": _median_ratio(found["keras"], found["ours"])}


def _pixels_only(data: bytes) -> None:
    """Inflate and unfilter a PNG, no more: what no arrangement of threads can save."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()


PARTS: dict[str, Callable[[str, Path, int], Seconds]] = {"features": features, "decode": decode}

if __name__ == "__main__":
    part, uri, folder, repeats = sys.argv[1:]
    print(json.dumps(PARTS[part](uri, Path(folder), int(repeats))))
