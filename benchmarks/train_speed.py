"""How long training takes: whole processes against the course's recipe, then the parts."""

import shutil
from pathlib import Path
from statistics import median

from benchmarks.measure import in_process, machine, spread, table
from benchmarks.steps import Run, Task, cats_dogs_other, run, split, train

COURSE_PARTS = {"train": "train", "evaluate": "validation", "test": "test"}


def speed_page(data: Path, folder: Path, repeats: int) -> tuple[str, bool]:
    """Return the tables and whether every target was met."""
    task = cats_dogs_other(data, folder)
    split(task)
    _lay_out(task, data / "cats-dogs-other" / "images", folder / "course")
    found = _processes(task, folder, repeats)
    parts = {
        part: in_process("benchmarks.train_parts", part, task.dataset_uri, str(folder / "course"), str(repeats))
        for part in ("features", "decode")
    }
    whole, of_processes = _whole_table(found)
    inside, of_parts = _parts_table(parts)
    text = (
        f"`python -m benchmarks.train` on {machine()} 192 images of cats-dogs-other on disk, 80/10/10; whole "
        f"processes, imports and export included; median of {repeats} (smallest to largest), all in turn. The course's "
        "recipe with our head (pooling and softmax) is what the train step with VGG16 is set against, the same network "
        "on both sides; the default recipe is set against the course's own (Flatten and Dense 64): most of "
        "what it gains is the lighter network, EfficientNet-Lite0 in place of VGG16."
    )
    return f"{text}\n\n{whole}\n\n{inside}", of_processes and of_parts


def _lay_out(task: Task, images: Path, target: Path) -> None:
    """Copy the split's images into train|evaluate|test/<label>/, as the course's download leaves them."""
    for part, table_name in COURSE_PARTS.items():
        for row in (task.folder / f"{table_name}.csv").read_text().splitlines()[1:]:
            name, label = row.split(",")[:2]
            (target / part / label).mkdir(parents=True, exist_ok=True)
            shutil.copy(images / name, target / part / label / name)


def _processes(task: Task, folder: Path, repeats: int) -> dict[str, list[Run]]:
    names = ("default", "warm", "longer", "vgg16", "course", "same head")
    found: dict[str, list[Run]] = {name: [] for name in names}
    vgg16 = {"backbone": "vgg16", "weights": "none", "epochs": 4, "batch_size": 64}
    for index in range(repeats):
        cache = {"cache_uri": folder / f"features-{index}"}
        found["default"].append(train(task, f"default-{index}", **cache))
        found["warm"].append(train(task, f"warm-{index}", **cache))
        found["longer"].append(train(task, f"longer-{index}", epochs=50, **cache))
        # Features of its own each time: what is cached would not be computed again.
        found["vgg16"].append(train(task, f"vgg16-{index}", **vgg16, cache_uri=folder / f"vgg16-features-{index}"))
        found["course"].append(run("benchmarks.course_recipe", folder / "course"))
        found["same head"].append(run("benchmarks.course_recipe", folder / "course", "pooled"))
    return found


def _whole_table(found: dict[str, list[Run]]) -> tuple[str, bool]:
    seconds = {name: [one.seconds for one in runs] for name, runs in found.items()}
    warm = median(seconds["warm"])
    ratio = median(theirs / ours for theirs, ours in zip(seconds["same head"], seconds["vgg16"], strict=True))
    default = median(theirs / ours for theirs, ours in zip(seconds["course"], seconds["default"], strict=True))
    more = median(b.training - a.training for a, b in zip(found["warm"], found["longer"], strict=True))
    figures = [
        ("the course's recipe: VGG16, 4 epochs", "course", "", ""),
        ("the course's recipe with our head", "same head", "", ""),
        ("the train step: VGG16, 4 epochs", "vgg16", f"{ratio:.1f} x", "3.5 x"),
        ("the train step: default recipe", "default", f"{default:.1f} x", "15 x"),
        ("the same again, features cached", "warm", f"{warm:.1f} s", "10 s"),
        ("the same, 20 epochs more", "longer", f"{more:+.1f} s of training", "2 s"),
    ]
    rows = [
        [text, spread(seconds[name], 1), *_medians(found[name]), result, target]
        for text, name, result, target in figures
    ]
    held = ratio >= 3.5 and default >= 15
    header = ["process", "seconds", "processor seconds", "peak, MiB", "result", "target"]
    return table(header, rows), held and warm < 10 and more < 2


def _medians(runs: list[Run]) -> tuple[str, str]:
    return f"{median(one.busy for one in runs):.1f}", f"{median(one.peak for one in runs):.0f}"


def _parts_table(parts: dict[str, dict[str, float]]) -> tuple[str, bool]:
    features, decode = parts["features"], parts["decode"]
    images = decode["images"]
    rows = [
        ["feature pass", *_milliseconds(features, "pass", "engine"), f"{features['ratio']:.2f}", "1.15 at most"],
        [
            "the same, processor time",
            *_milliseconds(features, "pass cpu", "engine cpu"),
            f"{features['ratio cpu']:.2f}",
            "",
        ],
        ["decode and resize", *_milliseconds(decode, "ours", "keras"), f"{1 / decode['ratio']:.2f}", "0.50 at most"],
    ]
    header = ["part", "ours, ms an image", "against, ms an image", "ratio", "target"]
    reason = (
        "The feature pass is set against the engine it uses, one image a core, on batches in memory; reading and "
        f"decoding alone take {features['decoding cpu'] / features['images'] * 1e3:.2f} ms of processor time an image "
        "more. Decode and resize are set against `keras.utils.image_dataset_from_directory`. Processor time an image: "
        f"Keras {decode['keras cpu'] / images * 1e3:.2f} ms; ours {decode['ours cpu'] / images * 1e3:.2f} ms, of which "
        f"{decode['pixels only'] / images * 1e3:.2f} ms inflate the PNG and no more. Ours checks each image's sha256 "
        "and resizes with antialiasing, Keras does neither."
    )
    held = features["ratio"] <= 1.15 and decode["ratio"] >= 2
    return f"{table(header, rows)}\n\n{reason}", held


def _milliseconds(measured: dict[str, float], *names: str) -> list[str]:
    return [f"{measured[name] / measured['images'] * 1e3:.2f}" for name in names]
