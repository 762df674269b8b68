"""Orders and stop orders of the account: two streams out of one topic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rxbybit.config import CATEGORIES, Category
from rxbybit.events import Side
from rxbybit.order import Order, OrderItem, OrderSplit, StopOrder, order_or_stop
from rxbybit.schema import fields, nested
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.private import private_wire
from rxbybit.schema.spec import Renewal, StreamSpec
from rxbybit.schema.standing import Query, Row, Standing
from rxbybit.stream import Stream
from rxbybit.trading import (
    CancelType,
    CreateType,
    OrderStatus,
    OrderType,
    SelfMatch,
    StopOrderType,
    TimeInForce,
    TriggerBy,
)
from rxbybit.venue import Opens

__all__ = ["ORDERS", "ORDER_ITEMS", "STOP_ORDERS", "OrderV5", "orders", "stop_orders"]


def _number(key: str) -> fields.Decimal:
    return fields.Decimal(data_key=key, empty=True)


def _set(key: str) -> fields.Decimal:
    """A price that is 0 where none is set."""
    return fields.Decimal(data_key=key, empty=True, nothing=0)


def _text(key: str, nothing: str | None = None) -> fields.String:
    return fields.String(data_key=key, empty=True, nothing=nothing)


def _trigger(key: str) -> fields.Choice:
    return fields.Choice(TriggerBy, data_key=key, empty=True, nothing="UNKNOWN")


class OrderV5(WireSchema):
    """Source: https://bybit-exchange.github.io/docs/v5/websocket/private/order."""

    symbol = fields.String(required=True)
    order_id = fields.String(required=True, data_key="orderId")
    parent_client_order_id = _text("parentOrderLinkId")
    side = fields.Choice(Side, empty=True)
    type = fields.Choice(OrderType, data_key="orderType", empty=True, nothing="UNKNOWN")
    cancel_type = fields.Choice(CancelType, data_key="cancelType", empty=True, nothing="UNKNOWN")
    price = _number("price")
    quantity = fields.Decimal(required=True, data_key="qty")
    volatility = _number("orderIv")
    time_in_force = fields.Choice(TimeInForce, data_key="timeInForce", empty=True)
    status = fields.Choice(OrderStatus, required=True, data_key="orderStatus")
    client_order_id = _text("orderLinkId")
    price_on_created = _number("lastPriceOnCreated")
    reduce_only = fields.Boolean(data_key="reduceOnly", empty=True)
    leaves_quantity = _number("leavesQty")
    leaves_value = _number("leavesValue")
    filled_quantity = _number("cumExecQty")
    filled_value = _number("cumExecValue")
    average_price = _number("avgPrice")
    block_trade_id = _text("blockTradeId")
    position_index = fields.Integer(data_key="positionIdx", empty=True)
    fee = _number("cumExecFee")
    closed_pnl = _number("closedPnl")
    created_ms = fields.Moment(data_key="createdTime", empty=True)
    updated_ms = fields.Moment(data_key="updatedTime", empty=True)
    reject_reason = _text("rejectReason", nothing="EC_NoError")
    stop_order_type = fields.Choice(
        StopOrderType, data_key="stopOrderType", empty=True, nothing="UNKNOWN"
    )
    take_profit_mode = _text("tpslMode")
    trigger_price = _set("triggerPrice")
    take_profit = _set("takeProfit")
    stop_loss = _set("stopLoss")
    take_profit_trigger_by = _trigger("tpTriggerBy")
    stop_loss_trigger_by = _trigger("slTriggerBy")
    take_profit_limit_price = _set("tpLimitPrice")
    stop_loss_limit_price = _set("slLimitPrice")
    trigger_direction = fields.Integer(data_key="triggerDirection", empty=True, nothing=0)
    trigger_by = _trigger("triggerBy")
    close_on_trigger = fields.Boolean(data_key="closeOnTrigger", empty=True)
    category = fields.String(required=True)
    place_type = _text("placeType")
    self_match = fields.Choice(SelfMatch, data_key="smpType", empty=True, nothing="None")
    self_match_group = fields.Integer(data_key="smpGroup", empty=True, nothing=0)
    self_match_order_id = _text("smpOrderId")
    fee_coin = _text("feeCurrency")
    fees = nested.Amounts(data_key="cumFeeDetail", empty=True)
    broker_order_price = _number("brokerOrderPrice")
    is_leverage = fields.Flag(data_key="isLeverage", empty=True)
    create_type = fields.Choice(CreateType, data_key="createType", empty=True, nothing="UNKNOWN")
    oco_trigger_by = _text("ocoTriggerBy", nothing="OcoTriggerByUnknown")
    market_unit = _text("marketUnit")
    slippage_tolerance_type = _text("slippageToleranceType", nothing="UNKNOWN")
    slippage_tolerance = _number("slippageTolerance")
    rpi_taker_access = fields.Boolean(data_key="rpiTakerAccess", empty=True)
    rpi_matched_quantity = _number("rpiMatchedQty")


