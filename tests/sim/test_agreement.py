"""What a client that is not ours rebuilds from the market's topics over a socket agrees.

Books from snapshots and deltas, candles from trades, the ticker from trades and the best levels:
each is made here from the raw frames alone.
"""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_right
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from rxbybit.config import Category
from rxbybit.sim import Exchange, Market
from rxbybit.sim.market import Temper
from tests.sim.market.journal import START_MS, small
from tests.sim.peer import connected

# Any: JSON.
Frame = dict[str, Any]
MINUTES = 2
KINDS = ("publicTrade", "tickers", "kline.1", "orderbook.1", "orderbook.50", "orderbook.200")


def deep_market() -> Market:
    temper = Temper(rate=8.0, spread=2, reach=500, patience=400, lots=500)
    listed = (
        small(temper=temper),
        small("linear", "BTCUSDT", temper=temper),
        small("spot", "BTCUSDT", temper=temper),
    )
    return Market(seed=2, start_ms=START_MS, instruments=listed)


async def listen(category: Category, symbol: str) -> list[Frame]:
    """All frames of one link until so many candles were closed from their beginning on."""
    heard: list[Frame] = []
    closed = 0
    async with (
        Exchange(market=deep_market(), speed=50) as exchange,
        connected(exchange, category) as peer,
    ):
        await peer.subscribe(*(f"{kind}.{symbol}" for kind in KINDS))
        while closed <= MINUTES:  # the first one began before us
            frame = json.loads(await peer.text())
            heard.append(frame)
            if frame["topic"].startswith("kline."):
                closed += sum(item["confirm"] for item in frame["data"])
    return heard


def of(frames: list[Frame], kind: str) -> list[Frame]:
    return [frame for frame in frames if frame["topic"].startswith(f"{kind}.")]


class Sides:
    """A book as anyone would keep it."""

    def __init__(self) -> None:
        self.levels: dict[str, dict[Decimal, Decimal]] = {"b": {}, "a": {}}

    def hear(self, frame: Frame) -> None:
        for side, held in self.levels.items():
            if frame["type"] == "snapshot":
                held.clear()
            for price, size in frame["data"][side]:
                if Decimal(size):
                    held[Decimal(price)] = Decimal(size)
                else:
                    del held[Decimal(price)]  # what is deleted was there

    def best(self) -> tuple[tuple[Decimal, Decimal], tuple[Decimal, Decimal]]:
        bids, asks = self.levels["b"], self.levels["a"]
        bid, ask = max(bids), min(asks)
        return (bid, bids[bid]), (ask, asks[ask])


def books(frames: list[Frame], depth: int) -> Iterator[tuple[Frame, Sides]]:
    """Each frame of a book, and the book after it."""
    sides = Sides()
    for frame in of(frames, f"orderbook.{depth}"):
        sides.hear(frame)
        yield frame, sides


def check_books(frames: list[Frame]) -> None:
    tops: dict[tuple[int, int], object] = {}
    for depth in (1, 50, 200):
        numbers: list[int] = []
        fullest = 0
        for frame, sides in books(frames, depth):
            numbers.append(frame["data"]["u"])
            (bid, _), (ask, _) = best = sides.best()
            assert bid < ask
            lengths = [len(held) for held in sides.levels.values()]
            assert max(lengths) <= depth
            fullest = max(fullest, min(lengths))
            tops[depth, frame["data"]["seq"]] = best
            assert frame["cts"] <= frame["ts"]
        steps = {later - earlier for earlier, later in pairwise(numbers)}
        assert steps <= ({1} if depth > 1 else {0, 1})  # depth 1 repeats what is quiet
        assert len(numbers) > 100
        assert fullest == depth
        assert [f["type"] for f in of(frames, f"orderbook.{depth}")][1:] == (
            ["snapshot" if depth == 1 else "delta"] * (len(numbers) - 1)
        )
    shared = [(depth, seq) for depth, seq in tops if depth > 1 and (1, seq) in tops]
    assert len(shared) > 50
    assert all(tops[key] == tops[1, key[1]] for key in shared)


def check_trades(frames: list[Frame]) -> None:
    trades = [trade for frame in of(frames, "publicTrade") for trade in frame["data"]]
    assert len(trades) > 50
    assert len({trade["i"] for trade in trades}) == len(trades)
    assert all(a["T"] <= b["T"] and a["seq"] <= b["seq"] for a, b in pairwise(trades))


def check_candles(frames: list[Frame]) -> None:
    trades = [trade for frame in of(frames, "publicTrade") for trade in frame["data"]]
    closed = [c for frame in of(frames, "kline") for c in frame["data"] if c["confirm"]]
    assert len(closed) == MINUTES + 1
    for before, candle in pairwise(closed):
        assert candle["start"] == before["end"] + 1
        assert candle["open"] == before["close"]
        inside = [t for t in trades if candle["start"] <= t["T"] <= candle["end"]]
        prices = [Decimal(before["close"]), *(Decimal(trade["p"]) for trade in inside)]
        assert len(prices) > 20
        found = [Decimal(candle[key]) for key in ("close", "high", "low")]
        assert found == [prices[-1], max(prices), min(prices)]
        assert Decimal(candle["volume"]) == sum(Decimal(trade["v"]) for trade in inside)
        assert candle["timestamp"] == inside[-1]["T"]


def check_tickers(frames: list[Frame], category: Category) -> None:
    """Each as of its own time: by the last trade and the last best levels until then."""
    trades = [trade for frame in of(frames, "publicTrade") for trade in frame["data"]]
    times = [trade["T"] for trade in trades]
    tops = [(frame["ts"], frame["data"]) for frame in of(frames, "orderbook.1")]
    state: dict[str, str] = {}
    checked = 0
    for frame in of(frames, "tickers"):
        state |= frame["data"]
        place = bisect_right(times, frame["ts"])
        if not place:
            continue
        checked += 1
        assert Decimal(state["lastPrice"]) == Decimal(trades[place - 1]["p"])
        if category != "spot":
            (top,) = [data for ts, data in tops if ts <= frame["ts"]][-1:]
            assert [[state["bid1Price"], state["bid1Size"]]] == top["b"]
            assert [[state["ask1Price"], state["ask1Size"]]] == top["a"]
    assert checked > 50


@pytest.mark.parametrize(
    ("category", "symbol"), [("inverse", "BTCUSD"), ("linear", "BTCUSDT"), ("spot", "BTCUSDT")]
)
def test_what_is_rebuilt_agrees(category: Category, symbol: str) -> None:
    async def main() -> list[Frame]:
        async with asyncio.timeout(45):
            return await listen(category, symbol)

    frames = asyncio.run(main())
    check_books(frames)
    check_trades(frames)
    check_candles(frames)
    check_tickers(frames, category)
