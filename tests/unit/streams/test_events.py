"""What all events have in common."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from rxbybit.book import BookDelta, BookSnapshot
from rxbybit.events import Event
from rxbybit.order import Order, OrderItem, StopOrder
from rxbybit.streams.insurance import Insurance
from rxbybit.streams.kline import Kline
from rxbybit.streams.liquidation import Liquidation
from rxbybit.streams.position import Position
from rxbybit.streams.trade import Trade
from rxbybit.streams.user_trade import UserTrade
from rxbybit.streams.wallet import Account, Balance
from rxbybit.ticker import Ticker, TickerUpdate
from tests.conformance.golden import EVENTS

CLASSES = [
    *(Trade, Ticker, TickerUpdate, Kline, BookSnapshot, BookDelta, Liquidation, Insurance),
    *(Account, Balance, Position, Order, StopOrder, OrderItem, UserTrade),
]


@pytest.mark.parametrize("event", CLASSES)
def test_how_they_are_made(event: type[Event]) -> None:
    config = event.__struct_config__
    assert (config.frozen, config.gc, config.eq) == (True, False, True)
    with pytest.raises(TypeError, match="Extra positional arguments"):
        event("BTCUSD")  # type: ignore[misc, arg-type]


@pytest.mark.parametrize("event", CLASSES)
def test_no_attribute_can_be_changed_inside(event: type[Event]) -> None:
    for name, hint in get_type_hints(event).items():
        if name in event.__struct_fields__:
            for kind in (hint, *get_args(hint)):
                assert kind not in (list, dict, set)
                assert getattr(kind, "__origin__", tuple) in (tuple, frozenset)


@pytest.mark.parametrize("event", CLASSES)
def test_each_time_is_offered_as_a_datetime(event: type[Event]) -> None:
    required: dict[str, Any] = {
        f.name: () for f in msgspec.structs.fields(event) if f.default is msgspec.NODEFAULT
    }
    for name in event.__struct_fields__:
        if name.endswith("_ms"):
            made: Any = event(**{**required, name: 86_400_000})
            moment = getattr(made, name.removesuffix("_ms"))
            assert moment == datetime.fromisoformat("1970-01-02T00:00:00Z")
        else:
            assert "time" not in name or name == "time_in_force"


def test_json_has_names_and_exact_numbers() -> None:
    [trade, _] = EVENTS["trades"][0]
    assert trade.to_json() == (
        b'{"event":"Trade","symbol":"BTCUSD","id":"0e9a1b52-7c44-5d0e-9f2a-3b1c5d7e9f10",'
        b'"side":"Buy","price":"64210.50","size":"1500","tick_direction":"PlusTick",'
        b'"time_ms":1790000000120,"sequence":880001,"is_block":false,"is_rpi":false}'
    )


def test_json_of_fees() -> None:
    [_, trade] = EVENTS["user_trades"][0]
    said = msgspec.json.decode(trade.to_json())
    assert said["extra_fees"] == [
        {
            "coin": "BTC",
            "type": "GST",
            "sub_type": "IND_GST",
            "rate": "0.0000675",
            "amount": "1.5E-7",
        },
        {"coin": "BTC", "type": "VAT", "amount": "0.1"},
    ]
    [order, _] = EVENTS["order_items"][0]
    assert msgspec.json.decode(order.to_json())["fees"] == [["BTC", "0.00001402"]]


def test_a_gap_in_meta_changes_nothing() -> None:
    [trade, other] = EVENTS["trades"][0]
    assert trade != other
    again = msgspec.structs.replace(trade, meta=other.meta)
    assert (again, hash(again)) == (trade, hash(trade))
    assert hash(msgspec.structs.replace(trade, price=Decimal(1))) != hash(trade)
