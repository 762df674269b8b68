"""The exchange of the fault suite: it numbers its trades and never stops, whoever hears them.

As a program it is a process of its own, which can be stopped and killed. It begins when it reads a
line with a port and the number of its first trade, and says its port.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from rxbybit.sim import Exchange, Recording, ServedExchange, serve_in_thread

__all__ = [
    "CROWD",
    "START_MS",
    "SYMBOL",
    "TICKERS",
    "TRADES",
    "Apart",
    "Numbered",
    "numbered",
    "trade",
]

SYMBOL, SIBLING = "BTCUSD", "BTCUSDT"
TRADES, TICKERS = f"publicTrade.{SYMBOL}", f"tickers.{SYMBOL}"
CROWD = [f"COIN{n}USD" for n in range(400)]
"""Symbols that never trade."""
START_MS = 1_700_000_000_000
PAUSE_S = 0.01
PATIENCE_S = 30.0
ROOT = Path(__file__).parents[2]


def trade(symbol: str, n: int) -> bytes:
    """The frame of trade number ``n``, which is its id, and its time in ms from ``START_MS``."""
    item = {"T": START_MS + n, "s": symbol, "S": "Buy", "v": "1", "p": "65000.5", "i": str(n)}
    item |= {"L": "PlusTick", "BT": False, "RPI": False, "seq": n}
    head = {"topic": f"publicTrade.{symbol}", "type": "snapshot", "ts": START_MS + n}
    return json.dumps({**head, "data": [item]}, separators=(",", ":")).encode()


class Numbered:
    """What trades on ``exchange``; belongs to the thread of its loop."""

    def __init__(self, exchange: Exchange, first: int = 1) -> None:
        self.last = first - 1
        """The number of the trade that was made last."""
        self._exchange = exchange

    async def go_on(self) -> None:
        """A trade on both sockets every few milliseconds, until it is cancelled."""
        while True:
            self.last += 1
            for symbol in (SYMBOL, SIBLING):
                await self._exchange.send(f"publicTrade.{symbol}", trade(symbol, self.last))
            await asyncio.sleep(PAUSE_S)


def _recordings() -> dict[str, Recording]:
    inverse = [TRADES, TICKERS, *(f"publicTrade.{symbol}" for symbol in CROWD)]
    return {
        "inverse": Recording([], extra_topics=inverse),
        "linear": Recording([], extra_topics=[f"publicTrade.{SIBLING}"]),
    }


@contextmanager
def numbered() -> Iterator[tuple[ServedExchange, Numbered]]:
    """Such an exchange on a thread of its own."""
    with serve_in_thread(_recordings()) as served:  # type: ignore[arg-type]
        pit = Numbered(served.exchange)
        going = served.run(lambda: asyncio.create_task(pit.go_on()))
        try:
            yield served, pit
        finally:
            served.run(going.cancel)


class Apart:
    """Such an exchange in a process of its own: a context manager, which kills it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.faults.exchange"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._said, self._told = self._process.stdout, self._process.stdin

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.signal(signal.SIGKILL)
        self._process.wait(PATIENCE_S)
        self._said.close()
        with suppress(BrokenPipeError):
            self._told.close()

    def begin(self, port: int = 0, first: int = 1) -> int:
        """Listen on a port, 0 for any, and go on from trade ``first``; gives the port."""
        self._told.write(f"{port} {first}\n")
        self._told.flush()
        return int(self._said.readline())

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)
        if number is signal.SIGKILL:
            self._process.wait(PATIENCE_S)


async def main() -> None:
    port, first = map(int, sys.stdin.readline().split())
    exchange = Exchange(_recordings(), port=port)  # type: ignore[arg-type]
    async with exchange:
        print(exchange.url.rpartition(":")[2], flush=True)
        await Numbered(exchange, first).go_on()


if __name__ == "__main__":
    asyncio.run(main())
