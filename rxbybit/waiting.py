"""Waiting for the last event of a stream: ``await stream`` and ``stream.run()``."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from reactivex import Observable, abc
from reactivex.internal.exceptions import SequenceContainsNoElementsError

from rxbybit.errors import ClosedError, RuntimeMisuse
from rxbybit.runtime import Runtime
from rxbybit.subscription import Origin

__all__ = ["block_for_last", "wait_for_last"]

T = TypeVar("T")


class _Last(Generic[T]):
    """The last event of a stream, or its error; ``settled`` is called once, on any thread."""

    def __init__(
        self,
        stream: Observable[T],
        runtime: Runtime,
        origin: Origin | None,
        settled: Callable[[], None],
        scheduler: abc.SchedulerBase | None = None,
    ) -> None:
        self._events: list[T] = []  # the last one, when there was one
        self._error: Exception | None = None
        self._settled = settled
        self._subscription = stream.subscribe(self._keep, self._fail, settled, scheduler=scheduler)
        self._removers = [runtime.on_close(self._runtime_ended)]
        if origin is not None:
            self._removers.append(origin.when_closed(self._client_closed))

    def _keep(self, event: T) -> None:
        self._events[:] = (event,)

    def _fail(self, error: Exception) -> None:
        self._error = error
        self._settled()

    def _runtime_ended(self) -> None:
        self._fail(ClosedError("the event loop of this stream has ended"))

    def _client_closed(self) -> None:
        self._fail(ClosedError())

    def dispose(self) -> None:
        self._subscription.dispose()
        for remove in self._removers:
            remove()

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        if not self._events:
            raise SequenceContainsNoElementsError
        return self._events[0]


async def wait_for_last(stream: Observable[T], runtime: Runtime, origin: Origin | None) -> T:
    """Wait for the end of ``stream``, which emits on ``runtime``; gives its last event."""
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    mine = Runtime.of(loop)
    last = _Last(stream, runtime, origin, lambda: mine.call(end.set))
    try:
        await end.wait()
    finally:
        last.dispose()
    return last.result()


def block_for_last(
    stream: Observable[T],
    choose: Callable[[abc.SchedulerBase | None], Runtime],
    origin: Origin | None,
    scheduler: abc.SchedulerBase | None,
) -> T:
    """Block until the end of ``stream``; gives its last event."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass  # as it should be
    else:
        raise RuntimeMisuse("run() would block the running event loop: use 'await stream'")
    end = threading.Event()
    last = _Last(stream, choose(scheduler), origin, end.set, scheduler)
    try:
        end.wait()
    finally:
        last.dispose()
    return last.result()
