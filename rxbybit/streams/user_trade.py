"""Executions of the account: fills of its orders, funding, and what the exchange does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from rxbybit.config import Category, check_truth
from rxbybit.events import Event, Side, utc
from rxbybit.schema import fields, nested
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.optional import optional_number, optional_text
from rxbybit.schema.private import legacy_private_wire, private_wire
from rxbybit.schema.recent import Asked, Recent
from rxbybit.schema.spec import StreamSpec
from rxbybit.schema.standing import Row
from rxbybit.stream import Stream
from rxbybit.trading import CreateType, ExecutionType, OrderType, StopOrderType
from rxbybit.venue import Opens

__all__ = [
    "USER_TRADES",
    "ExtraFee",
    "ExtraFeeV5",
    "UserTrade",
    "UserTradeFastV5",
    "UserTradeLegacy",
    "UserTradeV5",
    "no_funding",
    "user_trades",
]


class ExtraFee(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fee that some regions have beside the exchange's own, such as a tax."""

    coin: str
    type: str
    """Such as ``"GST"``."""
    sub_type: str | None = None
    """Such as ``"IND_GST"``."""
    rate: Decimal | None = None
    """A ratio (0.01 = 1 %)."""
    amount: Decimal
    """In ``coin``."""


class UserTrade(Event, frozen=True, kw_only=True):
    """An execution on the account: a fill of an order, as a rule (``type`` tells).

    Quantities are in contracts of 1 USD (inverse) or in the base coin (linear, spot, option),
    prices in the quote currency.
    """

    category: str
    """``"inverse"``, ``"linear"``, ``"spot"`` or ``"option"``."""
    symbol: str
    trade_id: str
    """The exchange's id of the execution: no two are the same."""
    order_id: str | None = None
    client_order_id: str | None = None
    """The id that the order was given by whoever placed it."""
    side: Side | None = None
    type: ExecutionType = ExecutionType.TRADE
    """What it is: ``Funding`` items are no fills, ``BustTrade`` is a liquidation."""
    price: Decimal
    quantity: Decimal
    value: Decimal | None = None
    """In the base coin (inverse) or in the quote currency."""
    fee: Decimal | None = None
    """In ``fee_coin``, below 0 for a rebate; of ``Funding`` items what was paid, below 0 for what
    was received."""
    fee_rate: Decimal | None = None
    """A ratio (0.0006 = 0.06 %); of ``Funding`` items the funding rate."""
    fee_coin: str | None = None
    """``None`` where the wire does not say: the base coin (inverse), else the quote coin, or on
    spot the coin that was received."""
    extra_fees: tuple[ExtraFee, ...] | None = None
    """``None`` where there are none."""
    is_maker: bool | None = None
    order_type: OrderType | None = None
    """``None`` of what was no order, such as funding."""
    order_price: Decimal | None = None
    order_quantity: Decimal | None = None
    leaves_quantity: Decimal | None = None
    """What of the order is not filled."""
    stop_order_type: StopOrderType | None = None
    """Of an order that was a stop order."""
    create_type: CreateType | None = None
    """Who made the order; ``None`` of spot and options."""
    closed_size: Decimal | None = None
    """How much of a position it closed."""
    realised_pnl: Decimal | None = None
    """Profit of what it closed, in the settle coin."""
    mark_price: Decimal | None = None
    """At that time."""
    index_price: Decimal | None = None
    """Of options, as are the three below."""
    underlying_price: Decimal | None = None
    volatility: Decimal | None = None
    """Implied volatility of the trade, a ratio (0.5 = 50 %)."""
    mark_volatility: Decimal | None = None
    """Implied volatility of the mark price, a ratio."""
    is_leverage: bool | None = None
    """Whether it was made on borrowed coins (spot)."""
    block_trade_id: str | None = None
    market_unit: str | None = None
    """Of spot market orders: ``"baseCoin"`` or ``"quoteCoin"``, the unit of ``order_quantity``."""
    sequence: int | None = None
    """Cross sequence: the same for all fills of one match; it compares within a symbol."""
    time_ms: int
    """When it was executed, in milliseconds."""

    time = utc[datetime]("time_ms")


class ExtraFeeV5(WireSchema):
    """Source: https://bybit-exchange.github.io/docs/v5/websocket/private/execution."""

    coin = fields.String(required=True, data_key="feeCoin")
    type = fields.String(required=True, data_key="feeType")
    sub_type = fields.String(data_key="subFeeType", empty=True)
    rate = fields.Decimal(data_key="feeRate", empty=True)
    amount = fields.Decimal(required=True, data_key="fee")


