"""A client that is not rxbybit: aiohttp's own, and what the tests of the exchange say with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp

from rxbybit.config import Category
from rxbybit.sim import Exchange

T = TypeVar("T")
PATIENCE_S = 30.0


class Peer:
    """One websocket, heard message by message."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self.websocket = websocket

    async def say(self, **request: object) -> None:
        await self.websocket.send_str(json.dumps(request))

    async def ask(self, **request: object) -> dict[str, Any]:
        await self.say(**request)
        return json.loads(await self.text())

    async def subscribe(self, *topics: str, req_id: str = "s") -> dict[str, Any]:
        return await self.ask(op="subscribe", args=topics, req_id=req_id)

    async def message(self) -> aiohttp.WSMessage:
        return await self.websocket.receive(timeout=PATIENCE_S)

    async def text(self) -> str:
        message = await self.message()
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return message.data

    async def texts(self, count: int) -> list[str]:
        return [await self.text() for _ in range(count)]

    async def rest(self) -> tuple[list[str], aiohttp.WSMessage]:
        """What still comes, and the message that ends it."""
        heard: list[str] = []
        while (message := await self.message()).type is aiohttp.WSMsgType.TEXT:
            heard.append(message.data)
        return heard, message

    async def hears_nothing(self, **then: object) -> None:
        """A ping's pong is the next thing that comes."""
        assert (await self.ask(op="ping", **then)).get("ret_msg") == "pong"


async def until_pong(peer: Peer) -> list[str]:
    """The frames that come before the answer to a ping."""
    await peer.say(op="ping", req_id="until")
    heard: list[str] = []
    while '"pong"' not in (one := await peer.text()):
        heard.append(one)
    return heard


@asynccontextmanager
async def connected(
    exchange: Exchange, category: Category = "linear", **options: Any
) -> AsyncIterator[Peer]:
    url = exchange.environment.public[category]
    async with aiohttp.ClientSession() as session, session.ws_connect(url, **options) as websocket:
        yield Peer(websocket)


def run(work: Coroutine[object, object, T]) -> T:
    async def limited() -> T:
        async with asyncio.timeout(100):
            return await work

    return asyncio.run(limited())


def frame(topic: str, ts: int = 1_700_000_000_000, **data: object) -> str:
    content = {"topic": topic, "type": "snapshot", "ts": ts, "data": data}
    return json.dumps(content, separators=(",", ":"))
