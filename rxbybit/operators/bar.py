"""A bar: what was traded in a stretch of time, or up to a number of trades or a volume."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from rxbybit.events import Event, Gap, Meta, utc
from rxbybit.operators.figures import coins
from rxbybit.operators.valued import Traded

__all__ = ["Bar", "Growing"]


class Bar(Event, frozen=True, kw_only=True):
    """What was traded in a stretch of time, or up to a number of trades or a volume.

    Its ``meta`` is that of the last trade in it; ``meta.gap`` is set when a hole in the trades lies
    in it or before its first trade, so that it may lack some.
    """

    symbol: str
    start_ms: int
    """When it opens; of a bar of trades or volume, the time of its first trade."""
    end_ms: int
    """The last millisecond inside; of a bar of trades or volume, the time of its last trade."""
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    """As the other prices in the quote currency: the last price."""
    volume: Decimal
    """In contracts of 1 USD (inverse) or in the base coin (linear, spot, option)."""
    count: int
    """How many trades."""
    vwap: Decimal | None
    """The average price; ``None`` without a trade. See ``bars(inverse=)``."""

    start = utc[datetime]("start_ms")
    end = utc[datetime]("end_ms")


class Growing:
    """A bar that trades are counted into; ``opening`` is where it opens if not at its first one."""

    __slots__ = (
        "_first",
        "_high",
        "_low",
        "_weights",
        "_worth",
        "close",
        "count",
        "gap",
        "inverse",
        "last_ms",
        "meta",
        "opening",
        "start_ms",
        "symbol",
        "volume",
    )

    def __init__(
        self, trade: Traded, start_ms: int, opening: Decimal | None, *, inverse: bool
    ) -> None:
        price, size = trade.price, trade.size
        self.symbol = trade.symbol
        self.start_ms = start_ms
        self.inverse = inverse
        self.opening = opening
        self._first = self._high = self._low = price
        self.close = price
        # The sums begin as zeros of the kind of number that the trades have.
        self.volume = self._worth = self._weights = type(size)(0)
        self.count = 0
        self.gap: Gap | None = None
        self.meta = Meta()
        self.last_ms = start_ms
        self.add(trade)

    def add(self, trade: Traded) -> None:
        """Count a trade in."""
        price, size = trade.price, trade.size
        if price > self._high:
            self._high = price
        if price < self._low:
            self._low = price
        self.close = price
        self.volume += size
        if self.inverse:
            self._worth += size
            self._weights += coins(size, price)
        else:
            self._worth += size * price
            self._weights += size
        self.count += 1
        self.last_ms = max(self.last_ms, trade.time_ms)
        meta: object = getattr(trade, "meta", None)
        if isinstance(meta, Meta):
            self.meta = meta
            self.gap = self.gap or meta.gap

    def bar(self, end_ms: int) -> Bar:
        """As it is now."""
        meta = self.meta
        opening = self._first if self.opening is None else self.opening
        return Bar(
            symbol=self.symbol,
            start_ms=self.start_ms,
            end_ms=end_ms,
            open=opening,
            high=max(opening, self._high),
            low=min(opening, self._low),
            close=self.close,
            volume=self.volume,
            count=self.count,
            vwap=self._worth / self._weights if self._weights else None,
            meta=meta if meta.gap is self.gap else replace(meta, gap=self.gap),
        )
