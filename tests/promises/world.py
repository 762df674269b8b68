"""A client of a served exchange over real sockets, and what is left of it afterwards."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any

from reactivex import abc

from rxbybit import Backoff, Bybit, Status
from rxbybit.sim import Fault, Recording, ServedExchange, serve_in_thread
from tests.remains import Before

__all__ = ["BOOK", "TICKER", "TRADES", "Before", "Ear", "World", "scenario", "until"]

TRADES, BOOK, TICKER = "publicTrade.BTCUSD", "orderbook.50.BTCUSD", "tickers.BTCUSD"
KNOWN = [TRADES, BOOK, TICKER, "publicTrade.ETHUSD", "kline.1.BTCUSD", "insurance.inverse"]
NOW_MS = 1_700_000_000_000
QUICK = Backoff(first=0.01, cap=0.05)


class Ear:
    """Hears a stream and writes everything down."""

    def __init__(self, stream: Any) -> None:
        self.heard: list[Any] = []
        self.errors: list[Exception] = []
        self.subscription: abc.DisposableBase = stream.subscribe(
            self.heard.append, self.errors.append
        )

    @property
    def ids(self) -> list[str]:
        return [event.id for event in self.heard]

    def leave(self) -> None:
        self.subscription.dispose()


class World:
    """The exchange, the client, and every status of it."""

    def __init__(self, served: ServedExchange, **options: Any) -> None:
        self.served = served
        # the exchange says nothing but what a test lets it say, however slow the machine is
        self.client = Bybit(served.url, **{"backoff": QUICK, "stale": inf, **options})
        self.statuses: list[Status] = []
        self.client.status().subscribe(self.statuses.append)
        self.sent: list[str] = []
        self.numbered = 100

    @property
    def port(self) -> int:
        return int(self.served.url.rpartition(":")[2])

    def of(self, kind: type[Any]) -> list[Any]:
        return [status for status in self.statuses if isinstance(status, kind)]

    def push(self, topic: str, kind: str, data: object) -> int:
        """Send a frame to the links that have the topic; gives how many these are."""
        self.sent.append(topic)
        n = len(self.sent)
        frame = {"topic": topic, "type": kind, "ts": NOW_MS + n, "data": data}
        return self.served.send(topic, json.dumps(frame, separators=(",", ":")))

    def trade(self, symbol: str = "BTCUSD", count: int = 1, **changes: object) -> list[str]:
        """Send a frame of ``count`` trades; gives the ids of those that some link carried."""
        first, self.numbered = self.numbered, self.numbered + max(count, 100)
        items = [
            {"T": NOW_MS + n, "s": symbol, "S": "Buy", "v": "1", "p": "65000.5", "i": str(n)}
            | {"L": "PlusTick", "BT": False, "RPI": False, "seq": n, **changes}
            for n in range(first, first + count)
        ]
        carried = self.push(f"publicTrade.{symbol}", "snapshot", items)
        return [str(item["i"]) for item in items] if carried else []

    def book(self, kind: str, n: int) -> None:
        data = {"s": "BTCUSD", "b": [["1", "2"]], "a": [], "u": n, "seq": n}
        self.push(BOOK, kind, data)

    def ticker(self, kind: str, **values: str) -> None:
        self.push(TICKER, kind, {"symbol": "BTCUSD", **values})

    async def subscribed(self, *topics: str) -> None:
        """Wait until the exchange has these topics, and no other, on its live links."""
        await until(lambda: sorted(self.served.subscriptions) == sorted(topics))

    async def delivers(self, ear: Ear) -> None:
        """Send trades until ``ear`` hears one: a link may end once more on a slow machine."""
        sent: set[str] = set()
        while not sent & set(ear.ids):
            sent.update(self.trade())
            await asyncio.sleep(0.02)

    def asked(self, op: str) -> list[str]:
        return [t for r in self.served.requests if r.op == op for t in r.args]


async def until(holds: Callable[[], object], *, within_s: float = 30.0) -> float:
    """Wait for a condition; gives the seconds that it took. Fails after ``within_s``."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within_s, "the condition did not come true"
        await asyncio.sleep(0.002)
    return time.monotonic() - began


def scenario(
    body: Callable[[World], Awaitable[None]],
    *,
    faults: tuple[Fault, ...] = (),
    data_first: bool = False,
    **options: Any,
) -> None:
    """Run ``body`` in a world, close its client, and see that nothing is left."""
    silent = Recording([], extra_topics=KNOWN)
    recordings: Any = {
        "inverse": silent,
        "linear": Recording([], extra_topics=["publicTrade.BTCUSDT"]),
    }

    async def main(served: ServedExchange) -> None:
        async with asyncio.timeout(100):
            before = Before()
            world = World(served, **options)
            await body(world)
            world.client.close()
            await before.again(world.port)

    with serve_in_thread(recordings, faults=faults, data_first=data_first) as served:
        asyncio.run(main(served))
