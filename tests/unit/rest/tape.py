"""Trades on virtual time: what the socket sends and what REST lists, with delays a test chooses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from rxbybit import Bybit, Status, Subscribed
from rxbybit.transport import Answer, Connection
from tests.memory import MemoryExchange, MemoryTransport, connect_by
from tests.unit.rest.desk import good, query_of
from tests.virtual import until

__all__ = ["RECENT", "TapeTransport", "World"]

BEGAN_MS = 1_700_000_000_000
RECENT = "/v5/market/recent-trade"


class TapeTransport(MemoryTransport):
    """Lists the newest trades, as they were ``lag_s`` before a request came.

    The first answers are ``failures``; one that is due at once is what there was then.
    """

    def __init__(self, exchange: MemoryExchange) -> None:
        super().__init__(exchange)
        self.rows: list[tuple[float, dict[str, Any]]] = []
        self.lag_s = 0.0
        self.delay_s = 0.05
        self.most = 1_000
        self.failures: list[Exception | Answer] = []
        self.queries: list[dict[str, str]] = []

    async def connect(self, url: str) -> Connection:
        await asyncio.sleep(0.002)
        self.before(url)
        while self.hang:
            await asyncio.sleep(0.001)
        return self.exchange.open(url)

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        assert urlsplit(url).path == RECENT
        self.queries.append(query_of(url))
        if self.failures:
            answer = self.failures.pop(0)
        else:
            now_s = asyncio.get_running_loop().time()
            known = [row for at, row in self.rows if at <= now_s - self.lag_s]
            shown = known[-min(self.most, int(self.queries[-1]["limit"])) :]
            answer = good({"list": shown[::-1]}, time=BEGAN_MS + int(now_s * 1000))
        await asyncio.sleep(self.delay_s)
        if isinstance(answer, Exception):
            raise answer
        return answer


class World:
    """A client, the market, and every status."""

    def __init__(self, **options: Any) -> None:
        self.loop = asyncio.get_running_loop()
        self.exchange = MemoryExchange()
        self.transport = TapeTransport(self.exchange)
        self.client = Bybit("http://exchange", **options)
        connect_by(self.transport, self.client)
        self.statuses: list[Status] = []
        self.client.status().subscribe(self.statuses.append)
        self.made = 0
        self.timers = self._timers()

    def of(self, kind: type[Any]) -> list[Any]:
        return [status for status in self.statuses if isinstance(status, kind)]

    def trade(self, count: int = 1, symbol: str = "BTCUSD", **more: Any) -> list[str]:
        """``count`` trades of one frame, on every live link; gives their ids."""
        topic = "publicTrade." + symbol.partition("-")[0]
        now_s = self.loop.time()
        items: list[dict[str, Any]] = []
        for _ in range(count):
            self.made += 1
            n, at = self.made, BEGAN_MS + int(now_s * 1000)
            item = {"T": at, "s": symbol, "S": "Buy", "v": "1", "p": "10", "i": f"t{n}"}
            items.append({**item, "BT": False, "RPI": False, "seq": n, **more})
            row = {"execId": f"t{n}", "symbol": symbol, "price": "10", "size": "1", "side": "Buy"}
            row |= {"time": str(at), "isBlockTrade": False, "isRPITrade": False, "seq": str(n)}
            self.transport.rows.append((now_s, row))
        frame = {"topic": topic, "type": "snapshot", "ts": BEGAN_MS, "data": items}
        for link in self.exchange.live:
            if topic in self.exchange.subscribed[link]:
                link.push(json.dumps(frame, separators=(",", ":")).encode())
        return [item["i"] for item in items]

    async def subscribed(self) -> None:
        """Wait until the topics of one more connection are confirmed."""
        known = len(self.of(Subscribed))
        await until(lambda: len(self.of(Subscribed)) > known)

    def cut(self) -> None:
        """Lose every link; nobody gets back in before :meth:`let_in`."""
        self.transport.hang = True
        for link in self.exchange.live:
            link.closed = True
            link.cut()

    async def let_in(self) -> None:
        """Let the client connect again, and wait until it has its topics."""
        self.transport.hang = False
        await self.subscribed()

    async def end(self) -> None:
        """Close, and see that nothing is left."""
        await self.client.aclose()
        await asyncio.sleep(0.001)
        assert len(asyncio.all_tasks()) == 1
        assert self._timers() == self.timers

    def _timers(self) -> set[Any]:
        loop: Any = self.loop
        return {timer for timer in loop._scheduled if not timer.cancelled()}
