"""Run folders as `pawline run` leaves them, made by code: a real small ONNX network, results as one says."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from components.bundle.manifest import GOLDEN, NETWORK, ONNX_NETWORK, Manifest, sha256_of
from components.metrics.evaluation import wilson_interval
from components.onnx_twin.ends import INPUT, OUTPUT
from components.onnx_twin.export import run_onnx

CLASSES = ["cat", "dog"]
FINGERPRINT = "5c" * 32
SIDE = 8


def record_run(
    folder: Path,
    right: Sequence[bool],
    groups: Sequence[str] | None = None,
    fingerprint: str = FINGERPRINT,
    names: Sequence[str] | None = None,
    parameters: dict[str, Any] | None = None,
    seconds: float = 12.5,
    backbone: str = "small_cnn",
) -> Path:
    """Write a run whose test got sample i right where `right[i]` says so; return its folder."""
    names = names or [f"{index:04}.png" for index in range(len(right))]
    write(folder / "run.json", run_record(folder.name, fingerprint, parameters or {}))
    rows = zip(names, right, groups or names, strict=True)
    write(folder / "test/predictions.json", [prediction(index, *row) for index, row in enumerate(rows)])
    write(folder / "test/statistics.json", statistics(right))
    write(folder / "train/metrics.json", {"seconds": seconds, "seconds_features": 4.5, "validation_loss": 0.5})
    write_bundle(folder / "train/bundle", fingerprint, backbone)
    return folder


def run_record(run_id: str, fingerprint: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a `run.json`."""
    steps = {"extract": {"fingerprint": fingerprint}, "split": {}, "train": {}, "test": {}}
    listed = [{"name": name, "status": "succeeded", "outputs": outputs} for name, outputs in steps.items()]
    return {
        "run_id": run_id,
        "status": "succeeded",
        "parameters": {"epochs": 3, "backbone": "small_cnn"} | parameters,
        "steps": listed,
    }


def prediction(index: int, name: str, right: bool, group: str) -> dict[str, Any]:
    """Return a row of predictions.json; labels alternate."""
    label = CLASSES[index % 2]
    predicted = label if right else CLASSES[(index + 1) % 2]
    return {"filename": name, "ok": right, "prediction": predicted, "prediction_truth": label, "group": group}


def statistics(right: Sequence[bool]) -> dict[str, Any]:
    """Return the statistics of such a test, as far as a comparison reads them."""
    ok, total = sum(right), len(right)
    low, high = wilson_interval(ok, total)
    share = ok / total
    ends = {"low": low, "high": high, "method": "wilson"}
    figures = {"accuracy": share, "balanced_accuracy": share, "macro_f1": share, "log_loss": 1.2 - share}
    return figures | {
        "ok": int(ok),
        "ko": int(total - ok),
        "total": total,
        "accuracy_interval_95": [low, high],
        "intervals": {"accuracy": ends, "macro_f1": ends, "log_loss": {"low": 1.1 - share, "high": 1.4 - share}},
        "class_names": CLASSES,
    }


def write_bundle(folder: Path, fingerprint: str, backbone: str) -> None:
    """Write a bundle whose ONNX network runs; nobody opens its Keras network here."""
    folder.mkdir(parents=True)
    (folder / NETWORK).write_bytes(b"not opened")
    write_network(folder / ONNX_NETWORK)
    images = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)
    np.savez(folder / GOLDEN, images=images, probabilities=run_onnx(folder / ONNX_NETWORK, images))
    manifest = Manifest(
        class_names=CLASSES,
        image_size=SIDE,
        backbone=backbone,
        weights="none",
        dataset_fingerprint=fingerprint,
        split_seed=0,
        training={},
        metrics={},
        temperature=1.0,
        data={},
        library_versions={},
        files={name: sha256_of(folder / name) for name in (NETWORK, ONNX_NETWORK, GOLDEN)},
    )
    write(folder / "bundle.json", manifest.as_json())


def write_network(path: Path) -> None:
    """Write an ONNX network from uint8 images to probabilities of two classes."""
    weights = np.random.default_rng(1).normal(size=(SIDE * SIDE * 3, 2)).astype(np.float32) / 1000
    nodes = [
        helper.make_node("Cast", [INPUT], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["floats"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], [OUTPUT]),
    ]
    taken = helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["batch", SIDE, SIDE, 3])
    given = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", 2])
    graph = helper.make_graph(nodes, "tiny", [taken], [given], [numpy_helper.from_array(weights, "weights")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


def write(path: Path, content: Any) -> None:
    """Write `content` to `path` as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
