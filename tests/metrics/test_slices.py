"""Slices hold every sample once and mark the parts where the model is really worse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.metrics.evaluation import wilson_interval
from components.metrics.slices import MAX_GROUPS, slices_by_group, slices_by_name, slices_by_quarter

samples = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=60)


def test_by_class_names_every_class_in_order():
    right = np.array([True, True, False, True])
    found = slices_by_name(["glass", "paper", "paper", "paper"], right, ["glass", "metal", "paper"])
    assert [(part.name, part.total, part.ok, part.accuracy) for part in found] == [
        ("glass", 1, 1, 1.0),
        ("metal", 0, 0, None),
        ("paper", 3, 2, 2 / 3),
    ]
    assert found[2].interval == wilson_interval(2, 3)


@given(samples)
def test_quarters_hold_every_sample_once_and_equal_values_together(pairs):
    values, right = np.array([p[0] for p in pairs], dtype=float), np.array([p[1] for p in pairs])
    found = slices_by_quarter(values, right, "px")
    assert 1 <= len(found) <= 4
    assert sum(part.total for part in found) == len(pairs)
    assert sum(part.ok for part in found) == right.sum()
    assert len({part.name for part in found}) == len(found)
    assert all(part.total for part in found)


def test_quarters_are_named_by_what_is_in_them():
    values = np.array([10, 20, 30, 40, 50, 60, 70, 80.4])
    found = slices_by_quarter(values, np.ones(8, dtype=bool), "px")
    assert [(part.name, part.total) for part in found] == [
        ("10 to 20 px", 2),
        ("30 to 40 px", 2),
        ("50 to 60 px", 2),
        ("70 to 80 px", 2),
    ]
    assert [part.name for part in slices_by_quarter(np.full(8, 224.0), np.ones(8, dtype=bool), "px")] == ["224 px"]


def test_a_part_that_is_really_worse_is_marked_and_no_other():
    names = ["dark"] * 50 + ["bright"] * 200
    right = np.arange(250) % 10 < np.where(np.arange(250) < 50, 5, 9)
    assert {part.name: part.worse for part in slices_by_name(names, right, ["bright", "dark"])} == {
        "bright": False,
        "dark": True,
    }


def test_chance_alone_rarely_marks_a_part():
    random = np.random.default_rng(0)
    names = [f"part {i % 40}" for i in range(2000)]
    order = sorted(set(names))
    marked = sum(
        any(part.worse for part in slices_by_name(names, random.random(2000) < 0.8, order)) for _ in range(100)
    )
    assert marked <= 10


def test_groups_worst_first_small_ones_left_out_and_not_too_many():
    groups = [f"group {i:03}" for i in range(80) for _ in range(6)] + ["small"] * 4
    right = np.ones(len(groups), dtype=bool)
    right[60 * 6 : 61 * 6] = False
    found = slices_by_group(groups, right)
    assert len(found) == MAX_GROUPS
    assert (found[0].name, found[0].ok, found[0].worse) == ("group 060", 0, True)
    assert "small" not in {part.name for part in found}


@pytest.mark.parametrize("groups", [["a", "b", "c"], ["a"]])
def test_no_groups_worth_naming(groups):
    assert slices_by_group(groups, np.ones(len(groups), dtype=bool)) == []
