"""The clock of an event loop, as reactivex wants it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from reactivex import abc, typing
from reactivex.scheduler.periodicscheduler import PeriodicScheduler

if TYPE_CHECKING:
    from rxbybit.runtime import Runtime

__all__ = ["LoopScheduler", "RuntimeScheduler"]

_S = TypeVar("_S")


class LoopScheduler(PeriodicScheduler):
    """Runs scheduled work on one event loop, whatever thread schedules it.

    Work runs on the loop's thread only. Cancelling never blocks: it mutes the work at once and,
    from another thread, posts the rest. An action that raises goes to the loop's exception
    handler. After the loop is closed, scheduling does nothing.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.loop = loop
        # Some loops cache their clock while they wait, so another thread would read an old
        # time; a loop whose clock is virtual must be asked itself.
        real = abs(loop.time() - time.monotonic()) < 1.0
        self._clock = time.monotonic if real else loop.time
        self._real = real
        self._anchor()

    def _anchor(self) -> None:
        self._started = datetime.now(UTC)
        self._start = self._clock()

    @property
    def now(self) -> datetime:
        """The wall clock at the first use, carried on by the loop's own clock.

        It does not jump with small corrections of the system clock, so durations are true; when
        the system clock moved by more than a second (or the machine slept), it follows.
        """
        now = self._started + timedelta(seconds=self._clock() - self._start)
        if self._real and abs(now.timestamp() - time.time()) > 1.0:
            self._anchor()
            return self._started
        return now

    def schedule(
        self, action: typing.ScheduledAction[_S], state: _S | None = None
    ) -> abc.DisposableBase:
        """Run ``action`` on the loop as soon as it can."""
        return self._arm(0.0, action, state)

    def schedule_relative(
        self,
        duetime: typing.RelativeTime,
        action: typing.ScheduledAction[_S],
        state: _S | None = None,
    ) -> abc.DisposableBase:
        """Run ``action`` on the loop ``duetime`` (seconds or ``timedelta``) from now."""
        return self._arm(self.to_seconds(duetime), action, state)

    def schedule_absolute(
        self,
        duetime: typing.AbsoluteTime,
        action: typing.ScheduledAction[_S],
        state: _S | None = None,
    ) -> abc.DisposableBase:
        """Run ``action`` on the loop at ``duetime`` (aware ``datetime`` or Unix seconds)."""
        delay = self.to_datetime(duetime) - self.now
        return self._arm(delay.total_seconds(), action, state)

    def _arm(
        self, delay_s: float, action: typing.ScheduledAction[_S], state: _S | None
    ) -> abc.DisposableBase:
        work = _Work(self, max(0.0, delay_s), action, state)
        if self.on_loop:
            work.arm()
        else:
            self.post(work.arm)
        return work

    @property
    def on_loop(self) -> bool:
        """Whether the calling thread is the one that runs the loop now."""
        try:
            return asyncio.get_running_loop() is self.loop
        except RuntimeError:
            return False

    def post(self, fn: typing.Action) -> None:
        """Have ``fn`` called on the loop's thread, soon; nothing happens on a closed loop."""
        try:
            self.loop.call_soon_threadsafe(fn)
        except RuntimeError:
            # It may close between a question and the call, so the call is the question.
            if not self.loop.is_closed():
                raise


class RuntimeScheduler(LoopScheduler):
    """The clock of a runtime; given as ``scheduler=`` to a subscribe, it names the runtime."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime.loop)
        self.runtime = runtime


class _Work(abc.DisposableBase):
    """One scheduled action; its handle is touched on the loop's thread only."""

    __slots__ = ("_action", "_cancelled", "_delay_s", "_handle", "_inner", "_scheduler", "_state")

    def __init__(
        self,
        scheduler: LoopScheduler,
        delay_s: float,
        action: typing.ScheduledAction[Any],  # Any: whatever the caller schedules
        state: object,
    ) -> None:
        self._scheduler = scheduler
        self._delay_s = delay_s
        self._action = action
        self._state = state
        self._cancelled = False
        self._handle: asyncio.Handle | None = None
        self._inner: abc.DisposableBase | None = None

    def arm(self) -> None:
        if self._cancelled:
            return
        loop = self._scheduler.loop
        if self._delay_s:
            self._handle = loop.call_later(self._delay_s, self._fire)
        else:
            self._handle = loop.call_soon(self._fire)

    def _fire(self) -> None:
        self._handle = None
        if self._cancelled:
            return
        inner = self._scheduler.invoke_action(self._action, self._state)
        self._inner = inner
        if self._cancelled:  # by the action itself
            inner.dispose()

    def dispose(self) -> None:
        if self._cancelled:
            return
        self._cancelled = True
        if self._scheduler.on_loop:
            self._release()
        else:
            self._scheduler.post(self._release)

    def _release(self) -> None:
        handle, self._handle = self._handle, None
        inner, self._inner = self._inner, None
        if handle is not None:
            handle.cancel()
        if inner is not None:
            inner.dispose()
