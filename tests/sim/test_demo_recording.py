"""The invented market of the demo agrees with itself, and is what its script writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

import pytest

from tests.sim import make_demo_recording as script

SYMBOLS = ("BTCUSD", "ETHUSD")
Side = dict[Decimal, Decimal]


@pytest.fixture(scope="module")
def frames() -> list[dict]:
    return [json.loads(line) for line in script.PATH.read_text().splitlines()]


def of(frames: list[dict], topic: str) -> list[dict]:
    return [frame for frame in frames if frame["topic"] == topic]


def trades(frames: list[dict], symbol: str) -> list[dict]:
    return [item for frame in of(frames, f"publicTrade.{symbol}") for item in frame["data"]]


def books(frames: list[dict], symbol: str) -> Iterator[tuple[dict, Side, Side]]:
    """Each update with the book after it, kept by the rules of the protocol."""
    bids: Side = {}
    asks: Side = {}
    for frame in of(frames, f"orderbook.50.{symbol}"):
        for side, key in ((bids, "b"), (asks, "a")):
            if frame["type"] == "snapshot":
                side.clear()
            for price, size in frame["data"][key]:
                if Decimal(size):
                    side[Decimal(price)] = Decimal(size)
                else:
                    del side[Decimal(price)]
        yield frame, bids, asks


def test_it_is_what_the_script_writes() -> None:
    text = "\n".join(script.lines()) + "\n"
    assert text == script.PATH.read_text()
    assert len(text.encode()) < 400 * 1024


def test_it_is_in_the_order_of_time_and_long_enough(frames: list[dict]) -> None:
    times = [frame["ts"] for frame in frames]
    assert times == sorted(times)
    assert 60_000 < times[-1] - times[0] < 90_000
    assert max(after - before for before, after in pairwise(times)) <= 500


def test_every_kind_is_there(frames: list[dict]) -> None:
    kinds = ("publicTrade", "orderbook.50", "tickers", "kline.1", "allLiquidation")
    expected = {f"{kind}.{symbol}" for kind in kinds for symbol in SYMBOLS}
    assert {frame["topic"] for frame in frames} == expected | {"insurance.inverse"}
    assert [f["type"] for f in of(frames, "insurance.inverse")] == ["snapshot", "delta"]


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_book(frames: list[dict], symbol: str) -> None:
    updates = list(of(frames, f"orderbook.50.{symbol}"))
    assert [frame["type"] for frame in updates] == ["snapshot"] + ["delta"] * (len(updates) - 1)
    assert all(b["data"]["u"] == a["data"]["u"] + 1 for a, b in pairwise(updates))
    assert all(b["data"]["seq"] > a["data"]["seq"] for a, b in pairwise(updates))
    for frame, bids, asks in books(frames, symbol):
        assert (len(bids), len(asks)) == (50, 50)
        assert max(bids) < min(asks)
        for key, sign in (("b", -1), ("a", 1)):
            prices = [sign * Decimal(price) for price, _ in frame["data"][key]]
            assert prices == sorted(set(prices))


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_trades_are_at_the_touch(frames: list[dict], symbol: str) -> None:
    """A frame's first trade takes the best price of the book before it, and no more than it had."""
    book = books(frames, symbol)
    update, bids, asks = next(book)
    counted = 0
    for frame in of(frames, f"publicTrade.{symbol}"):
        at_ms = frame["data"][0]["T"]
        touch = None
        while update["cts"] < at_ms:
            touch = (max(bids), min(asks), bids[max(bids)], asks[min(asks)])
            update, bids, asks = next(book)
        if touch is None:
            continue
        counted += 1
        first = frame["data"][0]
        bid, ask, bid_size, ask_size = touch
        buys = first["S"] == "Buy"
        assert Decimal(first["p"]) == (ask if buys else bid)
        assert Decimal(first["v"]) <= (ask_size if buys else bid_size)
        assert update["data"]["seq"] >= frame["data"][-1]["seq"]
    assert counted > 50


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_trades(frames: list[dict], symbol: str) -> None:
    found = trades(frames, symbol)
    assert len({trade["i"] for trade in found}) == len(found)
    assert all(b["seq"] >= a["seq"] for a, b in pairwise(found))
    assert all(b["T"] >= a["T"] for a, b in pairwise(found))
    for before, after in pairwise(found):
        step = Decimal(after["p"]) - Decimal(before["p"])
        if step:
            assert after["L"] == ("PlusTick" if step > 0 else "MinusTick")
        else:
            assert after["L"] == "Zero" + before["L"].removeprefix("Zero")


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_tickers_agree_with_trades_and_book(frames: list[dict], symbol: str) -> None:
    state: dict[str, str] = {}
    last, bids, asks = None, {}, {}
    book = {id(frame): (dict(b), dict(a)) for frame, b, a in books(frames, symbol)}
    traded = 0
    first_volume = None
    for frame in frames:
        if frame["topic"] == f"publicTrade.{symbol}":
            last = frame["data"][-1]["p"]
            traded += sum(int(trade["v"]) for trade in frame["data"]) if first_volume else 0
        elif frame["topic"] == f"orderbook.50.{symbol}":
            bids, asks = book[id(frame)]
        elif frame["topic"] == f"tickers.{symbol}":
            assert frame["type"] == ("delta" if state else "snapshot")
            if state:
                changed = {k: v for k, v in frame["data"].items() if k != "symbol"}
                pairs = {"bid1Price", "bid1Size", "ask1Price", "ask1Size"}
                assert all(state[k] != v for k, v in changed.items() if k not in pairs)
                assert ("bid1Price" in changed) == ("bid1Size" in changed)
                assert ("ask1Price" in changed) == ("ask1Size" in changed)
            state |= frame["data"]
            first_volume = first_volume or int(state["volume24h"])
            assert last is None or state["lastPrice"] == last
            bid, ask = Decimal(state["bid1Price"]), Decimal(state["ask1Price"])
            assert (bid, ask) == (max(bids), min(asks))
            assert (Decimal(state["bid1Size"]), Decimal(state["ask1Size"])) == (
                bids[bid],
                asks[ask],
            )
            assert int(state["volume24h"]) == first_volume + traded
    assert traded > 0
    assert len(state) == 22


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_candles_are_made_of_the_trades(frames: list[dict], symbol: str) -> None:
    seen: list[dict] = []
    rows = [row for frame in of(frames, f"kline.1.{symbol}") for row in frame["data"]]
    begins = of(frames, f"kline.1.{symbol}")[0]["ts"]
    closed = [row for row in rows if row["confirm"]]
    assert len(closed) == 2
    whole = [row for row in rows if row["start"] >= begins]
    assert any(row["confirm"] for row in whole)
    for row in whole:
        inside = [
            trade
            for trade in trades(frames, symbol)
            if row["start"] <= trade["T"] <= row["end"] and trade["T"] <= row["timestamp"]
        ]
        if inside:
            prices = [Decimal(trade["p"]) for trade in inside]
            volume = sum(int(trade["v"]) for trade in inside)
            turnover = sum(Decimal(t["v"]) / Decimal(t["p"]) for t in inside)
            opened = Decimal(row["open"])
            assert Decimal(row["high"]) == max([opened, *prices])
            assert Decimal(row["low"]) == min([opened, *prices])
            assert Decimal(row["close"]) == prices[-1]
            assert int(row["volume"]) == volume
            assert abs(Decimal(row["turnover"]) - turnover) < Decimal("0.00001")
        seen += inside
    assert seen
    for before, after in pairwise(rows):
        if after["start"] != before["start"]:
            assert before["confirm"]
            assert after["open"] == before["close"]


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_closed_candle_and_the_next_share_a_frame(frames: list[dict], symbol: str) -> None:
    both = [frame["data"] for frame in of(frames, f"kline.1.{symbol}") if len(frame["data"]) > 1]
    assert len(both) == 2
    for closed, newborn in both:
        assert (closed["confirm"], newborn["confirm"]) == (True, False)
        assert newborn["start"] == closed["end"] + 1 == closed["start"] + 60_000
