"""An exchange on a thread of its own, for code without a loop and for child processes."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from types import MappingProxyType
from typing import Self, TypeVar

from rxbybit.config import Category, Environment
from rxbybit.sim.accounts import ApiKey
from rxbybit.sim.exchange import Exchange, Recordings
from rxbybit.sim.faults import Fault, Faults
from rxbybit.sim.link import Link
from rxbybit.sim.market import Market
from rxbybit.sim.recording import Recording
from rxbybit.sim.seen import Connect, Request

__all__ = ["Ended", "ServedExchange", "serve_in_thread"]

T = TypeVar("T")
_NONE: Mapping[Category, Recording] = MappingProxyType({})


class ServedExchange:
    """An :class:`Exchange` that runs on its own daemon thread, ``rxbybit-sim``.

    A context manager, or :meth:`start` and :meth:`retire`. What it shows are copies made on the
    exchange's thread, and can still be read when it has ended; a :class:`Link` in them may be
    told to do something only through :meth:`call` or :meth:`run`.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._retired: Future[None] | None = None
        self._process = os.getpid()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        loop = self._loop
        if loop is not None and self._retired is None and self._is_ours:
            try:
                self.call(self.exchange.aclose())
            finally:  # also when it tells what its market has died of
                loop.call_soon_threadsafe(loop.stop)
                self.join()
        else:
            self.join()

    def start(self) -> Self:
        """Begin; nothing when it has begun.

        Errors: ``OSError`` when the port cannot be had, and another attempt may be made;
        ``Ended`` once it is retired, ``RuntimeError`` where the interpreter
        starts no thread any more.
        """
        with self._lock:
            if self._loop is None:
                if self._retired is not None:
                    raise Ended("the exchange has been closed")
                self._begin()
        return self

    def _begin(self) -> None:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=_work, args=[loop], name="rxbybit-sim", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            loop.close()
            raise
        self._loop, self._thread, self._process = loop, thread, os.getpid()
        try:
            self.call(self.exchange.start())
        except BaseException:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            self._loop = self._thread = None
            raise

    def retire(self) -> Future[None]:
        """End it once its clients have left, a second from now at most.

        Returns at once, each time the same; who waits for it on the thread of a client keeps
        that client from leaving.
        """
        with self._lock:
            if self._retired is None:
                self._retired = Future()
                if self._loop is None or not self._is_ours:
                    self._retired.set_result(None)
                else:
                    self._retired = asyncio.run_coroutine_threadsafe(self._leave(), self._loop)
        return self._retired

    def join(self) -> None:
        """Wait until its thread has ended."""
        if self._thread is not None:
            self._thread.join()

    @property
    def url(self) -> str:
        """The base URL of the exchange."""
        return self.exchange.url

    @property
    def environment(self) -> Environment:
        """The URLs of the exchange."""
        return self.exchange.environment

    @property
    def faults(self) -> Faults:
        """The script of faults; adding to it from here is safe."""
        return self.exchange.faults

    @property
    def links(self) -> tuple[Link, ...]:
        """The live links."""
        return self.run(lambda: self.exchange.links)

    @property
    def requests(self) -> list[Request]:
        """The messages of clients so far, the last 10,000."""
        return self.run(lambda: list(self.exchange.requests))

    @property
    def connects(self) -> list[Connect]:
        """The attempts to open a websocket so far, the last 10,000."""
        return self.run(lambda: list(self.exchange.connects))

    @property
    def subscriptions(self) -> Mapping[str, int]:
        """How many live links are subscribed to a topic."""
        return self.run(lambda: self.exchange.subscriptions)

    def send(self, topic: str, frame: bytes | str) -> int:
        """Push a frame to every link subscribed to ``topic``."""
        return self.call(self.exchange.send(topic, frame))

    def call(self, coroutine: Coroutine[object, object, T], *, timeout_s: float = 30.0) -> T:
        """The result of ``coroutine``, awaited on the exchange's thread.

        Errors: ``Ended``, a ``RuntimeError``, when it has not begun, or has ended.
        """
        loop, thread = self._loop, self._thread
        if loop is None or thread is None or loop.is_closed():
            coroutine.close()
            raise Ended("the exchange does not run")
        called = asyncio.run_coroutine_threadsafe(coroutine, loop)
        deadline = time.monotonic() + timeout_s
        while not wait([called], 0.05).done:
            if not thread.is_alive():  # its loop has stopped before it came to this
                raise Ended("the exchange does not run any more")
            if time.monotonic() > deadline:
                called.cancel()
                raise TimeoutError(f"no result after {timeout_s} s")
        return called.result()

    def run(self, function: Callable[[], T]) -> T:
        """The result of ``function()``, called on the exchange's thread while there is one."""

        async def called() -> T:
            return function()

        try:
            return self.call(called())
        except Ended:
            return function()

    def until(self, condition: Callable[[], bool], *, timeout_s: float = 30.0) -> None:
        """Wait until ``condition()``, called on this thread, is true.

        Errors: ``TimeoutError`` after ``timeout_s`` seconds.
        """
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not so after {timeout_s} s")
            time.sleep(0.005)

    @property
    def _is_ours(self) -> bool:
        """Whether its thread is in this process; that of a parent stayed there at the fork."""
        return os.getpid() == self._process

    async def _leave(self) -> None:
        with suppress(TimeoutError):
            await self.exchange.until(lambda: not self.exchange.links, timeout_s=1.0)
        try:
            await self.exchange.aclose()
        finally:
            loop = asyncio.get_running_loop()
            loop.call_later(0.0, loop.stop)  # after what tells the waiters that this is over


def _work(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    loop.close()


class Ended(RuntimeError):
    """There is no thread that could do it, or none any more."""


def serve_in_thread(
    recordings: Recordings = _NONE,
    *,
    market: Market | None = None,
    speed: float = 1.0,
    clock: Callable[[], int] | None = None,
    on_time: bool = False,
    host: str = "127.0.0.1",
    port: int = 0,
    seed: int = 0,
    faults: Faults | tuple[Fault, ...] = (),
    data_first: bool = False,
    accounts: tuple[ApiKey, ...] = (),
    demo: bool = False,
) -> ServedExchange:
    """An exchange to be entered with ``with``; the arguments are those of :class:`Exchange`.

    Errors: ``OSError`` at entering when the port cannot be had; ``ValueError`` for accounts
    without a market, and for a key that is there twice.
    """
    return ServedExchange(
        Exchange(
            recordings,
            market=market,
            speed=speed,
            clock=clock,
            on_time=on_time,
            host=host,
            port=port,
            seed=seed,
            faults=faults,
            data_first=data_first,
            accounts=accounts,
            demo=demo,
        )
    )
