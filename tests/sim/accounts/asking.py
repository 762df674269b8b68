"""A client with a key: requests signed by hand, over real sockets."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
from yarl import URL

from rxbybit.sim import DEMO_KEY, DEMO_SECRET, Exchange, ServedExchange
from tests.sim.peer import Peer

T = TypeVar("T")


def signed(secret: str, words: str) -> str:
    return hmac.new(secret.encode(), words.encode(), hashlib.sha256).hexdigest()


def auth(now_ms: int, *, key: str = DEMO_KEY, secret: str = DEMO_SECRET, **more: Any) -> dict:
    expires = now_ms + 5_000
    return {"op": "auth", "args": [key, expires, signed(secret, f"GET/realtime{expires}")], **more}


class Client:
    """What one key does by REST."""

    def __init__(
        self,
        exchange: Exchange,
        session: aiohttp.ClientSession,
        key: str = DEMO_KEY,
        secret: str = DEMO_SECRET,
    ) -> None:
        self.exchange = exchange
        self.session = session
        self.key = key
        self.secret = secret

    @property
    def now_ms(self) -> int:
        assert self.exchange.market is not None
        return self.exchange.market.now_ms

    def headers(self, words: str, *, stamp: int | None = None, window: str = "5000") -> dict:
        text = str(self.now_ms if stamp is None else stamp)
        return {
            "X-BAPI-API-KEY": self.key,
            "X-BAPI-TIMESTAMP": text,
            "X-BAPI-RECV-WINDOW": window,
            "X-BAPI-SIGN": signed(self.secret, f"{text}{self.key}{window}{words}"),
        }

    async def get(self, path: str, query: str, headers: dict | None = None) -> tuple[int, Any]:
        url = URL(f"{self.exchange.url}{path}?{query}", encoded=True)
        given = self.headers(query) if headers is None else headers
        async with self.session.get(url, headers=given) as response:
            return response.status, await response.json()

    async def read(self, path: str, query: str) -> dict[str, Any]:
        status, body = await self.get(path, query)
        assert (status, body["retCode"], body["retMsg"]) == (200, 0, "OK"), body
        return body["result"]

    async def post(self, path: str, body: Any, headers: dict | None = None) -> tuple[int, Any]:
        words = body if isinstance(body, str) else json.dumps(body)
        given = self.headers(words) if headers is None else headers
        url = f"{self.exchange.url}{path}"
        async with self.session.post(url, data=words, headers=given) as response:
            return response.status, await response.json()

    async def order(self, what: str = "create", **body: Any) -> dict[str, Any]:
        named = {"category": "inverse", "symbol": "BTCUSD"} | body
        status, answer = await self.post(f"/v5/order/{what}", named)
        assert (status, answer["retCode"], answer["retMsg"]) == (200, 0, "OK"), answer
        return answer["result"]


@asynccontextmanager
async def client(exchange: Exchange, **key: str) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(exchange, session, **key)


def by_rest(served: ServedExchange, deed: Callable[[Client], Awaitable[T]], **key: str) -> T:
    """What the demo account, or that of another key, does on an exchange in a thread."""

    async def main() -> T:
        async with client(served.exchange, **key) as asking:
            return await deed(asking)

    return asyncio.run(main())


@asynccontextmanager
async def private(exchange: Exchange, *topics: str, **key: str) -> AsyncIterator[Peer]:
    """A private link; with topics it is authenticated and has them."""
    url = exchange.environment.private
    assert url is not None
    assert exchange.market is not None
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as websocket:
        peer = Peer(websocket)
        if topics:
            assert (await peer.ask(**auth(exchange.market.now_ms, **key)))["success"]
            assert (await peer.subscribe(*topics))["success"]
        yield peer


async def news(peer: Peer) -> list[dict[str, Any]]:
    """The frames that come before the answer to a ping."""
    await peer.say(op="ping", req_id="until")
    heard: list[dict[str, Any]] = []
    while (one := json.loads(await peer.text())).get("op") != "pong":
        heard.append(one)
    return heard
