"""A small exchange of our own for REST: instruments, candles, and the socket that sends candles.

Served on loopback by aiohttp on a thread, with a clock that the test moves. It is written from the
V5 pages "Get Instruments Info", "Get Kline" and "Kline".
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import WSMsgType, web

__all__ = ["MINUTE", "RestServer", "serve_rest"]

MINUTE = 60_000
BEGAN_MS = 1_700_000_040_000


class RestServer:
    """What is listed, what time it is, and what was asked.

    ``before`` may answer a request in place of the exchange, or hold it up.
    """

    def __init__(self) -> None:
        self.url = ""
        self.now_ms = BEGAN_MS + 100 * MINUTE
        self.first_ms = BEGAN_MS - 100_000 * MINUTE
        self.symbols = ["BTCUSD", "ETHUSD"]
        self.page = 1000
        self.asked: list[str] = []
        self.before: Callable[[web.Request], Any] | None = None
        self.sockets: dict[web.WebSocketResponse, set[str]] = {}
        self.loop: asyncio.AbstractEventLoop

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/v5/market/instruments-info", self.instruments)
        app.router.add_get("/v5/market/kline", self.kline)
        app.router.add_get("/v5/public/{category}", self.socket)
        return app

    def listed(self, symbol: str) -> dict[str, Any]:
        return {
            "symbol": symbol,
            "contractType": "InversePerpetual",
            "status": "Trading",
            "baseCoin": symbol[:3],
            "quoteCoin": "USD",
            "settleCoin": symbol[:3],
            "launchTime": "1542000000000",
            "deliveryTime": "0",
            "deliveryFeeRate": "",
            "priceFilter": {"minPrice": "0.5", "maxPrice": "999999", "tickSize": "0.5"},
            "lotSizeFilter": {"maxOrderQty": "1000000", "minOrderQty": "1", "qtyStep": "1"},
        }

    def good(self, result: dict[str, Any]) -> web.Response:
        body = {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}}
        return web.json_response({**body, "time": self.now_ms})

    async def _first(self, request: web.Request) -> web.StreamResponse | None:
        self.asked.append(request.path_qs)
        if self.before is None:
            return None
        answer = self.before(request)
        return await answer if asyncio.iscoroutine(answer) else answer

    async def instruments(self, request: web.Request) -> web.StreamResponse:
        if (answer := await self._first(request)) is not None:
            return answer
        at = int(request.query.get("cursor", "from:0").partition(":")[2])
        here = self.symbols[at : at + self.page]
        left = at + self.page < len(self.symbols)
        cursor = f"from%3A{at + self.page}" if left else ""
        assert "cursor" not in request.query or "from%3A" in request.path_qs  # as it was sent
        rows = [self.listed(symbol) for symbol in here]
        category = request.query["category"]
        return self.good({"category": category, "list": rows, "nextPageCursor": cursor})

    def candle(self, start_ms: int) -> dict[str, Any]:
        n = (start_ms - BEGAN_MS) // MINUTE
        opened, close = f"{60_000 + n}", f"{60_001 + n}"
        return {
            "start": start_ms,
            "end": start_ms + MINUTE - 1,
            "interval": "1",
            "open": opened,
            "close": close,
            "high": close,
            "low": opened,
            "volume": "7",
            "turnover": "0.1",
        }

    async def kline(self, request: web.Request) -> web.StreamResponse:
        if (answer := await self._first(request)) is not None:
            return answer
        query = request.query
        end = min(int(query.get("end", self.now_ms)), self.now_ms)
        start = max(int(query.get("start", 0)), self.first_ms)
        count = min(int(query.get("limit", 200)), 1000)
        newest = end - (end - BEGAN_MS) % MINUTE
        starts = [s for s in range(newest, newest - count * MINUTE, -MINUTE) if s >= start]
        names = ("start", "open", "high", "low", "close", "volume", "turnover")
        rows = [[str(self.candle(s)[name]) for name in names] for s in starts]
        return self.good({"category": "inverse", "symbol": query["symbol"], "list": rows})

    async def socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        mine = self.sockets[socket] = set()
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    continue
                said = json.loads(message.data)
                if said["op"] == "ping":
                    answer = {"success": True, "ret_msg": "pong", "op": "ping"}
                else:
                    mine |= set(said["args"])
                    answer = {"success": True, "ret_msg": "", "op": said["op"]}
                await socket.send_json({**answer, "conn_id": "c", "req_id": said["req_id"]})
        finally:
            del self.sockets[socket]
        return socket

    async def send(self, *candles: tuple[int, bool]) -> None:
        """Send these candles, by their start and whether they are closed, in one frame."""
        for socket, topics in list(self.sockets.items()):
            for topic in topics:
                data = [
                    {**self.candle(s), "confirm": closed, "timestamp": s + 1}
                    for s, closed in candles
                ]
                frame = {"topic": topic, "type": "snapshot", "ts": self.now_ms, "data": data}
                await socket.send_str(json.dumps(frame, separators=(",", ":")))

    def say(self, *candles: tuple[int, bool]) -> None:
        """:meth:`send`, from another thread."""
        asyncio.run_coroutine_threadsafe(self.send(*candles), self.loop).result(5)


@contextmanager
def serve_rest() -> Iterator[RestServer]:
    """A server on a thread of its own, until the block ends."""
    server = RestServer()
    ready, ended = threading.Event(), asyncio.Event()

    async def main() -> None:
        server.loop = asyncio.get_running_loop()
        runner = web.AppRunner(server.app(), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        await ended.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(main()), name="raw server", daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield server
    finally:
        server.loop.call_soon_threadsafe(ended.set)
        thread.join(5)
        assert not thread.is_alive()
