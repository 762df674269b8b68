"""An exchange on a thread of its own, for code without a loop and for child processes."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Self, TypeVar

from rxbybit.config import Category, Environment
from rxbybit.sim.exchange import Exchange
from rxbybit.sim.faults import Fault, Faults
from rxbybit.sim.link import Link
from rxbybit.sim.recording import Recording
from rxbybit.sim.seen import Connect, Request

__all__ = ["ServedExchange", "serve_in_thread"]

T = TypeVar("T")


class ServedExchange:
    """An :class:`Exchange` that runs on its own daemon thread, ``rxbybit-sim``.

    A context manager. What it shows are copies made on the exchange's thread; a :class:`Link`
    in them may be read, but told to do something only through :meth:`call` or :meth:`run`.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._work, name="rxbybit-sim", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self.call(self.exchange.start())
        except OSError:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.call(self.exchange.aclose())
        self._end()

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
        """Every message of every client so far."""
        return self.run(lambda: list(self.exchange.requests))

    @property
    def connects(self) -> list[Connect]:
        """Every attempt to open a websocket so far."""
        return self.run(lambda: list(self.exchange.connects))

    @property
    def subscriptions(self) -> Mapping[str, int]:
        """How many live links are subscribed to a topic."""
        return self.run(lambda: self.exchange.subscriptions)

    def send(self, topic: str, frame: bytes | str) -> int:
        """Push a frame to every link subscribed to ``topic``."""
        return self.call(self.exchange.send(topic, frame))

    def call(self, coroutine: Coroutine[object, object, T], *, timeout_s: float = 10.0) -> T:
        """The result of ``coroutine``, awaited on the exchange's thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout_s)

    def run(self, function: Callable[[], T]) -> T:
        """The result of ``function()``, called on the exchange's thread."""

        async def called() -> T:
            return function()

        return self.call(called())

    def until(self, condition: Callable[[], bool], *, timeout_s: float = 5.0) -> None:
        """Wait until ``condition()``, called on this thread, is true.

        Errors: ``TimeoutError`` after ``timeout_s`` seconds.
        """
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not so after {timeout_s} s")
            time.sleep(0.005)

    def _work(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def serve_in_thread(
    recordings: Mapping[Category, Recording],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    seed: int = 0,
    faults: tuple[Fault, ...] = (),
    data_first: bool = False,
) -> ServedExchange:
    """An exchange to be entered with ``with``; the arguments are those of :class:`Exchange`.

    Errors: ``OSError`` at entering when the port cannot be had.
    """
    return ServedExchange(
        Exchange(recordings, host=host, port=port, seed=seed, faults=faults, data_first=data_first)
    )