class UserTradeV5(WireSchema):
    """Source: https://bybit-exchange.github.io/docs/v5/websocket/private/execution."""

    category = fields.String(required=True)
    symbol = fields.String(required=True)
    closed_size = optional_number("closedSize")
    fee = optional_number("execFee")
    trade_id = fields.String(required=True, data_key="execId")
    price = fields.Decimal(required=True, data_key="execPrice")
    quantity = fields.Decimal(required=True, data_key="execQty")
    type = fields.Choice(ExecutionType, required=True, data_key="execType")
    value = optional_number("execValue")
    fee_rate = optional_number("feeRate")
    volatility = optional_number("tradeIv")
    mark_volatility = optional_number("markIv")
    block_trade_id = optional_text("blockTradeId")
    mark_price = optional_number("markPrice")
    index_price = optional_number("indexPrice")
    underlying_price = optional_number("underlyingPrice")
    leaves_quantity = optional_number("leavesQty")
    order_id = optional_text("orderId")
    client_order_id = optional_text("orderLinkId")
    order_price = optional_number("orderPrice")
    order_quantity = optional_number("orderQty")
    order_type = fields.Choice(OrderType, data_key="orderType", empty=True, nothing="UNKNOWN")
    stop_order_type = fields.Choice(
        StopOrderType, data_key="stopOrderType", empty=True, nothing="UNKNOWN"
    )
    side = fields.Choice(Side, empty=True)
    time_ms = fields.Moment(required=True, data_key="execTime")
    is_leverage = fields.Flag(data_key="isLeverage", empty=True)
    is_maker = fields.Boolean(data_key="isMaker", empty=True)
    sequence = fields.Integer(data_key="seq", empty=True)
    market_unit = optional_text("marketUnit")
    realised_pnl = optional_number("execPnl")
    create_type = fields.Choice(CreateType, data_key="createType", empty=True, nothing="UNKNOWN")
    extra_fees = nested.Parts(ExtraFeeV5, ExtraFee, data_key="extraFees", empty=True)
    fee_coin = optional_text("feeCurrency")


class UserTradeFastV5(WireSchema):
    """Fills alone, sooner and with less; for recordings.

    Source: https://bybit-exchange.github.io/docs/v5/websocket/private/fast-execution.
    """

    category = fields.String(required=True)
    symbol = fields.String(required=True)
    trade_id = fields.String(required=True, data_key="execId")
    price = fields.Decimal(required=True, data_key="execPrice")
    quantity = fields.Decimal(required=True, data_key="execQty")
    order_id = optional_text("orderId")
    is_maker = fields.Boolean(data_key="isMaker", empty=True)
    client_order_id = optional_text("orderLinkId")
    side = fields.Choice(Side, empty=True)
    time_ms = fields.Moment(required=True, data_key="execTime")
    sequence = fields.Integer(data_key="seq", empty=True)


class UserTradeLegacy(WireSchema):
    """Fills alone. Frames until 2019 name no kind and no quantity of the order.

    Source: legacy manual, websocket pages of inverse perpetual, inverse futures and linear
    perpetual, "Execution".
    """

    symbol = fields.String(required=True)
    side = fields.Choice(Side, empty=True)
    order_id = optional_text("order_id")
    trade_id = fields.String(required=True, data_key="exec_id")
    client_order_id = optional_text("order_link_id")
    price = fields.Decimal(required=True)
    order_quantity = optional_number("order_qty")
    type = fields.Choice(ExecutionType, data_key="exec_type")
    quantity = fields.Decimal(required=True, data_key="exec_qty")
    fee = optional_number("exec_fee")
    leaves_quantity = optional_number("leaves_qty")
    is_maker = fields.Boolean(empty=True)
    time_ms = fields.Moment(required=True, data_key="trade_time")


def _query(asked: Asked) -> Mapping[str, str]:
    return {"category": asked.category, "startTime": str(asked.since_ms), "limit": "100"}


def _row(row: Row, asked: Asked) -> Row:
    """A row with its category, which stands beside the list."""
    return {"category": asked.category, **row}


def _id(trade: UserTrade) -> str:
    return trade.trade_id


_RECENT = Recent[UserTrade](
    path="/v5/execution/list",
    query=_query,
    schema=UserTradeV5,
    key=_id,
    row=_row,
    paged=True,
    reach_ms=7 * 86_400_000,
    signed=True,
)
_CATEGORIES: tuple[Category, ...] = ("inverse", "linear", "spot", "option")
_FAST = private_wire("execution.fast", UserTradeFastV5, categories=_CATEGORIES)
USER_TRADES = StreamSpec(
    "user_trades",
    UserTrade,
    v5=private_wire("execution", UserTradeV5, categories=_CATEGORIES, also=(_FAST, *_FAST.also)),
    legacy=legacy_private_wire("execution", UserTradeLegacy),
    categories=_CATEGORIES,
    recent=_RECENT,
)


def user_trades(
    self: Opens,
    *symbols: str | Iterable[str],
    funding: bool = False,
    category: Category | None = None,
) -> Stream[UserTrade]:
    """The account's executions: each fill of an order, one event each.

    ``symbols``: one, several, or an iterable of them; none at all for every one. ``funding``:
    whether funding payments come as well. ``category``: only of this one; nothing is read from
    the symbol. Liquidations and settlements are among them, as ``type`` tells.

    After an outage, what was missed comes first, out of REST, with ``meta.backfilled`` (see
    ``Bybit(gaps=)``), of every category by time, up to seven days back; what comes live waits for
    it, 10 seconds at most. What is missing all the same is said by ``meta.gap`` of the next one.
    Errors: as :func:`orders`.
    Source: V5 manual, "Execution" (private stream).

    ::

        user_trades("BTCUSD").subscribe(lambda fill: print(fill.price, fill.quantity, fill.fee))
    """
    check_truth("funding", funding)
    keep = None if funding else no_funding
    return self.open_private(USER_TRADES, symbols, category=category, keep=keep)


def no_funding(trade: UserTrade) -> bool:
    """Whether ``user_trades()`` keeps ``trade`` where it was not asked for funding."""
    return trade.type != ExecutionType.FUNDING
