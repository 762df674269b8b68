"""Positions of the account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from rxbybit.config import Category
from rxbybit.events import Event, Side, utc
from rxbybit.present import Present
from rxbybit.schema import fields
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.optional import optional_number, optional_price
from rxbybit.schema.private import legacy_private_wire, private_wire
from rxbybit.schema.spec import Otherwise, Renewal, StreamSpec
from rxbybit.schema.standing import Standing, listed, with_category
from rxbybit.stream import Stream
from rxbybit.trading import PositionStatus
from rxbybit.venue import Opens

__all__ = ["POSITIONS", "Position", "PositionLegacy", "PositionV5", "positions"]


class Position(Event, frozen=True, kw_only=True):
    """A position of the account as it stands; of size 0 when there is none.

    Sizes are in contracts of 1 USD (inverse) or in the base coin (linear, option), prices in the
    quote currency. Values, margins and profits are in the settle coin: the base coin (inverse),
    USDT or USDC (linear, option).
    """

    category: str
    """``"inverse"``, ``"linear"`` or ``"option"``."""
    symbol: str
    side: Side | None = None
    """``None`` when there is no position."""
    size: Decimal
    """Never below 0: ``side`` tells which way."""
    position_index: int = 0
    """0: one-way; in hedge mode 1 is the buy side, 2 the sell side."""
    value: Decimal | None = None
    entry_price: Decimal | None = None
    """Average; 0 when there is no position."""
    mark_price: Decimal | None = None
    break_even_price: Decimal | None = None
    """With fees and funding; of inverse and linear."""
    session_average_price: Decimal | None = None
    """Entry price since the last settlement, of USDC contracts."""
    leverage: Decimal | None = None
    """``None`` in portfolio margin."""
    liquidation_price: Decimal | None = None
    """``None`` in portfolio margin, and where no price would do it."""
    bankruptcy_price: Decimal | None = None
    """V5 sends it no more; the legacy wire does."""
    take_profit: Decimal | None = None
    """Trigger price; ``None`` where none is set, as for the two below."""
    stop_loss: Decimal | None = None
    trailing_stop: Decimal | None = None
    """Distance from the best price."""
    trailing_activation_price: Decimal | None = None
    """Price that activates the trailing stop; ``None`` for at once, and on V5."""
    unrealised_pnl: Decimal | None = None
    realised_pnl: Decimal | None = None
    """Of the position that is held now; on the legacy wire of today."""
    cumulative_realised_pnl: Decimal | None = None
    """Of all positions ever held in the symbol."""
    initial_margin: Decimal | None = None
    """This margin and those below: ``None`` in portfolio margin."""
    initial_margin_by_mark: Decimal | None = None
    """As ``initial_margin``, by the mark price."""
    maintenance_margin: Decimal | None = None
    maintenance_margin_by_mark: Decimal | None = None
    order_margin: Decimal | None = None
    """What orders need; only the legacy wire has it, as it does the three below."""
    closing_fee: Decimal | None = None
    """Reserved for closing the position."""
    funding_fee: Decimal | None = None
    """Reserved for funding."""
    is_isolated: bool | None = None
    """Whether its margin is apart from that of the rest."""
    auto_add_margin: bool | None = None
    """Whether margin is added by itself; in isolated margin only."""
    risk_id: int | None = None
    """Number of the risk limit; 0 in portfolio margin."""
    risk_limit: Decimal | None = None
    """Largest value of the position at its leverage; 0 in portfolio margin."""
    delta: Decimal | None = None
    """Of options, as are the three below."""
    gamma: Decimal | None = None
    vega: Decimal | None = None
    theta: Decimal | None = None
    status: PositionStatus | None = None
    adl_rank: int | None = None
    """Rank in the queue for deleveraging: 0 (none) to 5 (first)."""
    is_reduce_only: bool | None = None
    """Whether the exchange lets the position be reduced only."""
    sequence: int | None = None
    """Cross sequence of the trade that changed it, as in ``UserTrade.sequence``; it compares
    within a symbol. -1 for a symbol that was never traded."""
    created_ms: int | None = None
    """When the symbol was first traded, in milliseconds."""
    updated_ms: int | None = None
    """When the position changed, in milliseconds."""
    opened_ms: int | None = None
    """When the position that is held now was opened, in milliseconds."""
    maintenance_updated_ms: int | None = None
    """When the exchange changed the maintenance margin rate by itself, in milliseconds."""
    leverage_updated_ms: int | None = None
    """When the exchange changed the leverage by itself, in milliseconds."""

    created = utc[datetime | None]("created_ms")
    updated = utc[datetime | None]("updated_ms")
    opened = utc[datetime | None]("opened_ms")
    maintenance_updated = utc[datetime | None]("maintenance_updated_ms")
    leverage_updated = utc[datetime | None]("leverage_updated_ms")


class PositionV5(WireSchema):
    """Sent at every order that is created, amended or cancelled, even if nothing has changed.

    Source: https://bybit-exchange.github.io/docs/v5/websocket/private/position.
    """

    position_index = fields.Integer(data_key="positionIdx")
    risk_id = fields.Integer(data_key="riskId")
    risk_limit = optional_number("riskLimitValue")
    symbol = fields.String(required=True)
    side = fields.Choice(Side, empty=True)
    size = fields.Decimal(required=True)
    entry_price = optional_number("entryPrice")
    leverage = optional_number("leverage")
    break_even_price = optional_number("breakEvenPrice")
    value = optional_number("positionValue")
    mark_price = optional_number("markPrice")
    initial_margin = optional_number("positionIM")
    initial_margin_by_mark = optional_number("positionIMByMp")
    maintenance_margin = optional_number("positionMM")
    maintenance_margin_by_mark = optional_number("positionMMByMp")
    take_profit = optional_price("takeProfit")
    stop_loss = optional_price("stopLoss")
    trailing_stop = optional_price("trailingStop")
    unrealised_pnl = optional_number("unrealisedPnl")
    realised_pnl = optional_number("curRealisedPnl")
    cumulative_realised_pnl = optional_number("cumRealisedPnl")
    session_average_price = optional_number("sessionAvgPrice")
    delta = optional_number("delta")
    gamma = optional_number("gamma")
    vega = optional_number("vega")
    theta = optional_number("theta")
    created_ms = fields.Moment(data_key="createdTime", empty=True)
    updated_ms = fields.Moment(data_key="updatedTime", empty=True)
    opened_ms = fields.Milliseconds(data_key="openTime", empty=True, nothing=0)
    liquidation_price = optional_number("liqPrice")
    bankruptcy_price = optional_number("bustPrice")
    category = fields.String(required=True)
    status = fields.Choice(PositionStatus, data_key="positionStatus", empty=True)
    adl_rank = fields.Integer(data_key="adlRankIndicator", empty=True)
    auto_add_margin = fields.Flag(data_key="autoAddMargin", empty=True)
    leverage_updated_ms = fields.Moment(data_key="leverageSysUpdatedTime", empty=True)
    maintenance_updated_ms = fields.Moment(data_key="mmrSysUpdatedTime", empty=True)
    sequence = fields.Whole(data_key="seq", empty=True)
    is_reduce_only = fields.Boolean(data_key="isReduceOnly", empty=True)

    ignored: ClassVar[Mapping[str, str]] = {
        "tradeMode": "deprecated: always 0 in a unified account",
        "tpslMode": "deprecated: means nothing of a position",
        "positionBalance": "deprecated: the margins tell it",
    }


class PositionLegacy(WireSchema):
    """Sent when an order, a fill or a setting changes it. Older frames have numbers for texts.

    Source: legacy manual, websocket pages of inverse perpetual, inverse futures and linear
    perpetual, "Position".
    """

    symbol = fields.String(required=True)
    size = fields.Decimal(required=True)
    side = fields.Choice(Side, empty=True, nothing="None")
    value = optional_number("position_value")
    entry_price = optional_number("entry_price")
    # a short position that nothing endangers has 999999, where V5 has nothing
    liquidation_price = fields.Decimal(data_key="liq_price", empty=True, nothing=999999)
    bankruptcy_price = fields.Decimal(data_key="bust_price", empty=True, nothing=999999)
    leverage = optional_number("leverage")
    order_margin = optional_number("order_margin")
    initial_margin = optional_number("position_margin")
    take_profit = optional_price("take_profit")
    stop_loss = optional_price("stop_loss")
    realised_pnl = optional_number("realised_pnl")
    trailing_stop = optional_price("trailing_stop")
    trailing_activation_price = optional_price("trailing_active")
    risk_id = fields.Whole(data_key="risk_id", empty=True)
    closing_fee = optional_number("occ_closing_fee")
    funding_fee = optional_number("occ_funding_fee")
    auto_add_margin = fields.Flag(empty=True)
    cumulative_realised_pnl = optional_number("cum_realised_pnl")
    status = fields.Choice(PositionStatus, data_key="position_status", empty=True)
    is_isolated = fields.Boolean(data_key="Isolated", empty=True)
    position_index = fields.Whole(data_key="position_idx")
    adl_rank = fields.Whole(data_key="adl_rank_indicator", empty=True)

    ignored: ClassVar[Mapping[str, str]] = {
        "user_id": "of the account",
        "available_balance": "of the account: the topic wallet has it",
        "wallet_balance": "of the account: the topic wallet has it",
        "position_seq": "version of the position, 0 in late frames: no cross sequence",
        "position_id": "of linear: always 0",
        "isolated": "the name of Isolated on linear",
        "mode": "the index tells it: 0 in one-way mode",
        **dict.fromkeys(
            (
                *("tp_trigger_by", "sl_trigger_by", "tp_sl_mode", "tp_order_num", "sl_order_num"),
                *("tp_free_size_x", "sl_free_size_x", "free_qty"),
            ),
            "of the orders that close the position, which stop_orders() gives",
        ),
    }


class PositionRestV5(PositionV5):
    """Source: https://bybit-exchange.github.io/docs/v5/position."""

    entry_price = optional_number("avgPrice")
    maintenance_updated_ms = fields.Moment(data_key="mmrSysUpdatedTime", empty=True)


