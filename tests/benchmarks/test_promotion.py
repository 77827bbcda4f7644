"""The gate in simulation, smaller than in the docs: equal models are rarely promoted, better ones are seen."""

from dataclasses import replace

import pytest

from benchmarks.promotion import POLICY, SIZES, TEST_ONLY, better, equal, power_table, promoted_share, rates_table


@pytest.mark.parametrize("group_size", [1, 4])
def test_equal_models_are_promoted_at_most_at_the_stated_rate(group_size):
    shares = [promoted_share(equal(0.2, group_size), size, TEST_ONLY, pairs=1500) for size in (20, 100, 400)]
    assert max(shares) <= POLICY.false_promotion_rate
    assert max(shares) > 0.01  # The simulation does promote: it could see a rate that is too high.


def test_another_rate_is_kept_too():
    loose = replace(TEST_ONLY, false_promotion_rate=0.3)
    assert 0.1 < promoted_share(equal(0.2), 100, loose, pairs=1000) <= 0.3


def test_a_worse_model_is_promoted_less_often_than_an_equal_one():
    worse = replace(equal(0.2), only_champion=0.13, only_challenger=0.07)
    assert promoted_share(worse, 200, TEST_ONLY, pairs=1000) < 0.01


def test_a_real_gain_is_seen_the_better_the_more_samples_there_are():
    shares = [promoted_share(better(0.1), size, POLICY, pairs=400) for size in (20, 50, 100, 200, 500)]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert shares[-1] > 0.9


def test_the_tables_have_a_row_for_each_size():
    rates, held = rates_table(sizes=(50, 100), pairs=300)
    assert held
    assert [line.split(" ")[1] for line in rates.splitlines()[2:]] == ["50", "100"]
    assert len(power_table(sizes=(50,), pairs=50).splitlines()) == 3
    assert (min(SIZES), max(SIZES)) == (20, 2000)
