"""Every recorded frame of the legacy wire decodes, or is a control frame."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from rxbybit.book import BookDelta, BookSnapshot, OrderBook
from rxbybit.bookkeeping import BookKeeper, BookText, NoRenewal
from rxbybit.errors import DecodeError
from rxbybit.protocol.base import Authenticated, Pong, Reply
from rxbybit.protocol.legacy import Legacy
from rxbybit.schema.decoder import TopicDecoder
from rxbybit.streams import ORDER_BOOK, find_specs
from rxbybit.streams.kline import Kline
from rxbybit.streams.trade import Trade
from rxbybit.ticker import TickerState, TickerUpdate
from tests.conformance.keys import unknown_keys

# Only the data of a frame stands in a line of this file; in this order.
PARTS = [
    *("wallet", "insurance.BTC", "klineV2.1.BTCUSD", "liquidation.ETHUSD", "order", "position"),
    *("stop_order", "instrument_info.100ms.BITUSD", "trade.BTCUSD", "execution"),
]
TIMED: dict[str, dict[str, object]] = {
    "klineV2": {"timestamp_e6": 1572425677047994},
    "instrument_info": {"type": "snapshot", "timestamp_e6": 1642760058000000},
}


@pytest.fixture(params=["msgspec", "marshmallow"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("RXBYBIT_DECODER", request.param)
    return request.param


def lines_of(frames: Path, name: str) -> list[bytes]:
    return (frames / "legacy" / f"{name}.jsonl").read_bytes().splitlines()


def lines(frames: Path) -> Iterator[bytes]:
    for file in sorted((frames / "legacy").glob("*.jsonl")):
        if file.stem not in ("rest_public", "data_parts"):
            yield from file.read_bytes().splitlines()
    for topic, part in zip(PARTS, lines_of(frames, "data_parts"), strict=True):
        envelope = {"topic": topic, "data": json.loads(part, parse_float=Decimal)}
        envelope |= TIMED.get(topic.partition(".")[0], {})
        yield json.dumps(envelope, default=float).encode()


def decoded(data: bytes) -> list[Any]:  # Any: events of whichever stream
    problems: list[DecodeError] = []
    topic = json.loads(data)["topic"]
    specs = find_specs(topic, "legacy")
    assert len(specs) == 1, topic
    events = TopicDecoder(specs[0], "legacy", topic, report=problems.append).decode(data, 1, 1)
    assert problems == []
    return list(events)


# Any: JSON, and events of whichever stream
def all_of(frames: Path, *names: str) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    for name in names:
        for data in lines_of(frames, name):
            frame = json.loads(data, parse_float=Decimal)
            if "topic" in frame:
                yield frame, decoded(data)


def items_of(frame: dict[str, Any]) -> list[Any]:  # Any: JSON
    if "orderBook" in frame["topic"]:
        return [frame["data"]]
    if frame.get("type") == "delta":
        return frame["data"]["update"]
    return frame["data"] if isinstance(frame["data"], list) else [frame["data"]]


def test_every_line_is_an_event_or_an_answer(frames: Path, path: str) -> None:
    seen: Counter[str] = Counter()
    wire = Legacy()
    for data in lines(frames):
        topic = wire.topic_of(data)
        if topic is None:
            control = wire.read(data)
            assert isinstance(control, Pong | Reply | Authenticated)
            seen[type(control).__name__] += 1
        else:
            events = decoded(data)
            assert len(events) == len(items_of(json.loads(data)))
            seen.update(type(event).__name__ for event in events)
    assert seen == {
        "Pong": 2,
        "Reply": 12,
        "Authenticated": 2,
        "Trade": 181,
        "TickerUpdate": 21,
        "Kline": 7,
        "BookSnapshot": 14,
        "BookDelta": 352,
        "Liquidation": 3,
        "Insurance": 3,
        "Position": 6,
        "UserTrade": 5,
        "OrderItem": 14,
        "Balance": 4,
    }


def test_no_key_is_unknown(frames: Path) -> None:
    for data in lines(frames):
        frame = json.loads(data)
        for spec in find_specs(frame.get("topic", ""), "legacy"):
            wire = spec.wire("legacy").at(frame["topic"])
            assert wire is not None
            assert unknown_keys(wire, frame) == set(), frame["topic"]


def test_both_paths_give_the_same(frames: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for data in lines(frames):
        if "topic" not in json.loads(data):
            continue
        monkeypatch.setenv("RXBYBIT_DECODER", "msgspec")
        fast = decoded(data)
        monkeypatch.setenv("RXBYBIT_DECODER", "marshmallow")
        slow = decoded(data)
        assert [e.to_json(meta=True) for e in fast] == [e.to_json(meta=True) for e in slow]
        assert fast == slow


def test_values_come_out_as_they_were_sent(frames: Path, path: str) -> None:
    """Decimals keep their text, whether it is a number's or a text's."""
    seen = 0
    for frame, events in all_of(frames, "trade", "kline", "liquidation"):
        for item, event in zip(items_of(frame), events, strict=True):
            seen += 1
            match event:
                case Trade():
                    assert (str(event.price), str(event.size)) == (
                        str(item["price"]),
                        str(item["size"]),
                    )
                    assert (event.id, event.side) == (item["trade_id"], item["side"])
                    assert (event.symbol, event.sequence) == (item["symbol"], item["cross_seq"])
                    assert event.time_ms == item.get("trade_time_ms", event.time_ms)
                    assert event.tick_direction == item["tick_direction"]
                case Kline():
                    names = ("open", "high", "low", "close", "volume", "turnover")
                    assert [str(getattr(event, n)) for n in names] == [str(item[n]) for n in names]
                    assert event.start_ms == item["start"] * 1000
                    assert event.end_ms == item["end"] * 1000 - 1
                    assert event.time_ms == item["timestamp"] // 1000
                case _:
                    assert (str(event.price), str(event.size)) == (item["price"], item["qty"])
    assert seen == 162


def test_a_capture_comes_out_complete_and_in_order(frames: Path, path: str) -> None:
    captured = [data for data in lines_of(frames, "capture_inverse") if b'"topic"' in data]
    assert len(captured) == 146
    trades: list[Trade] = []
    books: dict[str, BookKeeper] = {}
    full = 0
    for data in captured:
        topic = json.loads(data)["topic"]
        if topic.startswith("trade."):
            trades += decoded(data)
            continue
        keeper = books.setdefault(topic, BookKeeper(NoRenewal(), Decimal))
        book = taken(keeper, topic, data)
        assert (book.state, len(book.bids), len(book.asks)) == ("synced", 25, 25)
        full += 1
    assert (full, sorted(books)) == (142, ["orderBookL2_25.BTCUSD", "orderBookL2_25.EOSUSD"])
    ids = [
        item["trade_id"]
        for data in captured
        if b'"trade.' in data
        for item in json.loads(data)["data"]
    ]
    assert [trade.id for trade in trades] == ids
    assert len(set(ids)) == 13


def taken(keeper: BookKeeper, topic: str, data: bytes) -> OrderBook:
    """The book that is kept, after one more frame of it."""
    problems: list[DecodeError] = []
    decoder = TopicDecoder(ORDER_BOOK, "legacy", topic, report=problems.append)
    (text,) = decoder.decode(data, 1, 1)
    assert problems == []
    assert isinstance(text, BookText)
    keeper.apply(text)
    assert keeper.news is not None
    return keeper.news


class Naive:
    """A book of numbers, kept as the manual says."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[Decimal, Decimal]] = {"Buy": {}, "Sell": {}}

    def take(self, frame: dict[str, Any]) -> None:  # Any: JSON
        data = frame["data"]
        if frame["type"] == "snapshot":
            self.__init__()
            data = {"insert": data}
        for level in data.get("delete", ()):
            self.sides[level["side"]].pop(Decimal(level["price"]), None)
        for level in (*data.get("update", ()), *data.get("insert", ())):
            self.sides[level["side"]][Decimal(level["price"])] = Decimal(level["size"])


