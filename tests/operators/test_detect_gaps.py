"""``detect_gaps``: a mark before what does not follow, and none where nothing is missing."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import reactivex
from hypothesis import given
from hypothesis import strategies as st
from reactivex.testing.marbles import marbles_testing

from rxbybit import operators as rxo
from rxbybit.book import BookDelta, BookSnapshot
from rxbybit.errors import ConfigurationError
from rxbybit.events import Meta
from rxbybit.operators.detect_gaps import next_start
from rxbybit.streams import kline
from rxbybit.streams.kline import Kline
from tests.fakes import Feed, virtually
from tests.operators.flow import Clock, Heard, Source, tick


def snapshot(update_id: int | None, symbol: str = "B", depth: int = 50, link: int = 1) -> Any:
    return BookSnapshot(
        symbol=symbol,
        depth=depth,
        bids=(),
        asks=(),
        update_id=update_id,
        meta=Meta(connection=link),
    )


def delta(update_id: int | None, symbol: str = "B", depth: int = 50, link: int = 1) -> Any:
    meta = Meta(connection=link)
    return BookDelta(symbol=symbol, depth=depth, bids=(), asks=(), update_id=update_id, meta=meta)


def candle(start_ms: int, interval: str = "1m", symbol: str = "B") -> Kline:
    one = Decimal(1)
    return Kline(
        symbol=symbol,
        interval=interval,
        start_ms=start_ms,
        end_ms=start_ms,
        open=one,
        high=one,
        low=one,
        close=one,
        volume=one,
        turnover=one,
        closed=True,
    )


def ms(year: int, month: int, day: int = 1) -> int:
    return int(datetime(year, month, day, tzinfo=timezone.utc).timestamp()) * 1000


def shown(events: list[Any]) -> list[Any]:
    """Holes as pairs, books by their ids, candles by their starts."""
    seen: list[Any] = []
    for event in events:
        if isinstance(event, rxo.Hole):
            seen.append((event.symbol, event.expected, event.got))
        else:
            seen.append(event.start_ms if isinstance(event, Kline) else event.update_id)
    return seen


def told(*events: Any) -> list[Any]:
    heard = Heard(reactivex.of(*events).pipe(rxo.detect_gaps()))
    assert heard.completed, heard.error
    return shown(heard.values)


def test_the_diagram() -> None:
    names: Any = {"a": snapshot(7), "b": delta(8), "c": delta(9), "d": delta(12), "e": delta(13)}
    names |= {"f": snapshot(40), "g": delta(41)}
    hole = rxo.Hole(symbol="B", expected=10, got=12)
    with marbles_testing() as (start, _, hot, exp):
        source = hot("-a-b-c-d-e-f-g-|", names, None)
        expected = exp("-a-b-c-d-e-f-g-|", names, None)
        (marked,) = exp("-------H--------", {"H": hole}, None)
        expected.insert(3, marked)
        assert start(source.pipe(rxo.detect_gaps())) == expected


def test_books() -> None:
    assert told(delta(4), snapshot(7), delta(8), delta(9)) == [4, 7, 8, 9]
    assert told(snapshot(7), delta(9), delta(10)) == [7, ("B", 8, 9), 9, 10]
    assert told(snapshot(7), snapshot(9), delta(10)) == [7, 9, 10]
    assert told(snapshot(7), snapshot(7), delta(8)) == [7, 7, 8]
    assert told(snapshot(7), delta(7), delta(5), delta(8)) == [7, 7, 5, 8]
    assert told(snapshot(7), delta(1), delta(2)) == [7, ("B", 8, 1), 1, 2]
    assert told(snapshot(1), delta(2), delta(4)) == [1, 2, ("B", 3, 4), 4]
    assert told(snapshot(7), delta(None), delta(8)) == [7, None, 8]
    assert told(snapshot(None), delta(3), delta(9)) == [None, 3, 9]
    assert told(snapshot(7), snapshot(None), delta(9)) == [7, None, 9]


def test_symbols_depths_and_links_are_looked_at_for_themselves() -> None:
    assert told(
        snapshot(7000),
        snapshot(700, "E"),
        snapshot(70, depth=200),
        snapshot(7, link=2),
        delta(7001),
        delta(702, "E"),
        delta(71, depth=200),
        delta(8, link=2),
        delta(7002),
    ) == [7000, 700, 70, 7, 7001, ("E", 701, 702), 702, 71, 8, 7002]


def test_candles() -> None:
    minute = 60_000
    assert told(candle(0), candle(0), candle(minute), candle(3 * minute), candle(4 * minute)) == [
        *(0, 0, minute, ("B", 2 * minute, 3 * minute), 3 * minute, 4 * minute)
    ]
    # one off the grid has nothing missing before it
    assert told(candle(0), candle(minute // 2), candle(minute)) == [0, minute // 2, minute]
    # the confirmed one may come after the newborn one
    assert told(candle(minute), candle(0), candle(2 * minute)) == [minute, 0, 2 * minute]
    assert told(candle(0), candle(9 * minute, "3m"), candle(0, symbol="E"), candle(minute)) == [
        *(0, 9 * minute, 0, minute)
    ]


def test_a_month_is_one_of_utc() -> None:
    months = [ms(2027, 11), ms(2027, 12), ms(2028, 1), ms(2028, 2), ms(2028, 3)]
    assert told(*(candle(m, "1M") for m in months)) == months
    missing = told(candle(ms(2028, 1), "1M"), candle(ms(2028, 3), "1M"))
    assert missing[1] == ("B", ms(2028, 2), ms(2028, 3))


@pytest.mark.parametrize("interval", kline._CODES)
def test_the_lengths_are_those_of_the_stream(interval: str) -> None:
    for start in (ms(2026, 2), ms(2027, 12), ms(2028, 2)):
        assert next_start(start, interval) == kline.end_of(start, interval) + 1


def test_candles_of_others_will_do() -> None:
    @dataclass(frozen=True)
    class Other:
        symbol: str
        interval: str
        start_ms: int

    events = [Other("X", "1h", 0), Other("X", "1h", 7_200_000)]
    heard = Heard(reactivex.of(*events).pipe(rxo.detect_gaps()))
    assert heard.values[1] == rxo.Hole(symbol="X", expected=3_600_000, got=7_200_000)
    assert heard.values[::2] == events


@pytest.mark.parametrize("wrong", [tick("B"), 1, None, candle(0, "7m")])
def test_what_it_cannot_judge_is_named(wrong: Any) -> None:
    source = Source()
    heard = Heard(source.pipe(rxo.detect_gaps()))
    source.send(snapshot(7), wrong)
    assert heard.values == [snapshot(7)]
    assert isinstance(heard.error, ConfigurationError)
    said = str(heard.error)
    expected = "'7m'" if isinstance(wrong, Kline) else f"got a {type(wrong).__name__}"
    assert expected in said
    assert ("1M" if isinstance(wrong, Kline) else "BookDelta") in said
    assert source.observers == []


def test_a_hole_is_a_value() -> None:
    one = rxo.Hole(symbol="B", expected=8, got=9)
    assert one == rxo.Hole(symbol="B", expected=8, got=9)
    assert len({one, rxo.Hole(symbol="B", expected=8, got=9)}) == 1
    with pytest.raises(AttributeError):
        setattr(one, "got", 7)  # noqa: B010 - the type checker knows it


def test_dispose_at_the_hole_keeps_the_event_back() -> None:
    source = Source()
    heard = Heard(source.pipe(rxo.detect_gaps()), until=lambda e: isinstance(e, rxo.Hole))
    source.send(snapshot(7), delta(9), delta(10))
    assert shown(heard.values) == [7, ("B", 8, 9)]
    assert source.observers == []


def test_what_comes_from_inside_a_hole_comes_after_what_it_is_before() -> None:
    source = Source()

    def feed(event: Any) -> None:
        if isinstance(event, rxo.Hole) and event.got == 12:
            source.send(snapshot(40), delta(42))
            source.complete()

    heard = Heard(source.pipe(rxo.detect_gaps()), until=feed)
    source.send(snapshot(7), delta(12))
    assert shown(heard.values) == [7, ("B", 8, 12), 12, 40, ("B", 41, 42), 42]
    assert heard.completed


@pytest.mark.parametrize("inside", [False, True])
def test_an_error_of_the_source_comes_in_its_turn(inside: bool) -> None:
    source, error = Source(), OSError("gone")

    def fail(event: Any) -> None:
        if inside and isinstance(event, rxo.Hole):
            source.fail(error)

    heard = Heard(source.pipe(rxo.detect_gaps()), until=fail)
    source.send(snapshot(7), delta(12))
    source.fail(error)
    assert shown(heard.values) == [7, ("B", 8, 12), 12]
    assert (heard.error, source.observers) == (error, [])


def test_a_hole_that_the_subscriber_raises_at_leaves_the_rest_whole() -> None:
    source = Source()

    def refuse(event: Any) -> None:
        if isinstance(event, rxo.Hole):
            source.send(delta(13))
            raise KeyError(event)

    heard = Heard(source.pipe(rxo.detect_gaps()), until=refuse)
    source.send(snapshot(7))
    with pytest.raises(KeyError):
        source.send(delta(12))
    source.send(delta(14))
    assert shown(heard.values) == [7, ("B", 8, 12), 13, 14]


def test_subscribers_share_nothing_and_the_scheduler_is_forwarded() -> None:
    clock, source = Clock(), Source()
    marked = source.pipe(rxo.detect_gaps())
    first = Heard(marked, clock)
    source.send(snapshot(7))
    second = Heard(marked, clock)
    source.send(delta(9))
    assert shown(first.values) == [7, ("B", 8, 9), 9]
    assert shown(second.values) == [9]
    assert source.schedulers == [clock, clock]


def test_it_remembers_the_topics_that_were_heard_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["rxbybit.operators.detect_gaps"], "_TOPICS", 2)
    a, b, c = (snapshot(1, name) for name in "ABC")
    assert told(a, b, delta(2, "A"), c, delta(9, "B"), delta(9, "A")) == [
        *(1, 1, 2, 1, 9, ("A", 3, 9), 9)
    ]


def test_on_a_stream() -> None:
    async def main() -> None:
        feed, got = Feed(), []
        subscription = feed.stream().pipe(rxo.detect_gaps()).subscribe(got.append)
        feed.send(snapshot(7), delta(9))
        assert shown(got) == [7, ("B", 8, 9), 9]
        subscription.dispose()
        assert feed.disposed == 1

    virtually(main())


def test_recorded_updates_have_no_hole_and_one_that_is_left_out_shows(frames: Path) -> None:
    events: list[Any] = []
    for line in (frames / "v5" / "orderbook.jsonl").read_text(encoding="utf-8").splitlines()[:112]:
        frame = json.loads(line)  # two captures of 200 levels, of one symbol each
        make = snapshot if frame["type"] == "snapshot" else delta
        events.append(make(frame["data"]["u"], frame["data"]["s"], 200))
    assert told(*events) == shown(events)
    left_out = events.pop(30)
    hole = (left_out.symbol, left_out.update_id, left_out.update_id + 1)
    assert told(*events) == [*shown(events[:30]), hole, *shown(events[30:])]


@given(st.lists(st.tuples(st.sampled_from("AB"), st.booleans(), st.integers(1, 12))))
def test_it_is_what_a_naive_model_says(sent: list[tuple[str, bool, int]]) -> None:
    events = [(snapshot if first else delta)(number, symbol) for symbol, first, number in sent]
    expected: list[Any] = []
    last: dict[str, int] = {}
    for symbol, first, number in sent:
        before = last.get(symbol)
        if first:
            last[symbol] = number
        elif before is not None and (number == 1 or number > before):
            if number != before + 1:
                expected.append((symbol, before + 1, number))
            last[symbol] = number
        expected.append(number)
    assert told(*events) == expected
