"""Closed candles: each once, in order, whatever brought it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal as D
from typing import Any

import hypothesis.strategies as st
from hypothesis import given
from reactivex.testing import ReactiveTest, TestScheduler

from rxbybit import operators as rxo
from rxbybit.events import Event, Gap, Meta
from rxbybit.operators.closed import _Closed
from rxbybit.streams.kline import CLOSED_KLINES, KLINES, Kline
from tests.operators.probe import Ear, Probe
from tests.unit.test_hub import World

MINUTE = 60_000
on_next = ReactiveTest.on_next


def candle(
    minute: int,
    *,
    closed: bool = True,
    symbol: str = "BTCUSD",
    interval: str = "1m",
    close: int = 1,
    gap: Gap | None = None,
    backfilled: bool = False,
) -> Kline:
    prices = dict.fromkeys(("open", "high", "low", "close", "volume", "turnover"), D(close))
    start = minute * MINUTE
    meta = Meta("kline", backfilled=backfilled, gap=gap)
    return Kline(
        symbol=symbol,
        interval=interval,
        start_ms=start,
        end_ms=start + MINUTE - 1,
        closed=closed,
        meta=meta,
        **prices,
    )


def gap(after_ms: int) -> Gap:
    now = datetime.now(timezone.utc)
    return Gap(time=now, topic="kline", after_ms=after_ms, before_ms=None)


def passed(*candles: Any) -> list[Any]:
    source = Probe()
    ear = Ear(source.pipe(rxo.closed()))
    source.send(*candles)
    assert ear.ended == ""
    return ear.events


def test_in_marbles() -> None:
    scheduler = TestScheduler()
    a, b, c = candle(0, close=1), candle(1, close=2), candle(2, close=3)
    source = scheduler.create_hot_observable(
        on_next(210, candle(0, closed=False)),
        on_next(220, a),
        on_next(221, candle(1, closed=False)),
        on_next(230, a),
        on_next(240, b),
        on_next(250, c),
        ReactiveTest.on_completed(260),
    )
    heard = scheduler.start(lambda: source.pipe(rxo.closed()))
    assert heard.messages == [
        on_next(220, a),
        on_next(240, b),
        on_next(250, c),
        ReactiveTest.on_completed(260),
    ]
    assert [(s.subscribe, s.unsubscribe) for s in source.subscriptions] == [(200, 260)]


def test_a_candle_that_was_confirmed_twice_comes_once_as_it_was_first() -> None:
    first = candle(1, close=5)
    assert passed(first, candle(1, close=6))[0] is first


def test_one_that_begins_at_zero_counts_and_one_before_it() -> None:
    assert passed(candle(-1), candle(0)) == [candle(-1), candle(0)]


def test_symbols_and_intervals_are_apart() -> None:
    mixed = [candle(1), candle(1, symbol="ETHUSD"), candle(0, interval="5m"), candle(0)]
    assert passed(*mixed, *mixed) == mixed[:3]


def test_out_of_rest_and_live_together_each_comes_once() -> None:
    past = [candle(n, backfilled=True) for n in range(3)]
    live = [candle(3, closed=False), candle(2), candle(3), candle(3, backfilled=True), candle(4)]
    assert passed(*past, *live) == [*past, candle(3), candle(4)]


def test_a_link_does_not_make_it_another_candle() -> None:
    """One out of REST has none, and one that is confirmed again may come by another."""
    past = [candle(n, backfilled=True) for n in range(3)]
    by_1, by_2 = ([_by(link, candle(n)) for n in (2, 3)] for link in (1, 2))
    assert passed(*past, *by_1, *by_2, *past, _by(2, candle(4))) == [*past, candle(3), candle(4)]


def _by(link: int, one: Kline) -> Kline:
    return one.__replace__(meta=one.meta.__replace__(connection=link))


def test_an_outage_over_the_boundary_is_told_by_the_next_one_that_closes() -> None:
    hole = gap(90_000)
    first, other, third, fourth = passed(
        candle(0),
        candle(1, closed=False),
        candle(2, closed=False, gap=hole),  # the link was away while minute 1 ended
        candle(2, closed=False),
        candle(7, symbol="ETHUSD"),
        candle(2),
        candle(3),
    )
    assert (first, other.symbol, third, fourth) == (candle(0), "ETHUSD", candle(2), candle(3))
    assert [c.meta.gap for c in (first, other, third, fourth)] == [None, None, hole, None]


def test_the_gap_of_a_double_is_told_and_its_own_is_the_newer() -> None:
    one, two = gap(1), gap(2)
    _, second, third = passed(candle(0), candle(0, gap=one), candle(1), candle(2, gap=two))
    assert [second.meta.gap, third.meta.gap] == [one, two]
    _, second = passed(candle(0), candle(0, gap=one), candle(1, gap=two))
    assert second.meta.gap is two
    _, second = passed(candle(0), candle(0, gap=one), candle(0, gap=two), candle(1))
    assert second.meta.gap is two


@dataclass
class Foreign:
    """A candle of somebody else's."""

    symbol: str
    interval: str
    start_ms: int
    closed: bool


def test_candles_of_other_makes() -> None:
    one, again, two = (
        Foreign("A", "M1", 0, True),
        Foreign("A", "M1", 0, True),
        Foreign("A", "M1", 1, True),
    )
    assert [id(c) for c in passed(one, again, Foreign("A", "M1", 1, False), two)] == [
        id(one),
        id(two),
    ]


candles = st.builds(
    candle,
    st.integers(0, 5),
    closed=st.booleans(),
    symbol=st.sampled_from(["BTCUSD", "ETHUSD"]),
    close=st.integers(1, 3),
)


@given(st.lists(candles, max_size=30))
def test_it_passes_what_the_stream_passes(sent: list[Event]) -> None:
    """The same frames through ``klines(closed=True)``, and its exact definition."""
    # as the exchange has them: a topic for each symbol, each with a hub of its own
    for symbol in ("BTCUSD", "ETHUSD"):
        mine: list[Any] = [event for event in sent if event.symbol == symbol]  # type: ignore[attr-defined]
        world = World()
        closed, every = world.hear(CLOSED_KLINES), world.hear(KLINES)
        for event in mine:
            world.send(event)
        assert every.heard == mine
        assert [c for c in passed(*sent) if c.symbol == symbol] == closed.heard
        begins = [c.start_ms for c in closed.heard]
        assert begins == sorted(set(begins))
        assert set(begins) <= {c.start_ms for c in mine if c.closed}


def test_it_remembers_one_number_a_symbol() -> None:
    known = _Closed()
    for n in range(1000):
        known(candle(n, gap=gap(n)))
        known(candle(n, gap=gap(n)))
    assert len(list(known._kept)) == 1
