"""Candles on virtual time: what the socket sends, what REST lists, with delays that a test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from rxbybit import Bybit, Status
from rxbybit.transport import Answer, Connection
from tests.memory import MemoryExchange, MemoryTransport, connect_by
from tests.unit.rest.desk import good, query_of

__all__ = ["BEGAN", "MINUTE", "Ear", "MarketTransport", "World", "row"]

MINUTE = 60_000
BEGAN = 28_333_334
"""The minute in which the loop's clock is 0, counted from 1970."""


class MarketTransport(MemoryTransport):
    """Answers after ``delays`` (the last one for ever), the first ones with ``failures``.

    What an answer lists is what there was when the request was sent.
    """

    def __init__(self, exchange: MemoryExchange) -> None:
        super().__init__(exchange)
        self.delays: list[float] = [0.05]
        self.connecting: list[float] = [0.002]
        self.failures: list[Exception | Answer] = []
        self.lag_s = 0.0
        """How long REST does not know yet that a minute has begun."""
        self.sent: list[tuple[float, str]] = []

    async def connect(self, url: str) -> Connection:
        self.attempts.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self._next(self.connecting))
        return self.exchange.open(url)

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        self.sent.append((asyncio.get_running_loop().time(), url))
        answer = self.failures.pop(0) if self.failures else self.listed(url)
        await asyncio.sleep(self._next(self.delays))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _next(self, waits: list[float]) -> float:
        return waits.pop(0) if len(waits) > 1 else waits[0]

    def listed(self, url: str) -> Answer:
        query = query_of(url)
        now_s = asyncio.get_running_loop().time()
        newest = BEGAN + int((now_s - self.lag_s) // 60)
        end = min(int(query.get("end", newest * MINUTE)) // MINUTE, newest)
        start = -(-int(query.get("start", 0)) // MINUTE)
        rows = [row(n) for n in range(end, max(end - int(query["limit"]), start - 1), -1)]
        return good({"list": rows}, time=BEGAN * MINUTE + int(now_s * 1000))


def row(n: int) -> list[str]:
    return [str(n * MINUTE), "10", "12", "9", str(n), "7", "0.1"]


class World:
    """A client, the market, and every status."""

    def __init__(self, **options: Any) -> None:
        self.loop = asyncio.get_running_loop()
        self.exchange = MemoryExchange()
        self.transport = MarketTransport(self.exchange)
        self.client = Bybit("http://exchange", **options)
        connect_by(self.transport, self.client)
        self.statuses: list[Status] = []
        self.client.status().subscribe(self.statuses.append)
        self.ticking: asyncio.Task[None] | None = None
        self.timers = self._timers()

    def of(self, kind: type[Any]) -> list[Any]:
        return [status for status in self.statuses if isinstance(status, kind)]

    @property
    def now(self) -> int:
        """The minute that it is."""
        return BEGAN + int(self.loop.time() // 60)

    def tick(self, every_s: float) -> None:
        """Send the growing candle every so often, and each one when it closes."""
        self.ticking = self.loop.create_task(self._tick(every_s))

    async def _tick(self, every_s: float) -> None:
        current = self.now
        while True:
            await asyncio.sleep(min(every_s, (current - BEGAN + 1) * 60 - self.loop.time()) + 1e-6)
            candles = [(current, True), (current + 1, False)]
            if self.now == current:
                candles = [(current, False)]
            current = self.now
            self.push(*candles)

    def push(self, *candles: tuple[int, bool], symbol: str = "") -> None:
        for link in self.exchange.live:
            for topic in self.exchange.subscribed[link]:
                if topic.startswith("kline.") and topic.endswith(symbol):
                    link.push(frame(topic, candles))

    async def end(self) -> None:
        """Close, and see that nothing is left."""
        if self.ticking is not None:
            self.ticking.cancel()
        await self.client.aclose()
        await asyncio.sleep(0.001)
        assert len(asyncio.all_tasks()) == 1
        assert self._timers() == self.timers

    def _timers(self) -> set[Any]:
        loop: Any = self.loop
        return {timer for timer in loop._scheduled if not timer.cancelled()}


def frame(topic: str, candles: tuple[tuple[int, bool], ...]) -> bytes:
    data = [
        {"start": n * MINUTE, "end": n * MINUTE + MINUTE - 1, "interval": "1", "open": "10"}
        | {"close": str(n), "high": "12", "low": "9", "volume": "7", "turnover": "0.1"}
        | {"confirm": closed, "timestamp": n * MINUTE + 5}
        for n, closed in candles
    ]
    ts = BEGAN * MINUTE + int(asyncio.get_running_loop().time() * 1000)
    whole = {"topic": topic, "type": "snapshot", "ts": ts, "data": data}
    return json.dumps(whole, separators=(",", ":")).encode()


class Ear:
    """A subscriber that notes everything."""

    def __init__(self, stream: Any, on_next: Callable[[Any], None] | None = None) -> None:
        self.heard: list[Any] = []
        self.errors: list[Exception] = []

        def note(event: Any) -> None:
            self.heard.append(event)
            if on_next is not None:
                on_next(event)

        self.subscription = stream.subscribe(note, self.errors.append)

    @property
    def minutes(self) -> list[int]:
        return [event.start_ms // MINUTE for event in self.heard]

    @property
    def past(self) -> list[int]:
        return [e.start_ms // MINUTE for e in self.heard if e.meta.backfilled]
