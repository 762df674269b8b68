"""Order books, as the exchange sends them."""

from __future__ import annotations

from decimal import Decimal

from rxbybit.events import Event

__all__ = ["BookDelta", "BookSnapshot", "Level"]

Level = tuple[Decimal, Decimal]
"""Price in the quote currency, and the size resting at it: contracts of 1 USD (inverse) or the
base coin (linear, spot, option)."""


class BookSnapshot(Event, frozen=True, kw_only=True):
    """A whole book; it replaces whatever was known before."""

    symbol: str
    depth: int
    """Levels a side that the topic shows; the book may have fewer."""
    bids: tuple[Level, ...]
    """Best first: prices fall."""
    asks: tuple[Level, ...]
    """Best first: prices rise."""
    update_id: int | None = None
    """Number of the update in this topic; 1 after a restart of the exchange's service."""
    sequence: int | None = None
    """Cross sequence: compares with that of trades and of books of another depth."""


class BookDelta(Event, frozen=True, kw_only=True):
    """The levels of a book that changed; size 0 deletes a level."""

    symbol: str
    depth: int
    """Levels a side that the topic shows."""
    bids: tuple[Level, ...]
    """Changed bids, prices falling."""
    asks: tuple[Level, ...]
    """Changed asks, prices rising."""
    update_id: int | None = None
    """Number of the update in this topic: one more than that of the frame before."""
    sequence: int | None = None
    """Cross sequence: compares with that of trades and of books of another depth."""
