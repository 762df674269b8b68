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
from rxbybit.schema.optional import optional_number, optional_price, optional_text
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


def _trigger(key: str) -> fields.Choice:
    return fields.Choice(TriggerBy, data_key=key, empty=True, nothing="UNKNOWN")


class OrderV5(WireSchema):
    """Source: https://bybit-exchange.github.io/docs/v5/websocket/private/order."""

    symbol = fields.String(required=True)
    order_id = fields.String(required=True, data_key="orderId")
    parent_client_order_id = optional_text("parentOrderLinkId")
    side = fields.Choice(Side, empty=True)
    type = fields.Choice(OrderType, data_key="orderType", empty=True, nothing="UNKNOWN")
    cancel_type = fields.Choice(CancelType, data_key="cancelType", empty=True, nothing="UNKNOWN")
    price = optional_number("price")
    quantity = fields.Decimal(required=True, data_key="qty")
    volatility = optional_number("orderIv")
    time_in_force = fields.Choice(TimeInForce, data_key="timeInForce", empty=True)
    status = fields.Choice(OrderStatus, required=True, data_key="orderStatus")
    client_order_id = optional_text("orderLinkId")
    price_on_created = optional_number("lastPriceOnCreated")
    reduce_only = fields.Boolean(data_key="reduceOnly", empty=True)
    leaves_quantity = optional_number("leavesQty")
    leaves_value = optional_number("leavesValue")
    filled_quantity = optional_number("cumExecQty")
    filled_value = optional_number("cumExecValue")
    average_price = optional_number("avgPrice")
    block_trade_id = optional_text("blockTradeId")
    position_index = fields.Integer(data_key="positionIdx", empty=True)
    fee = optional_number("cumExecFee")
    closed_pnl = optional_number("closedPnl")
    created_ms = fields.Moment(data_key="createdTime", empty=True)
    updated_ms = fields.Moment(data_key="updatedTime", empty=True)
    reject_reason = optional_text("rejectReason", nothing="EC_NoError")
    stop_order_type = fields.Choice(
        StopOrderType, data_key="stopOrderType", empty=True, nothing="UNKNOWN"
    )
    take_profit_mode = optional_text("tpslMode")
    trigger_price = optional_price("triggerPrice")
    take_profit = optional_price("takeProfit")
    stop_loss = optional_price("stopLoss")
    take_profit_trigger_by = _trigger("tpTriggerBy")
    stop_loss_trigger_by = _trigger("slTriggerBy")
    take_profit_limit_price = optional_price("tpLimitPrice")
    stop_loss_limit_price = optional_price("slLimitPrice")
    trigger_direction = fields.Integer(data_key="triggerDirection", empty=True, nothing=0)
    trigger_by = _trigger("triggerBy")
    close_on_trigger = fields.Boolean(data_key="closeOnTrigger", empty=True)
    category = fields.String(required=True)
    place_type = optional_text("placeType")
    self_match = fields.Choice(SelfMatch, data_key="smpType", empty=True, nothing="None")
    self_match_group = fields.Integer(data_key="smpGroup", empty=True, nothing=0)
    self_match_order_id = optional_text("smpOrderId")
    fee_coin = optional_text("feeCurrency")
    fees = nested.Amounts(data_key="cumFeeDetail", empty=True)
    broker_order_price = optional_number("brokerOrderPrice")
    is_leverage = fields.Flag(data_key="isLeverage", empty=True)
    create_type = fields.Choice(CreateType, data_key="createType", empty=True, nothing="UNKNOWN")
    oco_trigger_by = optional_text("ocoTriggerBy", nothing="OcoTriggerByUnknown")
    market_unit = optional_text("marketUnit")
    slippage_tolerance_type = optional_text("slippageToleranceType", nothing="UNKNOWN")
    slippage_tolerance = optional_number("slippageTolerance")
    rpi_taker_access = fields.Boolean(data_key="rpiTakerAccess", empty=True)
    rpi_matched_quantity = optional_number("rpiMatchedQty")


_IN_FORCE = {"GoodTillCancel": "GTC", "ImmediateOrCancel": "IOC", "FillOrKill": "FOK"}


def _trigger_legacy(key: str) -> Spelled:
    return Spelled(TriggerBy, data_key=key, nothing="UNKNOWN")


class _OrderLegacy(WireSchema):
    """What both topics have. Older frames, and those of linear, have numbers for texts."""

    client_order_id = optional_text("order_link_id")
    symbol = fields.String(required=True)
    side = fields.Choice(Side, empty=True)
    type = fields.Choice(OrderType, data_key="order_type", empty=True, nothing="UNKNOWN")
    price = optional_number("price")
    quantity = fields.Decimal(required=True, data_key="qty")
    time_in_force = Spelled(TimeInForce, _IN_FORCE, data_key="time_in_force")
    create_type = fields.Choice(CreateType, data_key="create_type", empty=True, nothing="UNKNOWN")
    cancel_type = fields.Choice(CancelType, data_key="cancel_type", empty=True, nothing="UNKNOWN")
    updated_ms = fields.Moment(data_key="timestamp", empty=True)
    created_ms = fields.Moment(data_key="create_time", empty=True)
    take_profit = optional_price("take_profit")
    take_profit_trigger_by = _trigger_legacy("tp_trigger_by")
    stop_loss = optional_price("stop_loss")
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
    leaves_quantity = optional_number("leaves_qty")
    last_fill_price = optional_price("last_exec_price")
    filled_quantity = optional_number("cum_exec_qty")
    filled_value = optional_number("cum_exec_value")
    fee = optional_number("cum_exec_fee")
    trailing_stop = optional_price("trailing_stop")
    trailing_activation_price = optional_price("trailing_active")


class StopOrderLegacy(_OrderLegacy):
    """Stop orders, until they are triggered; ``Active`` is what V5 says as ``New``.

    Source: legacy manual, websocket pages of inverse perpetual, inverse futures and linear
    perpetual, "Stop Order".
    """

    order_id = fields.String(required=True)
    status = Spelled(OrderStatus, {"Active": "New"}, data_key="order_status", required=True)
    stop_order_type = fields.Choice(StopOrderType, required=True, data_key="stop_order_type")
    trigger_by = _trigger_legacy("trigger_by")
    trigger_price = optional_price("trigger_price")
