"""Candles when they are over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable

from rxbybit.candle import Candle, ClosedKlines
from rxbybit.events import Event, Gap
from rxbybit.marking import marked
from rxbybit.operators.figures import check_time
from rxbybit.operators.kept import Kept
from rxbybit.operators.stepwise import stepwise

__all__ = ["closed"]

C = TypeVar("C", bound=Candle)


def closed() -> Callable[[Observable[C]], Observable[C]]:
    """The closed candles, each one once per symbol, interval and start.

    ::

        klines    --1:00--1:00--1:00 closed--1:00 closed--1:01--1:01 closed--|
        closed()  --------------1:00 closed---------------------1:01 closed--|

    It takes ``klines(...)``, or whatever has ``symbol``, ``interval``, ``start_ms`` and
    ``closed``. The candles of a symbol and interval come in order: one that begins no later than
    the last one that was passed is left out, whatever brought it (the exchange confirms some
    twice, and sends the last one again after a reconnect). Those out of REST, with
    ``meta.backfilled``, count like live ones. A candle whose end fell into an outage that was not
    filled never closes here; then the next one of its symbol and interval that does has the
    ``meta.gap``. Two markets of one name, linear and spot, cannot be told apart here, as nothing
    in a candle out of REST says which it is of: give each an operator of its own, and merge then.

    ``klines(..., closed=True)`` does the same, in one place for all its subscribers; this is for
    whoever needs the growing candles as well, or has them from elsewhere.

    Errors: ``ConfigurationError`` on the stream for an event that is no candle.
    Memory: a number for each symbol and interval, of the 10,000 heard last.

    ::

        from rxbybit import klines
        from rxbybit import operators as rxo

        candles = klines("BTCUSD", interval="1m", history=3)
        candles.pipe(rxo.closed()).subscribe(print)
    """
    return stepwise("closed()", "candles, such as klines(...) gives", _Closed)


class _Candles:
    """Those of a symbol and interval, and the hole that the next closed one has to tell of."""

    __slots__ = ("machine", "owed")

    def __init__(self) -> None:
        self.machine = ClosedKlines()
        self.owed: Gap | None = None


class _Closed:
    """What is known of the candles of one subscriber."""

    def __init__(self) -> None:
        self._kept = Kept[tuple[str, str], _Candles](lambda _: _Candles())

    def __call__(self, candle: C) -> C | None:
        one = self._kept.of((candle.symbol, candle.interval))
        check_time(candle.start_ms)
        one.machine.apply(candle)
        news = one.machine.news(candle)
        if not isinstance(candle, Event):
            return news
        gap = candle.meta.gap or one.owed
        if gap is None or news is None:
            one.owed = gap
            return news
        one.owed = None
        return marked(candle, gap)
