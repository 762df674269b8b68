"""Candles of every interval, and the sums of the last 24 hours.

V5 manual, "Kline". A candle opens at the close of the one before, and its high and low include
that; everything else in it comes from its trades.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime

from rxbybit.sim.market.feeds import Cause, Content
from rxbybit.sim.market.instruments import Instrument, spelled

__all__ = ["INTERVALS", "MINUTE_MS", "Candle", "Candles", "Day", "KlineFeed", "end_of", "start_of"]

INTERVALS = ("1", "3", "5", "15", "30", "60", "120", "240", "360", "720", "D", "W", "M")
MINUTE_MS = 60_000
_DAY_MS = 86_400_000
_DAY_MINUTES = 1_440
_KEPT = 7 * _DAY_MINUTES
"""Closed minutes that a kline answer can reach back to."""


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


class Day:
    """What the last 1440 minutes, the running one included, add up to."""

    def __init__(self, minute: Candle) -> None:
        self._minutes: deque[Candle] = deque()
        self._minute = minute
        self._lots = self._value = 0
        self._high, self._low = minute.high, minute.low

    def roll(self, newborn: Candle) -> None:
        """The running minute is over."""
        done, self._minute = self._minute, newborn
        self._minutes.append(done)
        self._lots += done.lots
        self._value += done.value
        self._high = max(self._high, done.high)
        self._low = min(self._low, done.low)
        if len(self._minutes) == _DAY_MINUTES:
            gone = self._minutes.popleft()
            self._lots -= gone.lots
            self._value -= gone.value
            if gone.high == self._high or gone.low == self._low:
                self._high = max(minute.high for minute in self._minutes)
                self._low = min(minute.low for minute in self._minutes)

    @property
    def running_ms(self) -> int:
        """When the running minute began."""
        return self._minute.start_ms

    @property
    def lots(self) -> int:
        """Traded, in lots."""
        return self._lots + self._minute.lots

    @property
    def value(self) -> int:
        """Traded, in units of value."""
        return self._value + self._minute.value

    @property
    def high(self) -> int:
        """The highest price, in ticks."""
        return max(self._high, self._minute.high)

    @property
    def low(self) -> int:
        """The lowest price, in ticks."""
        return min(self._low, self._minute.low)

    def opening(self, minutes: int = _DAY_MINUTES) -> int:
        """The price so many minutes ago, or the first there was; the running one counts."""
        held = self._minutes
        if minutes > len(held):
            return held[0].open if held else self._minute.open
        return held[1 - minutes].open if minutes > 1 else self._minute.open


class Candles:
    """The running candle of every interval, and the closed minutes of a week."""

    def __init__(self, instrument: Instrument, ms: int, opening: int) -> None:
        self._instrument = instrument
        self.minute = Candle(start_of("1", ms), opening)
        self.day = Day(self.minute)
        self._before = {code: Candle(start_of(code, ms), opening) for code in INTERVALS}
        """What each running candle holds but the running minute."""
        self._closed: deque[Candle] = deque(maxlen=_KEPT)

    def trade(self, ms: int, price: int, lots: int) -> None:
        """Count a trade in."""
        minute = self.minute
        minute.close = price
        if price > minute.high:
            minute.high = price
        elif price < minute.low:
            minute.low = price
        minute.lots += lots
        minute.value += self._instrument.value(price, lots)
        minute.last_ms = ms

    def roll(self, ms: int) -> dict[str, Candle]:
        """A new minute begins at ``ms``; gives the candles that have closed, by interval."""
        done = self.minute
        self._closed.append(done)
        self.minute = Candle(ms, done.close)
        self.day.roll(self.minute)
        closed: dict[str, Candle] = {}
        for code, before in self._before.items():
            whole = before.followed_by(done)
            if start_of(code, ms) == ms:
                closed[code] = whole
                whole = Candle(ms, done.close)
            self._before[code] = whole
        return closed

    def running(self, interval: str) -> Candle:
        """The candle that is not closed yet."""
        return self._before[interval].followed_by(self.minute)

    def history(self, interval: str) -> Iterator[Candle]:
        """Every candle of the last week, oldest first, the running one last."""
        held: Candle | None = None
        for minute in (*self._closed, self.minute):
            start = start_of(interval, minute.start_ms)
            if held is not None and held.start_ms == start:
                held = held.followed_by(minute)
                continue
            if held is not None:
                yield held
            held = Candle(start, minute.open).followed_by(minute)
        if held is not None:
            yield held


class KlineFeed:
    """``kline.{interval}.{symbol}``: each second while it changes, and when it closes."""

    causes = (Cause.TRADE, Cause.MINUTE)
    every_ms = 1_000
    quiet_ms: int | None = None

    def __init__(self, instrument: Instrument, candles: Candles, interval: str) -> None:
        self._instrument = instrument
        self._candles = candles
        self.interval = interval
        self._topic = f"kline.{interval}.{instrument.symbol}"
        self._closed: list[Candle] = []
        self._said = candles.running(interval).lots

    def close_candle(self, candle: Candle) -> None:
        """To be confirmed with the next flush."""
        self._closed.append(candle)

    def flush(self, ms: int) -> list[Content]:
        running = self._candles.running(self.interval)
        if not self._closed and running.lots == self._said:
            return []
        self._said = running.lots
        items = [self._item(candle, ms, confirm=True) for candle in self._closed]
        items.append(self._item(running, ms, confirm=False))
        self._closed.clear()
        if self._instrument.category == "spot":
            return [self._frame(ms, [item]) for item in items]
        return [self._frame(ms, items)]

    def repeat(self, ms: int) -> list[Content]:
        return []

    def snapshot(self, ms: int) -> Content:
        """The running candle."""
        running = self._candles.running(self.interval)
        return self._frame(ms, [self._item(running, ms, confirm=False)])

    def _frame(self, ms: int, items: list[Content]) -> Content:
        if self._instrument.category == "spot":
            return {"type": "snapshot", "topic": self._topic, "data": items, "ts": ms}
        return {"topic": self._topic, "data": items, "ts": ms, "type": "snapshot"}

    def _item(self, candle: Candle, ms: int, *, confirm: bool) -> Content:
        one = self._instrument

        def price(ticks: int) -> str:
            return spelled(ticks * one.tick, one.price_scale, trim=True)

        return {
            "start": candle.start_ms,
            "end": end_of(self.interval, candle.start_ms),
            "interval": self.interval,
            "open": price(candle.open),
            "close": price(candle.close),
            "high": price(candle.high),
            "low": price(candle.low),
            "volume": spelled(candle.lots * one.lot, one.size_scale, trim=True),
            "turnover": spelled(candle.value, one.value_scale, trim=True),
            "confirm": confirm,
            "timestamp": ms if candle.last_ms is None else candle.last_ms,
        }
