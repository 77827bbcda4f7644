"""docs/parameters.md: what the compiled pipeline and the checks say, each parameter in one group."""

from collections import Counter
from pathlib import Path

import pytest

from components.extract.parameters import check_parameters
from components.step.errors import PawlineError
from pipeline.cli.parameters_page import ILLEGAL, PAGE, parameters_page, rule_of
from pipeline.compilation import COMPILED_PIPELINE
from pipeline.compiled import load_pipeline
from pipeline.config import read_config
from pipeline.parameters import parse_parameters
from pipeline.project.groups import GROUPS
from pipeline.project.starter import MATTERING

DECLARED = load_pipeline(COMPILED_PIPELINE).parameters
DEFAULTS = {name: parameter.default for name, parameter in DECLARED.items()}


def test_the_page_is_what_pipeline_and_checks_say():
    assert PAGE.read_text(encoding="utf-8") == parameters_page(), "python -m pipeline.cli.parameters_page"


def test_each_parameter_is_in_one_group():
    assert Counter(name for names in GROUPS.values() for name in names) == Counter(list(DECLARED))


@pytest.mark.parametrize("name", DECLARED)
def test_each_parameter_is_on_the_page_with_its_default_and_the_six_come_first(name):
    rows = [line for line in parameters_page().splitlines() if line.startswith(f"| `{name}` | ")]
    assert len(rows) == 1 + (name in MATTERING)
    assert all(DECLARED[name].description in row for row in rows)
    six = parameters_page().partition("## What you have labelled")[0]
    assert (f"| `{name}` |" in six) == (name in MATTERING)


@pytest.mark.parametrize("name", DECLARED)
def test_each_parameter_has_a_check_that_says_its_rule(name):
    """Else the page would be silent on it, and a wrong value would be found by the step that trips over it."""
    assert rule_of(name, DECLARED)
    check_parameters(DEFAULTS)
    with pytest.raises(PawlineError):
        check_parameters({**DEFAULTS, name: ILLEGAL[DECLARED[name].kind]})


def test_values_are_given_as_the_page_says(tmp_path: Path):
    head = parameters_page().partition("##")[0]
    assert """--param node_selector='{"gpu": "a100"}'""" in head
    given = parse_parameters(["epochs=10", 'node_selector={"gpu": "a100"}'], DECLARED)
    (tmp_path / "run.yaml").write_text('epochs: 10\nnode_selector: {"gpu": "a100"}\n', encoding="utf-8")
    assert read_config(tmp_path / "run.yaml", DECLARED).items() <= given.items()
    (tmp_path / "run.yaml").write_text("node_selector:\n  gpu: a100\n", encoding="utf-8")
    assert read_config(tmp_path / "run.yaml", DECLARED) == {"node_selector": given["node_selector"]}
