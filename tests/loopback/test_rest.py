"""Instruments and candles with their history over real sockets, and what is left of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from reactivex import operators as ops

from rxbybit import Backoff, Bybit, RequestFailed, RequestRefused, Status
from rxbybit.limits import RequestLedger
from tests.promises.world import QUICK, Before, Ear, until
from tests.restserver import BEGAN_MS, MINUTE, RestServer, serve_rest


class World:
    def __init__(self, server: RestServer, **options: Any) -> None:
        self.server = server
        self.client = Bybit(server.url, **{"backoff": QUICK, **options})
        self.statuses: list[Status] = []
        self.client.status().subscribe(self.statuses.append)


def scenario(body: Callable[[World], Awaitable[None]], **options: Any) -> None:
    """Run ``body``, close its client, and see that nothing is left within a second."""

    async def main(server: RestServer) -> None:
        async with asyncio.timeout(30):
            before = Before()
            world = World(server, **options)
            await body(world)
            world.client.close()
            await before.again(server.port)

    with serve_rest() as server:
        asyncio.run(main(server))


@pytest.fixture(autouse=True)
def requests(monkeypatch: pytest.MonkeyPatch) -> RequestLedger:
    """An empty ledger: a test that is told to stay away must not hold up another."""
    fresh = RequestLedger()
    monkeypatch.setattr("rxbybit.options.REQUESTS", fresh)
    return fresh


def test_all_pages_then_changes() -> None:
    async def body(world: World) -> None:
        world.server.page = 3
        world.server.symbols = [f"S{n}USD" for n in range(8)]
        ear = Ear(world.client.instruments("inverse"))
        await until(lambda: len(ear.heard) == 8)
        assert [i.symbol for i in ear.heard] == world.server.symbols
        assert [q.partition("cursor=")[2] for q in world.server.asked[:3]] == [
            "",
            "from%3A3",
            "from%3A6",
        ]
        world.server.symbols = ["NEWUSD", *world.server.symbols[1:]]
        await until(lambda: len(ear.heard) == 10)
        assert [(i.symbol, i.status) for i in ear.heard[8:]] == [
            ("NEWUSD", "Trading"),
            ("S0USD", "Closed"),
        ]

    scenario(body, listings=0.05)


def test_history_and_then_live() -> None:
    async def body(world: World) -> None:
        server = world.server
        running = server.now_ms
        ear = Ear(world.client.klines("BTCUSD", history=1200))
        await until(lambda: len(ear.heard) == 1200)
        for n, event in enumerate(ear.heard):
            assert event.start_ms == running - (1200 - n) * MINUTE
            assert event.closed
            assert event.meta.backfilled
        assert ear.heard[-1].close - ear.heard[-2].close == 1
        server.say((running - MINUTE, True), (running, False))  # the first is old news
        server.now_ms += MINUTE
        server.say((running, True), (running + MINUTE, False))
        await until(lambda: len(ear.heard) == 1203)
        rest = [(e.start_ms, e.closed, e.meta.backfilled) for e in ear.heard[1200:]]
        assert rest == [
            (running, False, False),
            (running, True, False),
            (running + MINUTE, False, False),
        ]
        assert len(server.asked) == 2

    async def shifted(world: World) -> None:
        world.server.now_ms = BEGAN_MS + 100 * MINUTE  # a minute begins
        await body(world)

    scenario(shifted)


def test_what_was_missed_between_both_is_asked_for() -> None:
    async def body(world: World) -> None:
        server = world.server
        running = server.now_ms
        ear = Ear(world.client.klines("BTCUSD", history=2, closed=True))
        await until(lambda: len(ear.heard) == 2)
        server.now_ms += 3 * MINUTE
        server.say((running + 2 * MINUTE, True))
        await until(lambda: len(ear.heard) == 5)
        assert [e.start_ms for e in ear.heard] == [running + n * MINUTE for n in range(-2, 3)]
        assert [e.meta.backfilled for e in ear.heard] == [True] * 4 + [False]

    scenario(body)


def test_rest_down_for_a_while() -> None:
    async def body(world: World) -> None:
        server, left = world.server, [5]

        def down(request: web.Request) -> web.Response | None:
            left[0] -= 1
            return web.Response(status=502, text="bad gateway") if left[0] >= 0 else None

        server.before = down
        ear = Ear(world.client.klines("BTCUSD", "ETHUSD", history=3))
        await until(lambda: len(ear.heard) == 6)
        assert len([s for s in world.statuses if isinstance(s, RequestFailed)]) == 5
        assert ear.errors == []

    scenario(body)


def test_an_exchange_without_rest_says_so_in_one_line() -> None:
    async def body(world: World) -> None:
        world.server.before = lambda request: web.Response(status=404)
        ear = Ear(world.client.instruments())
        await until(lambda: ear.errors)
        (error,) = ear.errors
        assert isinstance(error, RequestRefused)
        assert str(error) == (
            f"{world.server.url}/v5/market/instruments-info was refused: there is no such path:"
            " check the URL (code 404)"
        )

    scenario(body)


@pytest.mark.parametrize("stream", ["instruments", "klines"])
@pytest.mark.parametrize("moment", ["asking", "backing off", "later"])
def test_dispose_leaves_nothing(stream: str, moment: str) -> None:
    async def body(world: World) -> None:
        server, before = world.server, Before()
        ended = asyncio.Event()

        async def silent(request: web.Request) -> None:
            await asyncio.wait_for(ended.wait(), 20)

        if moment == "asking":
            server.before = silent
        if moment == "backing off":
            server.before = lambda request: web.Response(status=503)
        of = world.client.instruments() if stream == "instruments" else None
        ear = Ear(of or world.client.klines("BTCUSD", "ETHUSD", history=2000))
        await until(lambda: server.asked)
        if moment == "later":
            await until(lambda: ear.heard)
        if moment == "backing off":
            await until(lambda: world.statuses and isinstance(world.statuses[-1], RequestFailed))
        ear.leave()
        await before.again(server.port)
        server.loop.call_soon_threadsafe(ended.set)

    scenario(body, backoff=Backoff(first=30, cap=30))


def test_the_end_of_the_loop_leaves_nothing() -> None:
    with serve_rest() as server:

        async def main() -> None:
            client = Bybit(server.url)
            client.instruments().subscribe()
            ear = Ear(client.klines("BTCUSD", history=10))
            await until(lambda: ear.heard)

        asyncio.run(main())
        assert {t.name for t in threading.enumerate()} - {"rxbybit-resolver", "raw server"} == {
            "MainThread"
        }


def test_on_the_background_loop() -> None:
    with serve_rest() as server, Bybit(server.url) as client:
        first = client.instruments().pipe(ops.take(2), ops.to_list()).run()
        assert [i.symbol for i in first] == ["BTCUSD", "ETHUSD"]
        past = client.klines("BTCUSD", history=3).pipe(ops.take(3), ops.to_list()).run()
        assert [e.start_ms for e in past] == [server.now_ms + n * MINUTE for n in (-3, -2, -1)]


def test_churn_leaves_no_socket() -> None:
    async def body(world: World) -> None:
        before = Before()
        for n in range(20):
            ear = Ear(world.client.klines("BTCUSD", history=5))
            await until(lambda ear=ear, n=n: n % 2 or ear.heard)
            ear.leave()
        await before.again(world.server.port)

    scenario(body)
