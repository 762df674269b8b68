"""Waiting for the last event of a stream: ``await stream`` and ``stream.run()``."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from reactivex import abc
from reactivex.internal.exceptions import SequenceContainsNoElementsError

from rxbybit.errors import RuntimeMisuse
from rxbybit.runtime import Runtime
from rxbybit.subscription import Listen

__all__ = ["block_for_last", "wait_for_last"]

T = TypeVar("T")


class _Last(Generic[T]):
    """The last event of a stream, or its error; ``settled`` is called at the end, on any thread."""

    def __init__(
        self,
        listen: Listen[T],
        settled: Callable[[], None],
        scheduler: abc.SchedulerBase | None = None,
    ) -> None:
        self._events: list[T] = []  # the last one, when there was one
        self._ends: list[Exception | None] = []  # the first counts: a thread may close meanwhile
        self._settled = settled
        self._subscription = listen(
            self._keep, self._settle, self._settle, self._settle, scheduler=scheduler
        )

    def _keep(self, event: T) -> None:
        self._events[:] = (event,)

    def _settle(self, error: Exception | None = None) -> None:
        self._ends.append(error)
        self._settled()

    def dispose(self) -> None:
        self._subscription.dispose()

    def result(self) -> T:
        error = self._ends[0]
        if error is not None:
            raise error
        if not self._events:
            raise SequenceContainsNoElementsError
        return self._events[0]


async def wait_for_last(listen: Listen[T]) -> T:
    """Wait for the end of a stream, on whatever runtime it is; gives its last event."""
    end = asyncio.Event()
    mine = Runtime.of(asyncio.get_running_loop())
    last = _Last(listen, lambda: mine.call(end.set))
    try:
        await end.wait()
    finally:
        last.dispose()
    return last.result()


def block_for_last(listen: Listen[T], scheduler: abc.SchedulerBase | None) -> T:
    """Block until the end of a stream; gives its last event."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass  # as it should be
    else:
        raise RuntimeMisuse("run() would block the running event loop: use 'await stream'")
    end = threading.Event()
    last = _Last(listen, end.set, scheduler)
    try:
        end.wait()
    finally:
        last.dispose()
    return last.result()
