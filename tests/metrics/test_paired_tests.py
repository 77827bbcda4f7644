"""Paired tests: exact against integer arithmetic, bootstrap against drawing groups one by one, Holm by definition."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.metrics.paired_tests import gains_by_group, holm, mcnemar_exact, paired_bootstrap
from components.promote.paired_evidence import compare, difference_bound, lead_p_value


def tail(successes: int, total: int) -> Fraction:
    """Return the chance of at most `successes` heads of `total` coins."""
    return Fraction(sum(math.comb(total, k) for k in range(successes + 1)), 2**total)


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_is_the_binomial_test(first, second):
    expected = min(Fraction(1), 2 * tail(min(first, second), first + second))
    assert mcnemar_exact(first, second) == pytest.approx(float(expected), rel=1e-9)
    assert mcnemar_exact(first, second) == mcnemar_exact(second, first)


@given(st.integers(0, 200), st.integers(0, 200))
def test_the_one_sided_value_is_the_upper_tail(ahead, behind):
    expected = float(1 - tail(ahead - 1, ahead + behind)) if ahead else 1.0
    assert lead_p_value(ahead, behind) == pytest.approx(expected, rel=1e-5, abs=1e-12)


def test_mcnemar_takes_many_samples_and_no_negative_ones():
    assert mcnemar_exact(0, 100_000) == 0.0
    assert mcnemar_exact(500_000, 501_000) == pytest.approx(0.3178, abs=1e-3)  # As the normal distribution says.
    with pytest.raises(ValueError, match="negative"):
        mcnemar_exact(-1, 3)


def test_the_bootstrap_has_the_interval_of_drawing_groups_one_by_one():
    random = np.random.default_rng(3)
    groups = [f"g{i}" for i in random.integers(0, 40, 150)]
    first, second = random.random(150) < 0.7, random.random(150) < 0.8
    difference, low, high = paired_bootstrap(first, second, groups, seed=0)
    assert difference == pytest.approx(second.mean() - first.mean())
    gains, sizes = gains_by_group(first, second, groups)
    drawn = random.integers(0, len(sizes), (20_000, len(sizes)))
    slow = np.quantile(gains[drawn].sum(1) / sizes[drawn].sum(1), [0.025, 0.975])
    assert (low, high) == pytest.approx(tuple(slow), abs=0.006)


def test_the_bootstrap_does_not_depend_on_the_order_and_repeats():
    random = np.random.default_rng(1)
    first, second = random.random(80) < 0.7, random.random(80) < 0.8
    groups = [str(i // 3) for i in range(80)]
    order = random.permutation(80)
    found = paired_bootstrap(first, second, groups, seed=5, resamples=100)
    again = paired_bootstrap(first[order], second[order], [groups[i] for i in order], seed=5, resamples=100)
    assert found == again != paired_bootstrap(first, second, groups, seed=6, resamples=100)


def test_groups_widen_the_interval():
    right = np.repeat(np.arange(40) % 4 > 0, 10)
    better = np.repeat(np.arange(40) % 8 > 0, 10)
    _, low, high = paired_bootstrap(right, better, [str(i) for i in range(400)], seed=0)
    _, low_grouped, high_grouped = paired_bootstrap(right, better, [str(i // 10) for i in range(400)], seed=0)
    assert high_grouped - low_grouped > 2.5 * (high - low)


def test_degenerate_samples():
    one = np.array([True])
    assert paired_bootstrap(one, ~one, ["a"], seed=0) == (-1.0, -1.0, -1.0)
    assert compare(one[:0], one[:0], [], 0.05) is None
    for first, second, groups in ((one, one, []), (one[:0], one[:0], [])):
        with pytest.raises(ValueError, match="Received"):
            paired_bootstrap(first, second, groups, seed=0)


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_rejects_what_the_step_down_procedure_rejects(p_values):
    adjusted = holm(p_values)
    for level in (0.01, 0.05, 0.2):
        rejected: set[int] = set()
        for rank, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
            if p_values[i] * (len(p_values) - rank) > level:
                break
            rejected.add(i)
        assert {i for i, p in enumerate(adjusted) if p <= level} == rejected


@pytest.mark.parametrize("rate", [0.05, 0.1])
def test_the_bound_of_a_class_is_wrong_about_as_often_as_it_says(rate):
    random = np.random.default_rng(0)
    for n, ahead, behind in ((10, 0.1, 0.1), (40, 0.05, 0.1), (200, 0.1, 0.05)):
        outcomes = random.choice([1, -1, 0], (2000, n), p=[ahead, behind, 1 - ahead - behind])
        wrong = np.mean([difference_bound(row.astype(float), rate) > ahead - behind for row in outcomes])
        assert wrong <= 1.3 * rate
    assert -0.3 < difference_bound(np.zeros(10), 0.05) < -0.1  # Ten samples without a difference prove little.
