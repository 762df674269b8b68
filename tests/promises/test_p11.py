"""P11: Memory is bounded per topic, per subscriber and per dedupe window."""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rxbybit import Backoff, Bybit, Connected, Dropped, Subscribed
from rxbybit.limits import ConnectLedger
from rxbybit.runtime import Runtime
from rxbybit.transport import AiohttpTransport
from tests.loopback.rawserver import CLOSE, TEXT, RawServer, frame, open_sockets
from tests.promises.world import BOOK, TICKER, TRADES, Ear, World, scenario, until

RECONNECTS = 500
HEARTBEAT_S = 1.0
"""Short, as a loop keeps a cancelled timer until it would have been due."""


@pytest.fixture(autouse=True)
def quick_upgrades(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short for the same reason."""
    monkeypatch.setattr("rxbybit.dialling.UPGRADE_S", 1.0)


def kinds() -> Counter[str]:
    """How many objects there are of each class."""
    gc.collect()
    return Counter(f"{type(o).__module__}.{type(o).__qualname__}" for o in gc.get_objects())


WINDOW = 500_000
"""More than the frames take that are remembered so that no trade comes twice."""


async def flat(step: Callable[[], Awaitable[None]], times: int, *, size: int) -> None:
    """``times`` steps leave ``size`` bytes at most, and of no class one object in two steps.

    A tenth of the steps come before, so that whatever is made once has been made. What has grown
    is looked at twice: a large table of the interpreter may have to grow once, a leak does always.
    """
    for _ in range(times // 10):
        await step()
    tracemalloc.start()
    try:
        grown, size_grown = await growth(step, times, size=size)
        if grown or size_grown >= size:
            grown, size_grown = await growth(step, times, size=size)
    finally:
        tracemalloc.stop()
    assert grown == {}
    assert size_grown < size


async def growth(
    step: Callable[[], Awaitable[None]], times: int, *, size: int
) -> tuple[dict[str, int], int]:
    """What ``times`` steps leave."""
    before, bytes_before = kinds(), tracemalloc.get_traced_memory()[0]
    for _ in range(times):
        await step()
    deadline = time.monotonic() + 30.0  # the exchange, in this process too, may lag behind
    while True:
        grown = {k: n for k, n in (kinds() - before).items() if n > 10 + times // 2}
        size_grown = tracemalloc.get_traced_memory()[0] - bytes_before
        if (not grown and size_grown < size) or time.monotonic() > deadline:
            return grown, size_grown
        await asyncio.sleep(0.1)
        await step()  # which also clears away what came meanwhile


@pytest.mark.parametrize("alone", [False, True], ids=["beside another", "alone"])
def test_2000_subscriptions_come_and_go(alone: bool) -> None:
    """Beside another the link stays; alone each opens one and closes it, or gives up half-way."""

    async def body(world: World) -> None:
        client, streams = world.client, [world.client.trades("BTCUSD")]
        streams += [client.tickers("BTCUSD"), client.order_book_updates("BTCUSD", "ETHUSD")]
        if not alone:
            Ear(streams[0])
            await world.subscribed(TRADES)
        count = [0]

        async def step() -> None:
            count[0] += 1
            for stream in streams:
                subscription = stream.subscribe(lambda _: None, lambda _: None)
                if count[0] % 3:
                    await asyncio.sleep(0.0002 * (count[0] % 7))
                subscription.dispose()
            if count[0] % 20 == 0:
                forget(world)

        await flat(step, 2000 // 3 // (5 if alone else 1), size=60_000)
        await until(lambda: len(world.served.links) == (not alone))
        (pool,) = client._pools
        links = pool._links
        kept = (pool._held, links._sessions, links._tasks)
        await until(lambda: [len(things) for things in kept] == [not alone] * 3)
        assert len(client._on_closed) == 1 + (not alone)  # that of status(), and the other's

    scenario(body, heartbeat=HEARTBEAT_S)


def test_subscriptions_that_come_while_the_last_link_is_cleared_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    genuine = AiohttpTransport.aclose

    async def slow(self: AiohttpTransport) -> None:
        await asyncio.sleep(0.02)
        await genuine(self)

    async def body(world: World) -> None:
        monkeypatch.setattr(AiohttpTransport, "aclose", slow)
        (pool,) = world.client._pools
        closers = Runtime.current()._closers
        before = len(closers)
        ear = Ear(world.client.trades("BTCUSD"))
        for _ in range(10):
            await world.subscribed(TRADES)
            ear.leave()
            await until(lambda: pool._links._transport is None)  # and is closing
            ear = Ear(world.client.trades("BTCUSD"))
        ear.leave()
        await until(lambda: not pool._links._tasks)
        assert len(closers) == before

    scenario(body)


def test_clients_come_and_go() -> None:
    async def body(world: World) -> None:
        async def step() -> None:
            async with Bybit(world.served.url, heartbeat=HEARTBEAT_S) as client:
                ear = Ear(client.trades("BTCUSD"))
                client.status().subscribe(lambda _: None)
                await until(lambda: world.served.exchange.links)
                del ear
            forget(world)

        await flat(step, 100, size=WINDOW)
        assert len(Runtime.current()._closers) <= 2

    scenario(body)


def test_500_reconnects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each brings a trade, and is ended in the next moment by a close or a reset."""
    monkeypatch.setattr("rxbybit.options.CONNECTS", ConnectLedger(limit=RECONNECTS * 2))

    async def main() -> None:
        client = Bybit(
            environment(server), backoff=Backoff(first=0.001, cap=0.001), heartbeat=HEARTBEAT_S
        )
        seen = [0]

        def note(status: object) -> None:
            seen[0] += isinstance(status, Connected)

        client.status().subscribe(note)
        client.trades("BTCUSD").subscribe(lambda _: None)
        client.tickers("BTCUSD").subscribe(lambda _: None)

        async def step() -> None:
            seen_before = seen[0]
            await until(lambda: seen[0] > seen_before)
            server.forget()
            server.errors.clear()  # of who gave up on a slow machine: each would keep its frames

        await flat(step, RECONNECTS, size=100_000)
        assert seen[0] >= RECONNECTS
        await client.aclose()
        await until(lambda: open_sockets(server.port) == 0)

    def script(peer: Any) -> None:
        peer.upgrade()
        peer.sock.recv(1000)
        peer.send(frame(TEXT, TRADE))
        if server.accepted % 2:
            peer.send(frame(CLOSE, b"\x03\xe8"))
        else:
            peer.reset()

    with RawServer(script) as server:
        asyncio.run(main())


def forget(world: World) -> None:
    """What the test and its exchange write down is not the client's."""
    world.statuses.clear()
    world.served.run(world.served.exchange.requests.clear)
    world.served.run(world.served.exchange.connects.clear)


def environment(server: RawServer) -> Any:
    from rxbybit.config import Environment

    return Environment(name="raw", public={"inverse": server.url()})


TRADE = (
    b'{"topic":"publicTrade.BTCUSD","type":"snapshot","ts":1,"data":[{"T":1,"s":"BTCUSD",'
    b'"S":"Buy","v":"1","p":"2","i":"x","BT":false,"seq":1}]}'
)


def test_events_that_nobody_keeps_are_not_kept() -> None:
    async def body(world: World) -> None:
        count = [0]

        def hear(_: object) -> None:
            count[0] += 1

        for stream in (world.client.trades, world.client.tickers, world.client.order_book_updates):
            stream("BTCUSD").subscribe(hear)
        await world.subscribed(TRADES, TICKER, BOOK)
        world.ticker("snapshot", lastPrice="1")
        world.book("snapshot", 1)
        await until(lambda: count[0] == 2)

        async def step() -> None:
            due = count[0] + 22
            world.trade(count=20)
            world.ticker("delta", markPrice="2")
            world.book("delta", len(world.sent))
            world.sent[:] = world.sent[-1:] * 2
            await until(lambda: count[0] >= due)
            forget(world)

        await flat(step, 300, size=WINDOW)

    scenario(body)


def test_a_consumer_that_stands_still_holds_its_buffer_and_no_more() -> None:
    async def body(world: World) -> None:
        events = world.client.trades("BTCUSD").iterate(buffer=50, overflow="drop_oldest")
        first = asyncio.ensure_future(anext(events))
        await world.subscribed(TRADES)
        world.trade()
        await first
        heard = [0]
        world.client.trades("BTCUSD").subscribe(lambda _: heard.__setitem__(0, heard[0] + 1))

        async def step() -> None:
            due = heard[0] + 50
            world.trade(count=50)
            await until(lambda: heard[0] >= due)

        while not world.of(Dropped):  # at most one a second, and logging remembers the class
            await step()
        await flat(step, 100, size=WINDOW)
        await events.aclose()

    scenario(body)


def test_requests_that_are_never_answered_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rxbybit.conversation.ANSWER_S", 0.005)
    from rxbybit.sim import Ignore

    async def body(world: World) -> None:
        Ear(world.client.trades("BTCUSD"))
        await until(lambda: len(world.served.requests) >= 100)
        assert world.of(Subscribed) == []
        (pool,) = world.client._pools
        (session,) = pool._links._sessions
        wanted = session._talk._wanted
        assert len(wanted._open) <= 2

    scenario(body, faults=(Ignore(times=None),))
