"""Public trades."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from rxbybit.config import Category
from rxbybit.events import Event, Side, TickDirection, utc
from rxbybit.schema import fields, legacy
from rxbybit.schema.envelope import LegacyEnvelope
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.recent import Asked, Recent
from rxbybit.schema.spec import Otherwise, Place, StreamSpec, Wire
from rxbybit.stream import Stream
from rxbybit.venue import Opens

__all__ = ["TRADES", "Trade", "TradeLegacy", "TradeOptionV5", "TradeRow", "TradeV5", "trades"]


class Trade(Event, frozen=True, kw_only=True):
    """A trade on the exchange."""

    symbol: str
    id: str
    """The exchange's id: a UUID on derivatives, digits on spot."""
    side: Side
    """Side of the taker."""
    price: Decimal
    """In the quote currency."""
    size: Decimal
    """In contracts of 1 USD (inverse) or in the base coin (linear, spot, option)."""
    tick_direction: TickDirection | None = None
    """The price against the trade before; ``None`` on spot, of options, and out of REST."""
    time_ms: int
    """When it was matched, in milliseconds."""
    sequence: int | None = None
    """Cross sequence: compares with that of order books; one may cover several trades."""
    is_block: bool = False
    """Whether it was agreed outside the book."""
    is_rpi: bool | None = None
    """Whether it is a retail price improvement; ``None`` where the wire does not say."""
    mark_price: Decimal | None = None
    """Of options: mark price, in the quote currency."""
    index_price: Decimal | None = None
    """Of options: index price, in the quote currency."""
    mark_volatility: Decimal | None = None
    """Of options: implied volatility of the mark price, a ratio (0.5 = 50 %)."""
    volatility: Decimal | None = None
    """Of options: implied volatility of the trade, a ratio (0.5 = 50 %)."""

    time = utc[datetime]("time_ms")


class TradeV5(WireSchema):
    """Of inverse, linear and spot.

    Source: https://bybit-exchange.github.io/docs/v5/websocket/public/trade.
    """

    time_ms = fields.Milliseconds(required=True, data_key="T")
    symbol = fields.String(required=True, data_key="s")
    side = fields.Choice(Side, required=True, data_key="S")
    size = fields.Decimal(required=True, data_key="v")
    price = fields.Decimal(required=True, data_key="p")
    tick_direction = fields.Choice(TickDirection, data_key="L")
    id = fields.String(required=True, data_key="i")
    is_block = fields.Boolean(data_key="BT")
    is_rpi = fields.Boolean(data_key="RPI")
    sequence = fields.Integer(data_key="seq")


class TradeOptionV5(TradeV5):
    """Of options, which come with what the option was worth.

    Source: https://bybit-exchange.github.io/docs/v5/websocket/public/trade.
    """

    mark_price = fields.Decimal(data_key="mP")
    index_price = fields.Decimal(data_key="iP")
    mark_volatility = fields.Decimal(data_key="mIv")
    volatility = fields.Decimal(data_key="iv")


class TradeLegacy(WireSchema):
    """Of inverse and, with some numbers as text and two keys fewer or more, of linear.

    Source: legacy manual, inverse and linear perpetual websocket, "Trade"; captures.
    """

    time_ms = legacy.Instant(required=True, data_key="trade_time_ms")
    symbol = fields.String(required=True)
    side = fields.Choice(Side, required=True)
    size = fields.Decimal(required=True)
    price = fields.Decimal(required=True)
    tick_direction = fields.Choice(TickDirection, empty=True)
    id = fields.String(required=True, data_key="trade_id")
    sequence = fields.Whole(data_key="cross_seq")
    is_block = legacy.Truth(data_key="is_block_trade")

    ignored: ClassVar[Mapping[str, str]] = {
        "timestamp": "the time in whole seconds; counts where trade_time_ms is missing",
    }


class TradeRow(WireSchema):
    """Of REST, which says no tick direction, and of options not what they were worth.

    Source: https://bybit-exchange.github.io/docs/v5/market/recent-trade.
    """

    id = fields.String(required=True, data_key="execId")
    symbol = fields.String(required=True)
    price = fields.Decimal(required=True)
    size = fields.Decimal(required=True)
    side = fields.Choice(Side, required=True)
    time_ms = fields.Moment(required=True, data_key="time")
    is_block = fields.Boolean(data_key="isBlockTrade")
    is_rpi = fields.Boolean(data_key="isRPITrade")
    sequence = fields.Whole(data_key="seq")


# Options are subscribed by their base coin, so whatever ends in a quote coin is something else.
_QUOTED = re.compile(r"[^-]+USD[CT]?")


def _as_is(symbol: object, category: Category) -> str:
    return str(symbol)


def _quoted(symbol: str) -> str:
    if _QUOTED.fullmatch(symbol) is None:
        raise ValueError(f"perhaps an option: {symbol}")
    return symbol


def _subject(category: Category, symbol: str) -> str:
    """All options on a coin share a topic, which the coin names."""
    return symbol.partition("-")[0] if category == "option" else symbol


def _query(asked: Asked) -> Mapping[str, str]:
    place = "baseCoin" if asked.category == "option" else "symbol"
    most = _MOST[asked.category]
    return {"category": asked.category, place: str(asked.given["symbol"]), "limit": str(most)}


def _id(trade: Trade) -> str:
    return trade.id


_MOST: Mapping[Category, int] = {"inverse": 1000, "linear": 1000, "spot": 60, "option": 1000}
_RECENT = Recent[Trade](path="/v5/market/recent-trade", query=_query, schema=TradeRow, key=_id)
_TOPIC = "publicTrade.{symbol}"
TRADES = StreamSpec(
    "trades",
    Trade,
    v5=Wire(
        _TOPIC,
        TradeOptionV5,  # it has all that the others have
        many=True,
        mixed=True,
        also=(Wire(_TOPIC, TradeV5, places={"symbol": Place(_as_is, _quoted)}, many=True),),
    ),
    legacy=Wire(
        "trade.{symbol}",
        TradeLegacy,
        many=True,
        envelope=LegacyEnvelope,
        otherwise=(Otherwise("trade_time_ms", "timestamp", fields.Moment()),),
        categories=("inverse",),
    ),
    categories=("inverse", "linear", "spot", "option"),
    once=True,
    subject=_subject,
    recent=_RECENT,
)


def trades(
    self: Opens, *symbols: str | Iterable[str], category: Category | None = None
) -> Stream[Trade]:
    """Every trade, one event each, in the order of the exchange.

    ``symbols``: one, several, or an iterable of them; none at all for every instrument of the
    category that trades, which follows listings and delistings (see ``Bybit(listings=)``).
    ``category``: read from the symbol when not given, inverse without one; spot must be said.
    All options on a coin share a topic.

    After an outage, what was missed comes first, out of REST, with ``meta.backfilled`` (see
    ``Bybit(gaps=)``): the last 1,000 trades of a symbol (spot 60, options 1,000 of a coin). What
    comes live waits for it, 10 seconds and 1,000 trades at most. What is missing all the same is
    said by ``meta.gap`` of the next trade, and by ``Gap`` on ``status()``.
    Errors: ``ConfigurationError`` at the call for arguments that cannot be;
    ``SubscriptionRejected`` on the stream for a symbol that was named and the exchange does not
    know; one that was not named is left out, and ``status()`` says ``Rejected``.

    ::

        trades("BTCUSD", "ETHUSD").subscribe(print)
    """
    return self.open(TRADES, symbols, category=category)
