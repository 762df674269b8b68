"""P8: A dead peer is noticed within 1.5 heartbeats; a quiet market, or a loop that a callback held
up, is not mistaken for one.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from rxbybit import Disconnected
from rxbybit.sim import NoPong
from tests.promises.world import TRADES, Ear, World, scenario, until

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
