"""One candle: what it holds, where it begins and ends, how it is spelled.

V5 manual, "Kline". A candle opens at the close of the one before, and its high and low include
that; everything else in it comes from its trades.
"""

from __future__ import annotations

from datetime import UTC, datetime

from rxbybit.sim.market.instruments import Instrument, spelled

__all__ = ["DAY_MINUTES", "INTERVALS", "MINUTE_MS", "Candle", "end_of", "start_of"]

INTERVALS = ("1", "3", "5", "15", "30", "60", "120", "240", "360", "720", "D", "W", "M")
MINUTE_MS = 60_000
DAY_MINUTES = 1_440
_DAY_MS = 86_400_000


def start_of(interval: str, ms: int) -> int:
    """The first millisecond of the candle that ``ms`` is in; weeks begin on Monday, all in UTC."""
    if interval == "M":
        moment = datetime.fromtimestamp(ms // 1000, tz=UTC)
        return int(datetime(moment.year, moment.month, 1, tzinfo=UTC).timestamp()) * 1000
    if interval == "W":
        monday = 4 * _DAY_MS
        return (ms - monday) // (7 * _DAY_MS) * 7 * _DAY_MS + monday
    length = _DAY_MS if interval == "D" else int(interval) * MINUTE_MS
    return ms // length * length


def end_of(interval: str, start_ms: int) -> int:
    """The last millisecond inside the candle that begins at ``start_ms``."""
    if interval == "M":
        return start_of("M", start_ms + 31 * _DAY_MS) - 1
    if interval == "W":
        return start_ms + 7 * _DAY_MS - 1
    return start_ms + (_DAY_MS if interval == "D" else int(interval) * MINUTE_MS) - 1


class Candle:
    """Prices in ticks, volume in lots, value in the instrument's units of value."""

    __slots__ = ("close", "high", "last_ms", "lots", "low", "open", "start_ms", "value")

    def __init__(self, start_ms: int, opening: int) -> None:
        self.start_ms = start_ms
        self.open = self.high = self.low = self.close = opening
        self.lots = self.value = 0
        self.last_ms: int | None = None
        """The time of its last trade; ``None`` without one."""

    def followed_by(self, later: Candle) -> Candle:
        """Both as one candle."""
        both = Candle(self.start_ms, self.open)
        both.high = max(self.high, later.high)
        both.low = min(self.low, later.low)
        both.close = later.close
        both.lots = self.lots + later.lots
        both.value = self.value + later.value
        both.last_ms = self.last_ms if later.last_ms is None else later.last_ms
        return both

    def texts(self, one: Instrument) -> tuple[str, str, str, str, str, str]:
        """Open, high, low, close, volume and turnover as both wires spell them."""
        prices = (
            spelled(ticks * one.tick, one.price_scale, trim=True)
            for ticks in (self.open, self.high, self.low, self.close)
        )
        opening, high, low, close = prices
        volume = spelled(self.lots * one.lot, one.size_scale, trim=True)
        turnover = spelled(self.value, one.value_scale, trim=True)
        return opening, high, low, close, volume, turnover
