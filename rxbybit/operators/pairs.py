"""Trades, and what a join puts beside them."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from rxbybit.book import OrderBook
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


class TradeWithBook(Struct, Generic[M], frozen=True, kw_only=True):
    """A trade, and the order book that its taker met."""

    trade: M
    book: OrderBook
    """The newest book from before the trade. One whose ``state`` is not ``synced`` is what was
    known last: updates between it and the trade are missing."""
    skipped: int = 0
    """How many trades of the symbol were left out just before this one, as their books were no
    longer kept (``history``)."""

    @property
    def symbol(self) -> str:
        """Of both."""
        return self.trade.symbol


class TradeWithTicker(Struct, Generic[T], frozen=True, kw_only=True):
    """A trade, and the ticker of its symbol that had come last before it."""

    trade: T
    ticker: Ticker

    @property
    def symbol(self) -> str:
        """Of both."""
        return self.trade.symbol
