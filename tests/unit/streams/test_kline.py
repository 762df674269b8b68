"""Candles: intervals, and each closed one once."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from rxbybit.candle import ClosedKlines
from rxbybit.errors import ConfigurationError
from rxbybit.streams.kline import CLOSED_KLINES, KLINES, Kline

INTERVALS = {
    "1m": "1",
    "3m": "3",
    "5m": "5",
    "15m": "15",
    "30m": "30",
    "1h": "60",
    "2h": "120",
    "4h": "240",
    "6h": "360",
    "12h": "720",
    "1d": "D",
    "1w": "W",
    "1M": "M",
}


def kline(start_ms: int, *, closed: bool) -> Kline:
    return Kline(
        symbol="X",
        interval="1m",
        start_ms=start_ms,
        end_ms=start_ms + 59_999,
        open=D(1),
        high=D(1),
        low=D(1),
        close=D(1),
        volume=D(0),
        turnover=D(0),
        closed=closed,
    )


def test_each_closed_candle_once() -> None:
    state = ClosedKlines()
    out: list[int] = []
    for start, closed in [
        *((0, False), (0, True), (0, True), (60_000, False), (60_000, True)),
        *((0, True), (120_000, False), (120_000, True), (120_000, False), (120_000, True)),
    ]:
        event = kline(start, closed=closed)
        state.apply(event)
        state.reset()
        assert CLOSED_KLINES.emit is not None
        news = CLOSED_KLINES.emit(state, event)
        if news is not None:
            assert news is event
            out.append(news.start_ms)
    assert out == [0, 60_000, 120_000]


@pytest.mark.parametrize(("interval", "code"), INTERVALS.items())
def test_intervals(interval: str, code: str) -> None:
    for spec in (KLINES, CLOSED_KLINES):
        for spelled in (interval, code):
            topic = spec.topic("v5", "inverse", "BTCUSD", interval=spelled)
            assert topic == f"kline.{code}.BTCUSD"
    places = KLINES.wire("v5").read(f"kline.{code}.BTCUSD")
    assert places == {"interval": interval, "symbol": "BTCUSD"}


@pytest.mark.parametrize("interval", ["2m", "1D", "d", "", 1, 60, None, "1 ", "H", ["1m"]])
def test_what_is_no_interval(interval: object) -> None:
    with pytest.raises(ConfigurationError, match=r"use one of 1m \(1\), .*, 1M \(M\)$"):
        KLINES.topic("v5", "inverse", "BTCUSD", interval=interval)
    assert KLINES.wire("v5").read(f"kline.{interval}.BTCUSD") is None or interval in (1, 60)


def test_options_have_none() -> None:
    with pytest.raises(ConfigurationError, match="there is inverse, linear, spot"):
        KLINES.topic("v5", "option", "BTC-25DEC26-70000-C", interval="1m")


def test_times() -> None:
    event = kline(60_000, closed=True)
    assert (event.start.minute, event.end.second, event.time) == (1, 59, None)
    assert "closed=True" in repr(event)
