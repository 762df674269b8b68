"""Candles from before the market: they join, nest, add up, and are the same for the same seed."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rxbybit.sim.market import Market, Temper, default_instruments
from rxbybit.sim.market.candle import INTERVALS, Candle, end_of, start_of
from rxbybit.sim.market.candles import Candles
from rxbybit.sim.market.past import Past
from tests.effort import examples
from tests.sim.market.journal import START_MS, small, snapshot_of

MINUTE = 60_000
DAY = 1_440 * MINUTE
CALM = Temper(rate=0.1, spread=2, reach=90, patience=60, lots=500)

seeds = st.text("abc", max_size=3)
categories = st.sampled_from(("inverse", "linear", "spot"))
starts = st.integers(START_MS, START_MS + 40 * DAY)
ages = st.integers(1, 40 * 1_440).map(lambda minutes: minutes * MINUTE)
prices = st.integers(8, 1_000_000)


def facts(candle: Candle) -> tuple[int | None, ...]:
    return tuple(getattr(candle, name) for name in Candle.__slots__)


def past_of(category, seed, ends_ms, age_ms, opening) -> Past:
    one = small(category, launch_ms=ends_ms - age_ms, temper=CALM)
    return Past(one, seed, ends_ms, opening)


@settings(max_examples=examples(40))
@given(categories, seeds, starts, ages, prices, st.sampled_from(INTERVALS))
def test_one_joins_the_next_and_the_last_joins_the_market(
    category, seed, start_ms, age_ms, opening, interval
) -> None:
    ends_ms = start_of("1", start_ms)
    past = past_of(category, seed, ends_ms, age_ms, opening)
    newest = list(past.newest(interval, ends_ms))
    assert newest[0].close == opening
    assert newest[0].start_ms == start_of(interval, ends_ms - 1)
    assert newest[-1].start_ms == start_of(interval, past.begins_ms)
    assert past.begins_ms == ends_ms - age_ms
    for late, early in pairwise(newest):
        assert early.close == late.open
        assert end_of(interval, early.start_ms) + 1 == late.start_ms
    for candle in newest:
        assert 1 <= candle.low <= min(candle.open, candle.close)
        assert max(candle.open, candle.close) <= candle.high
        assert candle.lots > 0
        ends = end_of(interval, candle.start_ms)
        assert candle.last_ms == min(ends, ends_ms - 1)


@settings(max_examples=examples(25))
@given(categories, seeds, starts, ages, prices, st.sampled_from(INTERVALS[1:]))
def test_minutes_add_up_to_every_interval(
    category, seed, start_ms, age_ms, opening, interval
) -> None:
    ends_ms = start_of("1", start_ms)
    past = past_of(category, seed, ends_ms, min(age_ms, 5 * DAY), opening)
    sums: dict[int, Candle] = {}
    for minute in reversed(list(past.newest("1", ends_ms))):
        start = start_of(interval, minute.start_ms)
        held = sums.get(start)
        sums[start] = minute if held is None else held.followed_by(minute)
        sums[start].start_ms = start
    made = [facts(candle) for candle in past.newest(interval, ends_ms)]
    assert made == [facts(candle) for candle in reversed(sums.values())]


@pytest.mark.parametrize("category", ["inverse", "linear", "spot"])
def test_the_average_price_is_between_low_and_high(category) -> None:
    # Fixed seeds: what divides into flat minutes cannot always have its value to the last unit.
    one = small(category)
    for number, opening in enumerate((2_500, 10_177, 11_164, 40_000, 700_000)):
        past = past_of(category, str(number), START_MS + 77 * MINUTE, 2 * DAY, opening)
        for interval in ("1", "3", "15", "60", "360", "D"):
            for candle in past.newest(interval, START_MS + 77 * MINUTE):
                ends = one.value(candle.low, candle.lots), one.value(candle.high, candle.lots)
                slack = candle.value // 2_000 + (200 if category == "inverse" else 0)
                assert min(ends) - slack <= candle.value <= max(ends) + slack


def test_the_same_seed_has_the_same_past_however_it_is_asked_for() -> None:
    def all_of(seed, until_ms) -> list[tuple[int | None, ...]]:
        past = past_of("linear", seed, START_MS + 5 * MINUTE, 3 * DAY, 130_000)
        list(past.newest("D", until_ms))
        return [facts(candle) for candle in past.newest("1", until_ms)]

    whole = all_of("a", START_MS + 5 * MINUTE)
    assert len(whole) == 3 * 1_440
    assert all_of("a", START_MS - DAY) == whole[5 + 1_440 :]
    assert all_of("b", START_MS + 5 * MINUTE) != whole


def test_no_launch_no_past() -> None:
    for launch_ms in (0, START_MS, START_MS + 5_000):
        candles = Candles(small(launch_ms=launch_ms), START_MS, 100, "seed")
        assert [c.start_ms for c in candles.newest("1", 0, START_MS)] == [START_MS]
        assert candles.begins_ms("1") == START_MS
        assert candles.begins_ms("D") == START_MS


WITH_CANDLES = [one for one in default_instruments(START_MS) if one.category != "option"]


@pytest.mark.parametrize("instrument", WITH_CANDLES, ids=lambda one: one.symbol)
def test_a_thousand_minutes_and_days_of_the_default_market(instrument) -> None:
    candles = Candles(instrument, START_MS, 10_000, "seed")
    for interval, least in (("1", 1_000), ("30", 1_000), ("D", 98)):
        newest = list(islice(candles.newest(interval, 0, START_MS), 1_000))
        assert len(newest) >= least
    assert newest[-1].start_ms >= candles.begins_ms("D")


@pytest.mark.parametrize("category", ["inverse", "linear", "spot"])
def test_the_day_and_the_running_candles_begin_with_the_past(category) -> None:
    start_ms = START_MS + 13 * 60 * MINUTE + 17 * MINUTE + 5_333
    one = small(category, launch_ms=start_ms - 90 * DAY, temper=CALM)
    market = Market(seed=3, start_ms=start_ms, instruments=(one,))
    pit = market.pits[category, "BTCUSD"]
    for interval in INTERVALS:
        market.want(category, f"kline.{interval}.BTCUSD")
    for now_ms in (start_ms, start_ms + 20 * MINUTE, start_ms + 11 * 60 * MINUTE):
        list(market.advance(now_ms))
        minutes = list(pit.candles.newest("1", now_ms - DAY, now_ms))
        assert len(minutes) == 1_440
        day = pit.candles.day
        assert day.lots == sum(minute.lots for minute in minutes)
        assert day.value == sum(minute.value for minute in minutes)
        assert day.high == max(minute.high for minute in minutes)
        assert day.low == min(minute.low for minute in minutes)
        assert day.opening() == minutes[-1].open
        assert day.opening(60) == minutes[59].open
        for interval in INTERVALS[:11]:
            (running,) = snapshot_of(market, category, f"kline.{interval}.BTCUSD")["data"]
            begins = start_of(interval, now_ms)
            own = list(pit.candles.newest("1", begins, now_ms))
            assert running["start"] == begins
            assert running["timestamp"] <= now_ms
            whole = own[-1]
            for minute in own[-2::-1]:
                whole = whole.followed_by(minute)
            told = [running[k] for k in ("open", "high", "low", "close", "volume", "turnover")]
            assert told == list(whole.texts(one))


def test_closed_candles_are_the_ones_that_were_told() -> None:
    start_ms = START_MS + 20 * 60 * MINUTE + 47 * MINUTE + 30_000
    one = small("linear", launch_ms=start_ms - 30 * DAY, temper=CALM)
    market = Market(seed=3, start_ms=start_ms, instruments=(one,))
    for interval in INTERVALS:
        market.want("linear", f"kline.{interval}.BTCUSD")
    told: dict[str, dict[int, list[str]]] = {interval: {} for interval in INTERVALS}
    now_ms = start_ms + 5 * 60 * MINUTE
    for push in market.advance(now_ms):
        for item in push.content["data"]:
            if item["confirm"]:
                keys = ("open", "high", "low", "close", "volume", "turnover")
                told[item["interval"]][item["start"]] = [item[key] for key in keys]
    candles = market.pits["linear", "BTCUSD"].candles
    for interval in INTERVALS:
        running, *closed = candles.newest(interval, start_of(interval, start_ms), now_ms)
        assert {c.start_ms: list(c.texts(one)) for c in closed} == told[interval]
        assert running.start_ms == start_of(interval, now_ms)
    assert all(told[interval] for interval in INTERVALS[:11])
    assert len(told["1"]) == 300


def test_what_is_no_longer_held_is_no_hole() -> None:
    candles = Candles(small(launch_ms=START_MS - 30 * DAY), START_MS, 100, "seed")
    assert candles.begins_ms("1") == START_MS - 30 * DAY
    for minute in range(1, 9 * 1_440):
        candles.roll(START_MS + minute * MINUTE)
    now_ms = START_MS + (9 * 1_440 - 1) * MINUTE
    minutes = [candle.start_ms for candle in candles.newest("1", 0, now_ms)]
    assert minutes == [now_ms - n * MINUTE for n in range(7 * 1_440 + 1)]
    assert candles.begins_ms("1") == minutes[-1]
    hours = [candle.start_ms for candle in candles.newest("60", 0, now_ms)]
    assert hours == [start_of("60", now_ms) - n * 60 * MINUTE for n in range((9 + 30) * 24)]
    window = [c.start_ms for c in candles.newest("60", START_MS - 90 * MINUTE, START_MS + 1)]
    assert window == [START_MS, START_MS - 60 * MINUTE]
