"""``map_async()``: what a coroutine makes of each value."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from reactivex import Observable, abc

from rxbybit.errors import ConfigurationError, RuntimeMisuse, RxBybitError, SlowConsumer
from rxbybit.operators.arguments import check_callable
from rxbybit.operators.sink import Drops, Sink
from rxbybit.operators.waiting import Overflow, Waiting, check_overflow

__all__ = ["map_async"]

T = TypeVar("T")
R = TypeVar("R")


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
    tells to the loop's exception handler. When somebody else cancels a task, as
    ``asyncio.run`` does at its end, the subscription ends in silence.

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
        self._tasks: deque[asyncio.Task[R]] = deque()  # in the order of their values
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = False
        self._error: Exception | None = None

    def on_next(self, value: T) -> None:
        if self._stopped or self._ended:
            return
        # what the subscriber causes in its call may not overtake what waits
        if len(self._tasks) < self._limit and not len(self._waiting):
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

    def _begin(self, value: T) -> None:
        try:
            self._tasks.append(self._task(value))
        except Exception as error:  # noqa: BLE001 - most often of the user's function
            self._drops.rest(self._waiting.clear())
            self._upstream.dispose()
            self._ended, self._error = True, error
            self._look_for_end()

    def _task(self, value: T) -> asyncio.Task[R]:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeMisuse(
                "map_async needs a running event loop where the values come: use it on a Stream,"
                " or subscribe inside asyncio"
            ) from None
        made = self._fn(value)
        if not asyncio.iscoroutine(made):
            raise ConfigurationError(f"map_async: fn gave {made!r}: give an 'async def' function")
        task = self._loop.create_task(made)
        task.add_done_callback(self._on_done)
        return task

    def _on_done(self, task: asyncio.Task[R]) -> None:
        if task.cancelled() and task.cancelling():
            self._stop()  # by itself, or by who ends the loop
            return
        try:
            while self._tasks and self._tasks[0].done():
                self._land(self._tasks.popleft())
        except BaseException:
            self._stop()
            raise

    def _land(self, task: asyncio.Task[R]) -> None:
        """Tell of the task whose turn it is, and begin another."""
        error = _failure(task)
        if error is not None:
            super().on_error(error)
            return
        self._tell_drops(task.get_loop().time())
        self._observer.on_next(task.result())
        if len(self._waiting):  # nothing waits once it has ended
            self._begin(self._waiting.take())
        self._look_for_end()

    def _tell_drops(self, now_s: float) -> None:
        last = self._ended and not self._tasks and not len(self._waiting)
        try:
            self._drops.tell(self._waiting.report(now_s, last=last))
        except Exception as error:  # noqa: BLE001 - the user's function, so the stream's error
            super().on_error(error)

    def _look_for_end(self) -> None:
        if self._ended and not self._tasks and not len(self._waiting):
            if self._error is None:
                super().on_completed()
            else:
                super().on_error(self._error)

    def _let_go(self) -> None:
        tasks, self._tasks = self._tasks, deque()
        self._drops.rest(self._waiting.clear())
        if not tasks or self._loop is None:
            return

        def cancel() -> None:
            for task in tasks:
                task.cancel()

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


def _failure(task: asyncio.Task[Any]) -> Exception | None:  # Any: whatever it gives
    """Why a task gives no result; ``None`` where it does, or ends the program."""
    if task.cancelled():
        return RxBybitError("map_async: what the coroutine waited for was cancelled")
    error = task.exception()
    return error if isinstance(error, Exception) else None
