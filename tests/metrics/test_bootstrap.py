"""The bootstrap draws whole groups, the same on every call, and its intervals hold the truth as often as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.metrics import bootstrap
from components.metrics.bootstrap import percentile_interval, resampled_weights, summed_by
from components.metrics.headline import Outcomes, headline_intervals, headline_values

groups_of = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=20)


def _all(groups, seed, resamples):
    return np.concatenate(list(resampled_weights(groups, seed, resamples)))


@given(groups_of, st.integers(0, 2**32))
def test_groups_are_drawn_whole_and_as_many_as_there_are(groups, seed):
    weights = _all(groups, seed, 20)
    assert weights.shape == (20, len(groups))
    first = [groups.index(name) for name in sorted(set(groups))]
    np.testing.assert_array_equal(weights, weights[:, [groups.index(name) for name in groups]])
    np.testing.assert_array_equal(weights[:, first].sum(axis=1), len(first))


def test_the_same_seed_draws_the_same_however_the_samples_are_ordered():
    groups = ["b", "a", "c", "a", "b"]
    order = [3, 0, 4, 2, 1]
    weights = _all(groups, 7, 50)
    np.testing.assert_array_equal(_all([groups[i] for i in order], 7, 50), weights[:, order])
    assert (_all(groups, 8, 50) != weights).any()


def test_the_memory_limit_does_not_change_what_is_drawn(monkeypatch):
    groups = [f"group {i // 2}" for i in range(31)]
    weights = _all(groups, 1, 40)
    monkeypatch.setattr(bootstrap, "_AT_ONCE", 100)
    assert len(list(resampled_weights(groups, 1, 40))) == 14
    np.testing.assert_array_equal(_all(groups, 1, 40), weights)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=30))
def test_summed_by_equals_bincount(pairs):
    keys, weights = (np.array(column) for column in zip(*pairs, strict=True))
    found = summed_by(np.stack([weights, 2.0 * weights]), keys, 5)
    expected = np.bincount(keys, weights, minlength=5)
    np.testing.assert_array_equal(found, [expected, 2 * expected])


def test_the_interval_lies_around_the_estimate_within_its_bounds_and_leaves_out_nan():
    resampled = np.append(np.linspace(0, 1, 1001), np.nan)
    assert percentile_interval(0.5, resampled) == pytest.approx((0.025, 0.975))
    assert percentile_interval(1.0, resampled, most=1.0) == pytest.approx((0.525, 1.0))
    assert percentile_interval(0.0, resampled) == pytest.approx((0.0, 0.475))


@pytest.mark.parametrize("seed", range(5))
def test_no_interval_begins_or_ends_with_its_estimate_unless_at_a_bound(seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, 60)
    logits = random.normal(size=(60, 4)) + 2 * np.eye(4)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    outcomes = Outcomes(labels, probabilities.argmax(1), probabilities)
    values = headline_values(outcomes)
    for name, (low, high) in headline_intervals(outcomes, [str(i) for i in range(60)], 0).items():
        assert 0 <= low < values[name] < high, name
        assert high <= 1 or name in ("log_loss", "brier")


def test_intervals_by_group_hold_the_truth_where_intervals_by_sample_do_not():
    """Forty groups of ten that are right or wrong together: 95 % intervals of a mean of 0.7, 200 times."""
    random = np.random.default_rng(5)
    member_of = np.repeat(np.arange(40), 10)
    by_group, by_sample = [f"{i}" for i in member_of], [f"{i}" for i in range(400)]
    held = {"group": 0, "sample": 0}
    for seed in range(200):
        right = (random.random(40) < 0.7)[member_of]
        for name, groups in (("group", by_group), ("sample", by_sample)):
            weights = _all(groups, seed, 200)
            low, high = percentile_interval(right.mean(), weights @ right / weights.sum(axis=1))
            held[name] += low <= 0.7 <= high
    assert held["group"] >= 178  # Of 200, 190 expected; percentile intervals of 40 groups are a little narrow.
    assert held["sample"] <= 120
