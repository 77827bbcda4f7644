"""The executor output is what KFP's own SDK would write."""

import json
from pathlib import Path
from typing import Any

import pytest
from kfp.dsl import ClassificationMetrics, Metrics, Output
from kfp.dsl.executor import Executor

from components.step.errors import ServiceError, UsageError
from components.step.outputs import ExecutorOutputs

CLASSES = ["cat", "dog", "<b>ot'her</b> 👍"]
MATRIX = [[5, 1, 0], [0, 7, 2], [1, 0, 9]]
ROC = [(0.0, 0.0, 1.0), (0.0, 0.75, 0.9), (1.0, 1.0, 0.25)]


def artifact(folder: Path, name: str, schema: str) -> dict[str, Any]:
    runtime = {
        "name": f"projects/1/{name}",
        "uri": str(folder / name),
        "type": {"schemaTitle": schema, "schemaVersion": "0.0.1"},
        "metadata": {"display_name": name},
    }
    return {"artifacts": [runtime]}


def executor_input(folder: Path) -> dict[str, Any]:
    """Return what the backend gives to a step with three metrics artifacts and two output parameters."""
    return {
        "inputs": {"parameterValues": {"seed": 0}},
        "outputs": {
            "parameters": {name: {"outputFile": str(folder / "parameters" / name)} for name in ("uri", "count")},
            "artifacts": {
                "metrics": artifact(folder, "metrics", "system.Metrics"),
                "matrix": artifact(folder, "matrix", "system.ClassificationMetrics"),
                "roc": artifact(folder, "roc", "system.ClassificationMetrics"),
            },
            "outputFile": str(folder / "executor_output.json"),
        },
    }


def write_ours(folder: Path) -> dict[str, Any]:
    outputs = ExecutorOutputs(json.dumps(executor_input(folder)))
    outputs.metrics("metrics", {"accuracy": 0.875, "total": 24.0})
    outputs.confusion_matrix("matrix", CLASSES, MATRIX)
    outputs.roc_curve("roc", ROC)
    outputs.write()
    return json.loads((folder / "executor_output.json").read_text())


def write_kfps(folder: Path) -> dict[str, Any]:
    def step(metrics, matrix, roc):
        metrics.log_metric("accuracy", 0.875)
        metrics.log_metric("total", 24.0)
        matrix.log_confusion_matrix(CLASSES, MATRIX)
        roc.log_roc_curve(*(list(values) for values in zip(*ROC, strict=True)))

    kinds = {"metrics": Metrics, "matrix": ClassificationMetrics, "roc": ClassificationMetrics}
    step.__annotations__ = {name: Output[kind] for name, kind in kinds.items()}
    Executor(executor_input(folder), step).execute()
    return json.loads((folder / "executor_output.json").read_text())


def test_metrics_are_written_as_kfp_writes_them(tmp_path: Path) -> None:
    ours, kfps = write_ours(tmp_path / "one"), write_kfps(tmp_path / "one")
    assert ours["artifacts"] == kfps["artifacts"]
    assert ours.get("parameterValues", {}) == kfps.get("parameterValues", {}) == {}


def test_output_parameters_are_in_the_output_and_in_their_own_files(tmp_path: Path) -> None:
    outputs = ExecutorOutputs(json.dumps(executor_input(tmp_path)))
    outputs.parameter("uri", "s3://bucket/é \n")
    outputs.parameter("count", 3)
    outputs.write()
    assert json.loads((tmp_path / "executor_output.json").read_text()) == {
        "artifacts": {},
        "parameterValues": {"uri": "s3://bucket/é \n", "count": 3},
    }
    assert (tmp_path / "parameters" / "uri").read_bytes() == "s3://bucket/é \n".encode()
    assert (tmp_path / "parameters" / "count").read_bytes() == b"3"


def test_metadata_is_added_to_what_is_there_already(tmp_path: Path) -> None:
    outputs = ExecutorOutputs(json.dumps(executor_input(tmp_path)))
    outputs.metadata("metrics", {"samples": 3})
    outputs.metadata("metrics", {"fingerprint": "ab"})
    outputs.write()
    written = json.loads((tmp_path / "executor_output.json").read_text())["artifacts"]["metrics"]["artifacts"]
    assert [a["metadata"] for a in written] == [{"display_name": "metrics", "samples": 3, "fingerprint": "ab"}]


@pytest.mark.parametrize("given", [None, ""])
def test_without_an_executor_input_nothing_is_written(given: str | None, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    outputs = ExecutorOutputs(given)
    outputs.parameter("uri", "x")
    outputs.metrics("metrics", {"accuracy": 1.0})
    outputs.write()
    assert list(tmp_path.iterdir()) == []


def test_outputs_that_nobody_declared_are_written_nowhere(tmp_path: Path) -> None:
    outputs = ExecutorOutputs(json.dumps({"outputs": {"outputFile": str(tmp_path / "out.json")}}))
    outputs.parameter("undeclared", "x")
    outputs.metrics("undeclared", {"accuracy": 1.0})
    outputs.write()
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]
    assert json.loads((tmp_path / "out.json").read_text())["artifacts"] == {}


@pytest.mark.parametrize(
    "text", ["{", "{{$}}", "[]", "null", "3", "{}", '{"outputs": null}', '{"outputs": []}', "[" * 100_000, "\n" * 9]
)
def test_anything_but_kfp_s_input_is_bad_usage_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="--executor-input must be") as caught:
        ExecutorOutputs(text)
    assert caught.value.exit_code == 2
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_a_place_that_cannot_be_written_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "parameters").write_text("in the way")
    outputs = ExecutorOutputs(json.dumps(executor_input(tmp_path)))
    outputs.parameter("uri", "x")
    with pytest.raises(ServiceError, match="parameters/uri"):
        outputs.write()
    assert [path.name for path in tmp_path.iterdir()] == ["parameters"]
