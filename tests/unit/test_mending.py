"""Putting a list and what came live together: nothing twice, nothing missing without saying so."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rxbybit.mending import LATE_MS, REMEMBERED, Listing, Mark, Mending, Run, Seen


class Tick(NamedTuple):
    """An event: as little as is needed of one."""

    id: str
    time_ms: int
    listed: bool = False


def key(tick: Tick) -> str:
    return tick.id


def live(*numbers: int) -> list[Tick]:
    return [Tick(str(n), n) for n in numbers]


def of_list(*numbers: int, floor: int = 0, reaches: int | None = None) -> Listing:
    return Listing([Tick(str(n), n, True) for n in numbers], floor, reaches)


def mending(last: int | None = None, seen: AbstractSet[str] | None = None) -> Mending[Tick]:
    return Mending(key, Mark(None, None) if last is None else Mark(str(last), last), seen)


def shown(runs: list[Run]) -> list[tuple[list[str], int | None]]:
    """``L`` marks what came out of the list."""
    return [([f"{'L' if e.listed else ''}{e.id}" for e in r.events], r.lost) for r in runs]


def test_the_list_fills_what_is_between_and_stops_at_what_came_live() -> None:
    hole = mending(3)
    assert hole.hold(live(6, 7)) == "ask"
    assert hole.held == 2
    assert hole.listed(of_list(1, 2, 3, 4, 5, 6, 7, 8))
    assert hole.take() == ([Run([*of_list(4, 5).events, *live(6, 7)], 0)], True)
    assert (hole.held, hole.mark) == (0, Mark("7", 7))


def test_a_list_that_is_behind_is_asked_for_again() -> None:
    hole = mending(3)
    hole.hold(live(6))
    assert not hole.listed(of_list(1, 2, 3, 4))
    assert hole.listed(of_list(1, 2, 3, 4, 5, 6))
    assert shown(hole.take()[0]) == [(["L4", "L5", "6"], 0)]


def test_one_that_stays_behind_leaves_a_hole_before_what_came_live() -> None:
    hole = mending(3)
    hole.hold(live(6))
    hole.listed(of_list(1, 2, 3, 4))
    runs, over = hole.take()
    assert shown(runs) == [(["L4"], 0), (["6"], None)]
    assert over


def test_one_that_does_not_reach_back_leaves_a_hole_before_it() -> None:
    hole = mending(3)
    hole.hold(live(8))
    assert hole.listed(of_list(6, 7, 8, reaches=6))
    assert shown(hole.take()[0]) == [(["L6", "L7", "8"], None)]


def test_nor_when_nothing_came_live() -> None:
    hole = mending(3)
    assert hole.listed(of_list(6, 7, reaches=6))
    runs, over = hole.take()
    assert shown(runs) == [(["L6", "L7"], None)]
    assert not over


def test_one_that_neither_reaches_back_nor_to_what_came_live_stands_between_two_holes() -> None:
    hole = mending(3)
    hole.hold(live(8))
    assert not hole.listed(of_list(4, 5, 6, reaches=4))
    runs, over = hole.take()
    assert shown(runs) == [(["L4", "L5", "L6"], None), (["8"], None)]
    assert over


def test_without_any_list_the_hole_is_before_what_came_live() -> None:
    hole = mending(3)
    hole.hold(live(8))
    runs, over = hole.take()
    assert shown(runs) == [(["8"], None)]
    assert over


def test_when_nothing_has_come_live_the_list_is_delivered_and_the_hole_stays_open() -> None:
    hole = mending(3)
    assert hole.listed(of_list(1, 2, 3, 4, 5))
    runs, over = hole.take()
    assert shown(runs) == [(["L4", "L5"], 0)]
    assert not over


def listed_at_once(*numbers: int, last: int = 3) -> Mending[Tick]:
    hole = mending(last)
    hole.listed(of_list(*numbers))
    hole.take()
    return hole


def test_what_was_listed_and_comes_live_as_well_comes_once_and_joins() -> None:
    hole = listed_at_once(3, 4, 5)
    assert hole.hold(live(5, 6)) == "give"
    runs, over = hole.take()
    assert shown(runs) == [(["6"], 0)]
    assert over


def test_what_joins_does_so_also_when_a_list_was_taken_in_meanwhile() -> None:
    hole = listed_at_once(3, 4, 5)
    assert hole.hold(live(4)) == "wait"
    assert hole.listed(of_list(3, 4, 5, 6))
    runs, over = hole.take()
    assert shown(runs) == [(["L6"], 0)]
    assert not over
    assert hole.hold(live(5, 6)) == "give"
    assert hole.take() == ([], True)
    hole = listed_at_once(3, 4, 5)
    hole.hold(live(4))
    assert hole.take() == ([], False)
    assert hole.hold(live(6)) == "give", "though 5, which was listed, was not in between"
    runs, over = hole.take()
    assert shown(runs) == [(["6"], 0)]
    assert over


def test_it_is_over_with_the_last_one_that_was_listed() -> None:
    hole = listed_at_once(3, 4, 5)
    assert hole.hold(live(4)) == "wait"
    assert hole.hold(live(5)) == "give"
    assert hole.take() == ([], True)


def test_it_stays_joined_until_something_follows() -> None:
    hole = listed_at_once(3, 4, 5)
    assert hole.hold(live(4)) == "wait"
    assert hole.hold(live(6)) == "give"
    assert shown(hole.take()[0]) == [(["6"], 0)]


def test_what_does_not_join_is_looked_up() -> None:
    hole = listed_at_once(3, 4, 5)
    assert hole.hold(live(7)) == "ask"
    assert hole.listed(of_list(3, 4, 5, 6, 7))
    runs, over = hole.take()
    assert shown(runs) == [(["L6", "7"], 0)]
    assert over


def test_two_outages_before_the_first_answer_are_mended_together() -> None:
    hole = mending(3)
    hole.hold(live(5))
    hole.cut()
    assert hole.hold(live(8)) == "ask"
    assert hole.listed(of_list(3, 4, 5, 6, 7, 8))
    runs, over = hole.take()
    assert shown(runs) == [(["L4", "5", "L6", "L7", "8"], 0)]
    assert over


def test_what_came_between_two_outages_stands_before_a_list_that_is_short() -> None:
    hole = mending(3)
    hole.hold(live(5))
    hole.cut()
    hole.hold(live(9))
    hole.listed(of_list(7, 8, 9, reaches=7))
    assert shown(hole.take()[0]) == [(["5"], None), (["L7", "L8", "9"], None)]


def test_and_joins_one_that_reaches_it() -> None:
    hole = mending(3)
    hole.hold(live(5, 6))
    hole.cut()
    hole.listed(of_list(6, 7, 8, reaches=6))
    runs, over = hole.take()
    assert shown(runs) == [(["5", "6", "L7", "L8"], None)]
    assert not over, "nothing has come on this connection"


def test_a_short_list_that_begins_before_two_of_them_leaves_one_hole_before_it() -> None:
    """What has come is no hole before what follows it."""
    hole = mending(0)
    hole.hold(live(6))
    hole.cut()
    hole.hold(live(8, 9))
    assert hole.listed(of_list(5, 6, 7, 8, reaches=5))
    assert shown(hole.take()[0]) == [(["L5", "6", "L7", "8", "9"], None)]


def test_where_nothing_was_delivered_before_it_is_all_since_the_topic_began() -> None:
    hole = mending()
    hole.hold(live(8))
    assert hole.listed(of_list(4, 5, 6, 7, 8, floor=6, reaches=5))
    assert shown(hole.take()[0]) == [(["L6", "L7", "8"], 0)]


def test_and_a_list_that_does_not_reach_that_far_leaves_a_hole() -> None:
    hole = mending()
    hole.hold(live(8))
    hole.listed(of_list(7, 8, floor=6, reaches=7))
    assert shown(hole.take()[0]) == [(["L7", "8"], None)]


def test_an_exchange_that_began_anew_has_a_hole_and_nothing_old() -> None:
    hole = mending(5)
    hole.hold(live(9))
    assert hole.listed(of_list(2, 8, 9))
    assert shown(hole.take()[0]) == [(["L8", "9"], None)]


def test_where_the_order_says_nothing_ids_do() -> None:
    """The list has 2 and 3 the other way round, and 4 was executed before 3 was."""
    seen = frozenset({"1", "2", "3"})
    hole = mending(2, seen)
    hole.hold(live(6))
    assert hole.listed(of_list(1, 3, 2, 4, 5, 6))
    assert shown(hole.take()[0]) == [(["L4", "L5", "6"], 0)]


def test_and_what_is_listed_beside_what_came_live_does_not_come_twice() -> None:
    """5 was executed after 6, or before it: times do not tell, so it is not waited for."""
    hole = mending(2, frozenset({"1", "2"}))
    hole.hold(live(4))
    assert hole.listed(of_list(1, 2, 3, 4, 5))
    runs, over = hole.take()
    assert shown(runs) == [(["L3", "4", "L5"], 0)]
    assert not over
    assert hole.hold(live(5)) == "wait"
    later = live(5 + LATE_MS)
    assert hole.hold(later) == "give"
    assert shown(hole.take()[0]) == [([later[0].id], 0)]
    assert hole.hold(live(6 + LATE_MS)) == "give"
    assert hole.take()[1], "nothing that was listed comes so much later"


def test_where_the_order_says_nothing_a_repetition_joins_and_comes_once() -> None:
    hole = mending(3, frozenset({"1", "2", "3"}))
    assert hole.hold(live(2, 3, 4)) == "give"
    runs, over = hole.take()
    assert shown(runs) == [(["4"], 0)]
    assert over


def test_what_was_listed_on_one_connection_is_not_waited_for_on_the_next() -> None:
    seen = {"3"}
    hole = mending(3, seen)
    hole.hold(live(4))
    hole.listed(of_list(3, 4, 5))
    assert not hole.take()[1]
    seen |= {"4", "5"}
    hole.cut()
    hole.hold(live(6))
    hole.listed(of_list(4, 5, 6))
    assert hole.take()[1]


def test_what_shares_with_a_list_that_is_all_of_before_is_torn_from_what_was_delivered() -> None:
    """Such is an exchange whose clock was set back."""
    hole = mending(5)
    hole.hold(live(4))
    hole.listed(of_list(4, reaches=4))
    assert shown(hole.take()[0]) == [(["4"], None)]


def test_one_event_of_a_short_list_stands_behind_what_came_before_it() -> None:
    hole = mending(3)
    hole.hold(live(5))
    hole.cut()
    hole.listed(of_list(7, reaches=7))
    assert shown(hole.take()[0]) == [(["5"], None), (["L7"], None)]


def test_the_last_one_of_long_ago_joins_a_list_that_has_it_however_short_that_is() -> None:
    hole = mending(1, frozenset({"1"}))
    hole.hold(live(13))
    hole.listed(of_list(1, 12, 13, floor=10, reaches=11))
    assert shown(hole.take()[0]) == [(["L12", "13"], 0)]


def test_only_what_is_known_to_be_lost_is_not_looked_for_any_more() -> None:
    hole = mending(3, frozenset({"3"}))
    hole.listed(of_list(3, 4, 5))
    hole.take()
    assert hole.since_ms == 0
    torn = mending(3, frozenset({"3"}))
    torn.listed(of_list(6, 7, reaches=6))
    torn.take()
    assert torn.since_ms == 6


def test_of_long_ago_a_list_need_not_have_the_last_one_where_the_order_says_nothing() -> None:
    hole = mending(1, frozenset({"1"}))
    hole.hold(live(13))
    hole.listed(of_list(12, 13, floor=10, reaches=10))
    assert shown(hole.take()[0]) == [(["L12", "13"], 0)]
    hole = mending(11, frozenset({"11"}))
    hole.hold(live(13))
    hole.listed(of_list(12, 13, floor=10, reaches=10))
    assert shown(hole.take()[0]) == [(["L12", "13"], None)], "it should have one of lately"


def test_an_exchange_that_began_anew_long_after_the_last_one_has_a_hole() -> None:
    hole = mending(1)
    hole.hold(live(13))
    hole.listed(of_list(12, 13, floor=10))
    assert shown(hole.take()[0]) == [(["L12", "13"], None)]


def test_what_follows_does_so_whatever_else_is_listed() -> None:
    seen = {"3"}
    hole = mending(3, seen)
    hole.hold(live(4))
    hole.listed(of_list(3, 4, 5))
    assert not hole.take()[1], "5 may come yet"
    seen |= {"4", "5"}
    hole.listed(of_list(3, 4, 5))
    assert hole.take() == ([], False)
    assert hole.hold(live(6)) == "give"
    assert shown(hole.take()[0]) == [(["6"], 0)]


def test_what_comes_late_of_what_was_given_up_is_no_hole() -> None:
    hole = Mending(key, Mark("6", 6), frozenset({"3", "6"}), since_ms=6)
    hole.hold(live(5))
    hole.listed(of_list(3, 5, 6))
    assert shown(hole.take()[0]) == [(["5"], 0)]


def test_a_short_list_leaves_a_hole_also_where_a_repetition_has_joined() -> None:
    hole = listed_at_once(3, 4, 5)
    assert hole.hold(live(4)) == "wait"
    assert hole.listed(of_list(7, 8, reaches=7))
    assert shown(hole.take()[0]) == [(["L7", "L8"], None)]


def test_a_repetition_on_the_next_connection_leaves_one_hole_not_two() -> None:
    hole = mending(3, frozenset({"3"}))
    hole.hold(live(7))
    assert not hole.listed(of_list(3))
    hole.cut()
    assert hole.hold(live(3, 8)) == "give"
    assert shown(hole.take()[0]) == [(["7", "8"], None)]


def test_what_is_listed_and_comes_later_joins_nothing_that_came_before_it() -> None:
    """6 was sent before 7, while nobody listened: that 5 comes late does not tell of it."""
    hole = mending(3, frozenset({"3"}))
    hole.listed(of_list(3, 4, 5))
    hole.take()
    assert hole.hold(live(7)) == "ask"
    assert hole.hold(live(5)) == "wait"
    assert hole.hold(live(8)) == "ask"
    assert shown(hole.take()[0]) == [(["7", "8"], None)]


def test_what_is_newer_than_all_that_came_live_will_come_live() -> None:
    """So it does where the exchange begins further back than the last one that was delivered."""
    hole = mending(5)
    hole.hold(live(4))
    hole.listed(of_list(4, 5, 6, 7))
    assert shown(hole.take()[0]) == [(["4"], 0)]


def test_how_long_what_was_listed_may_come_live_counts_from_the_newest_of_it() -> None:
    at = 1_700_000_000_000
    hole = mending(at + 3, frozenset({str(at + 3)}))
    hole.hold(live(at + 4))
    hole.listed(of_list(at + 3, at + 4, at + 5))
    assert not hole.take()[1]
    assert hole.hold(live(at + 5 + LATE_MS)) == "give"
    assert not hole.take()[1]
    assert hole.hold(live(at + 6 + LATE_MS)) == "give"
    assert hole.take()[1]


def test_seen_remembers_the_newest() -> None:
    seen: Seen = Seen(key)
    assert seen.mark == Mark(None, None)
    for n in range(REMEMBERED + 5):
        seen.apply(Tick(str(n), n))
    seen.reset()
    assert not seen.spoil("a reason")
    assert [n for n in range(REMEMBERED + 5) if str(n) in seen] == list(range(5, REMEMBERED + 5))
    assert seen.mark == Mark(str(REMEMBERED + 4), REMEMBERED + 4)


def test_a_list_that_is_newer_than_what_came_live_says_nothing_twice() -> None:
    """It does not reach back to what came, and what it has comes live later."""
    hole = mending(3)
    hole.hold(live(5))
    assert not hole.listed(of_list(7, 8, reaches=7))
    runs, over = hole.take()
    assert shown(runs) == [(["5"], None)]
    assert over


def test_a_row_that_is_listed_twice_comes_once() -> None:
    """Pages shift when something is executed between one request and the next."""
    hole = mending(3)
    hole.listed(of_list(2, 3, 4, 3, 4, 4, 5))
    assert shown(hole.take()[0]) == [(["L4", "L5"], 0)]
    hole = mending(3, frozenset({"3"}))
    hole.listed(of_list(3, 4, 4, 5))
    assert shown(hole.take()[0]) == [(["L4", "L5"], 0)]


def test_what_was_given_up_does_not_come_after_what_followed_it() -> None:
    """Where the order says nothing a list may have it later."""
    seen = {"3"}
    hole = mending(3, seen)
    hole.hold(live(6))
    hole.cut()
    assert shown(hole.take()[0]) == [(["6"], None)]
    seen.add("6")
    hole.listed(of_list(3, 4, 5, 6, 7))
    assert shown(hole.take()[0]) == [(["L7"], 0)]


def test_where_the_order_says_nothing_what_comes_late_comes_once() -> None:
    """5 and 6 are listed before they come live, and then in another order."""
    hole = mending(3, frozenset({"3"}))
    hole.hold(live(4))
    assert hole.listed(of_list(3, 4, 5, 6))
    runs, over = hole.take()
    assert shown(runs) == [(["4", "L5", "L6"], 0)]
    assert not over
    assert hole.hold(live(6, 7)) == "give"
    runs, over = hole.take()
    assert shown(runs) == [(["7"], 0)]
    assert not over
    assert hole.hold(live(5)) == "give"
    assert hole.take() == ([], True)


class Topic:
    """A topic of an exchange, with a list that may be behind or ahead and short, and who hears it.

    Where it is mixed, what comes live comes in another order than it is listed.
    """

    def __init__(self, most: int, *, mixed: bool) -> None:
        self.most = most
        self.mixed = mixed
        self.sent = 0
        self.under_way: list[int] = []
        self.up = True
        self.hole: Mending[Tick] | None = None
        self.got: list[tuple[int, bool]] = []

    def __contains__(self, id_: object) -> bool:
        return any(str(n) == id_ for n, _ in self.got)

    @property
    def mark(self) -> Mark:
        return Mark(str(self.got[-1][0]), self.got[-1][0]) if self.got else Mark(None, None)

    def trade(self, count: int) -> None:
        self.make(count)
        numbers, self.under_way = self.under_way, []
        if not self.up:
            return
        new = live(*reversed(numbers) if self.mixed else numbers)
        if self.hole is None:
            self.got += [(int(e.id), False) for e in new]
        elif self.hole.hold(new) == "give":
            self.give()

    def make(self, count: int) -> None:
        """So many are listed, and on their way to who hears it."""
        if self.up:
            self.under_way += range(self.sent, self.sent + count)
        self.sent += count

    def cut(self) -> None:
        self.up = False
        self.under_way = []
        if self.hole is None:
            self.hole = Mending(key, self.mark, self if self.mixed else None)
        else:
            self.hole.cut()

    def look(self, behind: int) -> None:
        """The answer to a request; what is held goes out when it can tell no more."""
        if self.hole is not None:
            there = range(max(0, self.sent - behind))
            short = len(there) > self.most
            shown = there[-self.most :]
            reaches = shown[0] if short else None
            if self.hole.listed(of_list(*shown, reaches=reaches)):
                self.give()

    def give(self) -> None:
        if self.hole is not None:
            runs, over = self.hole.take()
            for run in runs:
                first, *rest = run.events
                self.got.append((first.time_ms, run.lost != 0))
                self.got += [(e.time_ms, False) for e in rest]
            if over and self.up:
                self.hole = None


STEPS = st.one_of(
    st.tuples(st.sampled_from(["trade", "make"]), st.integers(1, 4)),
    st.tuples(st.sampled_from(["cut", "up", "give"]), st.just(0)),
    st.tuples(st.just("look"), st.integers(0, 3)),
)


@pytest.mark.parametrize("mixed", [False, True])
@settings(max_examples=500)
@given(steps=st.lists(STEPS, max_size=40), most=st.integers(1, 12) | st.just(10_000))
def test_whatever_happens(mixed: bool, steps: list[tuple[str, int]], most: int) -> None:
    topic = Topic(most, mixed=mixed)
    for name, n in [*steps, ("up", 0), ("trade", 1), ("give", 0)]:
        match name:
            case "trade":
                topic.trade(n)
            case "make" if most > 12:
                topic.make(n)
            case "cut" if topic.up:
                topic.cut()
            case "up":
                topic.up = True
            case "give":
                topic.give()
            case "look":
                topic.look(n)
            case _:
                pass
    numbers = [n for n, _ in topic.got]
    assert len(numbers) == len(set(numbers)), "each once"
    if mixed:
        missing = topic.sent - len(numbers)
        assert not missing or any(torn for _, torn in topic.got)
        return
    assert numbers == sorted(numbers), "in order"
    before = -1
    for n, torn in topic.got:
        assert torn or n == before + 1, f"{n} after {before} without a word"
        before = n
    assert before == topic.sent - 1


@settings(max_examples=300)
@given(steps=st.lists(STEPS.filter(lambda s: s[0] != "give"), max_size=30))
def test_a_list_that_has_all_fills_all(steps: list[tuple[str, int]]) -> None:
    topic = Topic(10_000, mixed=False)
    for name, n in [*steps, ("up", 0), ("trade", 1), ("look", 0)]:
        match name:
            case "trade":
                topic.trade(n)
            case "make":
                topic.make(n)
            case "cut" if topic.up:
                topic.cut()
            case "up":
                topic.up = True
            case "look":
                topic.look(n)
            case _:
                pass
    assert topic.got == [(n, False) for n in range(topic.sent)]