@pytest.mark.parametrize(("first", "last", "symbol"), [(0, 80, "EOSUSD"), (80, 190, "BTCUSD")])
def test_a_book_of_25_levels_is_full_after_every_delta(
    frames: Path, path: str, first: int, last: int, symbol: str
) -> None:
    keeper, naive, topic = BookKeeper(NoRenewal(), Decimal), Naive(), f"orderBookL2_25.{symbol}"
    captured = lines_of(frames, "order_book_25")[first:last]
    for data in captured:
        frame = json.loads(data)
        assert frame["topic"] == topic
        naive.take(frame)
        book = taken(keeper, topic, data)
        assert (book.symbol, book.depth, book.state) == (symbol, 25, "synced")
        assert book.bids == tuple(sorted(naive.sides["Buy"].items(), reverse=True))
        assert book.asks == tuple(sorted(naive.sides["Sell"].items()))
        assert (len(book.bids), len(book.asks)) == (25, 25)
        assert book.bids[0][0] < book.asks[0][0]
        assert book.sequence == frame["cross_seq"]
        assert book.time_ms == frame["timestamp_e6"] // 1000


# Facts of the wire that the docstrings of events and schemas state, each on a capture.


def captured_books(frames: Path) -> Iterator[list[tuple[dict[str, Any], Any]]]:  # Any: JSON
    every = [(f, e[0]) for f, e in all_of(frames, "order_book_25")]
    yield every[:80]
    yield every[80:190]


def test_fact_sequences_of_a_book_never_fall_but_jump(frames: Path) -> None:
    for run in captured_books(frames):
        steps = [b.sequence - a.sequence for (_, a), (_, b) in pairwise(run)]
        assert min(steps) >= 0
        assert max(steps) > 1


def test_fact_a_delta_has_as_many_deletes_as_inserts_a_side(frames: Path) -> None:
    for run in captured_books(frames):
        for frame, event in run[1:]:
            assert isinstance(event, BookDelta)
            for side in ("Buy", "Sell"):
                counts = [
                    sum(level["side"] == side for level in frame["data"][name])
                    for name in ("delete", "insert")
                ]
                assert counts[0] == counts[1]


