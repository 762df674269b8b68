"""Candles from the trades themselves, against the frames; and the interval arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal

import pytest

from rxbybit.sim.market import Temper
from rxbybit.sim.market.candle import INTERVALS, end_of, start_of
from tests.sim.market.journal import START_MS, of, small, snapshot_of, watched_market

MINUTE = 60_000
QUANTUM = Decimal("0.00000001")
LAZY = Temper(rate=0.5, spread=2, reach=90, patience=60, lots=500)


def decimals(category, price, lots) -> tuple[Decimal, Decimal, Decimal]:
    """Price, volume and turnover of one trade."""
    at = price * Decimal("0.5")
    volume = lots * {"inverse": Decimal(1), "linear": Decimal("0.001")}.get(category, QUANTUM * 100)
    if category == "inverse":
        return at, volume, (volume / at).quantize(QUANTUM, rounding=ROUND_DOWN)
    return at, volume, at * volume


def rebuilt(category, trades, opening, minutes, until_ms) -> dict[int, list]:
    """Start to [open, high, low, close, volume, turnover, last ms], empty candles too."""
    length, candles, close = minutes * MINUTE, {}, opening
    trades = list(trades)
    for start in range(START_MS // length * length, until_ms + 1, length):
        candle = [close, close, close, close, Decimal(0), Decimal(0), None]
        while trades and trades[0][0] < min(start + length, until_ms + 1):
            ms, _, price, lots, _ = trades.pop(0)
            at, volume, turnover = decimals(category, price, lots)
            candle[1], candle[2] = max(candle[1], at), min(candle[2], at)
            candle[3] = close = at
            candle[4] += volume
            candle[5] += turnover
            candle[6] = ms
        candles[start] = candle
    return candles


def items(pushes) -> Iterator[tuple[int, dict]]:
    for push in pushes:
        for item in push.content["data"]:
            yield push.ms, item


@pytest.mark.parametrize("category", ["inverse", "linear", "spot"])
@pytest.mark.parametrize("minutes", [1, 5])
def test_candles_are_the_trades(monkeypatch, category, minutes) -> None:
    one = small(category, temper=LAZY)
    market, seen = watched_market(monkeypatch, seed=4, start_ms=START_MS, instruments=(one,))
    (watched,) = seen.values()
    topic = f"kline.{minutes}.BTCUSD"
    market.want(category, topic)
    first = snapshot_of(market, category, topic)["data"][0]
    opening = Decimal(first["open"])
    end_ms = START_MS + 16 * MINUTE + 500
    pushes = []
    for push in market.advance(end_ms):
        pushes.append(push)
        assert push.content["type"] == "snapshot"
        assert push.content["ts"] == push.ms
        assert push.ms % 1_000 == 0
        truth = rebuilt(category, watched.trades, opening, minutes, push.ms)
        for item in push.content["data"]:
            made = [Decimal(item[k]) for k in ("open", "high", "low", "close", "volume")]
            expected = truth[item["start"]]
            assert made == expected[:5]
            assert Decimal(item["turnover"]) == expected[5]
            assert item["timestamp"] == (push.ms if expected[6] is None else expected[6])
            assert item["end"] == item["start"] + minutes * MINUTE - 1
            assert item["confirm"] == (item["end"] < push.ms)
            assert item["interval"] == str(minutes)
            for key in ("open", "close", "high", "low", "volume", "turnover"):
                assert not item[key].endswith(".")
                assert "." not in item[key] or not item[key].endswith("0")
    assert watched.trades
    confirmed = [(ms, item["start"]) for ms, item in items(pushes) if item["confirm"]]
    starts = range(START_MS, end_ms - minutes * MINUTE, minutes * MINUTE)
    assert confirmed == [(start + minutes * MINUTE, start) for start in starts]
    newborn = [push.content["data"][-1] for push in pushes if push.ms % (minutes * MINUTE) == 0]
    assert all(not item["confirm"] for item in newborn[1::2] or newborn)
    together = {len(push.content["data"]) for push in pushes}
    assert together == ({1} if category == "spot" else {1, 2})


def test_volumes_agree(monkeypatch) -> None:
    market, seen = watched_market(monkeypatch, seed=6, start_ms=START_MS, instruments=(small(),))
    (watched,) = seen.values()
    for interval in INTERVALS:
        market.want("inverse", f"kline.{interval}.BTCUSD")
    market.want("inverse", "publicTrade.BTCUSD")
    pushes = list(market.advance(START_MS + 6 * MINUTE - 1))
    volume = sum(Decimal(item["v"]) for _, item in items(of(pushes, "publicTrade.BTCUSD")))
    assert volume == sum(lots for _, _, _, lots, _ in watched.trades)
    for interval in INTERVALS:
        market.want("inverse", f"kline.{interval}.BTCUSD")
        made = items(of(pushes, f"kline.{interval}.BTCUSD"))
        closed = {item["start"]: item["volume"] for _, item in made if item["confirm"]}
        running = snapshot_of(market, "inverse", f"kline.{interval}.BTCUSD")["data"][0]
        assert sum(map(Decimal, closed.values())) + Decimal(running["volume"]) == volume
        candles = market.pits["inverse", "BTCUSD"].candles
        history = list(candles.newest(interval, 0, market.now_ms))[::-1]
        assert [candle.start_ms for candle in history] == [*closed, running["start"]]
        assert sum(candle.lots for candle in history) == volume


def test_the_day_forgets_what_is_older(monkeypatch) -> None:
    calm = Temper(rate=0.05, spread=2, reach=90, patience=20, lots=500)
    one = small(temper=calm)
    market, seen = watched_market(monkeypatch, seed=6, start_ms=START_MS, instruments=(one,))
    (watched,) = seen.values()
    day = market.pits["inverse", "BTCUSD"].candles.day
    opening = day.opening() * Decimal("0.5")
    for hours in (1, 5, 23, 24, 25, 30, 34):
        now = START_MS + hours * 60 * MINUTE + 30_000
        assert not list(market.advance(now))
        candles = rebuilt("inverse", watched.trades, opening, 1, now)
        window = list(candles.values())[-1_440:]
        assert day.lots == sum(candle[4] for candle in window)
        assert day.value * QUANTUM == sum(candle[5] for candle in window)
        assert day.high * Decimal("0.5") == max(candle[1] for candle in window)
        assert day.low * Decimal("0.5") == min(candle[2] for candle in window)
        assert day.opening() * Decimal("0.5") == window[0][0]
        assert day.opening(60) * Decimal("0.5") == window[-60][0]
        assert day.opening(1) * Decimal("0.5") == window[-1][0]


def test_a_week_of_minutes_is_kept() -> None:
    from rxbybit.sim.market.candles import Candles

    candles = Candles(small(), START_MS, 100, "seed")
    for minute in range(1, 8 * 1_440):
        candles.roll(START_MS + minute * MINUTE)
    history = list(candles.newest("1", 0, START_MS + 30 * 1_440 * MINUTE))[::-1]
    assert len(history) == 7 * 1_440 + 1
    assert history[-1].start_ms == START_MS + (8 * 1_440 - 1) * MINUTE


@pytest.mark.parametrize(
    ("interval", "start", "end"),
    [
        ("1", "2026-02-18 13:47", "2026-02-18 13:48"),
        ("3", "2026-02-18 13:45", "2026-02-18 13:48"),
        ("15", "2026-02-18 13:45", "2026-02-18 14:00"),
        ("120", "2026-02-18 12:00", "2026-02-18 14:00"),
        ("720", "2026-02-18 12:00", "2026-02-19 00:00"),
        ("D", "2026-02-18 00:00", "2026-02-19 00:00"),
        ("W", "2026-02-16 00:00", "2026-02-23 00:00"),
        ("M", "2026-02-01 00:00", "2026-03-01 00:00"),
    ],
)
def test_where_a_candle_begins_and_ends(interval, start, end) -> None:
    def ms(text) -> int:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)

    inside = ms("2026-02-18 13:47") + 59_999
    assert start_of(interval, inside) == ms(start)
    assert start_of(interval, ms(start)) == ms(start)
    assert end_of(interval, ms(start)) == ms(end) - 1
