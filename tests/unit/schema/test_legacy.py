"""What the legacy wire spells in its own way: what comes out, and what is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from marshmallow.exceptions import ValidationError

from rxbybit.errors import DecodeError
from rxbybit.events import Side
from rxbybit.schema.decoder import TopicDecoder
from rxbybit.schema.fields import WireField
from rxbybit.schema.legacy import (
    End,
    Microseconds,
    Nanoseconds,
    Scaled,
    Seconds,
    Spelled,
    Truth,
)
from rxbybit.schema.spec import StreamSpec
from rxbybit.streams.insurance import INSURANCE
from rxbybit.streams.order import ORDER_ITEMS
from rxbybit.streams.orderbook import ORDER_BOOK, ORDER_BOOK_UPDATES
from rxbybit.streams.ticker import TICKER_UPDATES
from rxbybit.streams.trade import TRADES
from rxbybit.streams.wallet import BALANCES

LAST = 253402300799999
HUGE = 123456789012345678901234567890123456


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        (Scaled(4), 299305000, "29930.5000"),
        (Scaled(4), "299305000", "29930.5000"),
        (Scaled(6), -52517, "-0.052517"),
        (Scaled(8), 0, "0E-8"),
        (Scaled(8, empty=True), "", "None"),
        (Scaled(8, empty=True), None, "None"),
        (Scaled(8, empty=True), 1, "1E-8"),
        (Scaled(8), HUGE, "1234567890123456789012345678.90123456"),
        (Scaled(8), str(HUGE), "1234567890123456789012345678.90123456"),
        (Seconds(), 1662350400, "1662350400000"),
        (Seconds(), "1662350400", "1662350400000"),
        (End(), 1662350460, "1662350459999"),
        (Microseconds(), 1662350400120999, "1662350400120"),
        (Microseconds(), "1662350400120999", "1662350400120"),
        (Microseconds(), LAST * 1000 + 999, str(LAST)),
        (Nanoseconds(), 1656057600000999999, "1656057600000"),
        (Nanoseconds(), "0", "0"),
        (Truth(), "false", "False"),
        (Truth(), "true", "True"),
        (Truth(), True, "True"),
        (Spelled(Side, {"Long": "Buy"}), "Long", "Buy"),
        (Spelled(Side, {"Long": "Buy"}), "Buy", "Buy"),
        (Spelled(Side, {"Long": "Buy"}), "Flat", "Flat"),
        (Spelled(Side), 0, "None"),
        (Spelled(Side), "", "None"),
        (Spelled(Side, nothing="UNKNOWN"), "UNKNOWN", "None"),
    ],
)
def test_what_comes_out(field: WireField[Any], value: object, expected: str) -> None:
    assert str(field.deserialize(value)) == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((Scaled(4), value) for value in (1.5, Decimal("1.5"), "1.5", "1e3", "", None, True, [])),
        *((Scaled(4), value) for value in ("+1", " 1", "1_0", "１", "1" * 41)),
        *((Seconds(), value) for value in (-1, LAST // 1000 + 1, 1.5, "x", None, True)),
        *((End(), value) for value in (0, LAST, "1.0")),
        *((Microseconds(), value) for value in (-1, (LAST + 1) * 1000, "")),
        (Nanoseconds(), (LAST + 1) * 1_000_000),
        *((Truth(), value) for value in ("True", 0, 1, "", None, [])),
        *((Spelled(Side), value) for value in (1, False, 0.0, [], "\ud800")),
        *((Spelled(Side, required=True), value) for value in (0, "", None)),
    ],
)
def test_what_is_refused(field: WireField[Any], value: object) -> None:
    with pytest.raises(ValidationError):
        field.deserialize(value)


def test_numbers_as_floats() -> None:
    topic = "instrument_info.100ms.BTCUSD"
    decode = TopicDecoder(
        TICKER_UPDATES, "legacy", topic, numbers=float, report=lambda _: None
    ).decode
    item = {"symbol": "BTCUSD", "last_price_e4": 81165000, "funding_rate_e6": -3750}
    frame = {"topic": topic, "type": "snapshot", "data": item, "timestamp_e6": 1}
    (event,) = decode(json.dumps(frame).encode(), 1, 1)
    values = [getattr(event, name) for name in ("last_price", "funding_rate")]
    assert [(type(value), value) for value in values] == [(float, 8116.5), (float, -0.00375)]


Outcome = tuple[list[Any], list[Any]]


def outcome(spec: StreamSpec[Any], topic: str, data: object, **envelope: object) -> Outcome:
    """Events and what is said of the rest."""
    reports: list[DecodeError] = []
    frame = {"topic": topic, "data": data, **envelope}
    decode = TopicDecoder(spec, "legacy", topic, report=reports.append).decode
    events = list(decode(json.dumps(frame).encode(), 1, 1))
    return events, [report.messages for report in reports]


TRADE = {
    "symbol": "BTCUSD",
    "side": "Buy",
    "size": 1,
    "price": 9.5,
    "tick_direction": "PlusTick",
    "trade_id": "x",
    "trade_time_ms": 5,
    "timestamp": "2019-01-22T15:04:33.461Z",
}


def without(item: dict[str, Any], *keys: str, **more: Any) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key not in keys} | more


def test_what_an_item_lacks_is_read_elsewhere_and_only_then() -> None:
    events, said = outcome(TRADES, "trade.BTCUSD", [TRADE, without(TRADE, "trade_time_ms")])
    assert ([event.time_ms for event in events], said) == ([5, 1548169473461], [])
    bad = without(TRADE, "trade_time_ms", timestamp="yesterday")
    _, said = outcome(TRADES, "trade.BTCUSD", [TRADE, bad])
    assert said == [{"data": {1: {"timestamp": ["Not a valid time."]}}}]
    _, said = outcome(TRADES, "trade.BTCUSD", [without(TRADE, trade_time_ms="x")])
    assert said == [{"data": {0: {"trade_time_ms": ["Not a valid time."]}}}], "it is there"
    _, said = outcome(TRADES, "trade.BTCUSD", [without(TRADE, "trade_time_ms", "timestamp")])
    assert said == [{"data": {0: {"trade_time_ms": ["Missing data for required field."]}}}]
    _, said = outcome(TRADES, "trade.BTCUSD", ["no trade"])
    assert said == [{"data": {0: {"_schema": ["Invalid input type."]}}}]


def ticker(kind: str, data: object) -> Outcome:
    topic = "instrument_info.100ms.BTCUSD"
    return outcome(TICKER_UPDATES, topic, data, type=kind, timestamp_e6=1_000, cross_seq=1)


def test_a_price_is_read_from_its_text_and_else_from_its_integer() -> None:
    item = {"symbol": "BTCUSD", "last_price": "1.50", "last_price_e4": 99, "mark_price_e4": 15000}
    for kind, data in (("snapshot", item), ("delta", {"update": [item]})):
        ([event], said) = ticker(kind, data)
        assert said == []
        assert (str(event.last_price), str(event.mark_price)) == ("1.50", "1.5000")
        assert event.changed == {"last_price", "mark_price"}
    _, said = ticker("snapshot", {"symbol": "BTCUSD", "mark_price_e4": 1.5})
    assert said == [{"data": {"mark_price_e4": ["Not a valid integer."]}}]
    _, said = ticker("delta", {"update": [{"symbol": "BTCUSD", "mark_price_e4": "x"}]})
    assert said == [{"data": {"update": {0: {"mark_price_e4": ["Not a valid integer."]}}}}]


@pytest.mark.parametrize(
    "data", [{}, [], "x", {"update": []}, {"update": {}}, {"insert": [{"symbol": "BTCUSD"}]}]
)
def test_a_ticker_delta_without_its_one_object(data: object) -> None:
    wrong = [{"data": {"update": ["Not a list of one item."]}}]
    assert ticker("delta", data) == ([], wrong)
    assert ticker("delta", {"update": [{"symbol": "A"}, {"symbol": "A"}]}) == ([], wrong)


LEVEL = {"price": "9.50", "side": "Buy", "size": 1}


@pytest.mark.parametrize("spec", [ORDER_BOOK, ORDER_BOOK_UPDATES])
@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("snapshot", "x", ["Not a list."]),
        ("snapshot", {"orderBook": []}, {"order_book": ["Not a list."]}),
        ("snapshot", [LEVEL, {}], {1: ["Not a level of a book."]}),
        ("snapshot", [LEVEL, "x"], {1: ["Not a level of a book."]}),
        ("snapshot", [without(LEVEL, "size")], {0: ["Not a level of a book."]}),
        ("snapshot", [LEVEL | {"price": "NaN"}], {0: ["Not a level of a book."]}),
        ("snapshot", [LEVEL | {"size": "much"}], {0: ["Not a level of a book."]}),
        ("snapshot", [LEVEL | {"side": "None"}], {0: ["Not a level of a book."]}),
        ("snapshot", [LEVEL | {"side": ["Buy"]}], {0: ["Not a level of a book."]}),
        (
            "snapshot",
            {"order_book": [LEVEL | {"price": None}]},
            {"order_book": {0: ["Not a level of a book."]}},
        ),
        ("delta", [], ["Not changes of a book."]),
        ("delta", {}, ["Not changes of a book."]),
        ("delta", {"transactTimeE6": 0}, ["Not changes of a book."]),
        ("delta", {"delete": {}}, {"delete": ["Not a list."]}),
        (
            "delta",
            {"delete": [without(LEVEL, "price")], "insert": [LEVEL, without(LEVEL, "size")]},
            {"delete": {0: ["Not a level of a book."]}, "insert": {1: ["Not a level of a book."]}},
        ),
    ],
)
def test_what_is_no_book(spec: StreamSpec[Any], kind: str, data: object, said: object) -> None:
    topic = "orderBookL2_25.BTCUSD"
    events, reports = outcome(spec, topic, data, type=kind, timestamp_e6=5, cross_seq=1)
    assert events == []
    assert reports == [{"data": {"_schema": said} if isinstance(said, list) else said}]


def test_the_last_of_delete_update_insert_counts_however_a_price_is_spelled() -> None:
    data = {
        "insert": [LEVEL | {"price": "7", "size": 3}, LEVEL | {"price": "8.0"}],
        "update": [LEVEL | {"price": "7.0", "size": 2}, LEVEL | {"price": "10", "size": 4}],
        "delete": [LEVEL | {"price": "7.00"}, without(LEVEL, "size")],
    }
    topic = "orderBookL2_25.BTCUSD"
    for spec in (ORDER_BOOK, ORDER_BOOK_UPDATES):
        ([delta], said) = outcome(spec, topic, data, type="delta", timestamp_e6=5)
        assert said == []
        assert [(str(price), str(size)) for price, size in delta.bids] == [
            ("10", "4"),
            ("9.50", "0"),
            ("8.0", "1"),
            ("7", "3"),
        ]
        assert (list(delta.asks), delta.sequence, delta.depth) == ([], None, 25)


def test_one_bad_item_costs_that_item() -> None:
    good = {"coin": "BTC", "wallet_balance": "1", "available_balance": "1"}
    events, said = outcome(BALANCES, "wallet", [good, good | {"wallet_balance": "much"}, good])
    assert [event.coin for event in events] == ["BTC", "BTC"]
    assert said == [{"data": {1: {"wallet_balance": ["Not a valid number."]}}}]


def test_the_category_follows_from_the_symbol_and_nothing_else_does() -> None:
    item = {"order_id": "x", "qty": 1, "order_status": "New"}
    events, said = outcome(
        ORDER_ITEMS, "order", [item | {"symbol": s} for s in ("BTCUSD", "BTCUSDZ22", "BTCUSDT")]
    )
    assert said == []
    assert [event.category for event in events] == ["inverse", "inverse", "linear"]
    assert outcome(ORDER_ITEMS, "order", [item]) == (
        [],
        [{"data": {0: {"symbol": ["Missing data for required field."]}}}],
    )


def test_a_stop_order_without_a_kind_is_refused() -> None:
    item = {"order_id": "x", "qty": 1, "order_status": "Untriggered", "symbol": "BTCUSD"}
    for kind in ({}, {"stop_order_type": ""}):
        events, said = outcome(ORDER_ITEMS, "stop_order", [item | kind])
        assert events == []
        assert list(said[0]["data"][0]) == ["stop_order_type"]


def test_the_lone_item_of_old_frames() -> None:
    item = {"currency": "BTC", "timestamp": "2018-10-24T12:00:00.000Z", "walletBalance": 5}
    ([pool], said) = outcome(INSURANCE, "insurance.BTC", item, action="update")
    assert (str(pool.balance), said) == ("5E-8", [])
    assert outcome(INSURANCE, "insurance.BTC", item | {"walletBalance": 5.5}) == (
        [],
        [{"data": {0: {"wallet_balance": ["Not a valid integer."]}}}],
    )


@pytest.mark.parametrize(
    ("envelope", "said"),
    [
        ({"type": "delta"}, {"timestamp_e6": ["Missing data for required field."]}),
        ({"timestamp_e6": 5}, {"type": ["Missing data for required field."]}),
        ({"type": "x", "timestamp_e6": 5}, {"type": ["Must be one of: snapshot, delta."]}),
        ({"type": "delta", "timestamp_e6": "x"}, {"timestamp_e6": ["Not a valid time."]}),
        (
            {"type": "delta", "timestamp_e6": 5, "cross_seq": 1.5},
            {"cross_seq": ["Not a valid integer."]},
        ),
    ],
)
def test_envelopes(envelope: dict[str, object], said: object) -> None:
    assert outcome(ORDER_BOOK_UPDATES, "orderBookL2_25.BTCUSD", [], **envelope) == ([], [said])
