"""The topics of private streams, and what of them is whose."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from rxbybit.bookkeeping import NoRenewal
from rxbybit.errors import ConfigurationError
from rxbybit.events import Meta
from rxbybit.order import Order, OrderItem, StopOrder
from rxbybit.schema.decoder import TopicDecoder
from rxbybit.schema.spec import StreamSpec
from rxbybit.streams import AS_SENT, find_specs
from rxbybit.streams.order import ORDER_ITEMS, ORDERS, STOP_ORDERS
from rxbybit.streams.position import POSITIONS
from rxbybit.streams.user_trade import USER_TRADES, UserTrade, no_funding
from rxbybit.streams.wallet import ACCOUNT, BALANCES
from rxbybit.trading import ExecutionType, OrderStatus, StopOrderType
from tests.conformance import golden_legacy
from tests.conformance.golden_private import ORDER_ITEMS as GOLDEN
from tests.conformance.golden_private import USER_TRADES as EXECUTIONS

TOPICS: list[tuple[StreamSpec[Any], str]] = [
    (ACCOUNT, "wallet"),
    (BALANCES, "wallet"),
    (POSITIONS, "position"),
    (ORDERS, "order"),
    (STOP_ORDERS, "order"),
    (USER_TRADES, "execution"),
]


@pytest.mark.parametrize(("spec", "topic"), TOPICS)
def test_all_categories_and_symbols_have_one_topic(spec: StreamSpec[Any], topic: str) -> None:
    for category in spec.categories:
        assert spec.topic("v5", category, "BTCUSD") == topic
        assert spec.topic("v5", category, "") == topic


@pytest.mark.parametrize(
    ("topic", "specs"),
    [
        ("wallet", (ACCOUNT, BALANCES)),
        ("order", (ORDER_ITEMS,)),
        *((f"order.{c}", (ORDER_ITEMS,)) for c in ("inverse", "linear", "spot", "option")),
        *((f"position{c}", (POSITIONS,)) for c in ("", ".inverse", ".linear", ".option")),
        *(
            (f"execution{fast}{c}", (USER_TRADES,))
            for fast in ("", ".fast")
            for c in ("", ".inverse", ".linear", ".spot", ".option")
        ),
        *((other, ()) for other in ("wallet.inverse", "position.spot", "order.BTCUSD")),
        *((other, ()) for other in ("execution.slow", "execution.fast.X", "order.", "greeks")),
    ],
)
def test_which_topics_are_whose(topic: str, specs: tuple[StreamSpec[Any], ...]) -> None:
    assert find_specs(topic) == specs


def test_what_is_as_sent_comes_out_without_a_state() -> None:
    emitting = [spec for spec in AS_SENT if spec.emit is not None]
    assert emitting == [ACCOUNT, BALANCES, POSITIONS, ORDER_ITEMS]
    assert ORDER_ITEMS.state is None
    for spec in (ACCOUNT, BALANCES, POSITIONS):
        event = object()
        assert spec.emit is not None
        assert spec.emit(None, event) is event


def test_orders_and_stop_orders_are_decoded_once_and_share_their_state() -> None:
    assert ORDERS.reading == STOP_ORDERS.reading == (OrderItem, OrderItem)
    assert ORDERS.state is STOP_ORDERS.state


def test_funding_is_no_fill() -> None:
    types = [trade.type for frame in EXECUTIONS for trade in frame if isinstance(trade, UserTrade)]
    kept = [t for f in EXECUTIONS for t in f if isinstance(t, UserTrade) and no_funding(t)]
    assert types.count(ExecutionType.FUNDING) == 1
    assert [t.type for t in kept] == [t for t in types if t != ExecutionType.FUNDING]


def _items() -> list[OrderItem]:
    return [item for frame in GOLDEN for item in frame if isinstance(item, OrderItem)]


PLAIN, STOP, *_ = _items()


class Topic:
    """What the two streams make of the items of the topic."""

    def __init__(self) -> None:
        assert ORDERS.state is not None
        self.state: Any = ORDERS.state(NoRenewal(), Decimal)

    def item(self, item: OrderItem) -> str:
        assert ORDERS.emit is not None
        assert STOP_ORDERS.emit is not None
        self.state.apply(item)
        order, stop = ORDERS.emit(self.state, item), STOP_ORDERS.emit(self.state, item)
        assert (type(order), type(stop)) in [
            (kind, other) for kind in (Order, type(None)) for other in (StopOrder, type(None))
        ]
        for event in (order, stop):
            names = () if event is None else event.__struct_fields__
            assert [getattr(event, n) for n in names] == [getattr(item, n) for n in names]
        return ("order " if order else "") + ("stop" if stop else "")

    def stop(self, status: str, of: str = "s", **changes: Any) -> str:
        return self.item(replace(STOP, status=OrderStatus(status), order_id=of, **changes))

    def plain(self, status: str) -> str:
        return self.item(replace(PLAIN, status=OrderStatus(status)))


@pytest.fixture
def topic() -> Topic:
    return Topic()


def test_a_stop_order_of_the_legacy_wire_is_held_until_it_is_triggered(topic: Topic) -> None:
    legacy = replace(STOP, order_id="l", meta=Meta(topic="stop_order"))
    topic.item(replace(legacy, status=OrderStatus.UNTRIGGERED))
    assert [stop.order_id for stop in topic.state.stop_orders] == ["l"]
    assert topic.item(replace(legacy, status=OrderStatus.NEW)) == "order stop"
    assert topic.state.stop_orders == ()
    topic.stop("New", of="v5")
    assert [stop.order_id for stop in topic.state.stop_orders] == ["v5"]


def test_an_order_that_is_no_stop_is_an_order_in_every_state(topic: Topic) -> None:
    for status in ("New", "PartiallyFilled", "Filled", "Cancelled", "Rejected", "Sleeping"):
        assert topic.plain(status) == "order "
    for status in ("Untriggered", "Triggered", "Deactivated"):
        assert topic.plain(status) == ""


@pytest.mark.parametrize("end", ["Filled", "Cancelled", "Rejected", "PartiallyFilledCanceled"])
def test_a_stop_is_both_from_its_trigger_to_its_end(topic: Topic, end: str) -> None:
    assert topic.stop("Untriggered") == "stop"
    assert topic.stop("Triggered") == "stop"
    assert topic.stop("New") == "order stop"
    assert topic.stop("PartiallyFilled") == "order stop"
    assert topic.stop("Sleeping") == "order stop"
    assert topic.stop(end) == "order stop"
    assert topic.stop("Rejected") == "stop", "with its end it is forgotten"


@pytest.mark.parametrize("end", ["Cancelled", "Rejected", "Deactivated", "Sleeping"])
def test_a_stop_that_was_not_triggered_is_never_an_order(topic: Topic, end: str) -> None:
    assert topic.stop("Untriggered") == "stop"
    assert topic.stop(end, filled_quantity=Decimal(0)) == "stop"
    assert topic.stop(end, of="never seen") == "stop"
    assert topic.stop(end, of="nothing said", filled_quantity=None) == "stop"


def test_triggered_then_cancelled_at_once(topic: Topic) -> None:
    assert topic.stop("Triggered") == "stop"
    assert topic.stop("Triggered", of="t") == "stop"
    assert topic.stop("Cancelled") == "order stop"
    assert topic.stop("Cancelled", of="u") == "stop"


def test_what_was_filled_was_triggered(topic: Topic) -> None:
    assert topic.stop("Filled") == "order stop"
    assert topic.stop("Filled") == "order stop", "a cancel that came too late says it again"
    assert topic.stop("Cancelled", filled_quantity=Decimal(1)) == "order stop"


def test_a_lost_link_and_a_bad_frame_change_nothing(topic: Topic) -> None:
    topic.stop("Triggered")
    topic.state.reset()
    topic.state.spoil("no JSON")
    assert topic.stop("Cancelled") == "order stop"


def test_a_stop_type_nobody_knows_is_a_stop(topic: Topic) -> None:
    assert topic.stop("Untriggered", stop_order_type=StopOrderType("Chase")) == "stop"


def test_what_is_remembered_is_bounded(topic: Topic) -> None:
    for number in range(10_001):
        topic.stop("Triggered", of=str(number))
    assert topic.stop("Cancelled", of="0") == "stop", "the oldest is forgotten"
    assert topic.stop("Cancelled", of="1") == "order stop"
    assert topic.stop("Cancelled", of="10000") == "order stop"


def test_one_item_is_one_event_where_nothing_is_remembered() -> None:
    emit: Any = ORDER_ITEMS.emit
    made = [type(emit(None, item)) for item in _items()]
    assert made == [Order, StopOrder, Order, StopOrder]
    stop = emit(None, STOP)
    assert (stop.stop_order_type, stop.trigger_price) == ("StopLoss", Decimal("63000.00"))
    assert stop.meta is STOP.meta


# Any: of whichever class
def _legacy(spec: StreamSpec[Any], index: int) -> list[Any]:
    """What the stream makes of a golden frame of its legacy topic."""
    data = golden_legacy.frames("order_items")[index]
    topic = spec.topic("legacy", "inverse", "")
    assert json.loads(data)["topic"] == topic
    decoder = TopicDecoder(spec, "legacy", topic, report=lambda error: pytest.fail(f"{error}"))
    assert spec.state is not None
    assert spec.emit is not None
    state: Any = spec.state(NoRenewal(), Decimal)
    events: list[Any] = []
    for item in decoder.decode(data, 1, 1):
        state.apply(item)
        events.append(spec.emit(state, item))
    return events


def test_legacy_orders_and_stop_orders_have_topics_of_their_own() -> None:
    first, second = _legacy(ORDERS, 0)
    assert (type(first), first.status, first.time_in_force) == (Order, "PartiallyFilled", "GTC")
    assert (type(second), second.status.known) == (Order, True)
    (stop,) = _legacy(STOP_ORDERS, 2)
    assert (type(stop), stop.status, stop.stop_order_type) == (StopOrder, "New", "Stop")
    (waiting,) = _legacy(STOP_ORDERS, 3)
    assert (type(waiting), waiting.status, waiting.trigger_by) == (StopOrder, "Untriggered", None)


def test_spot_has_no_positions() -> None:
    with pytest.raises(ConfigurationError, match="spot has none; there is inverse, linear, option"):
        POSITIONS.topic("v5", "spot", "")
