"""The machine that tells which closed candles are news."""

from __future__ import annotations

from typing import Protocol, TypeVar

__all__ = ["Candle", "ClosedKlines"]


class Candle(Protocol):
    """What must be known of a candle: a ``Kline`` has it."""

    @property
    def symbol(self) -> str:
        """What it is of."""
        ...

    @property
    def interval(self) -> str:
        """How long it is, in whatever notation."""
        ...

    @property
    def start_ms(self) -> int:
        """When it opens, in milliseconds."""
        ...

    @property
    def closed(self) -> bool:
        """Whether it is over and will not change."""
        ...


C = TypeVar("C", bound=Candle)


class ClosedKlines:
    """Tells the closed candles of one symbol and interval that are news: each start comes once.

    The exchange may confirm a candle twice, and sends the last one again after a reconnect.
    """

    def __init__(self) -> None:
        self._last_start_ms: int | None = None
        self._news = False

    def apply(self, event: Candle) -> None:
        """Takes in the next candle."""
        last = self._last_start_ms
        self._news = event.closed and (last is None or event.start_ms > last)
        if self._news:
            self._last_start_ms = event.start_ms

    def reset(self) -> None:
        """Keeps what it knows: a candle stays closed whatever happens to the link."""

    def spoil(self, why: str, *, silent: bool = False) -> bool:
        """Keeps what it knows: the next frame of a candle says all of it."""
        return False

    def content(self) -> None:
        """Candles are never compared."""

    def news(self, event: C) -> C | None:
        """``event``, the last one taken in, if it is a candle that closed just now."""
        return event if self._news else None
