"""Bars of trades."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial as bound
from itertools import chain
from typing import Protocol

from reactivex import Observable, abc
from reactivex.disposable import SerialDisposable, SingleAssignmentDisposable

from rxbybit.config import check_truth
from rxbybit.events import Meta
from rxbybit.operators.arguments import check_scheduler, refused
from rxbybit.operators.bar import Bar
from rxbybit.operators.clock import ExchangeClock
from rxbybit.operators.figures import check_number, check_time
from rxbybit.operators.foreign import told
from rxbybit.operators.full_bars import FullBars
from rxbybit.operators.time_bars import TimeBars
from rxbybit.operators.turns import Turns
from rxbybit.operators.valued import Traded
from rxbybit.operators.window import milliseconds_of, trades_of

__all__ = ["bars"]

_LEAST = timedelta(milliseconds=1)
_NEAR = timedelta(milliseconds=50)
"""A timer that fires so much too late is as good as one that does not."""
_VOLUME = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,20})?) +volume")


class _Machine(Protocol):
    due_ms: int | None

    def add(self, trade: Traded, now_ms: int) -> Iterable[Bar]: ...
    def tick(self, now_ms: int) -> Iterable[Bar]: ...
    def end(self) -> Iterable[Bar]: ...


def bars(
    size: str,
    *,
    fill: bool = False,
    partial: bool = False,
    continuous: bool | None = None,
    inverse: bool = False,
    scheduler: abc.SchedulerBase | None = None,
) -> Callable[[Observable[Traded]], Observable[Bar]]:
    """Bars of trades: of a time, of a number of trades, or of a volume.

    ::

        time, price    --0:01 100--0:30 103--0:59 101--1:02 102-----1:40 99-----2:05 98-----|
        bars("1m")     --------------------------------Bar of 0:00-------------Bar of 1:00--|

    ``size``: a length of time (``"500ms"``, ``"1s"``, ``"1m"``, ``"4h"``, ``"1d"``, ``"1w"``), a
    number of trades (``"500 trades"``), or a volume (``"10000 volume"``, ``"0.5 volume"``) in the
    unit of the sizes: contracts of 1 USD (inverse) or base coin. Each symbol has bars of its own.

    Bars of time are aligned on exchange time: on multiples of their length since a Monday, 0 h
    UTC, as candles are. A bar is given at the first trade of its symbol past its end, or when the
    clock is a second past it. That clock is exchange time as the newest trade shows it, carried on
    by ``scheduler``, else by that of the subscription (a stream's own); where the machine's own
    clock stands does not matter. With neither, on an Observable of somebody else, there is none,
    and bars are given by trades alone, also by those of other symbols a second past the end.
    ``fill=True`` gives bars without trades as well, from the first trade of a symbol to the end of
    the stream: ``count`` and ``volume`` 0, ``vwap`` ``None``, and all prices the last one.

    A trade that comes when its bar was given is not lost: the bar comes once more, whole, as a
    ``Bar`` with the same ``start_ms``, at the next trade past its end, else by the clock, in a
    second at the earliest, or when the stream ends; at once if a later bar has begun, which then
    opens at the new price before it. So it is when trades are fetched after an outage
    (``meta.backfilled``), or come over a second late. With ``fill``, the empty ones after it come
    again as well. So the last ``Bar`` of a ``start_ms`` is the right one. A trade older than the
    last bar with trades that was given counts in that one.

    Bars of trades or volume end with the trade that reaches or passes the limit, which is not
    split, and are given at once.

    ``continuous`` (``None``: of time yes, of others no): a bar opens at the last price before it,
    which counts for its high and low, as in the candles of the exchange; else at its own first
    trade, as does the first bar. ``vwap`` is the sum of price × size over the sum of size;
    ``inverse=True``, for contracts of 1 USD, makes it the sum of size over that of size / price:
    volume over turnover. See ``vwap``.

    The first bar holds what was traded since the subscription. One that is not finished when the
    stream ends is given with ``partial=True`` only, and never before an error. A hole in the
    trades that could not be filled is in ``meta.gap`` of the bars that it may lie in, as far as
    they were not given yet. Two bars are kept of each of the 10,000 symbols that traded last; one
    beyond is forgotten, with what it has not given.
    Errors: ``ConfigurationError`` at the call for a size that is none, or is longer than a year,
    for ``fill`` without a time, for a flag that is no truth value or what is no scheduler, and on
    the stream for what is no trade, or has a price or a size that is no finite number.

    ::

        from reactivex import operators as ops
        from rxbybit import operators as rxo
        from rxbybit import trades

        trades("BTCUSD").pipe(rxo.bars("1s"), ops.take(3)).run()
        trades("BTCUSD").pipe(rxo.bars("5 trades", inverse=True), ops.take(1)).subscribe(print)
    """
    for name, flag in (("fill", fill), ("partial", partial), ("inverse", inverse)):
        check_truth(f"bars: {name}", flag)
    if continuous is not None:
        check_truth("bars: continuous", continuous)
    check_scheduler("bars", scheduler)
    begin = _machine(size, fill=fill, partial=partial, continuous=continuous, inverse=inverse)

    def over(source: Observable[Traded]) -> Observable[Bar]:
        def subscribe(
            observer: abc.ObserverBase[Bar], clock: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            making = _Making(begin(), observer, scheduler or clock)
            making.upstream.disposable = source.subscribe(
                making.on_next, making.on_error, making.on_completed, scheduler=clock
            )
            return making

        return Observable(subscribe)

    return over


def _machine(
    size: object, *, fill: bool, partial: bool, continuous: bool | None, inverse: bool
) -> Callable[[], _Machine]:
    """What makes the state of a subscription."""
    length_ms, trades = milliseconds_of(size), trades_of(size)
    found = _VOLUME.fullmatch(size) if isinstance(size, str) else None
    volume = (Decimal(found[1]) or None) if found else None
    if length_ms is not None:
        through = continuous is None or continuous
        return bound(
            TimeBars, length_ms, fill=fill, partial=partial, continuous=through, inverse=inverse
        )
    if trades is None and volume is None:
        needs = (
            "use a length of time such as '1s', '1m', '4h' or '1d', a year at most, a number of"
            " trades such as '500 trades', 10 digits at most, or a volume such as '10000 volume'"
        )
        raise refused("bars", "size", size, needs)
    if fill:
        raise refused("bars", "fill", fill, "only bars of time can be empty")
    return bound(
        FullBars,
        trades=trades,
        volume=volume,
        partial=partial,
        continuous=bool(continuous),
        inverse=inverse,
    )


class _Making(abc.DisposableBase):
    """One subscription."""

    def __init__(
        self,
        machine: _Machine,
        observer: abc.ObserverBase[Bar],
        scheduler: abc.SchedulerBase | None,
    ) -> None:
        self.upstream = SingleAssignmentDisposable()
        self._machine = machine
        self._observer = observer
        self._scheduler = scheduler
        self._clock = ExchangeClock(scheduler)
        self._timer = SerialDisposable()
        self._fires: datetime | None = None
        """When the timer that runs fires, as the scheduler counts."""
        self._over = False
        self._turns = Turns()

    def on_next(self, trade: Traded) -> None:
        self._turns.take(self._add, trade)

    def on_error(self, error: Exception) -> None:
        self._turns.take(self._fail, error)

    def on_completed(self) -> None:
        self._turns.take(self._end)

    def dispose(self) -> None:
        self._over = True
        self._timer.dispose()
        self.upstream.dispose()

    def _add(self, trade: Traded) -> None:
        if self._over:
            return
        machine = self._machine
        try:
            meta: object = getattr(trade, "meta", None)
            live = not (isinstance(meta, Meta) and meta.backfilled)
            check_time(trade.time_ms)
            check_number(trade.price)
            check_number(trade.size)
            now_ms = self._clock.saw(trade.time_ms, live=live)
            given = chain(machine.add(trade, now_ms), machine.tick(now_ms))
        except Exception as raised:  # noqa: BLE001 - goes to the observer
            takes = "trades, events with symbol, time_ms, price and size"
            self._fail(told("bars()", takes, trade, raised))
            return
        self._wait()
        self._give(given)

    def _fail(self, error: Exception) -> None:
        self.dispose()
        self._observer.on_error(error)

    def _end(self) -> None:
        self._give(self._machine.end())
        self.dispose()
        self._observer.on_completed()

    def _give(self, given: Iterable[Bar]) -> None:
        for bar in given:
            if self._over:
                return
            self._observer.on_next(bar)

    def _wait(self) -> None:
        """Have a timer run until the machine is to be told of the time."""
        due_ms, scheduler = self._machine.due_ms, self._scheduler
        due = None if due_ms is None else self._clock.when(due_ms)
        if scheduler is None or due is None:
            return
        if self._fires is None or due < self._fires - _NEAR:
            self._fires = due
            delay = max(due - scheduler.now, _LEAST)
            self._timer.disposable = scheduler.schedule_relative(delay, self._fire)

    def _fire(self, scheduler: abc.SchedulerBase, state: object = None) -> None:
        self._turns.take(self._look)

    def _look(self) -> None:
        self._fires = None
        given = self._machine.tick(self._clock.now_ms)
        self._wait()
        self._give(given)
