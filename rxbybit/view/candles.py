"""The candles of the view: those of the exchange, or shorter ones made of trades."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from decimal import Decimal

from rxbybit.streams.kline import Kline
from rxbybit.streams.trade import Trade

__all__ = ["Candle", "Candles"]

KEPT = 400
"""More than any terminal is wide."""


@dataclass(frozen=True, slots=True)
class Candle:
    """One candle."""

    start_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


@dataclass(slots=True)
class Candles:
    """The last candles of a market, oldest first; ``length_ms`` is how long those of trades are."""

    length_ms: int = 5000
    kept: deque[Candle] = field(default_factory=lambda: deque[Candle](maxlen=KEPT))

    def add_trade(self, trade: Trade) -> None:
        """Take in the next trade."""
        start_ms = trade.time_ms - trade.time_ms % self.length_ms
        last = self.kept[-1] if self.kept else None
        if last is not None and start_ms < last.start_ms - self.length_ms:
            self.kept.clear()  # no trade is that late: a recording begins again
            last = None
        if last is None or start_ms > last.start_ms:
            price = trade.price
            self.kept.append(Candle(start_ms, price, price, price, price))
            return
        self.kept[-1] = replace(
            last,
            high=max(last.high, trade.price),
            low=min(last.low, trade.price),
            close=trade.price,
        )

    def add_kline(self, kline: Kline) -> None:
        """Take in the next state of a candle of the exchange."""
        candle = Candle(kline.start_ms, kline.open, kline.high, kline.low, kline.close)
        while self.kept and self.kept[-1].start_ms >= candle.start_ms:
            self.kept.pop()
        self.kept.append(candle)

    def copied(self) -> Candles:
        """Candles of their own that hold the same."""
        return replace(self, kept=self.kept.copy())