_CATEGORIES: tuple[Category, ...] = ("inverse", "linear", "spot", "option")
_V5 = private_wire("order", OrderV5, categories=_CATEGORIES)


def _split(renewal: Renewal, numbers: type) -> OrderSplit:
    return OrderSplit()


def _order(split: OrderSplit, item: OrderItem) -> Order | None:
    return split.order


def _stop_order(split: OrderSplit, item: OrderItem) -> StopOrder | None:
    return split.stop_order


def _open_orders(split: OrderSplit) -> Sequence[Order]:
    return split.orders


def _open_stop_orders(split: OrderSplit) -> Sequence[StopOrder]:
    return split.stop_orders


# Linear is listed by the coin that settles.
_LISTS: dict[Category, tuple[dict[str, str], ...]] = {
    "inverse": ({"category": "inverse"},),
    "linear": (
        {"category": "linear", "settleCoin": "USDT"},
        {"category": "linear", "settleCoin": "USDC"},
    ),
    "spot": ({"category": "spot"},),
    "option": ({"category": "option"},),
}


def _open_lists(category: Category) -> Sequence[dict[str, str]]:
    return [{**query, "openOnly": "0", "limit": "50"} for query in _LISTS[category]]


def _closed_lists(missing: Sequence[OrderItem]) -> Sequence[dict[str, str]]:
    """Orders that were open and are no more: the exchange lists the last 500 of them."""
    queries = [
        query for c in CATEGORIES if any(i.category == c for i in missing) for query in _LISTS[c]
    ]
    return [{**query, "openOnly": "1", "limit": "50"} for query in queries]


def _with_category(row: Row, query: Query) -> Sequence[Row]:
    return ({"category": query["category"], **row},)


_STANDING = Standing[Any](  # Any: of orders and stop orders, by one list
    path="/v5/order/realtime",
    queries=_open_lists,
    schema=OrderV5,
    rows=_with_category,
    gone=_closed_lists,
)


def _as_sent(nothing: None, item: OrderItem) -> Order | StopOrder:
    return order_or_stop(item)


# Both are decoded once, as they decode to the same, and share the state on a topic.
ORDERS = StreamSpec(
    "orders",
    Order,
    decoded=OrderItem,
    v5=_V5,
    categories=_CATEGORIES,
    state=_split,
    emit=_order,
    late=_open_orders,
    standing=_STANDING,
)
STOP_ORDERS = StreamSpec(
    "stop_orders",
    StopOrder,
    decoded=OrderItem,
    v5=_V5,
    categories=_CATEGORIES,
    state=_split,
    emit=_stop_order,
    late=_open_stop_orders,
    standing=_STANDING,
)
# One event an item, whatever was before: for frames without a history.
ORDER_ITEMS: StreamSpec[Order | StopOrder] = StreamSpec(
    "order_items",
    Order,
    decoded=OrderItem,
    v5=_V5,
    categories=_CATEGORIES,
    emit=_as_sent,
)


def orders(
    self: Opens,
    *symbols: str | Iterable[str],
    snapshot: bool = True,
    category: Category | None = None,
) -> Stream[Order]:
    """The account's orders: those that are open, then each change of one.

    ``symbols``: one, several, or an iterable of them; none at all for every order. ``snapshot``:
    whether the open orders come first, read over REST and marked ``meta.backfilled``; after an
    outage what has changed meanwhile is read and told in the same way. ``category``: only of this
    one; nothing is read from the symbol. A stop order is among them once it was triggered, as
    :func:`stop_orders` says. Whatever is asked for, the exchange is asked for one topic.
    Errors: ``ConfigurationError`` at the call for arguments that cannot be, and without
    credentials; ``AuthenticationFailed`` on the stream when the exchange refuses them;
    ``RequestRefused`` when the key may not read orders.
    Sources: V5 manual, "Order" (private stream) and "Get Open & Closed Orders".

    ::

        orders("BTCUSD").subscribe(lambda order: print(order.status, order.leaves_quantity))
    """
    return self.open_private(ORDERS, symbols, category=category, snapshot=snapshot, late=snapshot)


def stop_orders(
    self: Opens,
    *symbols: str | Iterable[str],
    snapshot: bool = True,
    category: Category | None = None,
) -> Stream[StopOrder]:
    """The account's stop orders: those that wait, then each change of one.

    Also take-profits, stop-losses and trailing stops. One that is triggered becomes a working
    order: from then on it is among :func:`orders` as well. One that is cancelled before ends
    here, with the status ``Deactivated`` or ``Cancelled``. Arguments and errors: see
    :func:`orders`.

    ::

        stop_orders("BTCUSD").subscribe(lambda order: print(order.status, order.trigger_price))
    """
    return self.open_private(
        STOP_ORDERS, symbols, category=category, snapshot=snapshot, late=snapshot
    )
