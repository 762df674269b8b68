"""Bars of trades or of volume: the machine behind ``bars("500 trades")``."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from rxbybit.operators.bar import Bar, Growing
from rxbybit.operators.kept import Kept
from rxbybit.operators.valued import Traded

__all__ = ["FullBars"]


class _Line:
    """The bar of one symbol that is not full yet, and the last price of the one before."""

    def __init__(self) -> None:
        self.open: Growing | None = None
        self.close: Decimal | None = None


class FullBars:
    """Counts trades into bars that end with the trade that makes them full; time plays no part."""

    due_ms: int | None = None

    def __init__(
        self,
        *,
        trades: int | None = None,
        volume: Decimal | None = None,
        partial: bool,
        continuous: bool,
        inverse: bool,
    ) -> None:
        self._trades = trades
        self._volume = volume
        self._partial = partial
        self._continuous = continuous
        self._inverse = inverse
        self._lines = Kept[str, _Line](lambda _: _Line())

    def add(self, trade: Traded, now_ms: int) -> Iterable[Bar]:
        """Count a trade in; gives the bar that it makes full."""
        line = self._lines.of(trade.symbol)
        bar = line.open
        if bar is None:
            opening = line.close if self._continuous else None
            bar = Growing(trade, trade.time_ms, opening, inverse=self._inverse)
        else:
            bar.add(trade)
        full = (self._trades is not None and bar.count >= self._trades) or (
            self._volume is not None and bar.volume >= self._volume
        )
        line.open = None if full else bar
        line.close = bar.close
        return (bar.bar(bar.last_ms),) if full else ()

    def tick(self, now_ms: int) -> Iterable[Bar]:
        """Time passes, and nothing comes of it."""
        return ()

    def end(self) -> Iterable[Bar]:
        """There are no more trades."""
        growing = [line.open for line in self._lines if line.open is not None]
        return [bar.bar(bar.last_ms) for bar in growing if self._partial]
