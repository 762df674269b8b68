"""P8: A dead peer is noticed within 1.5 heartbeats; a quiet market, or a loop that a callback held
up, is not mistaken for one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import count, pairwise
from typing import Any, Literal

import pytest

from rxbybit import Bybit, Disconnected, OrderBook, Resynced, Stale, Status
from rxbybit.sim import Mute, NoPong, WithholdSnapshot, serve_in_thread
from tests.promises.world import BOOK, QUICK, TICKER, TRADES, Ear, World, scenario, until
from tests.sim.legacy.talk import market

HEARTBEAT_S = 1.0
"""The exchange of these tests is in this process, so it is as slow to answer as the machine is."""
LIMIT_S = 20.0
"""Of what is noticed at all; that it takes 1.5 heartbeats is held on virtual time in tests/unit."""


@pytest.mark.parametrize("after_s", [0.0, 0.7])
def test_a_peer_that_falls_silent_is_noticed(after_s: float) -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await world.subscribed(TRADES)
        await asyncio.sleep(after_s)
        world.trade()
        await until(lambda: ear.heard)
        (link,) = world.served.links
        world.served.run(link.silence)
        await until(lambda: world.of(Disconnected), within_s=LIMIT_S)
        assert "silent" in world.of(Disconnected)[0].reason
        await until(lambda: len(world.served.links) == 2)  # the silent one does not notice
        assert ear.errors == []
        world.served.run(link.abort)

    scenario(body, heartbeat=HEARTBEAT_S)


def test_a_peer_that_reads_but_does_not_answer_is_dead_too() -> None:
    async def body(world: World) -> None:
        began = time.monotonic()
        Ear(world.client.trades("BTCUSD"))
        await until(lambda: world.of(Disconnected), within_s=LIMIT_S)
        assert time.monotonic() - began >= 1.5 * HEARTBEAT_S

    scenario(body, heartbeat=HEARTBEAT_S, faults=(NoPong(),))


def test_a_quiet_market_is_not_dead() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await world.subscribed(TRADES)
        await until(lambda: len([r for r in world.served.requests if r.op == "ping"]) >= 3)
        assert world.of(Disconnected) == []
        sent = world.trade()
        await until(lambda: ear.ids == sent)
        assert ear.heard[0].meta.gap is None

    scenario(body, heartbeat=HEARTBEAT_S)


def test_a_peer_that_sends_but_answers_no_ping_is_alive() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await world.subscribed(TRADES)
        sent: list[str] = []
        for _ in range(10):
            sent += world.trade()
            await asyncio.sleep(0.25 * HEARTBEAT_S)
        await until(lambda: ear.ids == sent)
        assert world.of(Disconnected) == []

    scenario(body, heartbeat=HEARTBEAT_S, faults=(NoPong(),))


def hold(seconds: float) -> None:
    time.sleep(seconds)


@pytest.mark.parametrize(
    ("how", "begin_s"),
    [("subscriber", 0.25), ("subscriber", 1.1), ("elsewhere", 1.02)],
)
def test_a_loop_that_was_held_up_is_not_mistaken_for_a_dead_peer(how: str, begin_s: float) -> None:
    """Held at each stage of a heartbeat for longer than all of it."""

    async def body(world: World) -> None:
        held: list[float] = []

        def block(_: Any = None) -> None:
            if not held:
                held.append(time.monotonic())
                hold(1.5 * HEARTBEAT_S)

        ear = Ear(world.client.trades("BTCUSD"))
        await until(lambda: world.served.subscriptions)
        if how == "subscriber":
            world.client.trades("BTCUSD").subscribe(block)
        await asyncio.sleep(begin_s)
        if how == "subscriber":
            world.trade()
        else:
            asyncio.get_running_loop().call_soon(block)
        await until(lambda: held)
        await asyncio.sleep(0.7 * HEARTBEAT_S)
        assert world.of(Disconnected) == []
        sent = world.trade()
        await until(lambda: ear.ids[-1:] == sent)

    scenario(body, heartbeat=HEARTBEAT_S)


def test_a_loop_that_is_held_up_before_the_ping_is_out_is_not_mistaken_for_a_dead_peer() -> None:
    async def body(world: World) -> None:
        Ear(world.client.trades("BTCUSD"))
        await world.subscribed(TRADES)
        loop: Any = asyncio.get_running_loop()
        (beat,) = [timer for timer in loop._scheduled if "Heartbeat._beat" in repr(timer)]
        done: list[bool] = []

        def block() -> None:
            hold(0.8 * HEARTBEAT_S)
            done.append(True)

        # due with the beat, so run right behind it, when the writer has not been woken yet
        loop.call_at(beat.when() + 1e-9, block)
        await until(lambda: done)
        await asyncio.sleep(0.7 * HEARTBEAT_S)
        assert world.of(Disconnected) == []

    scenario(body, heartbeat=HEARTBEAT_S)


def test_a_peer_that_died_while_the_loop_was_held_is_noticed() -> None:
    async def body(world: World) -> None:
        Ear(world.client.trades("BTCUSD"))
        await world.subscribed(TRADES)
        (link,) = world.served.links
        world.served.run(link.silence)
        hold(2 * HEARTBEAT_S)
        await until(lambda: world.of(Disconnected), within_s=LIMIT_S)
        world.served.run(link.abort)

    scenario(body, heartbeat=HEARTBEAT_S)


# topics that are dead, and topics that are quiet


def alarms(world: World) -> list[Stale | Disconnected]:
    return [status for status in world.statuses if isinstance(status, Stale | Disconnected)]


async def lively(world: World, holds: Callable[[], object]) -> None:
    """Send trades until ``holds()``: the link has data."""

    def look() -> bool:
        world.trade()
        return bool(holds())

    await until(look)


@pytest.mark.parametrize(
    ("wire", "topic"),
    [
        ("v5", BOOK),
        ("v5", TICKER),
        ("legacy", "orderBookL2_25.BTCUSD"),
        ("legacy", "instrument_info.100ms.BTCUSD"),
    ],
)
def test_a_topic_that_died_is_told_and_had_anew_and_nothing_else_is_touched(
    wire: Literal["v5", "legacy"], topic: str
) -> None:
    async def main() -> None:
        statuses: list[Status] = []
        faults = (Mute(topic=topic, nth=20, until_renewed=True),)
        with serve_in_thread(market=market(), speed=10, faults=faults) as served:
            async with Bybit(served.url, wire=wire, backoff=QUICK, stale=1.0) as client:
                client.status().subscribe(statuses.append)
                is_book = "ook" in topic
                ear = Ear(client.order_book("BTCUSD") if is_book else client.tickers("BTCUSD"))
                trades = Ear(client.trades("BTCUSD"))
                await until(lambda: any(isinstance(one, Resynced) for one in statuses))
                back = len(ear.heard)
                await until(lambda: len(ear.heard) > back + 20)
                said = [one for one in statuses if isinstance(one, Stale | Resynced)]
                assert [type(one) for one in said[:2]] == [Stale, Resynced]
                assert {one.topic for one in said} == {topic}
                if is_book:
                    states = [book.state for book in ear.heard]
                    at = states.index("stale")
                    assert states[at - 1 : at + 2] == ["synced", "stale", "synced"]
                    stale, before, after = (ear.heard[n] for n in (at, at - 1, at + 1))
                    assert stale == before.__replace__(state="stale")
                    assert after.meta.kind == "snapshot"
                asked = [r for r in served.requests if r.op == "unsubscribe"]
                assert {one for request in asked for one in request.args} == {topic}
                assert [one for one in statuses if isinstance(one, Disconnected)] == []
                assert trades.heard
                assert trades.errors == ear.errors == []
                assert len(served.links) == 1

    asyncio.run(main())


def test_a_first_snapshot_that_was_lost_is_asked_for_though_nothing_follows_it() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.order_book("BTCUSD"))
        Ear(world.client.trades("BTCUSD"))
        await world.subscribed(BOOK, TRADES)
        world.book("snapshot", 1)  # on which WithholdSnapshot strikes
        await lively(world, lambda: world.asked("subscribe").count(BOOK) > 1)
        await lively(world, lambda: world.book("snapshot", 2) or ear.heard)
        assert [status.topic for status in world.of(Stale)][:1] == [BOOK]
        assert (ear.heard[0].state, ear.heard[0].update_id) == ("synced", 2)
        assert world.of(Disconnected) == []

    scenario(body, stale=1.0, faults=(WithholdSnapshot(topic=BOOK),))


def test_a_quiet_book_is_asked_for_ever_more_rarely() -> None:
    """As a dated contract is for hours, which pass on virtual time in tests/unit."""
    stale_s = 0.2

    async def body(world: World) -> None:
        states: list[str] = []
        times: list[float] = []  # of the first book, and of each Stale behind it

        def hear(book: OrderBook) -> None:
            states.append(book.state)
            if not times:
                times.append(time.monotonic())

        def look(status: Status) -> None:
            if times and isinstance(status, Stale):
                times.append(time.monotonic())

        world.client.status().subscribe(look)
        world.client.order_book("BTCUSD").subscribe(hear)
        Ear(world.client.trades("BTCUSD"))
        for n in count(1):
            await lively(world, lambda n=n: world.asked("subscribe").count(BOOK) >= n)
            await lively(world, lambda: BOOK in world.served.subscriptions)
            world.book("snapshot", 7)  # the same each time
            await lively(world, lambda n=n: len(world.of(Stale)) >= n)
            if len(times) > 5:
                break
        pauses = [later - one for one, later in pairwise(times)]
        for n, pause in enumerate(pauses):
            assert pause >= stale_s * 2**n
        assert set(states) == {"synced", "stale"}
        assert world.of(Disconnected) == []

    scenario(body, stale=stale_s)


def test_quiet_trades_are_let_alone() -> None:
    """Ten minutes of them, and all other topics that may be quiet, in tests/unit."""

    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        candles = Ear(world.client.klines("BTCUSD"))
        await world.subscribed(TRADES, "kline.1.BTCUSD")
        await until(lambda: len([r for r in world.served.requests if r.op == "ping"]) >= 3)
        assert alarms(world) == []
        assert [r.op for r in world.served.requests if r.op != "ping"] == ["subscribe"]
        sent = world.trade()
        await until(lambda: ear.ids == sent)
        assert candles.errors == []

    scenario(body, stale=0.05, heartbeat=0.5)


@pytest.mark.parametrize("quiet_s", [0.1, 1.5])
def test_a_loop_that_was_held_up_makes_nothing_stale_and_nothing_dead(quiet_s: float) -> None:
    """Past a heartbeat and past ``stale``, while frames of the topic lie in the socket, behind
    more than a loop reads at once.
    """

    async def body(world: World) -> None:
        ear, trades = Ear(world.client.order_book("BTCUSD")), Ear(world.client.trades("BTCUSD"))
        await world.subscribed(BOOK, TRADES)
        world.book("snapshot", 1)
        await until(lambda: ear.heard)
        await asyncio.sleep(quiet_s)
        sent = [one for _ in range(30) for one in world.trade(count=300)]
        world.book("delta", 2)
        world.book("delta", 3)
        hold(4.5)
        for n in range(4, 24):
            world.book("delta", n)
            await asyncio.sleep(0.1)
        await until(lambda: ear.heard[-1].update_id == 23)
        assert {book.state for book in ear.heard} == {"synced"}
        assert alarms(world) == []
        assert world.asked("subscribe") == [BOOK, TRADES]
        assert trades.ids == sent

    scenario(body, heartbeat=HEARTBEAT_S, stale=2.0)


def test_a_link_on_which_nothing_has_data_is_replaced_once() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.order_book("BTCUSD"))
        trades = Ear(world.client.trades("BTCUSD"))
        await world.subscribed(BOOK, TRADES)
        world.book("snapshot", 1)
        await until(lambda: world.of(Disconnected), within_s=LIMIT_S)
        assert [type(status) for status in alarms(world)] == [Stale, Disconnected]
        (lost,) = world.of(Disconnected)
        assert lost.reason == "no topic had data, not even when it was subscribed anew"
        assert [book.state for book in ear.heard] == ["synced", "stale"]
        await lively(world, lambda: trades.heard and BOOK in world.served.subscriptions)
        world.book("snapshot", 2)
        n = count(3)

        def goes_on() -> bool:
            world.book("delta", next(n))
            return len(ear.heard) > 500

        await until(goes_on)
        assert ear.heard[-1].state == "synced"
        assert len(world.served.connects) == 2
        assert ear.errors == trades.errors == []

    scenario(body, stale=1.0)
