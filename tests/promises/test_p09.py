"""P9: The exchange's limits are kept: at most 500 connects in 5 minutes, 10 topics a request,
21,000 characters of topics a connection; reconnects are spread.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter

import pytest

from rxbybit import Backoff, Bybit, Reconnecting
from rxbybit.limits import CONNECTS, ConnectLedger
from rxbybit.sim import Recording, serve_in_thread
from tests.promises.world import TRADES, Before, Ear, World, scenario, until

COINS = [f"COIN{n:04d}USD" for n in range(1500)]


def test_1500_topics_keep_the_size_of_requests_and_connections() -> None:
    """The exchange of this test refuses what breaks a limit, and the arithmetic is done again."""
    topics = [f"publicTrade.{coin}" for coin in COINS]

    async def main() -> None:
        before = Before()
        async with Bybit(served.url) as client:
            ear = Ear(client.trades(COINS))
            await until(lambda: len(served.subscriptions) == len(COINS))
            assert ear.errors == []
            held = Counter(t for r in served.requests for t in r.args if r.op == "subscribe")
            assert held == Counter(topics)  # each once
            links = served.links
            assert len(links) == 2
            for link in links:
                args = json.dumps(link.subscriptions, separators=(",", ":"))
                assert len(args) <= 21_000
            fullest = max(len(json.dumps(s.subscriptions, separators=(",", ":"))) for s in links)
            assert fullest + len(f',"{topics[0]}"') > 21_000  # no more links than it takes
            ear.leave()
            await until(lambda: not served.links)
        assert max(len(r.args) for r in served.requests) == 10
        asked = [r for r in served.requests if r.op == "subscribe"]
        assert len(asked) <= len(COINS) / 10 + len(links)
        await before.again(int(served.url.rpartition(":")[2]))

    with serve_in_thread({"inverse": Recording([], extra_topics=topics)}) as served:
        asyncio.run(main())


def test_many_small_subscriptions_at_once_share_requests() -> None:
    topics = [f"publicTrade.{coin}" for coin in COINS[:95]]

    async def main() -> None:
        async with Bybit(served.url) as client:
            ears = [Ear(client.trades(coin)) for coin in COINS[:95]]
            await until(lambda: len(served.subscriptions) == 95)
            assert [len(r.args) for r in served.requests] == [10] * 9 + [5]
            for ear in ears:
                ear.leave()
            await until(lambda: not served.links)
            last = [r for r in served.requests if r.op == "unsubscribe"]
            assert [len(r.args) for r in last] == [10] * 9 + [5]

    with serve_in_thread({"inverse": Recording([], extra_topics=topics)}) as served:
        asyncio.run(main())


def test_connects_of_all_clients_keep_one_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """3 in 0.5 s here, for 500 in 5 minutes; five clients, each of them cut off again and again.

    A connect gets there some time after it was allowed, so two arrivals may be closer than what
    was booked; none is earlier than its place in the row allows, counted from the beginning.
    """
    monkeypatch.setattr("rxbybit.options.CONNECTS", ConnectLedger(limit=3, window_s=0.5))
    began = time.monotonic()

    async def main() -> None:
        clients = [Bybit(served.url, backoff=Backoff(first=0.001, cap=0.001)) for _ in range(5)]
        for client in clients:
            Ear(client.trades("BTCUSD"))
        while len(served.connects) < 10:
            await asyncio.sleep(0.01)
            served.run(lambda: [link.cut("rst") for link in served.exchange.links])
        for client in clients:
            await client.aclose()

    with serve_in_thread({"inverse": Recording([], extra_topics=[TRADES])}) as served:
        asyncio.run(main())
        times = [connect.time for connect in served.connects]
    for place, arrived in enumerate(times):
        assert arrived - began >= place // 3 * 0.5


def test_the_limit_is_that_of_the_exchange() -> None:
    ledger = ConnectLedger(clock=lambda: 0.0)
    assert [ledger.reserve() for _ in range(501)] == [0.0] * 500 + [300.0]
    assert isinstance(CONNECTS, ConnectLedger)


def test_reconnects_are_spread() -> None:
    """Twenty clients that lose their links in the same moment do not come back in one."""

    async def main() -> None:
        worlds = [World(served, backoff=Backoff(first=0.4, cap=0.4)) for _ in range(20)]
        for world in worlds:
            Ear(world.client.trades("BTCUSD"))
        await until(lambda: len(served.links) == 20)
        cut_at = time.monotonic()
        served.run(lambda: [link.cut("rst") for link in served.exchange.links])
        await until(lambda: all(world.of(Reconnecting) for world in worlds))
        await until(lambda: len(served.connects) == 40)
        delays = sorted(world.of(Reconnecting)[0].delay_s for world in worlds)
        assert len(set(delays)) == 20
        assert delays[0] < 0.2 < delays[-1] <= 0.4  # by chance it fails once in 500,000 times
        for connect, delay_s in zip(served.connects[20:], delays, strict=True):
            assert connect.time - cut_at >= delay_s  # the first cannot be before the shortest
        for world in worlds:
            await world.client.aclose()

    with serve_in_thread({"inverse": Recording([], extra_topics=[TRADES])}) as served:
        asyncio.run(main())


def test_a_reconnect_asks_for_all_topics_in_as_few_requests() -> None:
    async def body(world: World) -> None:
        Ear(world.client.trades("BTCUSD", "ETHUSD"))
        Ear(world.client.tickers("BTCUSD"))
        await until(lambda: len(world.served.subscriptions) == 3)
        world.served.run(lambda: world.served.exchange.links[0].cut())
        await until(lambda: [len(r.args) for r in world.served.requests if r.link == 2] == [3])

    scenario(body)
