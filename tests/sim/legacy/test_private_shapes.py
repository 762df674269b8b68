"""The private frames of the legacy socket, against the tables of its page and against samples."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from rxbybit.sim.legacy.private import (
    execution_item,
    frames_of,
    order_item,
    position_item,
    stop_order_item,
    wallet_item,
)
from rxbybit.sim.legacy.values import Balance, Fill, Order, Position

D = Decimal
MS = 1_579_010_843_629

ORDER = Order(
    user_id=5,
    symbol="BTCUSD",
    order_id="o-1",
    order_link_id="mine",
    side="Sell",
    order_type="Limit",
    price=D("8579.50"),
    qty=200,
    leaves_qty=150,
    filled_qty=50,
    filled_value=D("0.00582785"),
    fee=D("-0.00000146"),
    last_price=D("8579.5"),
    time_in_force="GTC",
    status="PartiallyFilled",
    time_ms=MS,
)
STOP = replace(
    ORDER,
    status="Untriggered",
    create_type="CreateByStopOrder",
    stop_type="Stop",
    trigger_price=D("8500"),
    trigger_by="MarkPrice",
    leaves_qty=200,
    filled_qty=0,
)
FILL = Fill(
    symbol="BTCUSD",
    side="Buy",
    order_id="o-1",
    exec_id="e-1",
    price=D("8300.0"),
    order_qty=7,
    qty=3,
    leaves_qty=4,
    fee=D("9E-8"),
    is_maker=False,
    time_ms=MS,
)
POSITION = Position(
    user_id=5,
    symbol="BTCUSD",
    side="Buy",
    size=200,
    value=D("0.0099975"),
    entry_price=D("20005.00125031"),
    liq_price=D("489.00"),
    bust_price=D("489"),
    leverage=D("5"),
    order_margin=D("0"),
    position_margin=D("0.39929535"),
    available_balance=D("0.39753405"),
    wallet_balance=D("0.40053971"),
    realised_pnl=D("0.00055631"),
    cum_realised_pnl=D("-0.00055105"),
    closing_fee=D("0.0002454"),
)
BALANCE = Balance(user_id=5, coin="BTC", wallet_balance=D("1.50121261"), available_balance=D("1.5"))


def test_an_order() -> None:
    assert order_item(ORDER) == {
        "order_id": "o-1",
        "order_link_id": "mine",
        "symbol": "BTCUSD",
        "side": "Sell",
        "order_type": "Limit",
        "price": "8579.5",
        "qty": 200,
        "time_in_force": "GoodTillCancel",
        "create_type": "CreateByUser",
        "cancel_type": "",
        "order_status": "PartiallyFilled",
        "leaves_qty": 150,
        "cum_exec_qty": 50,
        "cum_exec_value": "0.00582785",
        "cum_exec_fee": "-0.00000146",
        "timestamp": "2020-01-14T14:07:23.629Z",
        "take_profit": "0",
        "stop_loss": "0",
        "trailing_stop": "0",
        "trailing_active": "0",
        "last_exec_price": "8579.5",
        "reduce_only": False,
        "close_on_trigger": False,
    }
    guarded = replace(
        ORDER, take_profit=D(9), take_profit_by="MarkPrice", stop_loss_by="IndexPrice"
    )
    item = order_item(guarded)
    assert (item["take_profit"], item["tp_trigger_by"]) == ("9", "MarkPrice")
    assert item["sl_trigger_by"] == "IndexPrice"


@pytest.mark.parametrize(
    ("v5", "legacy"),
    [
        ("GTC", "GoodTillCancel"),
        ("IOC", "ImmediateOrCancel"),
        ("FOK", "FillOrKill"),
        ("PostOnly", "PostOnly"),
    ],
)
def test_time_in_force(v5: str, legacy: str) -> None:
    assert order_item(replace(ORDER, time_in_force=v5))["time_in_force"] == legacy
    assert stop_order_item(replace(STOP, time_in_force=v5))["time_in_force"] == legacy


def test_a_stop_order() -> None:
    assert stop_order_item(STOP) == {
        "order_id": "o-1",
        "order_link_id": "mine",
        "user_id": 5,
        "symbol": "BTCUSD",
        "side": "Sell",
        "order_type": "Limit",
        "price": "8579.5",
        "qty": 200,
        "time_in_force": "GoodTillCancel",
        "create_type": "CreateByStopOrder",
        "cancel_type": "",
        "order_status": "Untriggered",
        "stop_order_type": "Stop",
        "trigger_by": "MarkPrice",
        "trigger_price": "8500",
        "close_on_trigger": False,
        "timestamp": "2020-01-14T14:07:23.629Z",
        "take_profit": "0",
        "stop_loss": "0",
    }
    assert stop_order_item(replace(STOP, trigger_by=""))["trigger_by"] == "LastPrice"


def test_a_fill() -> None:
    assert execution_item(FILL) == {
        "symbol": "BTCUSD",
        "side": "Buy",
        "order_id": "o-1",
        "exec_id": "e-1",
        "order_link_id": "",
        "price": "8300",
        "order_qty": 7,
        "exec_type": "Trade",
        "exec_qty": 3,
        "exec_fee": "0.00000009",
        "leaves_qty": 4,
        "is_maker": False,
        "trade_time": "2020-01-14T14:07:23.629Z",
    }


def test_a_position() -> None:
    item = position_item(POSITION)
    assert (item["size"], item["side"], item["liq_price"]) == (200, "Buy", "489")
    assert (item["entry_price"], item["cum_realised_pnl"]) == ("20005.00125031", "-0.00055105")
    assert (item["auto_add_margin"], item["Isolated"], item["position_idx"]) == (0, False, 0)
    assert (item["occ_closing_fee"], item["occ_funding_fee"]) == ("0.0002454", "0")
    flat = position_item(replace(POSITION, side=None, size=0))
    assert (flat["size"], flat["side"], flat["tp_free_size_x"]) == (0, "None", 0)


def told(*values: Order | Fill | Position | Balance) -> list[tuple[str, list[dict]]]:
    frames = [(topic, json.loads(raw)) for topic, raw in frames_of(values)]
    assert all(list(frame) == ["topic", "data"] and frame["topic"] == t for t, frame in frames)
    return [(topic, frame["data"]) for topic, frame in frames]


def test_neighbours_of_one_topic_share_a_frame() -> None:
    second = replace(FILL, exec_id="e-2")
    assert told(ORDER, FILL, second, POSITION, BALANCE, FILL) == [
        ("order", [order_item(ORDER)]),
        ("execution", [execution_item(FILL), execution_item(second)]),
        ("position", [position_item(POSITION)]),
        ("wallet", [wallet_item(BALANCE)]),
        ("execution", [execution_item(FILL)]),
    ]


def test_funding_is_never_told() -> None:
    assert told(replace(FILL, exec_type="Funding")) == []


@pytest.mark.parametrize(
    ("status", "activated", "topics", "stop_status"),
    [
        ("Untriggered", False, ["stop_order"], "Untriggered"),
        ("Triggered", False, ["stop_order"], "Triggered"),
        ("Deactivated", False, ["stop_order"], "Deactivated"),
        ("New", True, ["stop_order", "order"], "Active"),
        ("Filled", True, ["stop_order", "order"], "Active"),
        ("New", False, ["order"], None),
        ("PartiallyFilled", False, ["order"], None),
        ("Filled", False, ["order"], None),
        ("Cancelled", False, ["order"], None),
    ],
)
def test_where_a_conditional_order_is_told(
    status: str, activated: bool, topics: list[str], stop_status: str | None
) -> None:
    said = told(replace(STOP, status=status, activated=activated))
    assert [topic for topic, _ in said] == topics
    statuses = {topic: items[0]["order_status"] for topic, items in said}
    assert statuses.get("stop_order") == stop_status
    assert statuses.get("order") in (None, status)


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("execution", execution_item(FILL)),
        ("position", position_item(POSITION)),
        ("stop_order", stop_order_item(STOP)),
        ("wallet", wallet_item(BALANCE)),
        (
            "order",
            order_item(replace(ORDER, take_profit_by="LastPrice", stop_loss_by="LastPrice")),
        ),
    ],
)
def test_as_in_the_samples(frames: Path, name: str, item: dict[str, object]) -> None:
    text = (frames / "legacy" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()[0]
    (sample,) = json.loads(text)["data"]
    # The manual's table has it, its newest sample not; of the prices it has text, not numbers.
    ours = {key: item[key] for key in item if key != "trailing_active" or key in sample}
    assert list(ours) == list(sample)
    texts = ("take_profit", "stop_loss")
    assert all(type(ours[key]) is type(sample[key]) for key in ours if key not in texts)
    assert all(isinstance(ours[key], str) for key in texts if key in ours)
