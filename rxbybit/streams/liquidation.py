"""Liquidations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Literal

from rxbybit.config import Category
from rxbybit.events import Event, Side, utc
from rxbybit.schema import fields
from rxbybit.schema.envelope import LegacyEnvelope
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.legacy import Instant
from rxbybit.schema.spec import StreamSpec, Wire
from rxbybit.stream import Stream
from rxbybit.venue import Opens

__all__ = [
    "LIQUIDATIONS",
    "Liquidation",
    "LiquidationLegacy",
    "LiquidationOldV5",
    "LiquidationV5",
    "liquidations",
]


class Liquidation(Event, frozen=True, kw_only=True):
    """A position closed by force."""

    symbol: str
    side: Side
    """Side of the position, as sent: Buy means that a long was liquidated."""
    price: Decimal
    """Bankruptcy price, in the quote currency."""
    size: Decimal
    """In contracts of 1 USD (inverse) or in the base coin (linear)."""
    time_ms: int
    """When it was reported, in milliseconds."""

    time = utc[datetime]("time_ms")

    @property
    def position(self) -> Literal["long", "short"] | None:
        """What was liquidated; ``None`` for a side that is not known."""
        if self.side == Side.BUY:
            return "long"
        return "short" if self.side == Side.SELL else None


class LiquidationV5(WireSchema):
    """Source: https://bybit-exchange.github.io/docs/v5/websocket/public/all-liquidation."""

    time_ms = fields.Milliseconds(required=True, data_key="T")
    symbol = fields.String(required=True, data_key="s")
    side = fields.Choice(Side, required=True, data_key="S")
    size = fields.Decimal(required=True, data_key="v")
    price = fields.Decimal(required=True, data_key="p")


class LiquidationOldV5(WireSchema):
    """At most one a second; for recordings made before the manual dropped it.

    Source: https://bybit-exchange.github.io/docs/v5/websocket/public/liquidation, whose table
    calls the time ``updateTime``: frames say ``updatedTime``.
    """

    time_ms = fields.Milliseconds(required=True, data_key="updatedTime")
    symbol = fields.String(required=True)
    side = fields.Choice(Side, required=True)
    size = fields.Decimal(required=True)
    price = fields.Decimal(required=True)


class LiquidationLegacy(WireSchema):
    """One at a time.

    Source: legacy manual, inverse and linear perpetual websocket, "Liquidation".
    """

    symbol = fields.String(required=True)
    side = fields.Choice(Side, required=True)
    price = fields.Decimal(required=True)
    size = fields.Decimal(required=True, data_key="qty")
    time_ms = Instant(required=True, data_key="time")


LIQUIDATIONS = StreamSpec(
    "liquidations",
    Liquidation,
    v5=Wire(
        "allLiquidation.{symbol}",
        LiquidationV5,
        many=True,
        also=(Wire("liquidation.{symbol}", LiquidationOldV5, many=True),),
    ),
    legacy=Wire(
        "liquidation.{symbol}",
        LiquidationLegacy,
        envelope=LegacyEnvelope,
        categories=("inverse",),
    ),
    categories=("inverse", "linear"),
)


def liquidations(
    self: Opens, *symbols: str | Iterable[str], category: Category | None = None
) -> Stream[Liquidation]:
    """Forced liquidations, as they are reported (every 500 ms).

    ``symbols``: one, several, or an iterable of them; none at all for every instrument of the
    category that trades, which follows listings and delistings (see ``Bybit(listings=)``).
    ``category``: read from the symbol when not given, inverse without one; spot and options
    have none.
    Errors: ``ConfigurationError`` at the call for arguments that cannot be;
    ``SubscriptionRejected`` on the stream for a symbol that was named and the exchange does not
    know; one that was not named is left out, and ``status()`` says ``Rejected``.

    ::

        liquidations(["BTCUSD", "ETHUSD"]).subscribe(print)
    """
    return self.open(LIQUIDATIONS, symbols, category=category)
