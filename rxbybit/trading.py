"""The open enums of orders, positions and executions.

Source: V5 manual, "Enums Definitions"; what only the legacy wire has is marked so.
"""

from __future__ import annotations

from rxbybit.events import OpenEnum

__all__ = [
    "CancelType",
    "CreateType",
    "ExecutionType",
    "OrderStatus",
    "OrderType",
    "PositionStatus",
    "SelfMatch",
    "StopOrderType",
    "TimeInForce",
    "TriggerBy",
]


class OrderType(OpenEnum):
    """Whether an order names a price (V5 manual, "Enums Definitions": orderType)."""

    MARKET = "Market"
    LIMIT = "Limit"


class OrderStatus(OpenEnum):
    """How far an order is (V5 manual, "Enums Definitions": orderStatus)."""

    CREATED = "Created"
    """Taken by the exchange, but not yet by its matching engine; only the legacy wire says so."""
    NEW = "New"
    PARTIALLY_FILLED = "PartiallyFilled"
    UNTRIGGERED = "Untriggered"
    """A stop order that waits for its trigger."""
    TRIGGERED = "Triggered"
    """A stop order between its trigger and ``New``: for a moment."""
    FILLED = "Filled"
    PENDING_CANCEL = "PendingCancel"
    """The cancel is on its way to the matching engine; only the legacy wire says so."""
    CANCELLED = "Cancelled"
    """Of derivatives it may have been filled in part."""
    PARTIALLY_FILLED_CANCELLED = "PartiallyFilledCanceled"
    """Of spot."""
    REJECTED = "Rejected"
    DEACTIVATED = "Deactivated"
    """A stop order that was cancelled before its trigger."""

    @property
    def closed(self) -> bool:
        """Whether nothing more comes of the order; false for a status that is not known."""
        return self in _CLOSED


_CLOSED = frozenset(
    {
        OrderStatus.FILLED,
        OrderStatus.CANCELLED,
        OrderStatus.PARTIALLY_FILLED_CANCELLED,
        OrderStatus.REJECTED,
        OrderStatus.DEACTIVATED,
    }
)


class TimeInForce(OpenEnum):
    """How long an order stands (V5 manual, "Enums Definitions": timeInForce)."""

    GTC = "GTC"
    """Good till cancelled."""
    IOC = "IOC"
    """Immediate or cancel."""
    FOK = "FOK"
    """Fill or kill."""
    POST_ONLY = "PostOnly"
    """Cancelled if it would be filled at once."""
    RPI = "RPI"
    """Retail price improvement."""


class StopOrderType(OpenEnum):
    """Kinds of stop orders (V5 manual, "Enums Definitions": stopOrderType)."""

    TAKE_PROFIT = "TakeProfit"
    STOP_LOSS = "StopLoss"
    TRAILING_STOP = "TrailingStop"
    STOP = "Stop"
    """An order that waits for a trigger price."""
    PARTIAL_TAKE_PROFIT = "PartialTakeProfit"
    PARTIAL_STOP_LOSS = "PartialStopLoss"
    SPOT_TAKE_PROFIT_OR_STOP_LOSS = "tpslOrder"
    ONE_CANCELS_OTHER = "OcoOrder"
    """Of spot."""
    MARGIN_RATE_CLOSE = "MmRateClose"
    """Closes at a maintenance margin rate."""
    BIDIRECTIONAL = "BidirectionalTpslOrder"
    """Of spot: take-profit and stop-loss at once."""


class TriggerBy(OpenEnum):
    """Which price triggers (V5 manual, "Enums Definitions": triggerBy)."""

    LAST_PRICE = "LastPrice"
    INDEX_PRICE = "IndexPrice"
    MARK_PRICE = "MarkPrice"


class ExecutionType(OpenEnum):
    """Why something was executed (V5 manual, "Enums Definitions": execType)."""

    TRADE = "Trade"
    """An order was filled."""
    FUNDING = "Funding"
    """Funding was paid or received: no fill."""
    LIQUIDATION = "BustTrade"
    DELEVERAGING = "AdlTrade"
    """A position was closed for one of another account, by its rank."""
    DELIVERY = "Delivery"
    SETTLEMENT = "Settle"
    BLOCK_TRADE = "BlockTrade"
    MOVE_POSITION = "MovePosition"
    FUTURE_SPREAD = "FutureSpread"
    CORPORATE_ACTION = "CorporateAction"


