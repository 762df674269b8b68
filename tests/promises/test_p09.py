"""P9: The exchange's limits are kept: at most 500 connects in 5 minutes, 10 topics a request,
21,000 characters of topics a connection; reconnects are spread.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import pytest
from reactivex import operators as ops

from rxbybit import Backoff, Bybit, Connecting, Reconnecting, RetryBudgetExhausted
from rxbybit.errors import ConnectionFailed
from rxbybit.limits import CONNECTS, ConnectLedger
from rxbybit.sim import Recording, serve_in_thread
from tests import virtual
from tests.memory import MemoryExchange, MemoryLink, MemoryTransport
from tests.promises.still import Still, trades_frame
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
    """A connect may be under way for 10 s: so 500 that were begun in 310 s arrive in 300."""
    ledger = ConnectLedger(clock=lambda: 0.0)
    assert [ledger.reserve() for _ in range(501)] == [0.0] * 500 + [310.0]
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


CROWD = 200


@pytest.fixture
def seeded() -> Iterator[None]:
    """Pauses are drawn at random: here the same ones each time."""
    state = random.getstate()
    random.seed(20_260_726)
    yield
    random.setstate(state)


class Crowd:
    """200 clients of one process, each with a link of its own to one exchange."""

    def __init__(self) -> None:
        self.exchange = MemoryExchange()
        self.transport = MemoryTransport(self.exchange)
        ledger = ConnectLedger(clock=asyncio.get_running_loop().time)
        # quiet heartbeats, of which nothing is said here
        shared = (self.exchange, self.transport, ledger)
        self.clients = [Still(*shared, heartbeat=3600.0) for _ in range(CROWD)]
        for one in self.clients:
            one.hear(one.client.trades("BTCUSD"))

    @property
    def connects(self) -> list[float]:
        """When each connect was made."""
        return self.transport.attempts

    async def all_there(self, *, within: float) -> None:
        await virtual.until(lambda: len(self.exchange.live) == CROWD, within=within)

    def cut(self) -> float:
        """Cut all who are there; gives when."""
        for link in self.exchange.live:
            link.cut()
        return asyncio.get_running_loop().time()

    def leave(self) -> None:
        for one in self.clients:
            one.client.close()


def most_within(times: Sequence[float], seconds: float) -> int:
    """The most of the times, which are in order, that fall into so many seconds."""
    return max(at - bisect_left(times, time - seconds, hi=at) for at, time in enumerate(times, 1))


@pytest.mark.usefixtures("seeded")
def test_200_clients_that_are_cut_at_once_come_back_spread_over_the_pause() -> None:
    """The first pause lasts up to 0.5 s: of 200, 20 are due in each tenth of it.

    No tenth of it brings more than a fifth of them. (By chance one does once in a thousand
    times; here the pauses are the same ones each time.)
    """

    async def main() -> None:
        crowd = Crowd()
        await crowd.all_there(within=5)
        await asyncio.sleep(60)
        cut_at = crowd.cut()
        await virtual.until(lambda: len(crowd.connects) == 2 * CROWD, within=2)
        waited = sorted(at - cut_at for at in crowd.connects[CROWD:])
        assert waited[0] < 0.05
        assert 0.45 < waited[-1] <= 0.51
        assert most_within(waited, 0.05) <= CROWD // 5
        await crowd.all_there(within=5)
        assert [one.errors for one in crowd.clients] == [[]] * CROWD
        crowd.leave()

    virtual.run(main())


@pytest.mark.usefixtures("seeded")
def test_200_clients_come_back_from_a_long_outage_one_by_one_and_within_the_limit() -> None:
    """Their attempts are soon as many as are allowed, so each waits for its turn.

    Then no second brings more than 11 connects, as the turns are a tenth of a second apart; and
    once the exchange is there again, each has come back when its turn has.
    """

    async def main() -> None:
        crowd = Crowd()
        await crowd.all_there(within=5)
        await asyncio.sleep(60)

        def refuse(url: str) -> None:
            raise ConnectionFailed("nobody there")

        crowd.transport.before = refuse
        cut_at = crowd.cut()
        await asyncio.sleep(1_000)
        crowd.transport.before = lambda url: None
        await crowd.all_there(within=400)
        assert most_within(crowd.connects, 300.0) <= 500
        assert most_within(crowd.connects, 310.0) >= 499  # not a limit far from it
        late = crowd.connects[bisect_left(crowd.connects, cut_at + 100.0) :]
        assert most_within(late, 1.0) <= 11
        crowd.leave()

    virtual.run(main())


@pytest.mark.usefixtures("seeded")
def test_an_hour_of_200_flapping_clients_keeps_the_limit_and_uses_it() -> None:
    async def main() -> None:
        crowd = Crowd()
        await crowd.all_there(within=5)
        hour = asyncio.get_running_loop().time() + 3600
        while asyncio.get_running_loop().time() < hour:
            crowd.cut()
            await asyncio.sleep(7.0)
        assert most_within(crowd.connects, 300.0) <= 500
        # 500 in 310 s, for as often as these are in the hour, and less what was not due yet
        assert len(crowd.connects) >= 5_000
        counts = [len(one.of(Connecting)) for one in crowd.clients]
        assert min(counts) >= max(counts) // 2  # and nobody starves
        crowd.leave()

    virtual.run(main())


class Poisoned(MemoryExchange):
    """Sends each connection one frame, of which it dies a moment later."""

    frames = 0

    def _on_text(self, link: MemoryLink, text: str) -> None:
        super()._on_text(link, text)
        if json.loads(text)["op"] == "subscribe":
            self.frames += 1
            link.push(trades_frame("BTCUSD", self.frames))
            asyncio.get_running_loop().call_later(0.01, link.cut, "reset by peer")


@pytest.mark.usefixtures("seeded")
def test_a_connection_that_dies_of_its_first_frame_each_time_makes_growing_pauses() -> None:
    """A connection that was had is no success: what counts is that it lives."""

    async def main() -> None:
        still = Still(Poisoned())
        heard: list[str] = []
        still.client.trades("BTCUSD").subscribe(lambda trade: heard.append(trade.id))
        await asyncio.sleep(3600)
        pauses, connects = still.pauses, still.transport.attempts
        assert [pause.attempt for pause in pauses] == list(range(1, len(pauses) + 1))
        backoff = Backoff()
        for pause in pauses:
            assert 0 <= pause.delay_s <= backoff.bound(pause.attempt)
        waits = [after - before for before, after in pairwise(connects)]
        told = [pause.delay_s for pause in pauses]
        assert waits == pytest.approx(told[: len(waits)], abs=0.05)
        # under the cap of 30 s a pause lasts 15 s in the middle: 240 in an hour
        assert 200 < len(connects) < 290
        assert max(waits) > 25.0
        assert heard == [str(n) for n in range(1, len(connects) + 1)]
        still.client.close()

    virtual.run(main())


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("budget", [1, 3])
def test_retrying_a_spent_budget_for_ever_makes_growing_pauses_too(budget: int) -> None:
    """Each attempt gets a connection, and none of them lives: one must not forgive the other."""

    async def main() -> None:
        still = Still(Poisoned(), backoff=Backoff(budget=budget))
        still.hear(still.client.trades("BTCUSD").pipe(ops.retry()))
        await asyncio.sleep(3600)
        assert still.errors == []
        assert max(pause.attempt for pause in still.pauses) > 10
        # of each budget the first pause is under the cap of 30 s, others begin with it
        assert len(still.transport.attempts) < 290 * budget
        still.exchange.known = lambda topic: True
        still.client.close()

    virtual.run(main())


@pytest.mark.usefixtures("seeded")
def test_a_link_that_lives_or_is_closed_here_makes_up_for_those_that_were_given_up() -> None:
    async def main() -> None:
        exchange = Poisoned()
        still = Still(exchange, backoff=Backoff(budget=1, cap=10.0))

        async def given_up(times: int) -> None:
            for _ in range(times):
                ended = len(still.errors)
                still.hear(still.client.trades("BTCUSD"))
                await virtual.until(lambda: len(still.errors) > ended)  # noqa: B023

        await given_up(4)
        assert [pause.attempt for pause in still.pauses] == [1, 2, 3]
        healthy = MemoryExchange()
        still.transport.exchange = healthy
        hearing = still.hear(still.client.trades("BTCUSD"))
        await virtual.until(lambda: healthy.live)
        hearing.dispose()
        await virtual.until(lambda: not healthy.live)
        still.transport.exchange = exchange
        await given_up(3)
        assert [pause.attempt for pause in still.pauses] == [1, 2, 3, 4, 1, 2]
        still.transport.exchange = healthy
        still.hear(still.client.trades("BTCUSD"))
        await virtual.until(lambda: healthy.live)
        await asyncio.sleep(11.0)
        still.transport.exchange = exchange
        healthy.live[0].cut()
        await given_up(3)  # the first of them on the link that has lived
        assert [pause.attempt for pause in still.pauses][6:] == [3, 1, 1, 2]
        still.client.close()

    virtual.run(main())


@pytest.mark.usefixtures("seeded")
def test_a_spent_budget_ends_exactly_the_streams_of_its_link_once() -> None:
    """Two links, of two categories; one of them has nobody at the other end any more."""

    async def main() -> None:
        still = Still(backoff=Backoff(budget=3))
        client, ends = still.client, dict[str, list[Exception]]()

        def hear(name: str, stream: Any) -> None:
            ends[name] = []
            stream.subscribe(lambda _: None, ends[name].append)

        hear("inverse", client.trades("BTCUSD"))
        hear("linear trades", client.trades("BTCUSDT"))
        hear("linear tickers of two", client.tickers("BTCUSDT", "ETHUSDT"))
        hear("of both", client.trades("ETHUSD", "ETHUSDT"))
        inverse, linear = "inverse", "linear"
        await virtual.until(lambda: len(still.exchange.live) == 2)
        await asyncio.sleep(60)

        def refuse(url: str) -> None:
            if url.endswith(linear):
                raise ConnectionFailed("nobody there")

        still.transport.before = refuse
        by_url = {link.url.rpartition("/")[2]: link for link in still.exchange.live}
        began = len(still.transport.attempts)
        by_url[linear].cut()
        await virtual.until(lambda: ends["linear trades"], within=600)
        await asyncio.sleep(600)
        errors = {name: [type(error) for error in got] for name, got in ends.items()}
        spent = [RetryBudgetExhausted]
        assert errors == {
            "inverse": [],
            "linear trades": spent,
            "linear tickers of two": spent,
            "of both": spent,
        }
        (error,) = ends["linear trades"]
        assert isinstance(error, RetryBudgetExhausted)
        assert (error.attempts, error.permanent) == (3, True)
        assert "nobody there" in str(error)
        assert len(still.transport.attempts) == began + 3  # what was lost had lived
        assert not by_url[inverse].closed
        # what they had on the other link was left, and nothing else
        assert still.exchange.subscribed[by_url[inverse]] == ["publicTrade.BTCUSD"]

        hear("again", client.trades("BTCUSDT"))
        await virtual.until(lambda: ends["again"], within=600)
        assert len(still.transport.attempts) == began + 6  # with a budget of its own
        still.transport.before = lambda url: None
        hear("at last", client.trades("BTCUSDT"))
        await virtual.until(lambda: len(still.exchange.live) == 2, within=60)
        assert ends["inverse"] == ends["at last"] == []
        client.close()

    virtual.run(main())
