"""A client of the legacy socket that is not rxbybit, and what its tests make of frames."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import aiohttp

from rxbybit.sim import ApiKey, Exchange, Market
from rxbybit.sim.market import Delisting, Instrument, Listing
from tests.sim.market.journal import START_MS, small
from tests.sim.peer import Peer

DATED = small(
    symbol="BTCUSDH26",
    contract="InverseFutures",
    delivery_ms=START_MS + 50 * 86_400_000,
    launch_ms=START_MS - 3 * 86_400_000,
    premium=0.008,
)
ETH = small(symbol="ETHUSD", base="ETH", tick=5)
KEY, SECRET = "A-KEY", "test-secret"
HOLDER = ApiKey(key=KEY, secret=SECRET, balances={"BTC": 2, "USDT": 100_000})


def instruments() -> tuple[Instrument, ...]:
    return (small(launch_ms=START_MS - 70 * 86_400_000), ETH, DATED, small("linear", "BTCUSDT"))


def market(
    seed: int = 1, script: tuple[Listing | Delisting, ...] = (), start_ms: int = START_MS
) -> Market:
    return Market(seed=seed, start_ms=start_ms, instruments=instruments(), script=script)


@asynccontextmanager
async def realtime(exchange: Exchange, query: str = "", **options: Any) -> AsyncIterator[Peer]:
    url = f"{exchange.url}/realtime{query}"
    async with aiohttp.ClientSession() as session, session.ws_connect(url, **options) as websocket:
        yield Peer(websocket)


def signed(expires_ms: int, secret: str = SECRET) -> str:
    message = f"GET/realtime{expires_ms}".encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def of_topic(frames: Sequence[str], topic: str) -> list[dict[str, Any]]:
    """The frames of one topic, numbers with a point as exact decimals."""
    contents = [json.loads(one, parse_float=Decimal) for one in frames]
    return [content for content in contents if content.get("topic") == topic]


class LegacyBook:
    """A book as a client of this wire keeps it, strict about what a delta may say."""

    def __init__(self, snapshot: dict[str, Any]) -> None:
        assert snapshot["type"] == "snapshot"
        levels = snapshot["data"]
        prices = [Decimal(level["price"]) for level in levels]
        assert prices == sorted(prices)
        sides = [level["side"] for level in levels]
        assert sides == sorted(sides)
        self.sizes = {(level["side"], Decimal(level["price"])): level["size"] for level in levels}
        assert len(self.sizes) == len(levels)

    def apply(self, delta: dict[str, Any]) -> None:
        assert delta["type"] == "delta"
        data = delta["data"]
        assert list(data) == ["delete", "update", "insert", "transactTimeE6"]
        assert data["transactTimeE6"] == 0
        assert data["delete"] or data["update"] or data["insert"]
        for level in data["delete"]:
            assert list(level) == ["price", "symbol", "id", "side"]
            del self.sizes[level["side"], Decimal(level["price"])]
        for kind in ("update", "insert"):
            for level in data[kind]:
                assert list(level) == ["price", "symbol", "id", "side", "size"]
                key = level["side"], Decimal(level["price"])
                assert (key in self.sizes) == (kind == "update")
                assert self.sizes.get(key) != level["size"]
                self.sizes[key] = level["size"]

    def levels(self, side: str) -> list[tuple[Decimal, int]]:
        """The best first."""
        found = [(price, size) for (where, price), size in self.sizes.items() if where == side]
        return sorted(found, reverse=side == "Buy")
