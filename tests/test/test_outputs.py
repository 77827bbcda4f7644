"""What the pipeline's page shows of a test, which KFP's launcher prints into the log, a number a line."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from components.metrics.curves import Curve, roc_auc
from components.step.outputs import ExecutorOutputs
from components.test.outputs import MOST_CLASSES_ON_PAGE, show_results

SHOWN = ("metrics", "statistics", "confusion_matrix", "roc")


def shown(folder: Path, classes: int, points: int) -> dict:
    """Return the executor output of a test with so many classes, and so many points in its curve."""
    rates = np.linspace(0.0, 1.0, points)
    results = SimpleNamespace(
        metrics={f"metric_{number}": 0.5 for number in range(20)},
        statistics={"ok": 1, "ko": 1, "total": 2},
        class_names=[f"class {number}" for number in range(classes)],
        confusion=[[1] * classes] * classes,
        roc=Curve(rates, np.sqrt(rates), np.concatenate([[np.inf], np.linspace(1.0, 0.0, points - 1)])),
    )
    artifacts = {name: {"artifacts": [{"name": name, "uri": name, "metadata": {}}]} for name in SHOWN}
    task = {"inputs": {}, "outputs": {"outputFile": str(folder / "out.json"), "artifacts": artifacts}}
    outputs = ExecutorOutputs(json.dumps(task))
    show_results(outputs, results)
    outputs.write()
    return json.loads((folder / "out.json").read_text())


@pytest.mark.parametrize("classes", [2, MOST_CLASSES_ON_PAGE, MOST_CLASSES_ON_PAGE + 1, 1000])
@pytest.mark.parametrize("points", [3, 200])
def test_it_stays_small_however_many_classes_and_points(tmp_path, classes, points):
    assert len(json.dumps(shown(tmp_path, classes, points), indent=2).splitlines()) < 750


def test_a_curve_of_few_points_is_the_same_curve(tmp_path):
    [found] = shown(tmp_path, 2, 200)["artifacts"]["roc"]["artifacts"]
    points = found["metadata"]["confidenceMetrics"]
    x, y = (np.array([point[name] for point in points]) for name in ("falsePositiveRate", "recall"))
    assert (x[0], y[0], x[-1], y[-1]) == (0.0, 0.0, 1.0, 1.0)
    assert roc_auc(Curve(x, y, y)) == pytest.approx(2 / 3, abs=0.01)
    assert all(np.isfinite(point["confidenceThreshold"]) for point in points)
