"""Orders, fills and positions as the wire has them (V5 manual, "Order", "Execution", "Position").

Every key of the pages that a derivative has is there, in the order of their samples; what the
exchange does not model has the value that it has when it is not used.
"""

from __future__ import annotations

from dataclasses import dataclass

from rxbybit.sim.accounts.money import LEVERAGE, maintenance_of, rate_text, rounded, text
from rxbybit.sim.accounts.order import Order
from rxbybit.sim.accounts.position import Closed, Position
from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.instruments import spelled
from rxbybit.sim.market.pit import Pit

__all__ = ["Booked", "create_type", "execution_item", "fast_item", "order_item", "position_item"]

_NOTHING = Closed(0, 0)
_RISK = {"inverse": "150", "linear": "2000000"}


def order_item(order: Order) -> Content:
    """An order as it is now."""
    return _placed(order) | _conditions(order) | _unused(order)


def _placed(order: Order) -> Content:
    """What was wanted, and what has become of it."""
    one = order.instrument
    average = Position(one, 0)
    average.lots, average.cost = order.filled, order.value
    return {
        "symbol": one.symbol,
        "orderId": order.order_id,
        "side": order.side,
        "orderType": order.kind,
        "cancelType": order.cancel_type,
        "price": one.price(order.price),
        "qty": one.size(order.lots),
        "orderIv": "",
        "timeInForce": order.tif,
        "orderStatus": order.status,
        "orderLinkId": order.link_id,
        "parentOrderLinkId": "",
        "lastPriceOnCreated": one.price(order.last_on_created),
        "reduceOnly": order.reduce_only,
        "leavesQty": one.size(order.left),
        "leavesValue": text(order.left_value),
        "cumExecQty": one.size(order.filled),
        "cumExecValue": text(order.value),
        "avgPrice": average.average if order.filled else "",
        "blockTradeId": "",
        "positionIdx": 0,
        "cumExecFee": text(order.fee),
        "closedPnl": text(order.pnl),
        "createdTime": str(order.created_ms),
        "updatedTime": str(order.updated_ms),
        "rejectReason": order.reject_reason,
    }


def _conditions(order: Order) -> Content:
    """When it comes into force."""
    one = order.instrument
    return {
        "stopOrderType": "Stop" if order.is_stop else "",
        "tpslMode": "",
        "triggerPrice": one.price(order.trigger) if order.trigger is not None else "",
        "takeProfit": "",
        "stopLoss": "",
        "tpTriggerBy": "",
        "slTriggerBy": "",
        "tpLimitPrice": "",
        "slLimitPrice": "",
        "triggerDirection": order.direction,
        "triggerBy": order.trigger_by if order.is_stop else "",
        "closeOnTrigger": order.close_on_trigger,
    }


def _unused(order: Order) -> Content:
    """Mostly what this exchange does without."""
    one = order.instrument
    return {
        "category": one.category,
        "placeType": "",
        "smpType": "None",
        "smpGroup": 0,
        "smpOrderId": "",
        "feeCurrency": one.settle if order.filled else "",
        "cumFeeDetail": {one.settle: text(order.fee)} if order.filled else {},
        "isLeverage": "",
        "createType": create_type(order),
        "brokerOrderPrice": "",
        "marketUnit": "",
        "slippageToleranceType": "UNKNOWN",
        "slippageTolerance": "",
        "rpiTakerAccess": False,
        "rpiMatchedQty": "0",
    }


@dataclass(frozen=True, kw_only=True)
class Booked:
    """What a fill was, to an account; money in units of 1e-8."""

    ident: str
    price: int
    """In ticks."""
    lots: int
    value: int
    fee: int = 0
    rate: int = 0
    """Of the fee, in units of 1e-5."""
    closed: Closed = _NOTHING
    is_maker: bool = False
    ms: int


def execution_item(order: Order, pit: Pit, fill: Booked) -> Content:
    """A fill of ``order``, which has taken it in already."""
    one = pit.instrument
    return {
        "category": one.category,
        "symbol": one.symbol,
        "closedSize": one.size(fill.closed.lots),
        "execFee": text(fill.fee),
        "execId": fill.ident,
        "execPrice": one.price(fill.price),
        "execQty": one.size(fill.lots),
        "execType": "Trade",
        "execValue": text(fill.value),
        "feeRate": rate_text(fill.rate),
        "tradeIv": "",
        "markIv": "",
        "blockTradeId": "",
        "markPrice": spelled(pit.marks.mark, one.price_scale),
        "indexPrice": "",
        "underlyingPrice": "",
        "leavesQty": one.size(order.left),
        "orderId": order.order_id,
        "orderLinkId": order.link_id,
        "orderPrice": one.price(order.price),
        "orderQty": one.size(order.lots),
        "orderType": order.kind,
        "stopOrderType": "Stop" if order.is_stop else "UNKNOWN",
        "side": order.side,
        "execTime": str(fill.ms),
        "isLeverage": "0",
        "isMaker": fill.is_maker,
        "seq": pit.book.seq,
        "marketUnit": "",
        "execPnl": text(fill.closed.pnl),
        "createType": create_type(order),
        "extraFees": "",
        "feeCurrency": one.settle,
    }


def create_type(order: Order) -> str:
    """Who has made an order: its trigger, or the user."""
    return "CreateByStopOrder" if order.is_stop else "CreateByUser"


def fast_item(execution: Content) -> Content:
    """A fill as ``execution.fast`` has it."""
    keys = ("category", "symbol", "execId", "execPrice", "execQty", "orderId", "isMaker")
    item = {key: execution[key] for key in keys}
    item["orderLinkId"] = "" if execution["isMaker"] else execution["orderLinkId"]
    return item | {key: execution[key] for key in ("side", "execTime", "seq")}


def position_item(position: Position, mark: int) -> Content:
    """A position at a mark price in units of its last decimal."""
    one, value = position.instrument, position.value(mark)
    initial, maintenance = text(rounded(position.cost, LEVERAGE)), maintenance_of(position.cost)
    return {
        "positionIdx": 0,
        "tradeMode": 0,
        "riskId": 1,
        "riskLimitValue": _RISK[one.category],
        "symbol": one.symbol,
        "side": position.side or "",
        "size": one.size(abs(position.lots)),
        "entryPrice": position.average,
        "leverage": str(LEVERAGE),
        "breakEvenPrice": position.break_even,
        "positionValue": text(position.cost),
        "positionBalance": initial,
        "markPrice": spelled(mark, one.price_scale),
        "positionIM": initial,
        "positionIMByMp": text(rounded(value, LEVERAGE)),
        "positionMM": text(maintenance),
        "positionMMByMp": text(maintenance_of(value)),
        "takeProfit": "0",
        "stopLoss": "0",
        "trailingStop": "0",
        "unrealisedPnl": text(position.unrealised(mark)),
        "curRealisedPnl": text(position.current),
        "cumRealisedPnl": text(position.realised),
        "sessionAvgPrice": "",
        "createdTime": str(position.created_ms),
        "updatedTime": str(position.updated_ms),
        "tpslMode": "Full",
        "liqPrice": "",
        "bustPrice": "",
        "category": one.category,
        "positionStatus": "Normal",
        "adlRankIndicator": 0,
        "autoAddMargin": 0,
        "leverageSysUpdatedTime": "",
        "mmrSysUpdatedTime": "",
        "seq": position.seq,
        "isReduceOnly": False,
        "openTime": position.opened_ms,
    }
