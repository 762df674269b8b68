"""Tickers: what is sent, what it adds up to, and the machine between the two."""

from __future__ import annotations

from collections.abc import Hashable
from copy import copy
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec.structs import force_setattr, replace

from rxbybit.events import Event, Meta, TickDirection, utc
from rxbybit.schema.adoption import become

__all__ = ["Ticker", "TickerState", "TickerUpdate"]


class _TickerFields(Event, frozen=True, kw_only=True):
    """Prices are in the quote currency, changes and rates are ratios (0.01 = 1 %)."""

    symbol: str
    tick_direction: TickDirection | None = None
    """The last price against the one before."""
    change_24h: Decimal | None = None
    last_price: Decimal | None = None
    prev_price_24h: Decimal | None = None
    """Price 24 hours ago."""
    high_24h: Decimal | None = None
    low_24h: Decimal | None = None
    prev_price_1h: Decimal | None = None
    """Price one hour ago."""
    change_1h: Decimal | None = None
    """Only the legacy wire has it."""
    mark_price: Decimal | None = None
    index_price: Decimal | None = None
    open_interest: Decimal | None = None
    """Both sides, in contracts of 1 USD (inverse) or in base coin (linear, option)."""
    open_interest_value: Decimal | None = None
    """Both sides, in base coin (inverse) or in the quote currency (linear)."""
    turnover_24h: Decimal | None = None
    """In base coin (inverse) or in the quote currency (linear, spot, option)."""
    volume_24h: Decimal | None = None
    """In contracts of 1 USD (inverse) or in base coin (linear, spot, option)."""
    funding_interval_hours: int | None = None
    funding_cap: Decimal | None = None
    """Limit of the funding rate, either way."""
    single_open_interest: Decimal | None = None
    """Of one side: half of ``open_interest``."""
    single_open_interest_value: Decimal | None = None
    """Of one side: half of ``open_interest_value``."""
    delivery_ms: int | None = None
    """When a dated contract is delivered, in milliseconds."""
    basis_rate: Decimal | None = None
    delivery_fee_rate: Decimal | None = None
    predicted_delivery_price: Decimal | None = None
    """0 until shortly before the delivery."""
    basis: Decimal | None = None
    """Last price of a dated contract less the index price."""
    basis_rate_year: Decimal | None = None
    """``basis_rate`` as a yearly rate."""
    next_funding_ms: int | None = None
    """When funding is paid next, in milliseconds; ``None`` of dated contracts."""
    funding_rate: Decimal | None = None
    predicted_funding_rate: Decimal | None = None
    """Of the interval after the next; only old recordings and the legacy wire have it."""
    bid_price: Decimal | None = None
    bid_size: Decimal | None = None
    """Size at the best bid, in the units of ``volume_24h``."""
    ask_price: Decimal | None = None
    ask_size: Decimal | None = None
    """Size at the best ask, in the units of ``volume_24h``."""
    pre_open_price: Decimal | None = None
    """Estimated opening price before a listing."""
    pre_quantity: Decimal | None = None
    """Estimated opening quantity before a listing."""
    pre_listing_phase: str | None = None
    usd_index_price: Decimal | None = None
    """Of spot: index price in USD; ``None`` for coins that are no collateral."""
    bid_volatility: Decimal | None = None
    """Of options, as the other volatilities: implied, a ratio (0.5 = 50 %)."""
    ask_volatility: Decimal | None = None
    mark_volatility: Decimal | None = None
    underlying_price: Decimal | None = None
    """Of options."""
    total_volume: Decimal | None = None
    """Of options and on the legacy wire: since the listing, in the units of ``volume_24h``."""
    total_turnover: Decimal | None = None
    """Of options and on the legacy wire: since the listing, in the units of ``turnover_24h``."""
    delta: Decimal | None = None
    gamma: Decimal | None = None
    vega: Decimal | None = None
    theta: Decimal | None = None
    changed: frozenset[str] = frozenset()
    """Names of the attributes that this update set, also where it set them to ``None``."""

    delivery = utc[datetime | None]("delivery_ms")
    next_funding = utc[datetime | None]("next_funding_ms")


class Ticker(_TickerFields, frozen=True, kw_only=True):
    """All that is known of a symbol's market, after each update.

    Prices are in the quote currency, changes and rates are ratios (0.01 = 1 %). What the wire
    never said, or said to have no value now, is ``None``.
    """


class TickerUpdate(_TickerFields, frozen=True, kw_only=True):
    """One update of a ticker as it was sent; what is not in ``changed`` is ``None``.

    Prices are in the quote currency, changes and rates are ratios (0.01 = 1 %).
    """


class TickerState:
    """Adds the updates of one topic up: a snapshot replaces all, a delta what it names.

    Deltas before the first snapshot are not taken in.
    """

    def __init__(self) -> None:
        self._ticker: Ticker | None = None
        self._known: frozenset[str] = frozenset()
        self._since: dict[str, Any] = {}  # Any: attributes, set by what has come since

    @property
    def ticker(self) -> Ticker | None:
        """The ticker after the last update; ``None`` before the first snapshot."""
        if self._since and self._ticker is not None:
            # the copy is nobody else's yet, so that it may still be written to
            self._ticker = ticker = copy(self._ticker)
            for name, value in self._since.items():
                force_setattr(ticker, name, value)
            self._known |= self._since.keys() - {"meta", "changed"}
            self._since.clear()
        return self._ticker

    def apply(self, event: TickerUpdate) -> None:
        """Takes in the next update; what it adds up to is worked out when somebody asks.

        Its values are taken out of it: many kept events would cost more than all this does.
        """
        if event.meta.kind == "snapshot":
            self._since.clear()
            self._ticker, self._known = become(copy(event), Ticker), event.changed
        elif self._ticker is not None:
            since, changed = self._since, event.changed
            for name in changed:
                since[name] = getattr(event, name)
            since["changed"], since["meta"] = changed, event.meta

    def reset(self) -> None:
        """Forgets everything: what comes next is a snapshot."""
        self._ticker = None
        self._known = frozenset()
        self._since.clear()

    def spoil(self, why: str, *, silent: bool = False) -> bool:
        """A frame could not be read: what it said is said again when it changes again."""
        return False

    def content(self) -> Hashable:
        """What is known, whatever was said last, by a number; ``None`` before the first
        snapshot.
        """
        held = self.ticker
        return None if held is None else hash(replace(held, changed=frozenset()))

    def full_update(self) -> TickerUpdate | None:
        """One update that says all that is known."""
        held = self.ticker
        if held is None:
            return None
        meta: Meta = replace(held.meta, kind="snapshot")
        return become(replace(held, meta=meta, changed=self._known), TickerUpdate)