def _state(renewal: Renewal, numbers: type) -> Present[Position]:
    return Present(lambda position: (position.category, position.symbol, position.position_index))


def _news(present: Present[Position] | None, position: Position) -> Position | None:
    return position if present is None else present.news


def _lists(category: Category) -> Sequence[dict[str, str]]:
    return [{**query, "limit": "200"} for query in listed(category)]


def _gone(missing: Sequence[Position]) -> Sequence[dict[str, str]]:
    """The lists have open positions only: what was closed meanwhile is asked for by its symbol."""
    return [{"category": p.category, "symbol": p.symbol} for p in missing if p.size]


POSITIONS = StreamSpec(
    "positions",
    Position,
    v5=private_wire("position", PositionV5, categories=("linear", "inverse", "option")),
    legacy=legacy_private_wire(
        "position", PositionLegacy, otherwise=(Otherwise("Isolated", "isolated"),)
    ),
    categories=("inverse", "linear", "option"),
    state=_state,
    emit=_news,
    late=lambda present: present.held,
    standing=Standing(
        path="/v5/position/list",
        queries=_lists,
        schema=PositionRestV5,
        rows=with_category,
        gone=_gone,
    ),
)


def positions(
    self: Opens,
    *symbols: str | Iterable[str],
    snapshot: bool = True,
    category: Category | None = None,
) -> Stream[Position]:
    """The account's positions: those that are open, then each change of one.

    ``symbols``: one, several, or an iterable of them; none at all for every position.
    ``snapshot``: whether the open ones come first, read over REST and marked ``meta.backfilled``;
    after an outage what has changed meanwhile is read and told in the same way. A late subscriber
    gets at once what is known. ``category``: ``"inverse"``, ``"linear"`` or ``"option"`` only.
    The exchange sends a position at every order that is created, amended or cancelled; a closed
    one has ``size`` 0 and no ``side``.
    Errors: as :func:`orders`.
    Sources: V5 manual, "Position" (private stream) and "Get Position Info".

    ::

        positions("BTCUSD").subscribe(lambda p: print(p.side, p.size, p.unrealised_pnl))
    """
    return self.open_private(POSITIONS, symbols, category=category, snapshot=snapshot)
