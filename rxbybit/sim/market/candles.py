"""Candles of every interval, and the sums of the last 24 hours.

V5 manual, "Kline".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from rxbybit.sim.market.candle import (
    DAY_MINUTES,
    INTERVALS,
    Candle,
    end_of,
    start_of,
)
from rxbybit.sim.market.feeds import Cause, Content
from rxbybit.sim.market.instruments import Instrument
from rxbybit.sim.market.past import Past

__all__ = ["Candles", "Day", "KlineFeed"]

_WEEK_MINUTES = 7 * DAY_MINUTES
_PAGE = 1_000
"""What one kline answer holds at most."""


class Day:
    """What the last 1440 minutes, the running one included, add up to.

    ``before`` gives those before the first, the newest last: when somebody asks for a sum, as most
    instruments of a market are never asked for theirs.
    """

    def __init__(self, minute: Candle, before: Callable[[], Iterable[Candle]]) -> None:
        self._minutes: deque[Candle] = deque()
        self._minute = minute
        self._before = before
        self._summed = False
        self._lots = self._value = self._high = self._low = 0

    def roll(self, newborn: Candle) -> None:
        """The running minute is over."""
        done, self._minute = self._minute, newborn
        self._minutes.append(done)
        gone = self._minutes.popleft() if len(self._minutes) == DAY_MINUTES else None
        if not self._summed:
            return
        self._lots += done.lots
        self._value += done.value
        self._high = max(self._high, done.high)
        self._low = min(self._low, done.low)
        if gone is not None:
            self._lots -= gone.lots
            self._value -= gone.value
            if gone.high == self._high or gone.low == self._low:
                self._high = max(minute.high for minute in self._minutes)
                self._low = min(minute.low for minute in self._minutes)

    def _sum(self) -> None:
        if self._summed:
            return
        self._summed = True
        held = self._minutes = deque([*self._before(), *self._minutes][1 - DAY_MINUTES :])
        self._lots = sum(minute.lots for minute in held)
        self._value = sum(minute.value for minute in held)
        self._high = max((minute.high for minute in held), default=self._minute.high)
        self._low = min((minute.low for minute in held), default=self._minute.low)

    @property
    def running_ms(self) -> int:
        """When the running minute began."""
        return self._minute.start_ms

    @property
    def lots(self) -> int:
        """Traded, in lots."""
        self._sum()
        return self._lots + self._minute.lots

    @property
    def value(self) -> int:
        """Traded, in units of value."""
        self._sum()
        return self._value + self._minute.value

    @property
    def high(self) -> int:
        """The highest price, in ticks."""
        self._sum()
        return max(self._high, self._minute.high)

    @property
    def low(self) -> int:
        """The lowest price, in ticks."""
        self._sum()
        return min(self._low, self._minute.low)

    def opening(self, minutes: int = DAY_MINUTES) -> int:
        """The price so many minutes ago, or the first there was; the running one counts."""
        self._sum()
        held = self._minutes
        if minutes > len(held):
            return held[0].open if held else self._minute.open
        return held[1 - minutes].open if minutes > 1 else self._minute.open


class Candles:
    """The running candle of every interval, and the closed ones.

    ``ms`` is when trading begins here, at ``opening`` ticks. What was before is invented from
    ``seed``, back to the launch of the instrument; one without a launch has no past.
    """

    def __init__(self, instrument: Instrument, ms: int, opening: int, seed: str) -> None:
        self._instrument = instrument
        self.minute = Candle(start_of("1", ms), opening)
        self._began_ms = self.minute.start_ms
        self._past = past = Past(instrument, seed, self._began_ms, opening)
        self.day = Day(self.minute, partial(past.last_minutes, DAY_MINUTES - 1))
        self._before = {
            code: past.unfinished(code) or Candle(start_of(code, ms), opening) for code in INTERVALS
        }
        """What each running candle holds but the running minute."""
        self._closed = {code: deque[Candle](maxlen=_kept(code)) for code in INTERVALS}

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
        self.minute = Candle(ms, done.close)
        self.day.roll(self.minute)
        closed: dict[str, Candle] = {}
        for code, before in self._before.items():
            whole = before.followed_by(done)
            if start_of(code, ms) == ms:
                closed[code] = whole
                self._closed[code].append(whole)
                whole = Candle(ms, done.close)
            self._before[code] = whole
        return closed

    def running(self, interval: str) -> Candle:
        """The candle that is not closed yet."""
        return self._before[interval].followed_by(self.minute)

    def begins_ms(self, interval: str) -> int:
        """The start of the oldest candle that is held."""
        closed = self._closed[interval]
        if closed and closed[0].start_ms > self._began_ms:
            return closed[0].start_ms
        return start_of(interval, self._past.begins_ms)

    def newest(self, interval: str, first_ms: int, last_ms: int) -> Iterator[Candle]:
        """Those that begin from ``first_ms`` to ``last_ms``, the newest first.

        The running one is among them. Of what has closed here at least a week is held, and a
        thousand candles.
        """
        first_ms = max(first_ms, self.begins_ms(interval))
        for candle in (self.running(interval), *reversed(self._closed[interval])):
            if first_ms <= candle.start_ms <= last_ms:
                yield candle
        here_ms = start_of(interval, self._began_ms)
        if first_ms < here_ms:
            until_ms = min(end_of(interval, start_of(interval, last_ms)), here_ms)
            for candle in self._past.newest(interval, until_ms):
                if candle.start_ms < first_ms:
                    return
                yield candle


def _kept(interval: str) -> int:
    """How many closed candles of an interval are held."""
    if not interval.isdigit():
        return _PAGE
    return max(_PAGE, _WEEK_MINUTES // int(interval))


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
        opening, high, low, close, volume, turnover = candle.texts(self._instrument)
        return {
            "start": candle.start_ms,
            "end": end_of(self.interval, candle.start_ms),
            "interval": self.interval,
            "open": opening,
            "close": close,
            "high": high,
            "low": low,
            "volume": volume,
            "turnover": turnover,
            "confirm": confirm,
            "timestamp": ms if candle.last_ms is None else candle.last_ms,
        }
