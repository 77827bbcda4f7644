"""Who is champion, under every order in which two runs and a killed one can take their turns."""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from components.promote.champion import (
    CLAIMED,
    PROMOTED,
    REPLACES,
    ROLLED_BACK,
    SETS_ASIDE,
    STATE,
    WITHDRAWN,
    claim_tags,
    make_champion,
    open_claims,
    roll_back,
    rolled_back,
)
from components.registry.versions import Version
from components.step.errors import DataError, ServiceError
from tests.support.patience import PATIENCE


class Registry:
    """A model registry in memory: each call is one step, as it is of MLflow's database."""

    def __init__(self) -> None:
        self.alias, self.all = "", []

    def champion_number(self) -> str:
        return self.alias

    def version(self, number: str) -> Version | None:
        return next((version for version in self.all if version.number == number), None)

    def versions(self) -> list[Version]:
        return list(self.all)

    def set_champion(self, number: str) -> None:
        self.alias = number

    def set_tag(self, number: str, name: str, value: str) -> None:
        index = int(number) - 1
        self.all[index] = replace(self.all[index], tags={**self.all[index].tags, name: value})

    def add(self, replaces: str, sets_aside: Sequence[str] = ()) -> Version:
        self.all.append(Version(str(len(self.all) + 1), tags=claim_tags(replaces, sets_aside)))
        return self.all[-1]

    def states(self) -> list[str]:
        return [version.tag(STATE) for version in self.all]


class Killed(BaseException):
    pass


class Turns:
    """Lets threads make their calls of the registry in a given order, one call at a time."""

    def __init__(self, registry: Registry, order: Sequence[int], killed: tuple[int, int] | None = None) -> None:
        self.registry, self.order, self.killed = registry, list(order), killed
        self.moved, self.calls = threading.Condition(), [0, 0, 0]

    def seen_by(self, who: int) -> "Turns.Seen":
        return Turns.Seen(self, who)

    class Seen:
        """The registry as one of the threads sees it."""

        def __init__(self, turns: "Turns", who: int) -> None:
            self._turns, self._who = turns, who

        def __getattr__(self, name: str) -> Callable[..., object]:
            def call(*arguments: object) -> object:
                with self._turns.turn(self._who):
                    return getattr(self._turns.registry, name)(*arguments)

            return call

    def turn(self, who: int) -> "Turns.Turn":
        return Turns.Turn(self, who)

    class Turn:
        def __init__(self, turns: "Turns", who: int) -> None:
            self._turns, self._who = turns, who

        def __enter__(self) -> None:
            turns = self._turns
            turns.moved.acquire()
            if turns.killed == (self._who, turns.calls[self._who]):
                turns.moved.release()
                raise Killed
            turns.calls[self._who] += 1
            turns.moved.wait_for(lambda: not turns.order or turns.order[0] == self._who)

        def __exit__(self, *_: object) -> None:
            self._turns.order = self._turns.order[1:]
            self._turns.moved.notify_all()
            self._turns.moved.release()

    def ended(self, who: int) -> None:
        """Give up the turns that `who` does not need."""
        with self.moved:
            self.order = [each for each in self.order if each != who]
            self.moved.notify_all()


