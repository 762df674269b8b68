"""kline: windows of candles, against every candle there is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rxbybit.sim.market import Market
from rxbybit.sim.market.candle import INTERVALS, end_of, start_of
from tests.effort import examples
from tests.sim.market.journal import START_MS, small, snapshot_of
from tests.sim.rest.asking import DAY, MINUTE, ask, lively, refusal

MARKET = lively(age_ms=2 * DAY, ran_ms=90 * MINUTE)
ALL = {
    interval: [
        [str(candle.start_ms), *candle.texts(MARKET.pits["linear", "BTCUSD"].instrument)]
        for candle in MARKET.pits["linear", "BTCUSD"].candles.newest(interval, 0, MARKET.now_ms)
    ]
    for interval in INTERVALS
}
times = st.one_of(
    st.none(),
    st.integers(MARKET.now_ms - 3 * DAY, MARKET.now_ms + DAY),
    st.integers(-4 * 1_440, 60).map(lambda m: start_of("60", MARKET.now_ms) + m * MINUTE),
)


@settings(max_examples=examples(200))
@given(st.sampled_from(INTERVALS), times, times, st.one_of(st.none(), st.integers(1, 1_000)))
def test_every_window(interval, start, end, limit) -> None:
    given = {"start": start, "end": end, "limit": limit}
    query = {name: value for name, value in given.items() if value is not None}
    result = ask(MARKET, "kline", symbol="BTCUSD", interval=interval, **query)
    assert (result["symbol"], result["category"]) == ("BTCUSD", "linear")
    inside = [
        row
        for row in ALL[interval]
        if (start is None or start <= int(row[0])) and (end is None or int(row[0]) <= end)
    ]
    most = limit or 200
    expected = inside[-most:] if start is not None and end is None else inside[:most]
    assert result["list"] == expected


def test_windows_one_after_the_other_have_every_candle_once() -> None:
    found, start = [], int(ALL["5"][-1][0])
    while page := ask(MARKET, "kline", symbol="BTCUSD", interval="5", start=start, limit=7)["list"]:
        found += page[::-1]
        start = int(page[0][0]) + 1
    assert found[::-1] == ALL["5"]
    assert len(found) > 500


def test_a_very_small_start_gives_the_first_candle() -> None:
    rows = ask(MARKET, "kline", symbol="BTCUSD", interval="1", start=9_999, limit=1)["list"]
    assert [row[0] for row in rows] == [ALL["1"][-1][0]]


@pytest.mark.parametrize("category", ["inverse", "linear", "spot"])
def test_the_rows_are_what_the_topic_has_told(category) -> None:
    market = lively(category, ran_ms=0)
    for interval in INTERVALS:
        market.want(category, f"kline.{interval}.BTCUSD")
    keys = ("open", "high", "low", "close", "volume", "turnover")
    told: dict[str, dict[str, list[str]]] = {interval: {} for interval in INTERVALS}
    for push in market.advance(market.now_ms + 75 * MINUTE):
        for item in push.content["data"]:
            if item["confirm"]:
                row = [str(item["start"]), *(item[key] for key in keys)]
                told[item["interval"]][row[0]] = row
    for interval in INTERVALS:
        query = {"category": category, "symbol": "BTCUSD", "interval": interval}
        rows = ask(market, "kline", **query, limit=1_000)["list"]
        (running,) = snapshot_of(market, category, f"kline.{interval}.BTCUSD")["data"]
        assert rows[0] == [str(running["start"]), *(running[key] for key in keys)]
        closed = {row[0]: row for row in rows[1:]}
        assert {start: closed[start] for start in told[interval]} == told[interval]
        length = {int(late[0]) - int(early[0]) for early, late in zip(rows[1:], rows, strict=False)}
        if interval not in ("M", "W"):
            begins = int(rows[0][0])
            assert length == {end_of(interval, begins) + 1 - begins}
    assert len(told["1"]) == 75
    assert len(told["60"]) == 2


def test_a_thousand_closed_ones_at_the_start() -> None:
    market = Market(start_ms=START_MS + 12_345, instruments=(small(launch_ms=START_MS - 2 * DAY),))
    rows = ask(
        market, "kline", category="inverse", symbol="BTCUSD", interval="1", end=START_MS - 1,
        limit=1_000,
    )["list"]  # fmt: skip
    assert [int(row[0]) for row in rows] == [START_MS - n * MINUTE for n in range(1, 1_001)]
    (running,) = ask(
        market, "kline", category="inverse", symbol="BTCUSD", interval="1", start=START_MS
    )["list"]
    assert running[1] == rows[0][4]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"category": "option"}, "category=option: use one of linear, inverse, spot"),
        ({}, "symbol is missing"),
        ({"symbol": "BTCUSD"}, "interval is missing"),
        ({"symbol": "BTCUSD", "interval": "1m"}, f"interval=1m: use one of {', '.join(INTERVALS)}"),
        ({"symbol": "ETHUSD", "interval": "1"}, "symbol=ETHUSD does not trade on linear"),
        ({"symbol": "BTCUSD", "interval": "1", "limit": 1_001}, "limit=1001: use 1 to 1000"),
        (
            {"symbol": "BTCUSD", "interval": "1", "start": "now"},
            "start=now: use milliseconds since 1970",
        ),
        (
            {"symbol": "BTCUSD", "interval": "1", "end": 10**14 + 1},
            "end=100000000000001: use milliseconds since 1970",
        ),
    ],
)
def test_refusals(query, text) -> None:
    assert refusal(MARKET, "kline", **query) == f"params error: {text}"
