"""Every key of a legacy frame, in the order of the wire, against the page and against captures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rxbybit.sim.legacy.board import Board
from rxbybit.sim.legacy.liquidations import LiquidationFeed, next_report_ms
from rxbybit.sim.legacy.spelling import iso
from rxbybit.sim.legacy.ticker import TickerFeed
from rxbybit.sim.market import Market, Temper
from rxbybit.sim.market.liquidations import Position
from tests.sim.legacy.talk import DATED, ETH, market
from tests.sim.market.journal import START_MS, of, small

LEVEL = ["price", "symbol", "id", "side", "size"]
TRADE = ["trade_time_ms", "timestamp", "symbol", "side", "size", "price", "tick_direction"]
TRADE += ["trade_id", "cross_seq"]
CANDLE = ["start", "end", "open", "close", "high", "low", "volume", "turnover", "confirm"]
CANDLE += ["cross_seq", "timestamp"]
LIQUIDATION = ["symbol", "side", "price", "qty", "time"]


def said(topic: str, ms: int = 60_000, start_ms: int = START_MS) -> list[dict[str, Any]]:
    """The snapshot of a topic and what follows."""
    pure = market(start_ms=start_ms)
    board = Board(pure)
    board.want(topic)
    first = board.snapshot(topic)
    pushes = list(pure.advance(start_ms + ms))
    assert {push.category for push in pushes} <= {"inverse"}
    return [*([first] if first else []), *(push.content for push in of(pushes, topic))]


def types(value: Any) -> Any:
    """What a value is on the wire, nested."""
    if isinstance(value, dict):
        return {key: types(one) for key, one in value.items()}
    if isinstance(value, list):
        return [types(value[0])] if value else []
    # Prices are numbers, with or without a point.
    return "number" if type(value) in (int, float) else type(value).__name__


def captured(folder: Path, name: str, **wanted: str) -> Iterator[dict[str, Any]]:
    for line in (folder / "legacy" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        frame = json.loads(line) if line.strip() else {}
        if all(frame.get(key) == value for key, value in wanted.items()):
            yield frame


def test_trades() -> None:
    frames = said("trade.BTCUSD")
    assert {tuple(frame) for frame in frames} == {("topic", "data")}
    items = [item for frame in frames for item in frame["data"]]
    assert {tuple(item) for item in items} == {tuple(TRADE)}
    assert any(len(frame["data"]) > 1 for frame in frames)
    assert {type(item["price"]) for item in items} == {int, float}
    assert {type(item["size"]) for item in items} == {int}
    assert all(item["price"] * 2 == int(item["price"] * 2) for item in items)


def test_each_frame_of_trades_holds_a_tenth_of_a_second() -> None:
    pure = market()
    board = Board(pure)
    board.want("trade.BTCUSD")
    for push in pure.advance(START_MS + 60_000):
        assert push.ms % 100 == 0
        assert {-(-item["trade_time_ms"] // 100) * 100 for item in push.content["data"]} == {
            push.ms
        }


def test_candles() -> None:
    first, *frames = said("klineV2.1.BTCUSD", 130_000)
    assert {tuple(frame) for frame in (first, *frames)} == {("topic", "data", "timestamp_e6")}
    items = [item for frame in frames for item in frame["data"]]
    assert {tuple(item) for item in (*items, *first["data"])} == {tuple(CANDLE)}
    assert {item["end"] - item["start"] for item in items} == {60}
    closed = [frame for frame in frames if frame["data"][0]["confirm"]]
    assert [[i["start"] - START_MS // 1_000 for i in f["data"]] for f in closed] == [
        [0, 60],
        [60, 120],
    ]
    (month,) = said("klineV2.M.BTCUSD", 0)[0]["data"]
    assert (month["start"], month["end"]) == (1_767_225_600, 1_769_904_000)


def test_a_ticker_says_both_spellings_of_a_price() -> None:
    first, *frames = said("instrument_info.100ms.BTCUSD")
    state = first["data"]
    pairs = [key for key in state if f"{key}_e4" in state]
    assert len(pairs) == 9
    assert state["id"] == 1
    sums = state["total_volume"], state["total_turnover_e8"]
    assert sums[0] > state["volume_24h"]
    assert sums[1] > state["turnover_24h_e8"]
    for frame in frames:
        assert list(frame) == ["topic", "type", "data", "cross_seq", "timestamp_e6"]
        (data,) = frame["data"]["update"]
        assert list(data)[:2] == ["id", "symbol"]
        assert {"cross_seq", "created_at", "updated_at"} <= data.keys() <= state.keys()
        assert [key for key in state if key in data] == list(data)
        assert data["updated_at"] == iso(frame["timestamp_e6"] // 1_000)
        changed = data.keys() - {"id", "symbol", "cross_seq", "created_at", "updated_at"}
        assert changed
        for pair in pairs:
            assert (pair in data) == (f"{pair}_e4" in data)
        # Of what is not a spelling of a price, nothing is said that has not changed.
        assert all(state[key] != data[key] for key in changed if not key.endswith("_e4"))
        state = state | data
    gained = state["total_volume"] - sums[0], state["total_turnover_e8"] - sums[1]
    trades = [item for frame in said("trade.BTCUSD") for item in frame["data"]]
    assert gained[0] == sum(trade["size"] for trade in trades)
    assert gained[1] == sum(trade["size"] * 10**9 // round(trade["price"] * 10) for trade in trades)


def test_the_total_is_that_of_all_candles() -> None:
    pure = market()
    board = Board(pure)
    list(pure.advance(START_MS + 33_000))
    board.want("instrument_info.100ms.BTCUSD")
    state = (board.snapshot("instrument_info.100ms.BTCUSD") or {})["data"]
    candles = list(pure.pits["inverse", "BTCUSD"].candles.newest("D", 0, pure.now_ms))
    assert len(candles) == 71
    assert state["total_volume"] == sum(candle.lots for candle in candles)
    assert state["total_turnover_e8"] == sum(candle.value for candle in candles)


def test_a_dated_contract() -> None:
    first, *frames = said("instrument_info.100ms.BTCUSDH26")
    data = first["data"]
    assert data["symbol_name"] == "BTCUSD0224"
    assert data["symbol_year"] == 2026
    assert data["time_to_settle"] == 50 * 86_400
    assert data["settle_time_e9"] == (START_MS + 50 * 86_400_000) * 10**6
    assert "funding_rate_e6" not in data
    last = frames[-1]["data"]["update"][0]
    assert data["time_to_settle"] - last["time_to_settle"] in (58, 59, 60)
    assert "updated_at_e9" not in last
    assert last["cross_seq"] == frames[-1]["cross_seq"]


def test_liquidations_are_told_at_once() -> None:
    pure = market()
    board = Board(pure)
    board.want("liquidation.BTCUSD")
    pushes = list(pure.advance(START_MS + 1_200_000))
    assert len(pushes) > 5
    for push in pushes:
        assert list(push.content) == ["topic", "data"]
        assert list(push.content["data"]) == LIQUIDATION
        assert push.content["data"]["time"] == push.ms
    feed = LiquidationFeed(small())
    feed.liquidated(7, Position("Buy", 9, 120_000), 9)
    feed.liquidated(7, Position("Sell", 3, 120_003), 2)
    assert feed.every_ms == 1
    long, short = (frame["data"] for frame in feed.flush(7))
    assert list(long.values()) == ["BTCUSD", "Buy", "60000.00", "9", 7]
    assert list(short.values()) == ["BTCUSD", "Sell", "60001.50", "2", 7]
    assert feed.flush(8) == []


def test_insurance_is_told_each_day_at_20_h() -> None:
    hour = 3_600_000
    day = START_MS // 86_400_000 * 86_400_000
    for since, due in ((0, 20), (20, 44), (19.99, 20), (21, 44)):
        assert next_report_ms(day + int(since * hour)) == day + due * hour
    start_ms = day + 20 * hour - 5_000
    first, *later = said("insurance.ETH", 60_000, start_ms)
    assert first["data"] == [
        {"currency": "ETH", "timestamp": "2026-01-05T19:59:55Z", "wallet_balance": 10**11}
    ]
    assert [frame["data"][0]["timestamp"] for frame in later] == ["2026-01-05T20:00:00Z"]
    assert list(first) == ["topic", "data"]


def test_insurance_is_told_again_the_day_after() -> None:
    quiet = small(temper=Temper(rate=0.001, patience=5))
    pure = Market(seed=1, start_ms=START_MS + 20 * 3_600_000 - 1, instruments=(quiet,))
    board = Board(pure)
    board.want("insurance.BTC")
    pushes = list(pure.advance(START_MS + 44 * 3_600_000))
    assert [push.ms - START_MS for push in pushes] == [20 * 3_600_000, 44 * 3_600_000]


def test_what_is_wanted_twice_goes_on_as_it_was() -> None:
    pure = market()
    board = Board(pure)
    topics = ("orderBookL2_25.BTCUSD", "trade.BTCUSD")
    pushes = []
    for ms in (1_013, 2_009, 3_000):
        for topic in topics:
            board.want(topic)
        pushes += pure.advance(START_MS + ms)
    once = market()
    board = Board(once)
    for topic in topics:
        board.want(topic)
    assert pushes == list(once.advance(START_MS + 3_000))


def test_insurance_that_nobody_hears_is_not_told() -> None:
    start_ms = START_MS + 20 * 3_600_000 - 1_000
    pure = market(start_ms=start_ms)
    board = Board(pure)
    board.want("insurance.BTC")
    board.forget("insurance.BTC")
    board.want("insurance.BTC")
    assert len(list(pure.advance(start_ms + 2_000))) == 1


def test_a_side_without_orders_has_no_price() -> None:
    pure = Market(seed=1, start_ms=START_MS, instruments=(small(),))
    pit = pure.pits["inverse", "BTCUSD"]
    feed = TickerFeed(pit, START_MS)
    for number, order in list(pit.book.orders.items()):
        if order.side == "Buy":
            pit.book.cancel(number)
    (frame,) = feed.flush(START_MS)
    (data,) = frame["data"]["update"]
    assert (data["bid1_price"], data["bid1_price_e4"]) == ("", 0)
    assert "ask1_price" not in data
    assert feed.flush(START_MS) == []


@pytest.mark.parametrize(
    ("name", "kind", "wanted", "symbol"),
    [
        ("trade", "trade", {"topic": "trade.BTCUSD"}, "BTCUSD"),
        ("order_book_25", "orderBookL2_25", {"type": "snapshot"}, "BTCUSD"),
        ("order_book_200", "orderBook_200.100ms", {"type": "snapshot"}, "BTCUSD"),
        ("kline", "klineV2.1", {"topic": "klineV2.1.BTCUSD"}, "BTCUSD"),
        ("instrument_info", "instrument_info.100ms", {"type": "snapshot"}, "BTCUSD"),
        ("instrument_info", "instrument_info.100ms", {"type": "snapshot"}, "BTCUSDH26"),
        ("insurance", "insurance", {}, "BTC"),
        ("liquidation", "liquidation", {}, "BTCUSD"),
    ],
)
def test_as_captured(frames: Path, name: str, kind: str, wanted: dict, symbol: str) -> None:
    seen = captured(folder=frames, name=name, **wanted)
    dated = symbol == DATED.symbol
    theirs = next(
        f for f in seen if (("M22" in f["topic"]) if dated else ("M22" not in f["topic"]))
    )
    ours = said(f"{kind}.{symbol}", 1_200_000 if kind == "liquidation" else 60_000)[0]
    assert types(ours) == types(theirs)
    assert list(ours) == list(theirs)
    for data, other in zip(_objects(ours), _objects(theirs), strict=False):
        assert list(data) == list(other)


def _objects(frame: dict[str, Any]) -> list[dict[str, Any]]:
    return frame["data"] if isinstance(frame["data"], list) else [frame["data"]]


def test_topics() -> None:
    pure = market()
    board = Board(pure)
    assert board.matching("trade.*") == ["trade.BTCUSD", "trade.ETHUSD", "trade.BTCUSDH26"]
    assert board.matching("insurance.*") == ["insurance.BTC", "insurance.ETH"]
    assert board.matching("trade.BTCUSDT") == board.matching("order") == []
    assert len(board.topics) == 3 * 18 + 2
    assert "trade.BTCUSDT" not in board.topics
    assert ETH.settle == "ETH"
