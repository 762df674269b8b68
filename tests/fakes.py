"""Sources for streams that need no exchange, and ways to wait for what they do."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

from reactivex import abc
from reactivex.disposable import Disposable

from rxbybit.runtime import Runtime
from rxbybit.stream import Stream
from tests.virtual import VirtualLoop


class Topic:
    """A source like a real one: shared by the subscribers of a runtime, reset before its end.

    It sends ``(connection, n)`` every ``every_s`` seconds, ends after ``count`` of them, and
    errs instead of sending number ``fails_at``.
    """

    def __init__(
        self, *, every_s: float = 0.002, count: int | None = None, fails_at: int | None = None
    ) -> None:
        self.every_s = every_s
        self.count = count
        self.fails_at = fails_at
        self.opened = self.closed = 0
        self.fans: dict[Runtime, _Fan] = {}

    def stream(self, **options: Any) -> Stream[tuple[int, int]]:
        return Stream(self.source, **options)

    def source(
        self, runtime: Runtime, observer: abc.ObserverBase[tuple[int, int]]
    ) -> abc.DisposableBase:
        assert runtime.on_thread
        fan = self.fans.get(runtime)
        if fan is None:
            fan = self.fans[runtime] = _Fan(self, runtime)
        fan.observers += (observer,)
        return Disposable(lambda: fan.remove(observer))


class _Fan:
    def __init__(self, topic: Topic, runtime: Runtime) -> None:
        topic.opened += 1
        self.topic = topic
        self.runtime = runtime
        self.number = topic.opened
        self.observers: tuple[abc.ObserverBase[tuple[int, int]], ...] = ()
        self.ticks = itertools.count()
        self.timer = runtime.loop.call_later(topic.every_s, self.tick)
        self.forget = runtime.on_close(self.end)

    def tick(self) -> None:
        n = next(self.ticks)
        if n == self.topic.fails_at:
            observers = self.stop()
            for observer in observers:
                observer.on_error(ConnectionError(self.number))
        elif n == self.topic.count:
            observers = self.stop()
            for observer in observers:
                observer.on_completed()
        else:
            self.timer = self.runtime.loop.call_later(self.topic.every_s, self.tick)
            for observer in self.observers:
                observer.on_next((self.number, n))

    def remove(self, observer: abc.ObserverBase[tuple[int, int]]) -> None:
        assert self.runtime.on_thread
        if observer in self.observers:
            self.observers = tuple(o for o in self.observers if o is not observer)
            if not self.observers:
                self.stop()

    def end(self) -> None:
        self.stop()

    def stop(self) -> tuple[abc.ObserverBase[tuple[int, int]], ...]:
        observers, self.observers = self.observers, ()
        if self.topic.fans.get(self.runtime) is self:
            del self.topic.fans[self.runtime]
            self.topic.closed += 1
            self.timer.cancel()
            self.forget()
        return observers


class Feed:
    """A source that sends what the test says; each subscriber is kept in ``observers``."""

    def __init__(self) -> None:
        self.observers: list[abc.ObserverBase[Any]] = []
        self.runtimes: list[Runtime] = []
        self.disposed = 0

    def stream(self, **options: Any) -> Stream[Any]:
        return Stream(self.source, **options)

    def source(self, runtime: Runtime, observer: abc.ObserverBase[Any]) -> abc.DisposableBase:
        self.observers.append(observer)
        self.runtimes.append(runtime)
        return Disposable(self.count_dispose)

    def count_dispose(self) -> None:
        self.disposed += 1

    def send(self, *events: Any) -> None:
        for event in events:
            for observer in list(self.observers):
                observer.on_next(event)


class Client:
    """The origin of streams: what a client is to them."""

    def __init__(self, *, keep_alive: bool = True, runtime: Runtime | None = None) -> None:
        self.keep_alive = keep_alive
        self.runtime = runtime
        self.drops: list[int] = []
        self.closing: dict[object, Callable[[], None]] = {}
        self.closed: Exception | None = None

    def check(self) -> None:
        if self.closed is not None:
            raise self.closed

    def dropped(self, count: int) -> None:
        self.drops.append(count)

    def when_closed(self, callback: Callable[[], None]) -> Callable[[], None]:
        token = object()
        self.closing[token] = callback
        return lambda: self.closing.pop(token, None) and None

    def close(self, error: Exception) -> None:
        self.closed = error
        while self.closing:
            self.closing.popitem()[1]()


def virtually(main: Any, *, debug: bool | None = None) -> Any:
    """``asyncio.run`` on virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop, debug=debug) as runner:
        return runner.run(main)


def until(true: Callable[[], object], *, within_s: float = 30.0) -> None:
    """Wait, on a plain thread, for a condition that another thread makes true."""
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.001)


async def until_async(true: Callable[[], object], *, within_s: float = 30.0) -> None:
    """Wait, on a loop, for a condition to come true; of the loop's own clock."""
    deadline = asyncio.get_running_loop().time() + within_s
    while not true():
        assert asyncio.get_running_loop().time() < deadline, "it did not come true in time"
        await asyncio.sleep(0.001)


def threads() -> set[str]:
    """The names of the threads that live."""
    return {thread.name for thread in threading.enumerate()}
