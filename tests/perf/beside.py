"""Subscribers beside those that are measured: as many that do nothing, or that disturb.

One raises at every hundredth trade, one leaves then, and both begin anew at once; one is a loop
that takes an event and sleeps for as long as ten take at the pace of the benchmark.

    python -m tests.perf.beside

measures without sockets, and in CPU time, to which other programs add nothing: how long a frame
takes to the last of the others, whatever else the loop has to do meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Literal

from reactivex import abc

from rxbybit import Stream, Trade
from tests.memory import MemoryExchange, MemoryTransport
from tests.perf.probe import percentile
from tests.promises.still import bybit, trades_frame

__all__ = ["OTHERS", "RATE", "ROUNDS", "beside", "lines"]

ROUNDS = 15

OTHERS = 97
"""Who is measured, of a hundred."""

EVERY = 100
RATE = 1_000
"""Messages a second that it is made for."""
TRADES_A_MESSAGE = 1.2
NAP_S = 10 / (RATE * TRADES_A_MESSAGE)


class _Raises:
    """Raises at every hundredth trade."""

    def __init__(self, trades: Stream[Trade]) -> None:
        self._trades = trades
        self._heard = 0
        self._begin()

    def _begin(self) -> None:
        self._trades.subscribe(self._on_trade, lambda error: self._begin())

    def _on_trade(self, trade: Trade) -> None:
        self._heard += 1
        if self._heard % EVERY == 0:
            raise ZeroDivisionError


class _Leaves:
    """Disposes of itself at every hundredth trade."""

    def __init__(self, trades: Stream[Trade]) -> None:
        self._trades = trades
        self._heard = 0
        self._subscription: abc.DisposableBase = trades.subscribe(self._on_trade)

    def _on_trade(self, trade: Trade) -> None:
        self._heard += 1
        if self._heard % EVERY == 0:
            self._subscription.dispose()
            self._subscription = self._trades.subscribe(self._on_trade)


async def _lag(trades: Stream[Trade], nap: Callable[[], Awaitable[object]]) -> None:
    """Takes a trade, and then the next when ten more were sent."""
    async for _ in trades.iterate(buffer=100, overflow="drop_oldest"):
        await nap()


async def _nap() -> None:
    await asyncio.sleep(NAP_S)


def _ignore(trade: Trade) -> None:
    """Hear it, and no more."""


@asynccontextmanager
async def beside(
    who: Literal["nobody", "plain", "disturbed"],
    trades: Stream[Trade],
    nap: Callable[[], Awaitable[object]] = _nap,
) -> AsyncIterator[None]:
    """Have them hear ``trades`` for as long as this lasts."""
    if who == "disturbed":
        _Raises(trades)
        _Leaves(trades)
        lagging = asyncio.ensure_future(_lag(trades, nap))
        yield
        lagging.cancel()
    else:
        for _ in range(3 if who == "plain" else 0):
            trades.subscribe(_ignore)
        yield


async def _delays(who: Literal["plain", "disturbed"], frames: int) -> array[int]:
    """CPU nanoseconds from a frame of three trades to the last of 97 subscribers, in order."""
    exchange = MemoryExchange()
    client = bybit(MemoryTransport(exchange))
    trades, done, begun = client.trades("BTCUSDT"), asyncio.Event(), 0
    delays, tenths = array("q"), asyncio.Semaphore(0)

    def last(trade: Trade) -> None:
        if trade.id[-1] == "2":
            delays.append(time.thread_time_ns() - begun)
            done.set()

    async with beside(
        who, trades, tenths.acquire
    ):  # who disturbs has subscribed first, and is called first
        await asyncio.sleep(0)  # so has the loop
        for _ in range(OTHERS - 1):
            trades.subscribe(_ignore)
        trades.subscribe(last)
        while not (exchange.live and exchange.subscribed[exchange.live[0]]):
            await asyncio.sleep(0.001)
        for number in range(frames):
            frame = trades_frame("BTCUSDT", 10 * number, 3)
            done.clear()
            begun = time.thread_time_ns()
            exchange.live[0].push(frame)
            await done.wait()
            if number % 10 in (3, 6, 9):  # ten more trades, and the loop has to wake who lags
                tenths.release()
    await client.aclose()
    return array("q", sorted(delays[len(delays) // 5 :]))


def lines(rounds: int = ROUNDS, frames: int = 2_000) -> Iterator[str]:
    """A table: p50 and p99 beside those who disturb and beside others, least of the rounds."""
    shares = {"p50": 0.5, "p99": 0.99}
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for who in ("plain", "disturbed"):
            delays = asyncio.run(_delays(who, frames))
            for name, share in shares.items():
                found.setdefault((name, who), []).append(percentile(delays, share) / 1e3)
    yield "100 subscribers, CPU us until the last has a frame: disturbed / not"
    for name in shares:
        disturbed, plain = min(found[name, "disturbed"]), min(found[name, "plain"])
        yield f"{name} {disturbed:.0f} / {plain:.0f} = {disturbed / plain:.2f}"


if __name__ == "__main__":
    print("\n".join(lines()))
