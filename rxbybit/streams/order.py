"""Orders and stop orders of the account: two streams out of one topic."""

from __future__ import annotations

from rxbybit.config import Category
from rxbybit.events import Side
from rxbybit.order import Order, OrderItem, OrderSplit, StopOrder, order_or_stop
from rxbybit.schema import fields, nested
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.private import private_wire
from rxbybit.schema.spec import Renewal, StreamSpec
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

__all__ = ["ORDERS", "ORDER_ITEMS", "STOP_ORDERS", "OrderV5"]


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
)
STOP_ORDERS = StreamSpec(
    "stop_orders",
    StopOrder,
    decoded=OrderItem,
    v5=_V5,
    categories=_CATEGORIES,
    state=_split,
    emit=_stop_order,
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
