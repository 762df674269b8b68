"""What an order book shows, and whether it can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from rxbybit.config import is_number
from rxbybit.events import Meta, OpenEnum
from rxbybit.ladder import Ladder, TextLevel, is_finite, price_text, size_text

__all__ = ["BookState", "Content", "Level", "is_quantity", "numbers_of", "written"]

Level = tuple[Decimal, Decimal]
"""Price in the quote currency, and the size resting at it: contracts of 1 USD (inverse) or the
base coin (linear, spot, option)."""


class BookState(OpenEnum):
    """Whether a book can be trusted."""

    SYNCED = "synced"
    """Every update since the last snapshot was taken in."""
    RESYNCING = "resyncing"
    """One is missing, or the link is: what is shown was known last, and a snapshot is awaited."""
    STALE = "stale"
    """Nothing has come for a while."""


class Content:
    """What an order book shows. It may be changed only while nobody else holds the book."""

    __slots__ = (
        "ask_side",
        "asks",
        "bid_side",
        "bids",
        "depth",
        "meta",
        "number",
        "sequence",
        "state",
        "symbol",
        "time_ms",
        "update_id",
    )

    def __init__(self, symbol: str, depth: int, number: type) -> None:
        self.symbol = symbol
        self.depth = depth
        self.number: Callable[[str], Any] = number  # Any: floats go under the name of Decimals
        self.bid_side, self.ask_side = Ladder(), Ladder()
        self.update_id: int | None = None
        self.sequence: int | None = None
        self.time_ms: int | None = None
        self.state = BookState.SYNCED
        self.meta = Meta()
        self.bids: tuple[Level, ...] | None = None  # made when they are read
        self.asks: tuple[Level, ...] | None = None

    def copy(self) -> Content:
        """The same, with sides of its own."""
        made = Content.__new__(Content)  # what __init__ makes would be thrown away
        made.symbol, made.depth, made.number = self.symbol, self.depth, self.number
        made.bid_side, made.ask_side = self.bid_side.copy(), self.ask_side.copy()
        made.update_id, made.sequence, made.time_ms = self.update_id, self.sequence, self.time_ms
        made.state, made.meta = self.state, self.meta
        made.bids, made.asks = self.bids, self.asks
        return made


def is_quantity(value: object) -> bool:
    """Whether it is a finite number above 0."""
    return (isinstance(value, Decimal) or is_number(value)) and is_finite(value) and value > 0


def numbers_of(*sides: Iterable[Level]) -> type | None:
    """What levels made by hand are read as: floats where the first price is one, else Decimals;
    ``None`` where there are none.
    """
    # Any: floats go under the name of Decimals
    prices: Iterable[Any] = (price for side in sides for price, _ in side)
    return next((float if isinstance(price, float) else Decimal for price in prices), None)


def written(levels: Iterable[Level]) -> list[TextLevel]:
    """Levels of numbers, as texts.

    Errors: ``Unfit`` for a price or size that is no finite number, and for a size below 0.
    """
    return [(price_text(str(price), price), size_text(str(size), size)) for price, size in levels]
