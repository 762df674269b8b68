"""``conflate``: at most one value a key and time, the newest, and never a lost last one."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest
import reactivex
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from reactivex.testing.marbles import marbles_testing

from rxbybit import operators as rxo
from rxbybit.errors import ConfigurationError
from tests.fakes import Feed, virtually
from tests.operators.flow import GAP, Clock, Heard, Source, at_once, tick


def first_letter(text: str) -> str:
    return text[0]


def test_the_diagram() -> None:
    with marbles_testing() as (start, _, hot, exp):
        source = hot("--a--b-c----p---------d--|", None, None)
        conflated = source.pipe(rxo.conflate(lambda v: v == "p", every=8))
        assert start(conflated) == exp("--a-------c-p---------d--|", None, None)


def test_without_a_key_all_values_are_of_one_kind() -> None:
    clock, source = Clock(), Source()
    heard = Heard(source.pipe(rxo.conflate(every=1)), clock)
    source.send("a1", "b1", "a2")
    clock.advance_to(5.0)
    assert heard.at == [(0.0, "a1"), (1.0, "a2")]


def test_each_pause_begins_where_a_value_was_handed_over() -> None:
    clock, source = Clock(), Source()
    heard = Heard(source.pipe(rxo.conflate(first_letter, every=1)), clock)
    source.send("a1", "a2")
    clock.advance_to(1.5)
    source.send("a3", "b1")
    clock.advance_to(2.25)
    source.send("a4", "b2")
    assert heard.at == [(0, "a1"), (1, "a2"), (1.5, "b1"), (2, "a3")]
    clock.advance_to(2.75)
    assert heard.at[4:] == [(2.5, "b2")]
    clock.advance_to(9.0)
    assert heard.at[5:] == [(3, "a4")]
    assert clock.armed == 0  # a key that nobody hears any more has no timer
    source.send("a5")
    assert heard.at[6:] == [(9, "a5")]


@pytest.mark.parametrize("end", ["complete", "fail"])
def test_what_waits_comes_before_the_end_in_the_order_of_its_arrival(end: str) -> None:
    clock, source = Clock(), Source()
    heard = Heard(source.pipe(rxo.conflate(first_letter)), clock)
    source.send("a1", "b1", "c1", "c2", "a2", "b2", "a3")
    if end == "complete":
        source.complete()
        assert heard.completed
    else:
        source.fail(OSError("gone"))
        assert isinstance(heard.error, OSError)
    assert heard.values == ["a1", "b1", "c1", "c2", "b2", "a3"]
    assert clock.armed == 0


def test_dispose_ends_the_timers_and_is_allowed_inside_a_call() -> None:
    clock, source = Clock(), Source()
    heard = Heard(source.pipe(rxo.conflate()), clock)
    source.send(1, 2)
    heard.subscription.dispose()
    heard.subscription.dispose()
    assert clock.armed == 0
    assert source.observers == []
    clock.advance_to(9.0)
    assert heard.values == [1]

    heard = Heard(source.pipe(rxo.conflate(first_letter)), clock, until=lambda v: v == "a2")
    source.send("a1", "a2", "b1", "b2")
    clock.advance_to(20.0)
    assert heard.values == ["a1", "b1", "a2"]
    assert source.observers == []
    assert clock.armed == 0


def test_dispose_while_what_waits_is_handed_over_at_the_end() -> None:
    clock, source = Clock(), Source()
    heard = Heard(source.pipe(rxo.conflate(first_letter)), clock, until=lambda v: v == "a2")
    source.send("a1", "b1", "a2", "b2")
    source.complete()
    assert heard.values == ["a1", "b1", "a2"]
    assert not heard.completed


def test_a_source_that_sends_on_after_the_end_begins_no_timer() -> None:
    clock = Clock()
    heard = Heard(at_once(1, 0, 2).pipe(rxo.conflate(lambda v: 1 / v)), clock)
    assert heard.values == [1]
    assert clock.armed == 0


def test_what_waits_is_forgotten_with_the_dispose() -> None:
    class Big:
        pass

    clock, source = Clock(), Source()
    heard = Heard(source.pipe(rxo.conflate()), clock)
    source.send(1, big := Big())
    held = weakref.ref(big)
    del big
    heard.subscription.dispose()
    gc.collect()
    assert held() is None


def test_what_comes_inside_the_call_waits_like_any_other() -> None:
    clock, source = Clock(), Source()
    got: list[int] = []

    def on_next(value: int) -> None:
        got.append(value)
        if value < 3:
            source.send(value + 1)

    source.pipe(rxo.conflate(every=1)).subscribe(on_next, scheduler=clock)
    source.send(1)
    assert got == [1]
    clock.advance_to(1.0)
    assert got == [1, 2]
    clock.advance_to(9.0)
    assert got == [1, 2, 3]


def test_subscribers_share_nothing_and_a_second_one_begins_anew() -> None:
    clock, source = Clock(), Source()
    conflated = source.pipe(rxo.conflate())
    first = Heard(conflated, clock)
    source.send(1, 2)
    second = Heard(conflated, clock)
    source.send(3)
    assert (first.values, second.values) == ([1], [3])


def test_whoever_resubscribes_inside_the_end_begins_anew() -> None:
    clock, source = Clock(), Source()
    conflated = source.pipe(rxo.conflate())
    again: list[Heard] = []
    conflated.subscribe(on_completed=lambda: again.append(Heard(conflated, clock)), scheduler=clock)
    source.send(1, 2)
    source.complete()
    source.send(3)
    assert again[0].values == [3]


def test_an_event_in_the_place_of_the_first_after_a_hole_says_so() -> None:
    clock, source = Clock(), Source()
    heard = Heard(source.pipe(rxo.conflate(lambda t: t.symbol)), clock)
    source.send(tick("B", 1), tick("B", 2, GAP), tick("B", 3), tick("E", 1), tick("B", 4))
    source.complete()
    assert [t.price for t in heard.values] == [1, 1, 4]
    assert [t.meta.gap for t in heard.values] == [None, None, GAP]


def test_a_later_hole_is_not_covered_by_an_earlier_one() -> None:
    clock, source = Clock(), Source()
    later = replace(GAP, after_ms=9)
    heard = Heard(source.pipe(rxo.conflate()), clock)
    source.send(tick("B", 1), tick("B", 2, GAP), tick("B", 3, later))
    source.complete()
    assert [t.meta.gap for t in heard.values] == [None, later]


def test_an_event_of_another_topic_does_not_tell_of_the_hole() -> None:
    clock, source = Clock(), Source()
    heard = Heard(source.pipe(rxo.conflate(every=1)), clock)
    source.send(tick("B", 1), tick("B", 2, GAP), tick("E", 3))
    clock.advance_by(1.0)
    source.send(tick("E", 4), tick("B", 5))
    clock.advance_by(1.0)
    source.send(tick("B", 6))
    clock.advance_by(3.0)
    later = replace(GAP, after_ms=9)
    source.send(tick("E", 7), tick("B", 8, later), tick("E", 9))
    clock.advance_by(3.0)
    source.send(tick("B", 10))
    found = [(int(t.price), t.meta.gap) for t in heard.values]
    assert found == [(1, None), (3, None), (5, GAP), (6, None), (7, None), (9, None), (10, later)]


def test_what_the_key_raises_ends_the_stream() -> None:
    clock, source = Clock(), Source()
    heard = Heard(source.pipe(rxo.conflate(lambda v: 1 / v)), clock)
    source.send(1, 1, 0)
    assert isinstance(heard.error, ZeroDivisionError)
    assert heard.values == [1, 1]
    assert source.observers == []
    assert clock.armed == 0
    unhashable: Any = list
    heard = Heard(source.pipe(rxo.conflate(unhashable)), clock)
    source.send("a")
    assert isinstance(heard.error, TypeError)


def test_an_observer_that_raises_leaves_the_pause_as_it_was() -> None:
    clock, source = Clock(), Source()
    got: list[int] = []

    def on_next(value: int) -> None:
        got.append(value)
        if value == 1:
            raise ValueError

    source.pipe(rxo.conflate(every=1)).subscribe(on_next, scheduler=clock)
    with pytest.raises(ValueError):  # noqa: PT011 - made above
        source.send(1)
    source.send(2)
    assert got == [1]
    clock.advance_to(1.0)
    assert got == [1, 2]


def test_it_forwards_the_scheduler_and_its_own_wins() -> None:
    clock, own, source = Clock(), Clock(), Source()
    heard = Heard(source.pipe(rxo.conflate(every=1, scheduler=own)), clock)
    assert source.schedulers == [clock]
    source.send(1, 2)
    clock.advance_to(9.0)
    assert heard.values == [1]
    own.advance_to(1.0)
    assert heard.values == [1, 2]


def test_without_a_clock_it_says_so() -> None:
    heard = Heard(reactivex.of(1).pipe(rxo.conflate()))
    assert isinstance(heard.error, ConfigurationError)
    assert "scheduler=" in str(heard.error)


@pytest.mark.parametrize("every", [0, -1, float("nan"), float("inf"), True, "1s", None])
def test_an_impossible_time_fails_when_it_is_built(every: Any) -> None:
    with pytest.raises(ConfigurationError, match="more than 0"):
        rxo.conflate(every=every)


def test_on_a_stream_it_uses_the_loops_own_clock() -> None:
    async def main() -> None:
        feed, got = Feed(), []
        subscription = feed.stream().pipe(rxo.conflate(every=60)).subscribe(got.append)
        feed.send(1, 2, 3)
        assert got == [1]
        await asyncio.sleep(59)
        assert got == [1]
        await asyncio.sleep(2)
        assert got == [1, 3]
        subscription.dispose()
        assert feed.disposed == 1

    virtually(main())


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abc"))), st.integers(1, 10))
def test_it_is_what_a_naive_model_says(sent: list[tuple[int, str]], whole: int) -> None:
    every = whole + 0.125  # no pause ends when a value comes
    values = [(t + 0.5, f"{key}{n}") for n, (t, key) in enumerate(sorted(sent))]
    expected: list[tuple[float, str]] = []
    for key in "abc":
        mine = [(t, v) for t, v in values if v[0] == key]
        free = 0.0
        while mine:
            late = [one for one in mine if one[0] < free]
            at, value = (free, late[-1][1]) if late else mine[0]
            mine = mine[max(1, len(late)) :]
            expected.append((at, value))
            free = at + every

    clock, source = Clock(), Source()
    heard = Heard(source.pipe(rxo.conflate(first_letter, every=every)), clock)
    for at, value in values:
        clock.advance_to(at)
        source.send(value)
    clock.advance_to(1000.0)
    assert sorted(heard.at) == sorted(expected)
    assert clock.armed == 0