def run_in_turns(
    registry: Registry, order: Sequence[int], killed: tuple[int, int] | None = None, asleep: Version | None = None
) -> list[str | None]:
    """Let two runs promote over the champion, their calls in `order`; return what each says the champion is.

    What claimed the place before belongs to a killed run; but where it is `asleep`, the first run wakes up as that.
    """
    turns, place, said = Turns(registry, order, killed), registry.alias, [None, None]
    waiting = open_claims(registry, place)

    def promote(who: int) -> None:
        seen = turns.seen_by(who)
        try:
            mine = asleep if asleep and who == 0 else seen.add(place, still_open(seen, place, waiting))
            said[who] = make_champion(seen, mine)
            assert isinstance(said[who], str)
            said[who] = "mine" if said[who] == mine.number else "another's"
        except Killed:
            pass
        finally:
            turns.ended(who)

    threads = [threading.Thread(target=promote, args=(who,)) for who in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return said


def still_open(registry: Registry, place: str, waiting: Sequence[str]) -> list[str]:
    return [number for number in open_claims(registry, place) if number in waiting]


def orders(length: int) -> Iterator[tuple[int, ...]]:
    """Every order of `length` turns of each of two threads, up to their names."""
    for mine in itertools.combinations(range(2 * length), length):
        if 0 in mine:
            yield tuple(0 if i in mine else 1 for i in range(2 * length))


@pytest.mark.parametrize("first", [True, False], ids=["first model", "over a champion"])
def test_two_overlapping_runs_agree_on_one_champion(first):
    for order in orders(7):
        registry = Registry()
        if not first:
            make_champion(registry, registry.add(""))
        said = run_in_turns(registry, order)
        assert sorted(said) == ["another's", "mine"], order
        ours = registry.states()[0 if first else 1 :]
        assert sorted(ours) == [PROMOTED, WITHDRAWN], order
        assert registry.version(registry.alias).tag(STATE) == PROMOTED, order


def test_a_run_killed_at_any_call_holds_up_nobody():
    for calls, order in itertools.product(range(7), orders(6)):
        registry = Registry()
        make_champion(registry, registry.add(""))
        said = run_in_turns(registry, order, killed=(0, calls))
        assert said[1] in ("mine", "another's"), (calls, order)
        assert registry.alias != "1", (calls, order)
        place = registry.alias
        assert make_champion(registry, third := registry.add(place)) == third.number, (calls, order)


@pytest.mark.parametrize("first", [True, False], ids=["first model", "over a champion"])
def test_the_claim_of_a_killed_run_never_wins_over_what_was_compared_after_it(first):
    for order in orders(7):
        registry = Registry()
        if not first:
            make_champion(registry, registry.add(""))
        killed = registry.add(registry.alias)
        said = run_in_turns(registry, order)
        assert sorted(said) == ["another's", "mine"], order
        assert registry.alias != killed.number, order
        assert registry.version(registry.alias).tag(STATE) == PROMOTED, order
        assert registry.version(killed.number).tag(STATE) == WITHDRAWN, order


def test_a_claim_that_was_left_under_an_earlier_champion_does_not_win_after_a_rollback():
    registry = Registry()
    make_champion(registry, registry.add(""))
    killed = registry.add("1")
    registry.set_tag("2", STATE, WITHDRAWN)  # Made late: meanwhile another was promoted, and it is killed then.
    make_champion(registry, registry.add("1"))
    registry.set_tag("2", STATE, CLAIMED)
    roll_back(registry, registry.version("3"))
    mine = registry.add("1", open_claims(registry, "1"))
    assert make_champion(registry, mine) == mine.number == registry.alias
    assert registry.version(killed.number).tag(STATE) == WITHDRAWN


def test_a_run_taken_for_killed_that_wakes_up_at_any_call_agrees_with_the_one_that_set_it_aside():
    for order in orders(7):
        registry = Registry()
        make_champion(registry, registry.add(""))
        said = run_in_turns(registry, order, asleep=registry.add("1"))
        set_aside = registry.version("3").tag(SETS_ASIDE) == "2"
        assert registry.alias == ("3" if set_aside else "2"), order
        assert said[1] == ("mine" if set_aside else "another's"), order
        assert registry.version(registry.alias).tag(STATE) == PROMOTED, order


def test_after_a_kill_at_any_call_beside_a_claim_left_behind_the_next_run_promotes():
    for kill, order in itertools.product(range(8), orders(5)):
        registry = Registry()
        make_champion(registry, registry.add(""))
        left = registry.add("1")
        said = run_in_turns(registry, order, killed=(0, kill))
        assert said[1] in ("mine", "another's"), (kill, order)
        assert registry.alias not in ("1", left.number), (kill, order)
        place = registry.alias
        latest = registry.add(place, open_claims(registry, place))
        assert make_champion(registry, latest) == latest.number == registry.alias, (kill, order)


def test_a_run_that_wakes_up_late_does_not_undo_a_later_promotion():
    registry = Registry()
    make_champion(registry, registry.add(""))
    late = registry.add("1")

    class Sleepy(Registry):
        def set_champion(self, number):
            if number == late.number and registry.alias == "1":
                make_champion(registry, registry.add("1"))  # Another finds the claim and finishes it,
                make_champion(registry, registry.add("2"))  # and a third is better than that.
            registry.set_champion(number)

    sleepy = Sleepy()
    sleepy.__dict__ = registry.__dict__
    assert registry.alias == "1"
    assert make_champion(sleepy, late) == "4"
    assert registry.alias == "4"


def test_a_run_whose_work_another_has_finished_leaves_what_came_after():
    registry = Registry()
    make_champion(registry, registry.add(""))
    mine = registry.add("1")
    assert make_champion(registry, registry.add("1")) == "2"
    assert make_champion(registry, registry.add("2")) == "4"
    assert make_champion(registry, mine) == "4"
    assert registry.states() == [PROMOTED, PROMOTED, WITHDRAWN, PROMOTED]


def test_a_rollback_puts_each_champion_back_on_the_one_before():
    registry = Registry()
    for place in ("", "1", "2"):
        make_champion(registry, registry.add(place))
    assert roll_back(registry, registry.version("3")).number == "2"
    assert make_champion(registry, registry.add("2")) == "4"
    assert [roll_back(registry, registry.version(number)).number for number in ("4", "2")] == ["2", "1"]
    assert (registry.alias, registry.states()) == ("1", [PROMOTED, ROLLED_BACK, ROLLED_BACK, ROLLED_BACK])
    with pytest.raises(DataError, match="version 1, which replaced none"):
        roll_back(registry, registry.version("1"))
    assert registry.states()[0] == PROMOTED


def test_a_promotion_of_what_was_compared_with_a_champion_rolled_back_meanwhile_is_withdrawn():
    registry = Registry()
    for place in ("", "1"):
        make_champion(registry, registry.add(place))
    mine = registry.add("2")
    roll_back(registry, registry.version("2"))
    assert make_champion(registry, mine) == "1"
    assert registry.states() == [PROMOTED, ROLLED_BACK, WITHDRAWN]


def test_an_alias_moved_by_hand_is_where_the_next_run_starts():
    registry = Registry()
    for place in ("", "1"):
        make_champion(registry, registry.add(place))
    registry.set_champion("1")
    assert make_champion(registry, registry.add("1")) == "3"
    assert registry.alias == "3"


def test_a_rollback_that_another_undoes_says_so():
    registry = Registry()
    for place in ("", "1"):
        make_champion(registry, registry.add(place))
    registry.set_champion = lambda number: setattr(registry, "alias", "2")
    with pytest.raises(ServiceError, match="version 2, not 1"):
        roll_back(registry, registry.version("2"))


def test_a_digest_that_was_rolled_back_is_known():
    registry = Registry()
    registry.all = [Version("1", tags={STATE: ROLLED_BACK, "digest": "a", REPLACES: ""})]
    assert (rolled_back(registry, "a"), rolled_back(registry, "b")) == ("1", "")