def test_fact_a_snapshot_has_its_prices_rising(frames: Path) -> None:
    for run in captured_books(frames):
        frame, event = run[0]
        prices = [Decimal(level["price"]) for level in frame["data"]]
        assert prices == sorted(prices)
        assert isinstance(event, BookSnapshot)
        assert [price for price, _ in (*event.bids[::-1], *event.asks)] == prices


def test_fact_the_id_of_a_level_is_its_price_times_10000(frames: Path) -> None:
    for run in captured_books(frames):
        for level in run[0][0]["data"]:
            assert level["id"] == Decimal(level["price"]) * 10_000


def test_fact_trades_of_a_frame_are_in_order_and_the_time_in_seconds_is_cut(frames: Path) -> None:
    for frame, events in list(all_of(frames, "trade"))[:76]:
        assert all(a.time_ms <= b.time_ms for a, b in pairwise(events))
        assert all(a.sequence <= b.sequence for a, b in pairwise(events))
        for item, trade in zip(frame["data"], events, strict=True):
            assert item["timestamp"] == f"{trade.time:%Y-%m-%dT%H:%M:%S}.000Z"


def test_fact_a_price_is_a_text_beside_its_integer(frames: Path) -> None:
    for frame, [update] in list(all_of(frames, "instrument_info"))[:4]:
        (item,) = items_of(frame)
        prices = [key for key in item if f"{key}_e4" in item]
        assert bool(prices) == ("mark_price" in update.changed)
        for key in prices:
            assert Decimal(item[key]) * 10_000 == item[f"{key}_e4"]


def test_fact_the_basis_is_the_last_price_less_the_index_price(frames: Path) -> None:
    _, [update] = next(all_of(frames, "instrument_info"))
    assert update.basis == update.last_price - update.index_price
    assert update.delivery.isoformat() == "2022-06-24T08:00:00+00:00"


def test_a_ticker_that_is_merged_holds_what_both_frames_said(frames: Path) -> None:
    state = TickerState()
    for _, [update] in list(all_of(frames, "instrument_info"))[2:4]:
        assert isinstance(update, TickerUpdate)
        state.apply(update)
    ticker = state.ticker
    assert ticker is not None
    assert (str(ticker.last_price), str(ticker.volume_24h)) == ("29930.50", "1745271613")
    assert str(ticker.turnover_24h) == "57303.20873159"
    assert str(ticker.total_turnover) == "105861144.72674754"
    assert (str(ticker.funding_rate), str(ticker.change_24h)) == ("0.000008", "-0.052517")
    assert ticker.bid_size is ticker.ask_size is None


def test_integers_beyond_what_a_float_holds_are_exact(frames: Path) -> None:
    ticker = lines_of(frames, "data_parts")[7]
    item = json.loads(ticker)
    frame = {"topic": "instrument_info.100ms.BITUSD", "type": "snapshot", "data": item}
    [update] = decoded(json.dumps(frame | {"timestamp_e6": 1}).encode())
    assert item["total_turnover_e8"] > 2**53
    assert update.total_turnover.scaleb(8) == item["total_turnover_e8"]


USDC = [
    (
        b'{"topic":"trade.BTCPERP","data":[{"symbol":"BTCPERP","tickDirection":"PlusTick","price":'
        b'"19810.50","size":0.1,"timestamp":1662350400120,"tradeTimeMs":"1662350400120","side":"Buy",'
        b'"tradeId":"x"}]}'
    ),
    (
        b'{"topic":"instrument_info.100ms.BTCPERP","type":"snapshot","data":{"id":1,"symbol":"BTCPERP",'
        b'"lastPriceE4":"198105000","price24hPcntE6":"-51870"},"crossSeq":"5","timestampE6":"1662350400'
        b'120968"}'
    ),
    (
        b'{"topic":"orderBookL2_25.BTCPERP","type":"snapshot","data":{"orderBook":[{"price":"19810.50",'
        b'"symbol":"BTCPERP","id":"198105000","side":"Buy","size":0.5}]},"crossSeq":"5","timestampE6":"'
        b'1662350400120968"}'
    ),
    (
        b'{"topic":"candle.1.BTCPERP","data":[{"start":1662350400,"end":1662350460,"period":"1"}],'
        b'"timestampE6":"1662350400120968"}'
    ),
]


@pytest.mark.parametrize("data", USDC, ids=lambda data: data[10:16].decode())
def test_the_usdc_sibling_is_refused_and_not_misread(data: bytes, path: str) -> None:
    problems: list[DecodeError] = []
    topic = json.loads(data)["topic"]
    (spec,) = find_specs(topic, "legacy")
    decoder = TopicDecoder(spec, "legacy", topic, report=problems.append)
    assert list(decoder.decode(data, 1, 1)) == []
    (problem,) = problems
    assert "Missing data for required field." in str(problem.messages)
