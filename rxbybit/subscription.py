"""One subscription of a stream: the thin layer between a source and a user's callbacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias, TypeVar

from reactivex import abc

from rxbybit.errors import ClosedError, RxBybitError
from rxbybit.origin import ClientClock, Clients, Origin, ServingClock
from rxbybit.runtime import Release, Runtime, RuntimeScheduler

__all__ = ["Connect", "Listen", "Listening", "Subscription"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Connect: TypeAlias = Callable[[Runtime, "Subscription[T]", abc.SchedulerBase], abc.DisposableBase]
"""Begins what a subscription hears, on the runtime's thread and with the clock it is given."""

UNHANDLED = "a stream ended in an error that nobody handles; pass on_error=... to handle it"

_PROGRAM_ENDS = (KeyboardInterrupt, SystemExit)


class Listening(Protocol):
    """What who listens disposes of, and tells of what he drops."""

    def dispose(self) -> None:
        """End it."""
        ...

    def dropped(self, count: int, /) -> None:
        """So many more values were dropped; on the runtime's thread."""
        ...


class Listen(Protocol[T_co]):
    """Subscribes to a stream for who waits for a result: see :class:`Subscription`."""

    def __call__(
        self,
        on_next: abc.OnNext[T_co],
        on_error: abc.OnError,
        on_completed: abc.OnCompleted,
        on_cut: abc.OnError,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> Listening:
        """Begin; dispose what it returns to end."""
        ...


class Subscription(abc.ObserverBase[T], abc.DisposableBase):
    """What a source sends to, and what the user disposes of.

    Disposing mutes at once and posts the teardown. An ``on_next`` that raises ends this
    subscription alone: its ``on_error`` hears of it, else the loop's exception handler. What is
    no ``Exception`` (an ``asyncio.CancelledError``) comes as the cause of an ``RxBybitError``;
    only ``KeyboardInterrupt`` and ``SystemExit`` pass, as they end the program.

    ``on_cut`` is for who waits for a result: it hears, on any thread, that the client was closed
    or the runtime has ended, and nobody else does.
    """

    __slots__ = (
        "_clients",
        "_closed",
        "_completed",
        "_cut",
        "_dropped",
        "_ended",
        "_error",
        "_next",
        "_release",
        "_stopped",
        "_torn",
        "_upstream",
        "runtime",
    )

    def __init__(
        self,
        runtime: Runtime,
        on_next: abc.OnNext[T] | None,
        on_error: abc.OnError | None,
        on_completed: abc.OnCompleted | None,
        on_cut: abc.OnError | None = None,
    ) -> None:
        self.runtime = runtime
        self._next = on_next or _ignore
        self._error = on_error
        self._completed = on_completed
        self._cut = on_cut
        self._stopped = False
        self._torn = False
        self._upstream: abc.DisposableBase | None = None
        self._release: Release = _nothing
        self._ended: Callable[[], None] = _nothing
        self._closed: Callable[[], None] = _nothing
        self._clients: Clients | None = None
        self._dropped: Callable[[int], None] | None = None

    def start(
        self,
        connect: Connect[T],
        origin: Origin | None,
        scheduler: abc.SchedulerBase | None,
    ) -> None:
        """Call ``connect`` on the runtime's thread, and give back what it returns at the end."""
        # An operator passes on the clock of the subscription that it serves, a user does not.
        serves = isinstance(scheduler, RuntimeScheduler)
        if origin is None or origin.keep_alive:
            self._release = self.runtime.hold(subscription=not serves)
        self._ended = self.runtime.on_close(self._on_runtime_end)
        clock = self._clock(origin, scheduler)
        if self.runtime.stopped:  # its loop may be closed, and call nobody any more
            self._on_runtime_end()
        if self._stopped:  # what was registered when the end had begun
            self._ended()
            self._closed()
        self.runtime.call(lambda: self._connect(connect, clock))

    def _clock(
        self, origin: Origin | None, scheduler: abc.SchedulerBase | None
    ) -> abc.SchedulerBase:
        """The clock of what is heard; finds the clients that end it and count its drops."""
        serving = scheduler if isinstance(scheduler, ServingClock) else None
        if origin is not None:
            self._dropped = origin.dropped
            if serving is not None:
                serving.clients.join(origin)
                self._clients = serving.clients
            self._closed = origin.when_closed(self._on_client_close)
            if serving is not None:
                return ServingClock(serving.runtime, serving.clients, origin)
            return scheduler or ClientClock(self.runtime, origin)
        clock = scheduler or self.runtime.scheduler
        if serving is not None or not isinstance(clock, RuntimeScheduler):
            return clock
        clients = Clients(self._on_client_close)
        self._closed, self._dropped = clients.leave, clients.dropped
        return ServingClock(self.runtime, clients)

    def _connect(self, connect: Connect[T], clock: abc.SchedulerBase) -> None:
        if self._stopped:
            return
        try:
            upstream = connect(self.runtime, self, clock)
        except _PROGRAM_ENDS:
            raise
        except BaseException as raised:  # noqa: BLE001 - it is this subscription's error
            self.on_error(_as_error(raised))
            return
        self._upstream = upstream
        if self._torn:  # inside connect, or meanwhile from another thread
            self._guard("disposing", upstream.dispose)

    def _on_runtime_end(self) -> None:
        self._cut_off(ClosedError("the event loop of this stream has ended"))

    def _on_client_close(self) -> None:
        if not self._stopped:
            self._cut_off(ClosedError())
            if self._clients is not None:
                self._clients.mute()

    def _cut_off(self, why: ClosedError) -> None:
        """End it in silence; only who waits for a result hears of it."""
        self.dispose()
        if self._cut is not None:
            self._cut(why)

    def dropped(self, count: int) -> None:
        """Whoever listens has dropped so many more values: the clients behind it count them."""
        if self._dropped is not None:
            self._dropped(count)

    def on_next(self, value: T) -> None:
        self.on_each((value,))

    def on_each(self, values: Sequence[T]) -> None:
        """Take several values, one after the other: a call for each costs more than it does."""
        on_next = self._next  # called as self._next(value) it would be looked for as a method first
        try:
            for value in values:
                if self._stopped:
                    return
                on_next(value)
        except _PROGRAM_ENDS:
            raise
        except BaseException as raised:  # noqa: BLE001 - a subscriber's error is the subscriber's
            if self._stopped:
                self.runtime.report("a subscriber raised after it had disposed", raised)
            else:
                self.on_error(_as_error(raised))

    def on_error(self, error: Exception) -> None:
        if self._stopped:
            return
        self._stopped = True
        self._detach()  # first: whoever hears of the error may subscribe again at once
        heard, handled = self._error, False
        try:
            if heard is None:
                self.runtime.report(UNHANDLED, error)
            else:
                handled = self._guard("on_error", lambda: heard(error))
        finally:
            self._release(failed=not handled)

    def on_completed(self) -> None:
        if self._stopped:
            return
        self._stopped = True
        self._detach()
        try:
            if self._completed is not None:
                self._guard("on_completed", self._completed)
        finally:
            self._release()

    def dispose(self) -> None:
        """End it: silent at once, torn down on the runtime's thread; allowed anywhere."""
        if self._stopped:
            return
        self._stopped = True
        self.runtime.call(self._teardown)

    def _teardown(self) -> None:
        try:
            self._detach()
        finally:
            self._release()

    def _detach(self) -> None:
        # Written before it is read, while _connect reads after it wrote: whichever comes second
        # sees the other, without a lock.
        self._torn = True
        upstream, self._upstream = self._upstream, None
        self._ended()
        self._closed()
        if upstream is not None:
            self._guard("disposing", upstream.dispose)

    def _guard(self, what: str, call: Callable[[], None]) -> bool:
        """Call; what it raises is reported, as the end of a stream is not stopped by it.

        Gives whether it raised nothing.
        """
        try:
            call()
        except _PROGRAM_ENDS:
            raise
        except BaseException as raised:  # noqa: BLE001 - what users and operators raise is theirs
            self.runtime.report(f"{what} raised", raised)
            return False
        return True


def _as_error(raised: BaseException) -> Exception:
    """What ``on_error`` can be told of it: an ``Exception``, whatever was raised."""
    if isinstance(raised, Exception):
        return raised
    error = RxBybitError(f"a callback raised {raised!r}")
    error.__cause__ = raised
    return error


def _ignore(_: object) -> None:
    """Hear nothing."""


def _nothing(*, failed: bool = False) -> None:
    """Undo nothing."""
