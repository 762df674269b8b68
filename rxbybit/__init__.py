"""Every websocket stream of Bybit as a cold Observable of typed events.

::

    from reactivex import operators as ops
    from rxbybit import trades

    trades("BTCUSD").pipe(ops.buffer_with_time(1)).subscribe(print)
"""

from __future__ import annotations

import typing

from rxbybit.book import BookDelta, BookSnapshot, BookState, OrderBook
from rxbybit.client import Bybit
from rxbybit.config import Backoff, Category, Environment
from rxbybit.counting import Counters, Latency, TopicCounters
from rxbybit.credentials import Credentials
from rxbybit.default import of_default, use
from rxbybit.errors import (
    AuthenticationFailed,
    ClosedError,
    ConfigurationError,
    ConnectionFailed,
    DecodeError,
    HandshakeRejected,
    HeartbeatLost,
    ProtocolError,
    RequestRefused,
    RetryBudgetExhausted,
    RuntimeMisuse,
    RxBybitError,
    SlowConsumer,
    SubscriptionRejected,
)
from rxbybit.events import (
    Connected,
    Connecting,
    DecodeFailed,
    Disconnected,
    Dropped,
    Event,
    Gap,
    Meta,
    Reconnecting,
    Rejected,
    RequestFailed,
    Resynced,
    Side,
    Stale,
    Status,
    Subscribed,
    TickDirection,
)
from rxbybit.hooks import Hooks, LoggingHooks
from rxbybit.instrument import ContractType, Instrument, InstrumentStatus
from rxbybit.order import Order, StopOrder
from rxbybit.runtime import Runtime
from rxbybit.stream import Stream, lift
from rxbybit.streams.insurance import Insurance
from rxbybit.streams.kline import Kline
from rxbybit.streams.liquidation import Liquidation
from rxbybit.streams.position import Position
from rxbybit.streams.trade import Trade
from rxbybit.streams.user_trade import ExtraFee, UserTrade
from rxbybit.streams.wallet import Account, Balance
from rxbybit.ticker import Ticker, TickerUpdate
from rxbybit.trading import (
    CancelType,
    CreateType,
    ExecutionType,
    OrderStatus,
    OrderType,
    PositionStatus,
    SelfMatch,
    StopOrderType,
    TimeInForce,
    TriggerBy,
)

if typing.TYPE_CHECKING:
    from rxbybit.simulator import Simulator

trades = of_default(Bybit.trades)
tickers = of_default(Bybit.tickers)
ticker_updates = of_default(Bybit.ticker_updates)
klines = of_default(Bybit.klines)
order_book = of_default(Bybit.order_book)
order_book_updates = of_default(Bybit.order_book_updates)
liquidations = of_default(Bybit.liquidations)
insurance = of_default(Bybit.insurance)
instruments = of_default(Bybit.instruments)
balances = of_default(Bybit.balances)
account = of_default(Bybit.account)
positions = of_default(Bybit.positions)
orders = of_default(Bybit.orders)
stop_orders = of_default(Bybit.stop_orders)
user_trades = of_default(Bybit.user_trades)
status = of_default(Bybit.status)
counters = of_default(Bybit.counters)

__all__ = [
    "Account",
    "AuthenticationFailed",
    "Backoff",
    "Balance",
    "BookDelta",
    "BookSnapshot",
    "BookState",
    "Bybit",
    "CancelType",
    "Category",
    "ClosedError",
    "ConfigurationError",
    "Connected",
    "Connecting",
    "ConnectionFailed",
    "ContractType",
    "Counters",
    "CreateType",
    "Credentials",
    "DecodeError",
    "DecodeFailed",
    "Disconnected",
    "Dropped",
    "Environment",
    "Event",
    "ExecutionType",
    "ExtraFee",
    "Gap",
    "HandshakeRejected",
    "HeartbeatLost",
    "Hooks",
    "Instrument",
    "InstrumentStatus",
    "Insurance",
    "Kline",
    "Latency",
    "Liquidation",
    "LoggingHooks",
    "Meta",
    "Order",
    "OrderBook",
    "OrderStatus",
    "OrderType",
    "Position",
    "PositionStatus",
    "ProtocolError",
    "Reconnecting",
    "Rejected",
    "RequestFailed",
    "RequestRefused",
    "Resynced",
    "RetryBudgetExhausted",
    "Runtime",
    "RuntimeMisuse",
    "RxBybitError",
    "SelfMatch",
    "Side",
    "Simulator",
    "SlowConsumer",
    "Stale",
    "Status",
    "StopOrder",
    "StopOrderType",
    "Stream",
    "Subscribed",
    "SubscriptionRejected",
    "TickDirection",
    "Ticker",
    "TickerUpdate",
    "TimeInForce",
    "TopicCounters",
    "Trade",
    "TriggerBy",
    "UserTrade",
    "account",
    "balances",
    "counters",
    "instruments",
    "insurance",
    "klines",
    "lift",
    "liquidations",
    "order_book",
    "order_book_updates",
    "orders",
    "positions",
    "status",
    "stop_orders",
    "ticker_updates",
    "tickers",
    "trades",
    "use",
    "user_trades",
]


def __getattr__(name: str) -> object:
    # Who needs no exchange does not wait for the import of one.
    if name == "Simulator":
        from rxbybit.simulator import Simulator

        return Simulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
