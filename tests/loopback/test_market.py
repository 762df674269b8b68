"""The market of the embedded exchange through the library: whole, in order, readable."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from rxbybit import BookDelta, BookSnapshot, Bybit, DecodeFailed, Gap, Status
from rxbybit.config import Category
from rxbybit.sim import serve_in_thread
from tests.sim.clock import market

ENOUGH = 10_000
SYMBOLS: dict[Category, str] = {"inverse": "BTCUSD", "linear": "BTCUSDT", "spot": "BTCUSDT"}


@pytest.mark.timeout(150)
def test_ten_thousand_events_of_a_market() -> None:
    # Any: events of every family.
    heard: dict[tuple[str, str], list[Any]] = {}
    statuses: list[Status] = []
    failures: list[Exception] = []

    with serve_in_thread(market=market(), speed=50) as served, Bybit(served.url) as client:
        client.status().subscribe(statuses.append)
        for category, symbol in SYMBOLS.items():
            streams: dict[str, Any] = {
                "trades": client.trades(symbol, category=category),
                "tickers": client.tickers(symbol, category=category),
                "klines": client.klines(symbol, category=category),
            }
            for depth in (1, 50, 200, 1000):
                streams[f"book {depth}"] = client.order_book_updates(
                    symbol, depth=depth, category=category
                )
            if category != "spot":
                streams["liquidations"] = client.liquidations(symbol, category=category)
            for name, stream in streams.items():
                events = heard[category, name] = []
                stream.subscribe(events.append, failures.append)

        def enough() -> bool:
            forced = heard["inverse", "liquidations"] and heard["linear", "liquidations"]
            return bool(forced) and sum(map(len, heard.values())) > ENOUGH

        served.until(enough, timeout_s=120.0)

    assert failures == []
    assert [status for status in statuses if isinstance(status, DecodeFailed | Gap)] == []
    assert all(heard.values())
    for category in SYMBOLS:
        for depth in (50, 200, 1000):
            first, *others = heard[category, f"book {depth}"]
            assert isinstance(first, BookSnapshot)
            assert {type(event) for event in others} == {BookDelta}
            numbers = [event.update_id for event in heard[category, f"book {depth}"]]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        best = heard[category, "book 1"]
        assert {b.update_id - a.update_id for a, b in pairwise(best)} <= {0, 1}
        trades = heard[category, "trades"]
        assert len({trade.id for trade in trades}) == len(trades)
        assert all(a.time_ms <= b.time_ms for a, b in pairwise(trades))
        candles = heard[category, "klines"]
        closed = [candle.start_ms for candle in candles if candle.closed]
        assert all(b - a == 60_000 for a, b in pairwise(closed))
        assert closed
