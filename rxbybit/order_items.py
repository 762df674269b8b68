"""How each wire spells an order.

One topic of V5 has orders and stop orders; the legacy wire has a topic for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rxbybit.events import Side
from rxbybit.schema import fields, nested
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.legacy import Spelled
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

__all__ = ["OrderLegacy", "OrderV5", "StopOrderLegacy"]


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


_IN_FORCE = {"GoodTillCancel": "GTC", "ImmediateOrCancel": "IOC", "FillOrKill": "FOK"}


def _trigger_legacy(key: str) -> Spelled:
    return Spelled(TriggerBy, data_key=key, nothing="UNKNOWN")


class _OrderLegacy(WireSchema):
    """What both topics have. Older frames, and those of linear, have numbers for texts."""

    client_order_id = _text("order_link_id")
    symbol = fields.String(required=True)
    side = fields.Choice(Side, empty=True)
    type = fields.Choice(OrderType, data_key="order_type", empty=True, nothing="UNKNOWN")
    price = _number("price")
    quantity = fields.Decimal(required=True, data_key="qty")
    time_in_force = Spelled(TimeInForce, _IN_FORCE, data_key="time_in_force")
    create_type = fields.Choice(CreateType, data_key="create_type", empty=True, nothing="UNKNOWN")
    cancel_type = fields.Choice(CancelType, data_key="cancel_type", empty=True, nothing="UNKNOWN")
    updated_ms = fields.Moment(data_key="timestamp", empty=True)
    created_ms = fields.Moment(data_key="create_time", empty=True)
    take_profit = _set("take_profit")
    take_profit_trigger_by = _trigger_legacy("tp_trigger_by")
    stop_loss = _set("stop_loss")
    stop_loss_trigger_by = _trigger_legacy("sl_trigger_by")
    reduce_only = fields.Boolean(empty=True)
    close_on_trigger = fields.Boolean(empty=True)
    position_index = fields.Whole(data_key="position_idx", empty=True)

    ignored: ClassVar[Mapping[str, str]] = {
        "update_time": "the name of timestamp on linear",
        "stop_order_id": "the name of order_id on linear",
        "user_id": "of the account",
    }


class OrderLegacy(_OrderLegacy):
    """Orders, and stop orders once they were triggered, which nothing tells apart.

    Source: legacy manual, websocket pages of inverse perpetual, inverse futures and linear
    perpetual, "Order".
    """

    order_id = fields.String(required=True)
    status = fields.Choice(OrderStatus, required=True, data_key="order_status")
    leaves_quantity = _number("leaves_qty")
    last_fill_price = _set("last_exec_price")
    filled_quantity = _number("cum_exec_qty")
    filled_value = _number("cum_exec_value")
    fee = _number("cum_exec_fee")
    trailing_stop = _set("trailing_stop")
    trailing_activation_price = _set("trailing_active")


class StopOrderLegacy(_OrderLegacy):
    """Stop orders, until they are triggered; ``Active`` is what V5 says as ``New``.

    Source: legacy manual, websocket pages of inverse perpetual, inverse futures and linear
    perpetual, "Stop Order".
    """

    order_id = fields.String(required=True)
    status = Spelled(OrderStatus, {"Active": "New"}, data_key="order_status", required=True)
    stop_order_type = fields.Choice(StopOrderType, required=True, data_key="stop_order_type")
    trigger_by = _trigger_legacy("trigger_by")
    trigger_price = _set("trigger_price")
