"""A user's own evaluator: what it may give, where it goes, and that each mistake is one line."""

import csv
import json
import re
import sys
from pathlib import Path

import pytest

from components.test.own_evaluator import Figures, check_evaluator, evaluated, made_up
from components.test.predictions import Prediction, write_predictions_csv, write_predictions_json
from components.test.step import main as step
from components.test.tracking import test_metrics as tracked_metrics
from pipeline.cli.main import main
from tests.support.own_modules import own_module
from tests.support.report_text import shown
from tests.support.tested import OUTPUTS, material

PAGE = (Path(__file__).parents[2] / "docs" / "extensions.md").read_text(encoding="utf-8")
OWN = PAGE.partition("## Evaluator")[2]

FUNCTIONS = """
import random
import numpy as np


def good(test):
    sure = test["probabilities"].max(axis=1)
    return {"mean": sure.mean(), "count": len(sure), "any": bool((sure > 0.5).any()), "sure": sure > 0.5,
            "text": [f"={name}" for name in test["sample_ids"]], "wide": test["widths"]}


def nothing(test):
    return {}


def number(test):
    return 5


def short(test):
    return {"a": np.zeros(3)}


def table(test):
    return {"a": test["probabilities"]}


def objects(test):
    return {"a": [object() for _ in test["labels"]]}


def none(test):
    return {"a": None}


def nan(test):
    return {"a": float("nan")}


def infinite(test):
    return {"a": np.full(len(test["labels"]), np.inf)}


def named(test):
    return {"Mean cost": 1.0}


def many(test):
    return {f"a{index}": index for index in range(51)}


def raising(test):
    return test["absent"]


def changing(test):
    test["probabilities"][0] = 0
    return {}


def undrawn(test):
    return {"a": random.random()}


def of_many(test):
    return {"a": 1.0} if len(test["labels"]) > 1 else {}


def none_given():
    return {}
"""
BROKEN = {
    "number": "at most 50 figures by name. Received: --evaluator {name}: int",
    "short": "[12]. Received: --evaluator {name}: a: float64 [3]",
    "table": "a: float32 [12, 3]",
    "objects": "a: list",
    "none": "a: NoneType",
    "nan": "finite numbers. Received: --evaluator {name}: a: nan",
    "infinite": "a: inf",
    "named": "'Mean cost'",
    "many": "at most 50 figures",
    "raising": "KeyError: 'absent'",
    "changing": "read-only",
    "undrawn": "other figures",
    "of_many": "a test of one sample gives figures of other names",
}


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module of the user's where Python finds it; its name, another in each test."""
    with own_module("evaluators", FUNCTIONS, tmp_path, monkeypatch) as name:
        yield name


def test_numbers_are_metrics_and_what_each_sample_has_are_columns(module):
    figures = evaluated(f"{module}:good", given := made_up(4))
    assert list(figures.metrics) == ["mean", "count", "any"]
    assert figures.metrics["count"] == 4.0
    assert figures.columns["text"] == [f"={name}" for name in given["sample_ids"]]
    assert {type(value) for value in figures.columns["sure"]} == {bool}
    assert evaluated(f"{module}:nothing", given) == Figures({}, {})
    assert all(one.kept for one in check_evaluator(f"{module}:good"))


@pytest.mark.parametrize("function", BROKEN)
def test_each_mistake_is_one_line_and_the_command_ends_with_1(module, function, capsys):
    name = f"{module}:{function}"
    [broken] = [one.found for one in check_evaluator(name) if not one.kept]
    assert BROKEN[function].format(name=name) in broken
    assert "\n" not in broken
    assert main(["check-evaluator", name]) == 1
    assert capsys.readouterr().err == (
        f"pawline: error: An evaluator must keep every rule. Received: {name}, broken=1. Correct it.\n"
    )


def test_what_cannot_be_one_is_refused(module, capsys):
    assert main(["check-evaluator", f"{module}:none_given"]) == 2
    assert "which does not take what a test gave and nothing else" in capsys.readouterr().err


def test_the_example_of_the_document_keeps_every_rule_and_the_document_names_what_it_gets(
    tmp_path, monkeypatch, capsys
):
    [example] = re.findall(r"```python\n(.*?)```", OWN, re.DOTALL)
    (tmp_path / "costs.py").write_text(example)
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        [command] = re.findall(r"^pawline (check-evaluator .*)$", OWN, re.MULTILINE)
        assert main(command.split()) == 0
        assert list(evaluated("costs:evaluate", made_up(9)).columns) == ["cost"]
    finally:
        sys.modules.pop("costs", None)
    rows = re.findall(r"^\| (`.*?`) \|", OWN, re.MULTILINE)
    assert [name for row in rows for name in re.findall(r"`(\w+)`", row)] == list(made_up(1))


def prediction(name: str, **own: object) -> Prediction:
    return Prediction(name, True, "a", "a", [1.0, 0.0], 1.0, name, 0.0, 9, 9, 0.0, own=dict(own))


def test_columns_are_fields_of_the_predictions_and_hold_no_formulas(tmp_path):
    write_predictions_json(tmp_path / "p.json", [prediction("x", own_cost=1.5, own_text="=1+1")])
    write_predictions_csv(tmp_path / "p.csv", [prediction("x", own_cost=1.5, own_text="=1+1")])
    [row] = json.loads((tmp_path / "p.json").read_text())
    assert (row["own_cost"], row["own_text"], "own" in row) == (1.5, "=1+1", False)
    [row] = csv.DictReader((tmp_path / "p.csv").open(encoding="utf-8-sig"))
    assert (row["own_cost"], row["own_text"]) == ("1.5", "'=1+1")
    write_predictions_json(tmp_path / "without.json", [prediction("x")])
    assert not [name for name in json.loads((tmp_path / "without.json").read_text())[0] if name.startswith("own")]


def test_the_step_has_them_in_metrics_predictions_and_the_report(module, tmp_path):
    given, out = material(tmp_path / "given"), tmp_path / "out"
    out.mkdir()
    assert step([*given.arguments(out), "--evaluator", f"{module}:good"]) == 0
    texts = ("metrics", "predictions", "predictions_csv", "statistics")
    found = {name: (out / OUTPUTS[name]).read_text(encoding="utf-8-sig") for name in texts}
    metrics, rows = json.loads(found["metrics"]), json.loads(found["predictions"])
    assert metrics["own_count"] == len(rows)
    assert {"own_sure", "own_text", "own_wide"} <= set(rows[0])
    assert json.loads(found["statistics"])["own"] == {
        "evaluator": f"{module}:good",
        "metrics": {name: metrics[f"own_{name}"] for name in ("mean", "count", "any")},
    }
    assert f"By {module}:good" in shown(out / OUTPUTS["report"])
    assert "own_text" in found["predictions_csv"].splitlines()[0]
    tracked = tracked_metrics(metrics, json.loads(found["statistics"]))
    assert tracked["test_own_mean"] == metrics["own_mean"]


def test_the_step_refuses_one_that_gives_other_figures_each_time(module, tmp_path, capsys):
    given, out = material(tmp_path / "given"), tmp_path / "out"
    out.mkdir()
    assert step([*given.arguments(out), "--evaluator", f"{module}:undrawn"]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert "An evaluator must give the same figures each time. Received: --evaluator" in said
    assert not (out / OUTPUTS["statistics"]).exists()
