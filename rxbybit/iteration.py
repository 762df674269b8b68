"""``stream.iterate()``: a stream as a bounded asynchronous iterator."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Generic, Literal, TypeVar, get_args

from reactivex import abc

from rxbybit.config import shown
from rxbybit.errors import ConfigurationError, RuntimeMisuse, SlowConsumer
from rxbybit.marking import Owed
from rxbybit.runtime import Runtime
from rxbybit.subscription import Listen, Listening

__all__ = ["Iteration", "Overflow"]

T = TypeVar("T")

Overflow = Literal["error", "drop_oldest", "drop_newest", "latest"]
_POLICIES: tuple[Overflow, ...] = get_args(Overflow)

REPORT_S = 1.0
"""Drops are reported at most once in so many seconds."""


class Iteration(AsyncIterator[T]):
    """The events of a stream for one consumer; it subscribes at the first step.

    Leaving the ``async for`` drops the last reference to it, which disposes; whoever keeps a
    reference calls :meth:`aclose`.
    """

    def __init__(
        self,
        listen: Listen[T],
        choose: Callable[[], Runtime],
        *,
        buffer: int,
        overflow: Overflow,
    ) -> None:
        if type(buffer) is not int or buffer < 1:
            raise ConfigurationError(
                f"iterate: buffer={shown(buffer)}: a whole number of events, at least 1"
            )
        if overflow not in _POLICIES:
            raise ConfigurationError(
                f"iterate: overflow={shown(overflow)}: use {', '.join(_POLICIES)}"
            )
        self._listen = listen
        self._choose = choose
        self._limit = 1 if overflow == "latest" else buffer
        self._overflow: Overflow = overflow
        self._buffer: _Buffer[T] | None = None
        self._done = False

    def __aiter__(self) -> Iteration[T]:
        return self

    async def __anext__(self) -> T:
        if self._done:
            raise StopAsyncIteration
        if self._buffer is None:
            buffer: _Buffer[T] = _Buffer(self._choose(), self._limit, self._overflow)
            buffer.begin(self._listen)
            self._buffer = buffer
        try:
            return await self._buffer.get()
        except _End as end:
            await self.aclose()
            if end.error is None:
                raise StopAsyncIteration from None
            raise end.error from None

    async def aclose(self) -> None:
        """Dispose the subscription; whatever is buffered is forgotten."""
        self._done = True
        if self._buffer is not None:
            self._buffer.close()

    def __del__(self) -> None:
        buffer: _Buffer[T] | None = getattr(self, "_buffer", None)
        if buffer is not None:
            buffer.abandon()


class _End(Exception):
    def __init__(self, error: Exception | None) -> None:
        self.error = error


class _Buffer(Generic[T]):
    """What the subscription fills on its thread and the iterator empties on its own.

    Only one side appends and only the other waits; a deque's single steps need no lock.
    """

    def __init__(self, runtime: Runtime, limit: int, overflow: Overflow) -> None:
        self._runtime = runtime
        self._limit = limit
        self._overflow: Overflow = overflow
        self._events: deque[T] = deque()
        self._end: _End | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._dropped = 0
        self._refused = Owed()  # for what is taken in next
        self._removed = Owed()  # of what was taken out again, for what the consumer takes next
        self._report_due: abc.DisposableBase | None = None
        self._subscription: Listening | None = None

    def begin(self, listen: Listen[T]) -> None:
        self._subscription = listen(self._push, self._stop, self._stop, self._stop)

    async def get(self) -> T:
        """The next event. Errors: ``_End`` when there is none any more."""
        while not self._events:
            if self._end is not None:
                raise self._end
            if self._waiter is not None:
                raise RuntimeMisuse("two tasks step one iterator: each needs its own iterate()")
            self._waiter = self._loop.create_future()
            try:
                # What came between the look above and here is seen by the wake-up it posts.
                await self._waiter
            finally:
                self._waiter = None
        return self._removed.pay(self._events.popleft())

    def _push(self, event: T) -> None:
        events = self._events
        if self._end is not None:
            return
        if len(events) >= self._limit:
            if self._overflow == "error":
                lag = len(events) + 1
                self._stop(SlowConsumer(lag))
                events.clear()
                return
            self._count_drop()
            if self._overflow == "drop_newest":
                self._refused.leave_out(event)
                return
            try:
                self._removed.leave_out(events.popleft())
            except IndexError:
                self._dropped -= 1  # the consumer was quicker
        events.append(self._refused.pay(event))
        self._signal()

    def _stop(self, error: Exception | None = None) -> None:
        if self._end is None:
            self._end = _End(error)
            self._signal()

    def _signal(self) -> None:
        if threading.get_ident() == self._thread:
            self._wake()
            return
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:
            if not self._loop.is_closed():  # a closed loop has nobody left who waits
                raise

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _count_drop(self) -> None:
        self._dropped += 1
        if self._report_due is None:
            self._report_due = self._runtime.scheduler.schedule_relative(REPORT_S, self._report_now)

    def _report_now(self, _: abc.SchedulerBase, __: object = None) -> None:
        self._report()

    def _report(self) -> None:
        self._report_due = None
        count, self._dropped = self._dropped, 0
        if count and self._subscription is not None:
            self._subscription.dropped(count)

    def close(self) -> None:
        """Dispose, and report what is left to report."""
        self._stop()
        self._events.clear()
        if self._subscription is not None:
            self._subscription.dispose()
        if self._report_due is not None:
            self._report_due.dispose()
            self._runtime.call(self._report)

    def abandon(self) -> None:
        """Close, from the garbage collector: later, and on the runtime's own thread."""
        self._runtime.post(self.close)