class PositionStatus(OpenEnum):
    """What happens to a position (V5 manual, "Enums Definitions": positionStatus)."""

    NORMAL = "Normal"
    LIQUIDATION = "Liq"
    DELEVERAGING = "Adl"


class SelfMatch(OpenEnum):
    """Which order goes when both are one's own (V5 manual, "Enums Definitions": smpType)."""

    CANCEL_MAKER = "CancelMaker"
    CANCEL_TAKER = "CancelTaker"
    CANCEL_BOTH = "CancelBoth"


class CreateType(OpenEnum):
    """Who made an order (V5 manual, "Enums Definitions": createType)."""

    USER = "CreateByUser"
    FUTURE_SPREAD = "CreateByFutureSpread"
    ADMIN_CLOSING = "CreateByAdminClosing"
    SETTLEMENT = "CreateBySettle"
    STOP_ORDER = "CreateByStopOrder"
    TAKE_PROFIT = "CreateByTakeProfit"
    PARTIAL_TAKE_PROFIT = "CreateByPartialTakeProfit"
    STOP_LOSS = "CreateByStopLoss"
    PARTIAL_STOP_LOSS = "CreateByPartialStopLoss"
    TRAILING_STOP = "CreateByTrailingStop"
    TRAILING_PROFIT = "CreateByTrailingProfit"
    LIQUIDATION = "CreateByLiq"
    TAKE_OVER = "CreateByTakeOver_PassThrough"
    DELEVERAGING = "CreateByAdl_PassThrough"
    BLOCK_TRADE = "CreateByBlock_PassThrough"
    MOVE_POSITION = "CreateByBlockTradeMovePosition_PassThrough"
    CHASE_ORDER = "CreateByChaseOrder"
    FUTURES_GRID_BOT = "CreateByFGridBot"
    FUTURES_GRID_BOT_CLOSING = "CloseByFGridBot"
    TWAP = "CreateByTWAP"
    MARTINGALE_BOT = "CreateByMartingaleBot"
    MARTINGALE_BOT_CLOSING = "CloseByMartingaleBot"
    ICEBERG = "CreateByIceBerg"
    BEST_BID_OFFER = "CreateByBboOrder"
    CLOSING = "CreateByClosing"
    TRADING_VIEW_SIGNAL = "CreateByTVSignal"
    MARGIN_RATE_CLOSE = "CreateByMmRateClose"
    ARBITRAGE = "CreateByArbitrage"
    DELTA_HEDGING = "CreateByDdh"


class CancelType(OpenEnum):
    """Why an order was cancelled (V5 manual, "Enums Definitions": cancelType)."""

    USER = "CancelByUser"
    REDUCE_ONLY = "CancelByReduceOnly"
    PREPARE_LIQUIDATION = "CancelByPrepareLiq"
    ALL_BEFORE_LIQUIDATION = "CancelAllBeforeLiq"
    PREPARE_DELEVERAGING = "CancelByPrepareAdl"
    ALL_BEFORE_DELEVERAGING = "CancelAllBeforeAdl"
    ADMIN = "CancelByAdmin"
    SETTLEMENT = "CancelBySettle"
    STOPS_CLEARED = "CancelByTpSlTsClear"
    SELF_MATCH = "CancelBySmp"
    DISCONNECTED = "CancelByDCP"
    REBALANCE = "CancelByRebalance"
    TAKE_PROFIT_BY_STOP_LOSS = "CancelByOCOTpCanceledBySlTriggered"
    STOP_LOSS_BY_TAKE_PROFIT = "CancelByOCOSlCanceledByTpTriggered"
    CANNOT_AFFORD = "CancelByCannotAffordOrderCost"
    """Of options, as are those below."""
    TRIAL_MARGIN_OVER_EQUITY = "CancelByPmTrialMmOverEquity"
    ACCOUNT_BLOCKED = "CancelByAccountBlocking"
    DELIVERY = "CancelByDelivery"
    MARKET_MAKER_PROTECTION = "CancelByMmpTriggered"
    CROSS_SELF_MATCH = "CancelByCrossSelfMuch"
    CROSS_TRADE_LIMIT = "CancelByCrossReachMaxTradeNum"
