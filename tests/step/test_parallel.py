"""Work in threads: everything once, few at a time, the first error ends it."""

import threading
import time
from collections.abc import Iterator

import pytest

from components.step.parallel import each_in_parallel, in_order, taken_ahead
from tests.support.patience import PATIENCE


def test_each_item_comes_once_with_its_own_result() -> None:
    assert sorted(each_in_parallel(lambda n: n * n, range(500), 8)) == [(n, n * n) for n in range(500)]
    assert list(each_in_parallel(lambda n: n, [], 8)) == []


def test_work_overlaps_but_never_more_than_allowed() -> None:
    running, most, lock = set(), [0], threading.Lock()
    eight = threading.Barrier(8, timeout=PATIENCE)  # Nobody goes on before eight work at once.

    def work(item: int) -> None:
        with lock:
            running.add(item)
            most[0] = max(most[0], len(running))
        eight.wait()
        with lock:
            running.remove(item)

    assert len(list(each_in_parallel(work, range(80), 8))) == 80
    assert most[0] == 8


@pytest.mark.parametrize(("window", "held"), [(None, 8), (5, 5)])
def test_no_more_items_are_taken_than_the_window_allows(window: int | None, held: int) -> None:
    taken = [0]

    def items() -> Iterator[int]:
        for index in range(1000):
            taken[0] += 1
            yield index

    ahead = []
    for finished, _ in enumerate(each_in_parallel(lambda n: n, items(), 4, window)):
        ahead.append(taken[0] - finished)
    assert len(ahead) == 1000
    assert max(ahead) <= held + 1


def test_the_first_error_is_raised_and_the_rest_is_not_done() -> None:
    done = []

    def work(item: int) -> None:
        if item == 10:
            raise KeyError("item 10")
        time.sleep(0.001)
        done.append(item)

    with pytest.raises(KeyError, match="item 10"):
        list(each_in_parallel(work, range(10_000), 4))
    assert len(done) < 100
    assert threading.active_count() < 20, "no thread is left working"


def test_who_stops_reading_stops_the_work() -> None:
    done = []
    results = each_in_parallel(done.append, range(10_000), 4)
    next(results)
    results.close()
    assert len(done) < 100


def test_work_ahead_keeps_the_order_and_raises_where_it_failed():
    results = in_order(lambda number: 10 // number, [5, 2, 0, 1], threads=2, ahead=3)
    assert [next(results), next(results)] == [2, 5]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_what_is_taken_ahead_comes_in_order_and_no_more_of_it_than_asked():
    taken = []
    source = (taken.append(number) or number for number in range(100))
    items = taken_ahead(source, ahead=2)
    assert [next(items) for _ in range(10)] == list(range(10))
    items.close()
    assert 10 <= len(taken) <= 13
    assert list(taken_ahead(iter(range(5)), ahead=2)) == list(range(5))
