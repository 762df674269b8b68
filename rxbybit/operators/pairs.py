"""Trades, and what a join puts beside them."""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from rxbybit.book import OrderBook
from rxbybit.events import Meta
from rxbybit.ticker import Ticker

__all__ = ["Matched", "Of", "TradeWithBook", "TradeWithTicker"]


class Of(Protocol):
    """What belongs to a symbol."""

    @property
    def symbol(self) -> str:
        """Whose it is."""
        ...


class Matched(Of, Protocol):
    """What must be known of a trade."""

    @property
    def time_ms(self) -> int:
        """When it was matched, in milliseconds."""
        ...

    @property
    def sequence(self) -> int | None:
        """Cross sequence, which compares with that of books."""
        ...


T = TypeVar("T", bound=Of)
M = TypeVar("M", bound=Matched)


class _Pair(Struct, Generic[T], frozen=True, kw_only=True):
    """A trade, and what it is joined with. The hole that a trade tells is told by its pair."""

    trade: T

    @property
    def symbol(self) -> str:
        """Of both."""
        return self.trade.symbol

    @property
    def meta(self) -> Meta | None:
        """Where the trade comes from; ``None`` for one that is not ours."""
        meta: object = getattr(self.trade, "meta", None)
        if isinstance(meta, Meta) and hasattr(self.trade, "__replace__"):
            return meta
        return None

    def __replace__(self, **changes: Any) -> Any:  # Any: of whatever attribute, into the same
        """The same with other values; its ``meta`` is the trade's."""
        if "meta" in changes:
            trade: Any = changes.get("trade", self.trade)
            changes["trade"] = trade.__replace__(meta=changes.pop("meta"))
        return replace(self, **changes)


class TradeWithBook(_Pair[M], Generic[M], frozen=True, kw_only=True):
    """A trade, and the order book that its taker met."""

    book: OrderBook
    """The newest book from before the trade. One whose ``state`` is not ``synced`` is what was
    known last: updates between it and the trade are missing."""
    skipped: int = 0
    """How many trades of the symbol were left out just before this one, as their books were no
    longer kept (``history``)."""


class TradeWithTicker(_Pair[T], Generic[T], frozen=True, kw_only=True):
    """A trade, and the ticker of its symbol that had come last before it."""

    ticker: Ticker
