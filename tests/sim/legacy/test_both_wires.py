"""The same market on both wires: what V5 says and what the legacy socket says is one thing.

The conversions are written by hand here, from the documents of both wires.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from rxbybit.sim import Exchange, Market
from rxbybit.sim.legacy.board import Board
from tests.sim.clock import Clock, passes
from tests.sim.legacy.talk import LegacyBook, market, of_topic, realtime
from tests.sim.market.journal import START_MS
from tests.sim.peer import connected, run, until_pong

SYMBOLS = ("BTCUSD", "ETHUSD", "BTCUSDH26")
SCALED = Decimal(10) ** -4, Decimal(10) ** -6, Decimal(10) ** -8


def heard_on_both(
    v5: Sequence[str], legacy: Sequence[str], steps: Sequence[int], start_ms: int = START_MS
) -> tuple[list[str], list[str]]:
    """What both sockets send while the market passes in these steps (milliseconds)."""

    async def main() -> tuple[list[str], list[str]]:
        clock = Clock()
        async with (
            Exchange(market=market(start_ms=start_ms), clock=clock) as exchange,
            connected(exchange, "inverse") as new,
            realtime(exchange) as old,
        ):
            assert (await new.subscribe(*v5))["success"]
            assert (await old.ask(op="subscribe", args=legacy))["success"]
            heard = [], []
            for step in (*steps, 0):
                await passes(exchange, clock, step)
                for peer, frames in zip((new, old), heard, strict=True):
                    frames.extend(await until_pong(peer))
            return heard

    return run(main())


def seconds(text: str) -> int:
    """ISO text as milliseconds."""
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * 1_000


def candle_of_v5(item: dict[str, Any]) -> dict[str, Any]:
    keys = ("open", "close", "high", "low", "volume", "turnover")
    numbers = {key: Decimal(item[key]) for key in keys}
    times = {"start": item["start"], "end": item["end"], "time": item["timestamp"]}
    return numbers | times | {"confirm": item["confirm"]}


def candle_of_legacy(item: dict[str, Any]) -> dict[str, Any]:
    keys = ("open", "close", "high", "low", "volume", "turnover")
    numbers = {key: Decimal(item[key]) for key in keys}
    times = {"start": item["start"] * 1_000, "end": item["end"] * 1_000 - 1}
    return numbers | times | {"time": item["timestamp"] // 1_000, "confirm": item["confirm"]}


def compare_trades(new: list[str], old: list[str], symbol: str) -> int:
    v5 = [
        (t["T"], t["i"], Decimal(t["p"]), Decimal(t["v"]), t["S"], t["L"], t["seq"], t["s"])
        for frame in of_topic(new, f"publicTrade.{symbol}")
        for t in frame["data"]
    ]
    legacy = []
    for frame in of_topic(old, f"trade.{symbol}"):
        assert list(frame) == ["topic", "data"]
        for t in frame["data"]:
            assert seconds(t["timestamp"]) == t["trade_time_ms"] // 1_000 * 1_000
            assert t["timestamp"].endswith(".000Z")
            who = t["trade_time_ms"], t["trade_id"], Decimal(t["price"]), Decimal(t["size"])
            legacy.append((*who, t["side"], t["tick_direction"], t["cross_seq"], t["symbol"]))
    assert legacy == v5
    return len(v5)


def compare_candles(new: list[str], old: list[str], interval: str, symbol: str) -> int:
    v5 = of_topic(new, f"kline.{interval}.{symbol}")
    legacy = of_topic(old, f"klineV2.{interval}.{symbol}")
    assert [frame["timestamp_e6"] for frame in legacy] == [frame["ts"] * 1_000 for frame in v5]
    for ours, theirs in zip(legacy, v5, strict=True):
        assert list(ours) == ["topic", "data", "timestamp_e6"]
        assert [candle_of_legacy(i) for i in ours["data"]] == [
            candle_of_v5(i) for i in theirs["data"]
        ]
    return len(v5)


@pytest.mark.parametrize("symbol", ["BTCUSD", "ETHUSD"])
def test_candles_of_every_interval(symbol: str) -> None:
    """Years of them are in the past of the default market: nothing is lost in its numbers."""
    pure = Market(seed=5, start_ms=START_MS + 7_777)
    board = Board(pure)
    list(pure.advance(START_MS + 40_000))
    for interval in ["1", "3", "5", "15", "30", "60", "120", "240", "360", "720", "D", "W", "M"]:
        pure.want("inverse", f"kline.{interval}.{symbol}")
        board.want(f"klineV2.{interval}.{symbol}")
        theirs = pure.snapshot("inverse", f"kline.{interval}.{symbol}")
        ours = json.dumps(board.snapshot(f"klineV2.{interval}.{symbol}"))
        (item,) = json.loads(ours, parse_float=Decimal)["data"]
        assert theirs is not None
        assert candle_of_legacy(item) == candle_of_v5(theirs["data"][0])


def compare_liquidations(new: list[str], old: list[str], symbol: str) -> int:
    v5 = [
        (item["T"], item["s"], item["S"], Decimal(item["v"]), Decimal(item["p"]))
        for frame in of_topic(new, f"allLiquidation.{symbol}")
        for item in frame["data"]
    ]
    legacy = [
        (item["time"], item["symbol"], item["side"], Decimal(item["qty"]), Decimal(item["price"]))
        for item in (frame["data"] for frame in of_topic(old, f"liquidation.{symbol}"))
    ]
    assert legacy == v5
    return len(v5)


def test_trades_candles_liquidations_and_insurance() -> None:
    start_ms = START_MS - 86_400_000 + (20 * 60 - 8) * 60_000
    v5 = [f"{kind}.{s}" for kind in ("publicTrade", "kline.5", "allLiquidation") for s in SYMBOLS]
    old = ["trade", "klineV2.5.*", "liquidation.*", "insurance"]
    new, old = heard_on_both([*v5, "insurance.inverse"], old, [20_000] * 36, start_ms)
    assert all(compare_trades(new, old, symbol) > 300 for symbol in SYMBOLS)
    assert all(compare_candles(new, old, "5", symbol) > 100 for symbol in SYMBOLS)
    assert sum(compare_liquidations(new, old, symbol) for symbol in SYMBOLS) > 5
    for coin, symbols in (("BTC", {"BTCUSD", "BTCUSDH26"}), ("ETH", {"ETHUSD"})):
        told = of_topic(old, f"insurance.{coin}")
        assert [seconds(f["data"][0]["timestamp"]) for f in told] == [
            start_ms,
            start_ms + 8 * 60_000,
        ]
        for frame in told:
            (item,) = frame["data"]
            assert list(item) == ["currency", "timestamp", "wallet_balance"]
            pools: dict[str, Decimal] = {}
            for pushed in of_topic(new, "insurance.inverse"):
                if pushed["ts"] <= seconds(item["timestamp"]):
                    pools |= {p["symbols"]: Decimal(p["balance"]) for p in pushed["data"]}
            balance = sum(pools[symbol] for symbol in symbols)
            assert item["wallet_balance"] == balance * 10**8
        first, last = (frame["data"][0]["wallet_balance"] for frame in told)
        assert coin != "BTC" or first != last


PAIRS = {
    "last_price": "lastPrice",
    "bid1_price": "bid1Price",
    "ask1_price": "ask1Price",
    "prev_price_24h": "prevPrice24h",
    "high_price_24h": "highPrice24h",
    "low_price_24h": "lowPrice24h",
    "prev_price_1h": "prevPrice1h",
    "mark_price": "markPrice",
    "index_price": "indexPrice",
}
PLAIN = {"open_interest": "openInterest", "volume_24h": "volume24h"}


def ticker_of_legacy(data: dict[str, Any]) -> dict[str, Any]:
    """What both wires have, in the words of V5."""
    e4, e6, e8 = SCALED
    same: dict[str, Any] = {"tickDirection": data["last_tick_direction"]}
    for ours, theirs in PAIRS.items():
        same[theirs] = Decimal(data[ours])
        assert data[f"{ours}_e4"] * e4 == same[theirs]
    same |= {theirs: Decimal(data[ours]) for ours, theirs in PLAIN.items()}
    same["price24hPcnt"] = data["price_24h_pcnt_e6"] * e6
    same["openInterestValue"] = data["open_value_e8"] * e8
    same["turnover24h"] = data["turnover_24h_e8"] * e8
    if "funding_rate_e6" in data:
        same["nextFundingTime"] = Decimal(seconds(data["next_funding_time"]))
        same["fundingIntervalHour"] = Decimal(data["funding_rate_interval"])
        same["fundingRate"] = data["funding_rate_e6"] * e6
    else:
        same["basis"] = data["fair_basis_e8"] * e8
        same["basisRate"] = data["fair_basis_rate_e8"] * e8
        same["predictedDeliveryPrice"] = Decimal(data["expect_price"])
    return same


def ticker_of_v5(data: dict[str, str], keys: Sequence[str]) -> dict[str, Any]:
    same = {key: data[key] if key == "tickDirection" else Decimal(data[key]) for key in keys}
    if "fundingRate" in same:  # the other wire has no more decimals
        same["fundingRate"] = round(Decimal(data["fundingRate"]), 6)
    return same


def states(frames: list[dict[str, Any]], *, legacy: bool) -> list[tuple[int, int, dict[str, Any]]]:
    """(ms, sequence, the merged ticker) after each frame."""
    found: list[tuple[int, int, dict[str, Any]]] = []
    for frame in frames:
        data = frame["data"]
        ms, sequence = frame["ts" if not legacy else "timestamp_e6"], frame.get("cs", 0)
        if legacy:
            ms, sequence = ms // 1_000, frame["cross_seq"]
        if legacy and frame["type"] == "delta":
            assert list(data) == ["delete", "update", "insert"]
            assert data["delete"] == data["insert"] == []
            (data,) = data["update"]
            assert data["cross_seq"] == sequence
        base = found[-1][2] if found else {}
        assert (frame["type"] == "snapshot") == (not found)
        found.append((ms, sequence, base | data))
    return found


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_tickers(symbol: str) -> None:
    topics = [f"tickers.{symbol}"], [f"instrument_info.100ms.{symbol}"]
    new, old = heard_on_both(*topics, [10_000] * 15)
    v5 = states(of_topic(new, f"tickers.{symbol}"), legacy=False)
    legacy = states(of_topic(old, f"instrument_info.100ms.{symbol}"), legacy=True)
    assert len(legacy) > 500
    times = [ms for ms, _, _ in v5]
    for ms, sequence, data in legacy:
        ours = ticker_of_legacy(data)
        place = bisect_right(times, ms) - 1
        assert ours == ticker_of_v5(v5[place][2], list(ours))
        assert v5[place][0] < ms or v5[place][1] == sequence
    # And V5 knows nothing of these fields that the other wire has not said.
    times = [ms for ms, _, _ in legacy]
    for ms, _, data in v5:
        ours = ticker_of_legacy(legacy[bisect_right(times, ms) - 1][2])
        assert ours == ticker_of_v5(data, list(ours))


@pytest.mark.parametrize(
    ("kind", "depth", "twin"),
    [("orderBookL2_25", 25, "orderbook.50"), ("orderBook_200.100ms", 200, "orderbook.200")],
)
def test_books(kind: str, depth: int, twin: str) -> None:
    new, old = heard_on_both([f"{twin}.ETHUSD"], [f"{kind}.ETHUSD"], [5_000] * 12)
    theirs: dict[str, dict[Decimal, Decimal]] = {"b": {}, "a": {}}
    pending = of_topic(new, f"{twin}.ETHUSD")
    frames = of_topic(old, f"{kind}.ETHUSD")
    rebuilt = LegacyBook(frames[0])
    for frame in frames:
        if frame is not frames[0]:
            rebuilt.apply(frame)
        sequence = None
        while pending and pending[0]["ts"] * 1_000 <= frame["timestamp_e6"]:
            newest = pending.pop(0)
            sequence = newest["data"]["seq"]
            for side, levels in theirs.items():
                for price, size in newest["data"][side]:
                    levels[Decimal(price)] = Decimal(size)
                    if size == "0":
                        del levels[Decimal(price)]
        assert sequence == frame["cross_seq"]
        assert rebuilt.levels("Buy") == sorted(theirs["b"].items(), reverse=True)[:depth]
        assert rebuilt.levels("Sell") == sorted(theirs["a"].items())[:depth]
    assert len(frames) > 100


def test_the_frames_of_v5_are_the_same_with_a_legacy_link_and_without() -> None:
    topics = [f"{kind}.BTCUSD" for kind in ("publicTrade", "orderbook.50", "tickers", "kline.1")]
    everything = ["trade", "orderBookL2_25", "orderBook_200.100ms", "instrument_info.100ms"]
    with_it, old = heard_on_both(topics, [*everything, "klineV2.1"], [7_000] * 10)
    again, old_again = heard_on_both(topics, [*everything, "klineV2.1"], [7_000] * 10)
    without, nothing = heard_on_both(topics, [], [7_000] * 10)
    assert nothing == []
    assert with_it == without == again
    assert old == old_again
    assert len({json.loads(frame)["topic"] for frame in old}) == 3 * len([*everything, "k"])
