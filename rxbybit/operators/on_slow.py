"""``on_slow()``: hand values over to a slow subscriber, through a bounded queue."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable, abc

from rxbybit.errors import SlowConsumer
from rxbybit.operators.arguments import check_callable, check_scheduler
from rxbybit.operators.sink import Drops, Sink
from rxbybit.operators.waiting import Overflow, Waiting, check_overflow

__all__ = ["on_slow"]

T = TypeVar("T")


def on_slow(
    capacity: int,
    overflow: Overflow = "drop_oldest",
    *,
    scheduler: abc.SchedulerBase,
    on_drop: Callable[[int], object] | None = None,
) -> Callable[[Observable[T]], Observable[T]]:
    """Every value on ``scheduler``, through a queue of ``capacity``: for a subscriber that is slow.

    ::

        --a-b-c-d-e-----------|
        on_slow(2, scheduler=worker)          # that takes 5 for each
        --a----b----d----e----|

    What comes after it may block, and delays neither the stream nor anybody else: its calls come
    from ``scheduler``, one at a time and in order. When ``capacity`` values wait, ``overflow``
    decides: ``"drop_oldest"`` and ``"drop_newest"`` drop, ``"latest"`` keeps the newest value
    only, whatever the capacity; ``"error"`` forgets what waits and ends the stream with
    ``SlowConsumer``, as soon as the call that runs has returned. Else what waits comes before the
    end of the source, also before its error.

    ``scheduler`` is yours, and so are its threads: an ``EventLoopScheduler`` of reactivex is one
    thread, a ``ThreadPoolScheduler`` several for all who share it. Nothing blocks: work is
    scheduled when there is something to hand over, and after what waited at its begin it lets
    others have their turn. ``on_drop(count)`` tells how many values were dropped since it was
    called last: on the scheduler, before the next value, at most once a second, and before the
    end; on a client's stream ``status()`` tells it too (``Dropped``), and what was not told yet
    when it is disposed of. After a dispose, on any thread, nothing is called but what runs.

    It holds ``capacity`` values. Where a dropped event was the first one after a hole, the next
    one of its topic that is kept has its ``meta.gap``, unless it is not ours.

    Errors: ``ConfigurationError`` at the call for a capacity below 1, an unknown policy, what is no
    scheduler, or an ``on_drop`` that cannot be called. What ``on_drop`` raises ends the stream, and
    so does a scheduler that takes no work any more. (A Python that ends starts no thread: a script
    keeps its main thread with ``run()``, as here.)

    ::

        import time
        from reactivex import operators as ops
        from reactivex.scheduler import EventLoopScheduler
        from rxbybit import operators as rxo
        from rxbybit import trades

        def store(trade):
            time.sleep(0.1)  # a slow disk
            print(trade)

        worker = EventLoopScheduler()
        trades("BTCUSD").pipe(
            rxo.on_slow(1000, scheduler=worker, on_drop=lambda count: print(count, "dropped")),
            ops.do_action(store),
            ops.take(10),
        ).run()
    """
    check_overflow("on_slow", "capacity", capacity, overflow)
    check_scheduler("on_slow", scheduler, needed=True)
    check_callable("on_slow", "on_drop", on_drop)

    def operator(source: Observable[T]) -> Observable[T]:
        def subscribe(
            observer: abc.ObserverBase[T], clock: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            waiting: Waiting[T] = Waiting(capacity, overflow)
            drops = Drops(clock, on_drop)
            return _HandOver(observer, waiting, scheduler, drops).listen(source, clock)

        return Observable(subscribe)

    return operator


class _HandOver(Sink[T, T]):
    """The source fills on its thread, the worker empties on its own, and anybody disposes.

    ``_working`` is true from the moment that the worker is scheduled until it has found nothing
    to do: finding nothing and saying so is one step under the lock, so nothing is left lying.
    The lock is held for no call to others but the copy of an event.
    """

    def __init__(
        self,
        observer: abc.ObserverBase[T],
        waiting: Waiting[T],
        worker: abc.SchedulerBase,
        drops: Drops,
    ) -> None:
        super().__init__(observer)
        self._waiting = waiting
        self._worker = worker
        self._drops = drops
        self._lock = threading.Lock()
        self._working = False
        self._ended = False
        self._error: Exception | None = None
        self._raised: BaseException | None = None

    def on_next(self, value: T) -> None:
        with self._lock:
            if self._ended or self._stopped:
                return
            try:
                self._waiting.put(value)
            except SlowConsumer as error:
                self._waiting.clear()
                self._ended, self._error = True, error
            begin, self._working = not self._working, True
        if self._ended:
            self._upstream.dispose()
        if begin:
            self._schedule()

    def on_error(self, error: Exception) -> None:
        self._end(error)

    def on_completed(self) -> None:
        self._end(None)

    def _end(self, error: Exception | None) -> None:
        with self._lock:
            if self._ended or self._stopped:
                return
            self._ended, self._error = True, error
            begin, self._working = not self._working, True
        if begin:
            self._schedule()

    def _schedule(self) -> None:
        try:
            self._worker.schedule(self._work)
        except Exception as error:
            if error is self._raised:  # by the subscriber: this scheduler runs its work at once
                raise
            super().on_error(error)

    def _work(self, _: abc.SchedulerBase, __: object = None) -> None:
        with self._lock:
            turns = max(1, len(self._waiting))
        for _turn in range(turns):
            if not self._step():
                return
        with self._lock:
            more = self._working = bool(self._waiting) or self._ended
        if more:
            self._schedule()

    def _step(self) -> bool:
        """Hand over what comes next; False when nothing may follow."""
        now_s = self._worker.now.timestamp()
        with self._lock:
            if self._stopped:
                return False
            dropped = self._waiting.report(now_s, last=not self._waiting)
            values = [self._waiting.take()] if self._waiting else []
        try:
            self._drops.tell(dropped)
        except Exception as error:  # noqa: BLE001 - the user's function, so the stream's error
            super().on_error(error)
            return False
        if not values:
            self._tell_end()
            return False
        try:
            self._observer.on_next(values[0])
        except BaseException as raised:
            self._raised = raised
            self._stop()
            raise
        return True

    def _tell_end(self) -> None:
        if self._error is None:
            super().on_completed()
        else:
            super().on_error(self._error)

    def _stop(self) -> bool:
        with self._lock:
            if self._stopped:
                return False
            self._stopped = True
            dropped = self._waiting.clear()
        self._upstream.dispose()
        self._drops.rest(dropped)
        return True
