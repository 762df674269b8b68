"""Candles of an outage out of REST, on virtual time: each closed one once, or its loss is told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest

from rxbybit import Disconnected, Gap, RequestFailed
from rxbybit.mending import Run
from rxbybit.rest.backfill import past_of
from rxbybit.rest.candles import Candles
from rxbybit.rest.healing import HELD_S, PAUSES_S
from rxbybit.streams.kline import KLINES, Kline
from rxbybit.transport import Answer
from tests.unit.rest.market import BEGAN, MINUTE, Ear, World
from tests.virtual import run, until


def scenario(body: Callable[[World], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        world = World(**options)
        await body(world)
        await world.end()

    run(main())


async def outage(world: World, seconds: float) -> None:
    """Lose the link for so long."""
    await until(lambda: world.exchange.live)
    world.transport.connecting = [seconds, 0.002]
    known = len(world.of(Disconnected))
    world.exchange.live[0].cut()
    await until(lambda: len(world.of(Disconnected)) > known)


async def outage_within_the_answer(world: World, candle: tuple[int, bool]) -> None:
    """``candle`` ends a hole, and the link is lost once more before the list for it has come."""
    world.transport.delays = [2.0]
    world.push(candle)
    await until(lambda: world.transport.sent)
    await outage(world, 5.0)


async def both(world: World) -> tuple[Ear, Ear]:
    """As they grow, and closed ones only."""
    grown = Ear(world.client.klines("BTCUSD"))
    closed = Ear(world.client.klines("BTCUSD", closed=True))
    await until(lambda: grown.heard and closed.heard, within=200)
    return grown, closed


def gaps(ear: Ear) -> list[Gap]:
    return [e.meta.gap for e in ear.heard if e.meta.gap is not None]


def test_the_candles_that_closed_meanwhile_come_in_order() -> None:
    async def body(world: World) -> None:
        world.tick(7)
        grown, closed = await both(world)
        first = closed.minutes[0]
        await outage(world, 9.0)
        await until(lambda: closed.minutes[-1] >= first + 6, within=600)
        await outage(world, 8.0)
        world.ticking.cancel() if world.ticking else None
        await asyncio.sleep(300)
        world.tick(7)
        await until(lambda: closed.minutes[-1] >= first + 14, within=900)
        assert closed.minutes == list(range(first, closed.minutes[-1] + 1))
        assert set(closed.past) == set(grown.past)
        assert len(closed.past) >= 5
        assert all(e.closed for e in grown.heard if e.meta.backfilled)
        assert gaps(grown) == gaps(closed) == []
        told = world.of(Gap)
        assert sum(gap.filled for gap in told) == len(closed.past)
        assert {gap.lost for gap in told} == {0}

    scenario(body)


def test_an_outage_within_a_candle_is_no_gap_and_asks_nothing() -> None:
    async def body(world: World) -> None:
        world.tick(1)
        grown, _ = await both(world)
        await asyncio.sleep(60 - world.loop.time() % 60 + 10)
        asked = len(world.transport.sent)
        await outage(world, 5.0)
        heard = len(grown.heard)
        await until(lambda: len(grown.heard) > heard)
        assert world.of(Gap) == []
        assert len(world.transport.sent) == asked

    scenario(body)


def test_an_outage_over_the_end_of_a_candle_fetches_its_last_state() -> None:
    async def body(world: World) -> None:
        world.tick(1)
        grown, closed = await both(world)
        await asyncio.sleep(60 - world.loop.time() % 60 + 58)
        minute = world.now
        await outage(world, 6.0)
        await until(lambda: grown.minutes[-1] == minute + 1, within=20)
        assert closed.minutes[-1] == minute
        assert closed.past == [minute]
        (gap,) = world.of(Gap)
        assert (gap.filled, gap.lost) == (1, 0)

    scenario(body)


def test_a_list_that_does_not_have_the_last_one_yet_is_looked_at_again() -> None:
    async def body(world: World) -> None:
        world.transport.lag_s = 5.0
        world.tick(1)
        grown, closed = await both(world)
        await asyncio.sleep(60 - world.loop.time() % 60 + 58)
        minute = world.now
        await outage(world, 4.0)
        await until(lambda: closed.minutes[-1] == minute, within=30)
        assert closed.past == [minute]
        assert gaps(closed) == gaps(grown) == []
        assert len(world.transport.sent) > 1

    scenario(body)


@pytest.mark.parametrize("missing", [1, 3])
def test_what_the_list_does_not_have_is_counted(missing: int) -> None:
    async def body(world: World) -> None:
        world.tick(1)
        grown, closed = await both(world)
        await asyncio.sleep(60 - world.loop.time() % 60 + 1)
        last = closed.minutes[-1]
        world.transport.lag_s = 60.0 * 1000
        asked = len(world.transport.sent)
        await outage(world, 5.0)
        world.ticking.cancel() if world.ticking else None
        await asyncio.sleep(60 * missing)
        world.tick(1)
        await until(lambda: closed.minutes[-1] > last, within=200)
        assert closed.minutes[-1] == last + missing + 1
        (gap,) = [g for g in world.of(Gap) if g.lost]
        assert gap.lost == missing
        assert gaps(closed) == gaps(grown) == [gap]
        assert len(world.transport.sent) - asked == 1 + len(PAUSES_S), "once for each look"

    scenario(body)


def test_candles_wait_for_a_time_only() -> None:
    async def body(world: World) -> None:
        world.tick(1)
        grown, closed = await both(world)
        await asyncio.sleep(60 - world.loop.time() % 60 + 1)
        last = closed.minutes[-1]
        world.transport.failures = [Answer(503, {}, b"")] * 1000
        await outage(world, 5.0)
        world.ticking.cancel() if world.ticking else None
        await asyncio.sleep(120)
        world.tick(1)
        began = world.loop.time()
        heard = len(grown.heard)
        await until(lambda: len(grown.heard) > heard, within=30)
        assert HELD_S <= world.loop.time() - began <= HELD_S + 3
        assert grown.heard[heard].meta.gap is not None
        assert grown.heard[heard].meta.gap.lost == grown.minutes[heard] - last - 1
        assert world.of(RequestFailed)

    scenario(body)


def test_an_outage_before_the_first_candle_is_told() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.klines("BTCUSD"))
        await asyncio.sleep(5)
        await outage(world, 5.0)
        await asyncio.sleep(20)
        world.push((world.now, False))
        await until(lambda: ear.heard)
        (gap,) = world.of(Gap)
        assert (gap.after_ms, gap.lost) == (None, None)
        assert gaps(ear) == [gap]

    scenario(body)


def test_a_candle_confirmed_once_more_after_the_outage_comes_once() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.klines("BTCUSD"))
        await asyncio.sleep(61)
        world.push((BEGAN, True))
        await until(lambda: ear.heard)
        await outage(world, 1.0)
        await asyncio.sleep(5)
        world.push((BEGAN, True))
        await asyncio.sleep(5)
        assert len(ear.heard) == 1
        world.push((BEGAN + 1, False))
        await until(lambda: len(ear.heard) == 2)
        assert ear.minutes == [BEGAN, BEGAN + 1]
        assert world.of(Gap) == []

    scenario(body)


def test_with_a_history_the_holes_after_it_are_filled_too() -> None:
    async def body(world: World) -> None:
        world.tick(7)
        await asyncio.sleep(400)
        ear = Ear(world.client.klines("BTCUSD", closed=True, history=3))
        await until(lambda: len(ear.heard) >= 5, within=300)
        await outage(world, 9.5)
        world.ticking.cancel() if world.ticking else None
        await asyncio.sleep(200)
        world.tick(7)
        known = len(ear.heard)
        await until(lambda: len(ear.heard) > known + 4, within=500)
        assert ear.minutes == list(range(ear.minutes[0], ear.minutes[-1] + 1))
        assert gaps(ear) == []

    scenario(body)


def test_a_candle_that_grew_between_two_outages_goes_on_growing() -> None:
    """The answer to what the first one cost comes while the second one lasts."""

    async def body(world: World) -> None:
        ear = Ear(world.client.klines("BTCUSD"))
        await asyncio.sleep(10)
        world.push((BEGAN, False))
        await until(lambda: ear.heard)
        await outage(world, 1.0)
        await asyncio.sleep(70)
        await outage_within_the_answer(world, (BEGAN + 1, False))
        await until(lambda: len(ear.heard) == 3, within=4)
        assert ear.minutes == [BEGAN, BEGAN, BEGAN + 1]
        assert ear.past == [BEGAN]
        await asyncio.sleep(10)
        for closed in (False, False, True):
            known = len(ear.heard)
            world.push((BEGAN + 1, closed))
            await until(lambda known=known: len(ear.heard) > known, within=1)
        assert [e.closed for e in ear.heard] == [False, True, False, False, False, True]
        assert gaps(ear) == []
        assert [(gap.filled, gap.lost) for gap in world.of(Gap)] == [(1, 0)]

    scenario(body)


def test_what_closed_in_the_second_of_two_outages_is_fetched_as_well() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.klines("BTCUSD"))
        await asyncio.sleep(10)
        world.push((BEGAN, False))
        await until(lambda: ear.heard)
        await outage(world, 1.0)
        await asyncio.sleep(70)
        await outage_within_the_answer(world, (BEGAN + 1, False))
        await until(lambda: len(ear.heard) == 3, within=4)
        await asyncio.sleep(60)
        world.push((BEGAN + 2, False))
        await until(lambda: len(ear.heard) == 5)
        assert ear.minutes == [BEGAN, BEGAN, BEGAN + 1, BEGAN + 1, BEGAN + 2]
        assert ear.past == [BEGAN, BEGAN + 1]
        assert gaps(ear) == []

    scenario(body)


def test_what_is_lost_on_either_side_of_what_came_between_two_outages_is_counted() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.klines("BTCUSD"))
        await asyncio.sleep(10)
        world.push((BEGAN, False))
        await until(lambda: ear.heard)
        world.transport.failures = [Answer(503, {}, b"")] * 1000
        await outage(world, 1.0)
        await asyncio.sleep(109 - world.loop.time())
        world.push((BEGAN + 1, False))
        await outage(world, 1.0)
        await until(lambda: world.exchange.live)
        await asyncio.sleep(1)
        world.push((BEGAN + 2, False))
        await until(lambda: len(ear.heard) == 3, within=HELD_S + 1)
        assert ear.minutes == [BEGAN, BEGAN + 1, BEGAN + 2]
        assert [gap.lost for gap in gaps(ear)] == [1, 1], "the last state of two candles"
        assert gaps(ear) == world.of(Gap)

    scenario(body)


def test_a_list_that_lags_by_a_whole_candle_is_looked_at_until_it_has_it() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.klines("BTCUSD"))
        await asyncio.sleep(10)
        world.push((BEGAN, False))
        await until(lambda: ear.heard)
        world.transport.lag_s = 600.0
        await outage(world, 1.0)
        await asyncio.sleep(80)
        world.push((BEGAN + 1, False))
        await until(lambda: len(world.transport.sent) == 2)
        world.transport.lag_s = 0.0
        await until(lambda: len(ear.heard) == 3, within=HELD_S)
        assert ear.past == [BEGAN]
        assert gaps(ear) == []

    scenario(body)


def test_candles_that_were_lost_are_told_though_a_later_hole_was_filled() -> None:
    """Who hears closed ones alone hears of both holes with one candle."""

    async def body(world: World) -> None:
        grown = Ear(world.client.klines("BTCUSD"))
        closed = Ear(world.client.klines("BTCUSD", closed=True))
        await asyncio.sleep(61)
        world.push((BEGAN, True), (BEGAN + 1, False))
        await until(lambda: closed.heard)
        world.transport.lag_s = 60_000.0  # the list has nothing
        await outage(world, 1.0)
        await asyncio.sleep(130)
        world.push((BEGAN + 3, False))
        await until(lambda: len(grown.heard) == 3)
        world.transport.lag_s = 0.0
        await outage(world, 1.0)
        await asyncio.sleep(50)
        world.push((BEGAN + 4, False))
        await until(lambda: grown.minutes[-1] == BEGAN + 4)
        assert closed.minutes == [BEGAN, BEGAN + 3]
        (gap,) = gaps(grown)
        assert gap.lost == 2
        assert gaps(closed) == [gap]

    scenario(body)


@pytest.mark.parametrize("again", [False, True])
def test_what_was_refused_of_one_outage_is_asked_for_of_the_next(again: bool) -> None:
    """Though the answer comes within it, and a candle that is known is said once more after it."""

    async def body(world: World) -> None:
        ear = Ear(world.client.klines("BTCUSD"))
        await asyncio.sleep(61)
        world.push((BEGAN, True))
        await until(lambda: ear.heard)
        await outage(world, 1.0)
        await asyncio.sleep(125)
        world.transport.failures = [Answer(404, {}, b"")]
        await outage_within_the_answer(world, (BEGAN + 2, True))
        await until(lambda: len(ear.heard) == 2, within=5)
        await until(lambda: world.exchange.live)
        await asyncio.sleep(1)
        if again:
            world.push((BEGAN + 2, True))
        await asyncio.sleep(131)
        world.push((BEGAN + 4, False))
        await until(lambda: ear.minutes[-1] == BEGAN + 4, within=30)
        assert [minute - BEGAN for minute in ear.minutes] == [0, 2, 3, 4]
        assert [gap.lost for gap in gaps(ear)] == [1]
        assert [(gap.filled, gap.lost) for gap in world.of(Gap)] == [(0, 1), (1, 0)]
        assert len(world.transport.sent) == 2

    scenario(body)


def candle(n: int, *, closed: bool = True) -> Kline:
    row: dict[str, Any] = dict.fromkeys(("open", "high", "low", "close", "volume", "turnover"), 1)
    begins = {"start_ms": n * MINUTE, "end_ms": n * MINUTE + MINUTE - 1}
    return Kline(symbol="BTCUSD", interval="1m", closed=closed, **begins, **row)


@pytest.mark.parametrize("closed", [True, False])
def test_as_many_are_lost_as_were_between_however_many(closed: bool) -> None:
    """The hole is over with what follows it, whatever it has cost."""
    cure = Candles(past_of(KLINES, "v5", "inverse", "kline.1.BTCUSD"))
    assert cure.watch is not None
    cure.watch.apply(candle(7, closed=closed))
    cure.lost(None)
    assert cure.hold([candle(100_000, closed=False)]) == "ask"
    (hole,), over = cure.take()
    assert hole.lost == 100_000 - 8 + (not closed)
    assert over


def test_what_closed_between_two_outages_is_followed_by_what_comes_after_the_second() -> None:
    cure = Candles(past_of(KLINES, "v5", "inverse", "kline.1.BTCUSD"))
    assert cure.watch is not None
    cure.watch.apply(candle(7))
    cure.lost(None)
    assert cure.hold([candle(9)]) == "ask"
    cure.lost(None)
    assert cure.take() == ([Run([candle(9)], 1)], False)
    assert cure.hold([candle(9)]) == "wait", "it was delivered"
    assert cure.hold([candle(10, closed=False)]) == "give"
    assert cure.take() == ([Run([candle(10, closed=False)], 0)], True)


@pytest.mark.parametrize("seed", range(15))
def test_hours_of_outages(seed: int) -> None:
    chance = random.Random(seed)

    async def body(world: World) -> None:
        world.transport.lag_s = chance.choice([0.0, 1.0, 5.0])
        world.transport.delays = [chance.choice([0.05, 1.0, 3.0])]
        world.tick(chance.choice([1, 20]))
        _, closed = await both(world)
        for _ in range(12):
            await outage(world, chance.choice([0.01, 2.0, 9.0]))
            await asyncio.sleep(chance.choice([0.5, 30, 90, 400]))
        await asyncio.sleep(200)
        for before, after in pairwise(closed.heard):
            missing = (after.start_ms - before.end_ms) // 60_000
            assert missing >= 0
            assert missing == 0 or (after.meta.gap is not None and after.meta.gap.lost == missing)
        assert sum(g.filled for g in world.of(Gap)) >= len(closed.past)

    scenario(body)
