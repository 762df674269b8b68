"""``map_async()``: what a coroutine makes of each value."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

from reactivex import Observable, abc

from rxbybit.config import shown
from rxbybit.errors import ConfigurationError, RuntimeMisuse, SlowConsumer
from rxbybit.operators.arguments import check_callable
from rxbybit.operators.outcome import ends_loop, failure, inner_cancelled
from rxbybit.operators.sink import Drops, Sink
from rxbybit.operators.waiting import Overflow, Waiting, check_overflow

__all__ = ["map_async"]

T = TypeVar("T")
R = TypeVar("R")

LOOK_S = 1.0
"""A task that somebody has cancelled may be the end of the loop: how long until that shows."""
LOOKS = 10
"""Who cleans up for longer than so many looks, or goes on all the same, delays no error more."""


def map_async(
    fn: Callable[[T], Coroutine[Any, Any, R]],  # Any: what a coroutine yields to its loop
    max_in_flight: int = 1,
    *,
    buffer: int = 1000,
    overflow: Overflow = "error",
    on_drop: Callable[[int], object] | None = None,
) -> Callable[[Observable[T]], Observable[R]]:
    """What the coroutine ``fn(value)`` returns for each value, in the order of the values.

    ::

        --a-b-c---------|
        map_async(fn)                         # that takes 4
        ------A---B---C-|

    ``fn`` runs as a task of the event loop that the values come on, ``max_in_flight`` of them at
    a time; one that is done before those begun earlier counts until its turn has come. Meanwhile
    values wait, ``buffer`` of them. When there are more, ``overflow`` decides: ``"error"`` ends
    the stream with ``SlowConsumer``, ``"drop_oldest"`` and ``"drop_newest"`` drop, ``"latest"``
    keeps only the newest value to wait: it sends the newest quote whenever the one before is
    through. ``on_drop(count)`` tells how many values were dropped since it was called last:
    before a result, at most once a second, and before the last one; on a client's stream
    ``status()`` tells it too (``Dropped``), and what was not told yet when it is disposed of.

    When ``fn`` raises, the results of the values before come first, then its error; all other
    tasks are cancelled. When the source ends, or errs, what was begun and what waits is done
    first. Dispose cancels all tasks, and forgets what waits; what a cancelled task raises, asyncio
    tells to the loop's exception handler. A value that ``fn`` causes in its call has its turn
    after the one that it was called for.

    When what a coroutine waits for is cancelled, such as a connection of a pool, that is an
    ``RxBybitError`` with ``permanent`` false, after which ``retry_backoff`` tries again. When
    somebody cancels a task itself, ``permanent`` is true; nothing new begins, and the error comes
    a second after the results of the values before. For ``asyncio.run`` cancels all tasks at its
    end, and that stays silent: it comes only where the loop goes on, and waits for ten seconds at
    most while other tasks of the loop are being cancelled.

    It holds ``max_in_flight`` tasks and ``buffer`` values. Nothing of ``meta`` is in a result
    that you do not put there.

    Errors: ``ConfigurationError`` at the call for what is no function, bounds below 1 or an unknown
    policy, and on the stream when ``fn`` is no coroutine function; ``RuntimeMisuse`` on the stream
    for a value that comes on a thread with no running event loop (one of a ``Stream`` comes on its
    loop).

    ::

        import asyncio
        from rxbybit import operators as rxo
        from rxbybit import trades

        async def looked_up(trade):
            await asyncio.sleep(0.01)  # a request, a query
            return trade.symbol, trade.price

        trades("BTCUSD").pipe(rxo.map_async(looked_up, max_in_flight=4)).subscribe(print)
    """
    check_callable("map_async", "fn", fn, needed=True)
    check_overflow("map_async", "max_in_flight", max_in_flight, overflow)
    check_overflow("map_async", "buffer", buffer, overflow)
    check_callable("map_async", "on_drop", on_drop)

    def operator(source: Observable[T]) -> Observable[R]:
        def subscribe(
            observer: abc.ObserverBase[R], clock: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            waiting: Waiting[T] = Waiting(buffer, overflow)
            drops = Drops(clock, on_drop)
            return _Flights(observer, fn, max_in_flight, waiting, drops).listen(source, clock)

        return Observable(subscribe)

    return operator


class _Flight(Generic[R]):
    """The place of a value among those that are done: its task, as soon as it has one."""

    __slots__ = ("task",)

    def __init__(self) -> None:
        self.task: asyncio.Task[R] | None = None


class _Flights(Sink[T, R], Generic[T, R]):
    def __init__(
        self,
        observer: abc.ObserverBase[R],
        fn: Callable[[T], Coroutine[Any, Any, R]],  # Any: see above
        limit: int,
        waiting: Waiting[T],
        drops: Drops,
    ) -> None:
        super().__init__(observer)
        self._fn = fn
        self._limit = limit
        self._waiting = waiting
        self._drops = drops
        self._flights: deque[_Flight[R]] = deque()  # in the order of their values
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = False
        self._error: Exception | None = None
        self._late = False  # tell of the error only if the loop goes on
        self._look_due: asyncio.TimerHandle | None = None

    def on_next(self, value: T) -> None:
        if self._stopped or self._ended:
            return
        if len(self._waiting):  # what the subscriber causes in its call may not overtake it
            self._begin_waiting()
            if self._stopped or self._ended:
                return
        if len(self._flights) < self._limit:
            self._begin(value)
            return
        try:
            self._waiting.put(value)
        except SlowConsumer as error:
            super().on_error(error)

    def on_error(self, error: Exception) -> None:
        self._end(error)

    def on_completed(self) -> None:
        self._end(None)

    def _end(self, error: Exception | None) -> None:
        if not self._ended:
            self._ended, self._error = True, error
            self._look_for_end()

    def _begin_waiting(self) -> None:
        while len(self._waiting) and len(self._flights) < self._limit:
            self._begin(self._waiting.take())

    def _begin(self, value: T) -> None:
        flight: _Flight[R] = _Flight()
        self._flights.append(flight)  # before the call, in which other values may come
        try:
            loop = self._loop = _running_loop()
            made = self._fn(value)
            if not asyncio.iscoroutine(made):
                needs = "give an 'async def' function"
                raise ConfigurationError(f"map_async: fn gave {shown(made)}: {needs}")
            if self._stopped:  # by fn; an eager task would begin at once
                made.close()
                return
            flight.task = task = loop.create_task(made)
            task.add_done_callback(partial(self._on_done, flight))
            if self._stopped:  # by such a one
                task.cancel()
        except asyncio.CancelledError:
            self._cut(flight, inner_cancelled())
        except Exception as error:  # noqa: BLE001 - most often of the user's function
            self._cut(flight, error)
        except BaseException:
            self._stop()
            raise

    def _cut(self, flight: _Flight[R], error: Exception | None, *, late: bool = False) -> None:
        """End with ``error`` when the turn of ``flight`` has come; nothing after it counts."""
        if flight not in self._flights:
            return
        cut = [self._flights.pop()]
        while cut[-1] is not flight:
            cut.append(self._flights.pop())
        self._cancel([one.task for one in cut])
        self._drops.rest(self._waiting.clear())
        self._upstream.dispose()
        self._ended, self._error, self._late = True, error, late
        self._look_for_end()

    def _on_done(self, flight: _Flight[R], task: asyncio.Task[R]) -> None:
        try:
            # what one raises whose turn may never come is not looked at: the loop tells it
            if task.cancelled() and ends_loop(task):
                self._cut(flight, failure(task), late=True)
            while self._flights and (first := self._flights[0].task) and first.done():
                error = failure(first)
                if error is not None and ends_loop(first):  # its own call is yet to come
                    self._cut(self._flights[0], error, late=True)
                else:
                    self._flights.popleft()
                    self._land(first, error)
        except BaseException:
            self._stop()
            raise

    def _land(self, task: asyncio.Task[R], error: Exception | None) -> None:
        """Tell of the task whose turn it is, and begin another."""
        if error is not None:
            super().on_error(error)
            return
        self._tell_drops(task.get_loop().time())
        self._observer.on_next(task.result())
        if len(self._waiting):
            self._begin_waiting()
        self._look_for_end()

    def _tell_drops(self, now_s: float) -> None:
        last = self._ended and not self._flights and not len(self._waiting)
        try:
            self._drops.tell(self._waiting.report(now_s, last=last))
        except Exception as error:  # noqa: BLE001 - the user's function, so the stream's error
            super().on_error(error)

    def _look_for_end(self) -> None:
        if not self._ended or self._flights or len(self._waiting):
            return
        if self._late:
            self._look_later(LOOKS)
        else:
            self._tell_end()

    def _tell_end(self) -> None:
        if self._error is None:
            super().on_completed()
        else:
            super().on_error(self._error)

    def _look_later(self, looks: int) -> None:
        """Tell the end, unless the loop ends as well."""
        loop = self._loop

        def look() -> None:
            if looks > 1 and any(task.cancelling() for task in asyncio.all_tasks(loop)):
                self._look_later(looks - 1)
            else:
                self._tell_end()

        if loop is not None and not self._stopped:
            self._look_due = loop.call_later(LOOK_S, look)

    def _let_go(self) -> None:
        flights, self._flights = self._flights, deque()
        self._drops.rest(self._waiting.clear())
        self._cancel([self._look_due, *(flight.task for flight in flights)])

    def _cancel(self, held: Sequence[asyncio.Task[R] | asyncio.TimerHandle | None]) -> None:
        if self._loop is None or not any(held):
            return

        def cancel() -> None:
            for one in held:
                if one is not None:
                    one.cancel()

        try:
            here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            here = False
        if here:
            cancel()
            return
        try:
            self._loop.call_soon_threadsafe(cancel)
        except RuntimeError:
            if not self._loop.is_closed():  # a closed loop has no tasks left
                raise


def _running_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeMisuse(
            "map_async needs a running event loop where the values come: use it on a Stream,"
            " or subscribe inside asyncio"
        ) from None
