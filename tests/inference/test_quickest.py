from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from components.inference.quickest import FEWEST, TRIED_EVERY, Quickest

SECONDS = st.lists(st.floats(0.001, 1.0), min_size=3, max_size=3, unique=True)


def chosen(quickest: Quickest, seconds: list[float], times: int) -> list[int]:
    """Return the ways gone, each of which took its `seconds`."""
    gone = []
    for _ in range(times):
        gone.append(way := quickest.choose())
        quickest.took(way, seconds[way])
    return gone


@given(SECONDS, SECONDS)
def test_the_quickest_is_gone_whatever_was_quickest_before(first, then):
    quickest = Quickest(3)
    chosen(quickest, first, 20 * TRIED_EVERY)
    chosen(quickest, then, 20 * TRIED_EVERY)
    gone = chosen(quickest, then, 10 * TRIED_EVERY)
    assert gone.count(then.index(min(then))) >= len(gone) - 10


def test_each_way_is_tried_again_so_that_a_neighbour_who_left_is_noticed():
    gone = chosen(Quickest(2), [1.0, 2.0], 10 * TRIED_EVERY)
    tried = [turn for turn, way in enumerate(gone) if way == 1]
    assert len(tried) > FEWEST
    assert all(later - sooner <= 2 * TRIED_EVERY for sooner, later in pairwise(tried))


def test_a_slow_first_time_does_not_decide():
    quickest = Quickest(2)
    assert chosen(quickest, [9.0, 9.0], 1) == [0]
    chosen(quickest, [1.0, 2.0], 2 * FEWEST)
    assert quickest.choose() == 0
