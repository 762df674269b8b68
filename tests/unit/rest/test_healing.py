"""Trades of an outage out of REST, on virtual time: each once, in order, or its loss is told."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rxbybit import (
    Backoff,
    ConfigurationError,
    ConnectionFailed,
    DecodeError,
    DecodeFailed,
    Environment,
    Gap,
    RequestFailed,
)
from rxbybit.client import Bybit
from rxbybit.mending import MOST_HELD
from rxbybit.rest.healing import HELD_S
from rxbybit.transport import Answer
from tests.memory import connect_by
from tests.unit.rest.desk import good
from tests.unit.rest.market import Ear
from tests.unit.rest.tape import RECENT, World
from tests.virtual import run, until


def scenario(body: Callable[[World], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        world = World(**options)
        await body(world)
        await world.end()

    run(main())


def told(ear: Ear) -> list[tuple[str, bool, bool]]:
    """Id, whether it was fetched, whether something is missing before it."""
    return [(e.id, e.meta.backfilled, e.meta.gap is not None) for e in ear.heard]


async def hear(world: World, *symbols: str, **options: Any) -> Ear:
    ear = Ear(world.client.trades(*(symbols or ("BTCUSD",)), **options))
    await world.subscribed()
    return ear


def test_what_was_missed_comes_before_what_comes_live() -> None:
    async def body(world: World) -> None:
        ear = await hear(world)
        world.trade(2)
        await until(lambda: len(ear.heard) == 2)
        world.cut()
        await asyncio.sleep(3)
        world.trade(3)
        await asyncio.sleep(1)
        await world.let_in()
        await until(lambda: world.transport.queries)
        world.trade()
        await asyncio.sleep(1)
        world.trade()
        await until(lambda: len(ear.heard) == 7)
        assert told(ear) == [
            ("t1", False, False),
            ("t2", False, False),
            ("t3", True, False),
            ("t4", True, False),
            ("t5", True, False),
            ("t6", False, False),
            ("t7", False, False),
        ]
        (gap,) = world.of(Gap)
        assert (gap.topic, gap.filled, gap.lost) == ("publicTrade.BTCUSD", 3, 0)
        assert (gap.after_ms, gap.before_ms) == (ear.heard[1].time_ms, ear.heard[5].time_ms)
        fetched = ear.heard[2]
        assert (fetched.meta.topic, fetched.meta.connection) == ("publicTrade.BTCUSD", None)
        assert fetched.meta.sent_ms is not None
        assert fetched == type(fetched)(
            symbol="BTCUSD",
            id="t3",
            side=fetched.side,
            price=fetched.price,
            size=fetched.size,
            time_ms=fetched.time_ms,
            sequence=3,
            is_rpi=False,
        )
        asked = {"category": "inverse", "symbol": "BTCUSD", "limit": "1000"}
        assert world.transport.queries == [asked, asked], "the first did not have what came live"
        counted = world.client.counters()
        assert (counted.events, counted.gaps) == (7, 1)

    scenario(body)


def test_an_outage_in_which_nothing_happened_is_no_gap() -> None:
    async def body(world: World) -> None:
        ear = await hear(world)
        world.trade()
        await until(lambda: ear.heard)
        world.cut()
        await world.let_in()
        await asyncio.sleep(30)
        assert len(ear.heard) == 1
        world.trade()
        await until(lambda: len(ear.heard) == 2)
        assert told(ear)[1] == ("t2", False, False)
        assert world.of(Gap) == []

    scenario(body)


def test_what_was_missed_does_not_wait_for_the_next_trade() -> None:
    async def body(world: World) -> None:
        ear = await hear(world)
        world.trade()
        await until(lambda: ear.heard)
        world.cut()
        await asyncio.sleep(3)
        world.trade()
        await asyncio.sleep(3)
        await world.let_in()
        await until(lambda: len(ear.heard) == 2, within=1)
        assert told(ear)[1] == ("t2", True, False)
        await asyncio.sleep(600)
        world.trade()
        await until(lambda: len(ear.heard) == 3, within=1)
        assert told(ear)[2] == ("t3", False, False)
        (gap,) = world.of(Gap)
        assert (gap.filled, gap.lost) == (1, 0)
        assert len(world.transport.queries) == 2, "the list once more, to see that it follows"

    scenario(body)


def test_a_list_that_lags_is_looked_at_until_it_has_what_came_live() -> None:
    async def body(world: World) -> None:
        world.transport.lag_s = 1.0
        ear = await hear(world)
        world.trade()
        await until(lambda: ear.heard)
        await asyncio.sleep(5)
        world.cut()
        await asyncio.sleep(1)
        world.trade()
        await world.let_in()
        world.trade()
        await until(lambda: len(ear.heard) == 3, within=5)
        assert told(ear)[1:] == [("t2", True, False), ("t3", False, False)]
        assert len(world.transport.queries) > 2
        (gap,) = world.of(Gap)
        assert (gap.filled, gap.lost) == (1, 0)

    scenario(body)


@pytest.mark.parametrize("category", ["inverse", "spot"])
def test_more_than_the_list_has_is_told_with_the_first_that_it_has(category: Any) -> None:
    async def body(world: World) -> None:
        most = 60 if category == "spot" else 1_000
        ear = await hear(world, "BTCUSDT" if category == "spot" else "BTCUSD", category=category)
        symbol = "BTCUSDT" if category == "spot" else "BTCUSD"
        world.trade(1, symbol)
        await until(lambda: ear.heard)
        world.cut()
        await asyncio.sleep(1)
        world.trade(most + 5, symbol)
        await world.let_in()
        await until(lambda: len(ear.heard) == most + 1)
        assert told(ear)[1] == ("t7", True, True)
        assert not any(marked for _, _, marked in told(ear)[2:])
        (gap,) = world.of(Gap)
        assert ear.heard[1].meta.gap == gap
        assert (gap.filled, gap.lost) == (most, None)
        assert (gap.after_ms, gap.before_ms) == (ear.heard[0].time_ms, ear.heard[1].time_ms)
        assert world.transport.queries[0]["limit"] == str(most)
        assert world.client.counters().gaps == 1

    scenario(body)


def test_options_are_listed_by_their_coin() -> None:
    async def body(world: World) -> None:
        call, put = "BTC-27NOV26-100000-C-USDT", "BTC-27NOV26-100000-P-USDT"
        ear, other = await hear(world, call), Ear(world.client.trades(put))
        world.trade(1, call, seq=9)
        await until(lambda: ear.heard)
        world.cut()
        await asyncio.sleep(1)
        world.trade(2, put, seq=3)
        world.trade(1, call, seq=10)
        await world.let_in()
        await until(lambda: len(ear.heard) == 2 and len(other.heard) == 2)
        assert told(ear)[1] == ("t4", True, False)
        assert told(other) == [("t2", True, False), ("t3", True, False)]
        (query,) = world.transport.queries
        assert query == {"category": "option", "baseCoin": "BTC", "limit": "1000"}

    scenario(body)


def test_where_nothing_had_come_before_it_is_all_since_the_subscription() -> None:
    async def body(world: World) -> None:
        world.trade(2)
        await asyncio.sleep(5)
        ear = await hear(world)
        await asyncio.sleep(10_000)
        world.cut()
        await asyncio.sleep(1)
        world.trade(1)
        await world.let_in()
        await until(lambda: ear.heard)
        await asyncio.sleep(5)
        assert told(ear) == [("t3", True, False)]
        (gap,) = world.of(Gap)
        assert (gap.after_ms, gap.filled, gap.lost) == (None, 1, 0)

    scenario(body)


def test_who_comes_during_the_outage_does_not_hear_what_was_before() -> None:
    async def body(world: World) -> None:
        ear = await hear(world)
        world.trade()
        await until(lambda: ear.heard)
        world.cut()
        await asyncio.sleep(1)
        world.trade(2)
        await asyncio.sleep(1)
        late = Ear(world.client.trades("BTCUSD"))
        await world.let_in()
        world.trade()
        later = Ear(world.client.trades("BTCUSD"))
        await until(lambda: len(ear.heard) == 4)
        assert told(late) == told(later) == [("t4", False, False)]

    scenario(body)


def test_who_comes_after_a_hole_that_was_not_filled_does_not_hear_of_it() -> None:
    async def body(world: World) -> None:
        world.transport.most = 1
        ear = await hear(world)
        world.trade()
        await until(lambda: ear.heard)
        world.cut()
        await asyncio.sleep(1)
        world.trade(2)
        late = Ear(world.client.trades("BTCUSD"))
        await world.let_in()
        world.trade()
        await until(lambda: late.heard)
        assert told(ear)[1:] == [("t4", False, True)]
        assert told(late) == [("t4", False, False)]

    scenario(body)


FAILURES = {
    "429": Answer(429, {}, b""),
    "retry after": Answer(429, {"retry-after": "2"}, b""),
    "503": Answer(503, {}, b""),
    "malformed": Answer(200, {}, b'{"retCode":0,"result":{"li'),
    "no list": good({"list": 7}),
    "cut": ConnectionFailed("the answer was cut in the middle"),
    "restarting": good({}, retCode=10016, retMsg="server restarting"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_request_that_fails_is_repeated(failure: str) -> None:
    async def body(world: World) -> None:
        ear = await hear(world)
        world.trade()
        await until(lambda: ear.heard)
        world.transport.failures = [FAILURES[failure]] * 2
        world.cut()
        await asyncio.sleep(1)
        world.trade()
        await world.let_in()
        world.trade()
        await until(lambda: len(ear.heard) == 3)
        assert told(ear)[1:] == [("t2", True, False), ("t3", False, False)]
        assert len(world.of(RequestFailed)) == 2

    scenario(body)


@pytest.mark.parametrize("slow", ["no answer", "failing for ever"])
def test_live_trades_wait_for_a_time_only_and_then_the_gap_is_told(slow: str) -> None:
    async def body(world: World) -> None:
        ear = await hear(world)
        world.trade()
        await until(lambda: ear.heard)
        if slow == "no answer":
            world.transport.delay_s = 9.0
            world.transport.failures = [Answer(503, {}, b"")] * 3
        else:
            world.transport.failures = [Answer(503, {}, b"")] * 1000
        world.cut()
        await asyncio.sleep(1)
        world.trade()
        await world.let_in()
        first = world.loop.time()
        world.trade()
        await asyncio.sleep(HELD_S - 1)
        assert len(ear.heard) == 1
        world.trade()
        await until(lambda: len(ear.heard) == 3)
        assert world.loop.time() - first == pytest.approx(HELD_S, abs=0.2)
        assert told(ear)[1:] == [("t3", False, True), ("t4", False, False)]
        (gap,) = world.of(Gap)
        assert (gap.filled, gap.lost) == (0, None)
        asked = len(world.transport.queries)
        world.trade()
        await asyncio.sleep(100)
        assert told(ear)[3:] == [("t5", False, False)]
        assert len(world.transport.queries) == asked, "and nobody asks any more"

    scenario(body)


def test_while_rest_is_barred_nothing_waits_for_it() -> None:
    """Ten minutes after HTTP 403 nobody asks: what comes live is told of the hole and goes out."""

    async def body(world: World) -> None:
        ear = await hear(world)
        world.trade()
        await until(lambda: ear.heard)

        async def outage() -> float:
            """The seconds after the link was back in which the next trade came."""
            heard = len(ear.heard)
            world.cut()
            await asyncio.sleep(1)
            world.trade()
            await world.let_in()
            back_s = world.loop.time()
            world.trade()
            await until(lambda: len(ear.heard) > heard, within=20)
            return world.loop.time() - back_s

        world.transport.failures = [Answer(403, {}, b"access too frequent")]
        assert await outage() == pytest.approx(10, abs=1), "the one that meets it may have to wait"
        asked = len(world.transport.queries)
        for _ in range(3):
            assert await outage() < 0.5
        assert len(world.transport.queries) == asked
        assert [gap.lost for gap in world.of(Gap)] == [None] * 4
        assert [event.meta.gap is not None for event in ear.heard] == [False, *[True] * 4]
        await asyncio.sleep(600)
        assert await outage() < 0.5
        await until(lambda: len(ear.heard) == 7)
        assert [event.meta.backfilled for event in ear.heard][5:] == [True, False]
        assert world.of(Gap)[-1].lost == 0

    scenario(body)


async def barred(world: World) -> Ear:
    """Who hears a quiet topic, and missed a trade while REST was barred for ten minutes."""
    ear = await hear(world)
    world.trade()
    await until(lambda: ear.heard)
    world.transport.failures = [Answer(403, {}, b"access too frequent")]
    world.cut()
    await world.let_in()
    await until(lambda: world.of(RequestFailed))
    world.cut()
    await asyncio.sleep(1)
    world.trade()
    await world.let_in()
    return ear


def test_what_was_missed_while_rest_was_barred_comes_when_it_is_not_any_more() -> None:
    """Where nothing comes live nobody is told of the hole, so it may not stay."""

    async def body(world: World) -> None:
        ear = await barred(world)
        began_s = world.loop.time()
        await until(lambda: len(ear.heard) == 2, within=700)
        assert told(ear) == [("t1", False, False), ("t2", True, False)]
        assert world.loop.time() - began_s == pytest.approx(600, abs=10)
        await asyncio.sleep(1000)
        assert len(world.transport.queries) == 2

    scenario(body)


@pytest.mark.parametrize("gone", [False, True])
def test_unless_it_was_told_of_meanwhile_or_nobody_is_there(gone: bool) -> None:
    async def body(world: World) -> None:
        ear = await barred(world)
        await asyncio.sleep(1)
        if gone:
            ear.subscription.dispose()
        else:
            world.trade()
            await until(lambda: len(ear.heard) == 2, within=1)
            assert ear.heard[1].meta.gap is not None
        await asyncio.sleep(1000)
        assert len(world.transport.queries) == 1

    scenario(body)


def test_no_more_than_so_many_are_held() -> None:
    async def body(world: World) -> None:
        ear = await hear(world)
        world.trade()
        await until(lambda: ear.heard)
        world.transport.delay_s = 5.0
        world.cut()
        await asyncio.sleep(1)
        world.trade()
        await world.let_in()
        world.trade(MOST_HELD)
        await asyncio.sleep(0.1)
        assert len(ear.heard) == 1
        world.trade()
        await until(lambda: len(ear.heard) == MOST_HELD + 2, within=1)
        assert told(ear)[1] == ("t3", False, True)
        await asyncio.sleep(20)
        assert len(ear.heard) == MOST_HELD + 2

    scenario(body)


@pytest.mark.parametrize("how", ["not found", "no rest", "mark"])
def test_without_a_list_every_hole_is_told(how: str) -> None:
    where = Environment(name="mine", public={"inverse": "ws://exchange/v5/public/inverse"})

    async def body(world: World) -> None:
        options: Any = {"gaps": "mark"} if how == "mark" else {}
        world.client = Bybit(where if how == "no rest" else "http://exchange", **options)
        connect_by(world.transport, world.client)
        world.client.status().subscribe(world.statuses.append)
        ear = await hear(world)
        world.trade()
        await until(lambda: ear.heard)
        world.transport.failures = [Answer(404, {}, b"")] * 9
        world.cut()
        await asyncio.sleep(1)
        world.trade()
        await world.let_in()
        world.trade()
        await until(lambda: len(ear.heard) == 2, within=1)
        assert told(ear)[1] == ("t3", False, True)
        (gap,) = world.of(Gap)
        assert (gap.filled, gap.lost) == (0, None)
        assert len(world.transport.queries) == (how == "not found")
        why = [(failed.url, failed.delay_s, failed.reason) for failed in world.of(RequestFailed)]
        said = "there is no such path: check the URL (HTTP 404)"
        assert why == [(f"http://exchange{RECENT}", None, said)] * (how == "not found")

    scenario(body)


def test_a_list_that_is_refused_is_asked_for_once_an_outage() -> None:
    """Whatever comes live later goes out at once."""

    async def body(world: World) -> None:
        ear = await hear(world)
        world.trade()
        await until(lambda: ear.heard)
        world.transport.failures = [Answer(404, {}, b"")]
        world.cut()
        await world.let_in()
        await until(lambda: world.of(RequestFailed))
        await asyncio.sleep(1)
        back_s = world.loop.time()
        world.trade()
        await until(lambda: len(ear.heard) == 2)
        assert world.loop.time() - back_s < 0.1
        assert (len(world.transport.queries), len(world.of(RequestFailed))) == (1, 1)
        assert [gap.lost for gap in world.of(Gap)] == [None]
        world.cut()
        await asyncio.sleep(1)
        world.trade()
        await world.let_in()
        await until(lambda: len(ear.heard) == 3)
        assert told(ear)[2] == ("t3", True, False), "the next outage is another one"

    scenario(body)


def test_a_row_that_cannot_be_read_is_told_and_left_out() -> None:
    async def body(world: World) -> None:
        ear = await hear(world)
        world.trade()
        await until(lambda: ear.heard)
        world.cut()
        await asyncio.sleep(1)
        world.trade(2)
        world.transport.rows[-1][1]["price"] = "dear"
        world.transport.rows.insert(0, (0.0, "no row"))  # type: ignore[arg-type]
        await world.let_in()
        await until(lambda: len(ear.heard) == 2)
        assert told(ear)[1] == ("t2", True, False)
        assert {str(failed.raw) for failed in world.of(DecodeFailed)} > {"no row"}
        assert not ear.errors

    scenario(body)


def test_and_ends_the_stream_of_a_client_that_is_strict() -> None:
    async def body(world: World) -> None:
        ear = await hear(world)
        world.trade()
        await until(lambda: ear.heard)
        world.cut()
        await asyncio.sleep(1)
        world.trade(2)
        world.transport.rows[-1][1]["price"] = "dear"
        await world.let_in()
        await until(lambda: ear.errors)
        (error,) = ear.errors
        assert isinstance(error, DecodeError)
        assert len(ear.heard) == 1

    scenario(body, strict=True)


def test_who_begins_again_while_the_topic_lingers_has_it_looked_up_again() -> None:
    async def body(world: World) -> None:
        ear = await hear(world)
        world.trade()
        await until(lambda: ear.heard)
        world.cut()
        await asyncio.sleep(1)
        world.trade()
        world.transport.rows[-1][1]["price"] = "dear"
        await world.let_in()
        await until(lambda: ear.errors)
        world.transport.rows[-1][1]["price"] = "10"
        asked = len(world.transport.queries)
        again = Ear(world.client.trades("BTCUSD"))
        world.trade()
        await until(lambda: again.heard, within=HELD_S / 2)
        assert told(again) == [("t3", False, False)]
        assert len(world.transport.queries) > asked
        assert [gap.lost for gap in world.of(Gap)] == [0]

    scenario(body, strict=True, linger=60)


def test_who_leaves_while_it_is_asked_leaves_nothing() -> None:
    async def body(world: World) -> None:
        ear = await hear(world)
        world.trade()
        await until(lambda: ear.heard)
        world.transport.delay_s = 8.0
        world.cut()
        await asyncio.sleep(1)
        world.trade()
        await world.let_in()
        world.trade()
        await until(lambda: world.transport.queries)
        ear.subscription.dispose()
        await until(lambda: len(asyncio.all_tasks()) == 1)
        assert world._timers() == world.timers

    scenario(body)


def test_who_disposes_in_the_midst_of_what_was_fetched_hears_no_more() -> None:
    async def body(world: World) -> None:
        def leave(event: Any) -> None:
            if event.id == "t2":
                ear.subscription.dispose()

        ear = Ear(world.client.trades("BTCUSD"), leave)
        other = Ear(world.client.trades("BTCUSD"))
        await world.subscribed()
        world.trade()
        await until(lambda: ear.heard)
        world.cut()
        await asyncio.sleep(1)
        world.trade(3)
        await world.let_in()
        world.trade()
        await until(lambda: len(other.heard) == 5)
        assert [e.id for e in ear.heard] == ["t1", "t2"]
        assert [e.id for e in other.heard] == ["t1", "t2", "t3", "t4", "t5"]

    scenario(body)


def test_a_second_outage_while_it_is_asked_costs_nothing() -> None:
    async def body(world: World) -> None:
        ear = await hear(world)
        world.trade()
        await until(lambda: ear.heard)
        world.transport.delay_s = 2.0
        world.cut()
        await asyncio.sleep(1)
        world.trade()
        await world.let_in()
        world.trade()
        await asyncio.sleep(0.5)
        world.cut()
        world.trade()
        await asyncio.sleep(0.5)
        await world.let_in()
        world.trade()
        await until(lambda: len(ear.heard) == 5)
        assert [e.id for e in ear.heard] == ["t1", "t2", "t3", "t4", "t5"]
        assert not any(marked for _, _, marked in told(ear))
        assert all(gap.lost == 0 for gap in world.of(Gap))

    scenario(body)


def test_a_backoff_with_a_budget_ends_in_a_gap_not_in_an_error() -> None:
    async def body(world: World) -> None:
        ear = await hear(world)
        world.trade()
        await until(lambda: ear.heard)
        world.transport.failures = [Answer(500, {}, b"")] * 3
        world.cut()
        await asyncio.sleep(0.1)
        world.trade()
        await world.let_in()
        world.trade()
        await until(lambda: len(ear.heard) == 2)
        assert told(ear)[1] == ("t3", False, True)
        assert not ear.errors
        failed = [(status.attempt, status.delay_s is None) for status in world.of(RequestFailed)]
        assert failed == [(1, False), (2, False), (3, True)]

    scenario(body, backoff=Backoff(first=0.1, cap=0.2, budget=3))


@pytest.mark.parametrize("barred", [False, True])
def test_where_a_budget_is_spent_it_is_asked_for_again_later(barred: bool) -> None:
    async def body(world: World) -> None:
        ear = await hear(world)
        world.trade()
        await until(lambda: ear.heard)
        last = Answer(403, {}, b"access too frequent") if barred else Answer(503, {}, b"")
        world.transport.failures = [Answer(500, {}, b""), last]
        world.cut()
        await asyncio.sleep(0.1)
        world.trade()
        await world.let_in()
        await until(lambda: len(world.of(RequestFailed)) == 2)
        assert world.of(RequestFailed)[1].delay_s is None
        await asyncio.sleep(1_000)
        assert len(ear.heard) == (2 if barred else 1), "as nobody knows when REST is well again"
        world.trade()
        await until(lambda: len(ear.heard) == 3)
        assert told(ear)[1:] == [("t2", True, False), ("t3", False, False)]

    scenario(body, backoff=Backoff(first=0.1, cap=0.2, budget=2))


@pytest.mark.parametrize("live", [False, True])
def test_what_was_refused_after_the_link_was_lost_again_says_nothing_of_that_outage(
    live: bool,
) -> None:
    async def body(world: World) -> None:
        ear = await hear(world)
        world.trade()
        await until(lambda: ear.heard)
        world.transport.delay_s = 2.0
        world.transport.failures = [Answer(404, {}, b"")]
        world.cut()
        await asyncio.sleep(1)
        world.trade()
        await world.let_in()
        await until(lambda: len(world.transport.queries) == 1)
        if live:
            world.trade()
        await asyncio.sleep(0.5)
        world.cut()
        world.trade()
        await until(lambda: world.of(RequestFailed), within=5)
        await world.let_in()
        await until(lambda: len(world.transport.queries) == 2)
        await asyncio.sleep(0.3)
        last = world.trade()
        await until(lambda: ear.heard[-1].id == last[0], within=5)
        assert not told(ear)[-1][2], "the list has all that was missed in the second outage"
        assert told(ear)[-2] == (f"t{world.made - 1}", True, False)
        assert len(world.of(Gap)) == (2 if live else 1)
        assert len(ear.heard) == len({event.id for event in ear.heard})

    scenario(body)


@pytest.mark.parametrize("seed", range(25))
def test_a_day_of_outages(seed: int) -> None:
    """Whatever is missing is told by the next trade, and by nothing but a gap that lost some."""
    chance = random.Random(seed)

    async def body(world: World) -> None:
        world.transport.lag_s = chance.choice([0.0, 0.3, 2.0])
        world.transport.most = chance.choice([5, 40, 1_000])
        whole = world.transport.most == 1_000
        world.trade(1)
        await asyncio.sleep(3)  # more than the list may be behind
        ear = await hear(world)
        for _ in range(40):
            match chance.randrange(6):
                case 0:
                    world.cut()
                case 1 if world.transport.hang:
                    world.transport.hang = False
                case 2 if not whole or world.transport.lag_s < 1:
                    world.transport.delay_s = chance.choice([0.01, 0.5, 1.0])
                case _:
                    world.trade(chance.randint(1, 4))
            await asyncio.sleep(chance.choice([0.0, 0.01, 0.4, 3.0]))
        world.transport.hang = False
        world.transport.delay_s = 0.01
        await asyncio.sleep(30)
        (last,) = world.trade()
        await until(lambda: ear.heard and ear.heard[-1].id == last)
        numbers = [int(e.id[1:]) for e in ear.heard]
        assert numbers == sorted(set(numbers))
        marked = [int(e.id[1:]) for e in ear.heard if e.meta.gap is not None]
        before = 1
        for n in numbers:
            assert n == before + 1 or n in marked
            before = n
        assert [g for g in world.of(Gap) if g.lost != 0] == [
            e.meta.gap for e in ear.heard if e.meta.gap is not None
        ]
        assert sum(g.filled for g in world.of(Gap)) == sum(e.meta.backfilled for e in ear.heard)
        if whole:
            assert marked == []

    scenario(body, backoff=Backoff(first=0.05, cap=0.2))


@pytest.mark.parametrize("strict", [False, True])
def test_who_is_ended_by_a_bad_item_beside_good_ones_leaves_nothing(strict: bool) -> None:
    """The first frame after an outage tells somebody of it, who leaves, before it is held."""

    async def body(world: World) -> None:
        ear = await hear(world)
        world.trade()
        await until(lambda: ear.heard)
        world.cut()
        await asyncio.sleep(1)
        world.trade()
        world.transport.delay_s = 5.0
        await world.let_in()
        await until(lambda: world.transport.queries)
        if not strict:
            leave = ear.subscription.dispose
            world.client.status().subscribe(
                lambda told: leave() if isinstance(told, DecodeFailed) else None
            )
        asked, topic = len(world.transport.queries), "publicTrade.BTCUSD"
        bad = {"T": 1_700_000_009_000, "s": "BTCUSD", "S": "Buy", "v": "many", "p": "10"}
        bad |= {"i": "t3", "BT": False, "RPI": False, "seq": 3}
        items = [bad, {**bad, "v": "1", "i": "t4"}]
        frame = {"topic": topic, "type": "snapshot", "ts": 1_700_000_009_000, "data": items}
        world.exchange.live[0].push(json.dumps(frame, separators=(",", ":")).encode())
        await until(lambda: world.of(DecodeFailed))
        await until(lambda: len(asyncio.all_tasks()) == 1, within=2)
        assert world._timers() == world.timers
        assert len(world.transport.queries) == asked
        assert world.client.counters().topics == ()

    scenario(body, strict=strict)


def test_what_was_missed_until_the_second_reconnect_does_not_wait_either() -> None:
    """The answer that is under way when the link is back is older than that."""

    async def body(world: World) -> None:
        ear = await hear(world)
        world.trade()
        await until(lambda: ear.heard)
        world.cut()
        await asyncio.sleep(1)
        world.transport.delay_s = 3.0
        await world.let_in()
        await until(lambda: world.transport.queries)
        world.cut()
        await asyncio.sleep(1)
        world.trade()
        await world.let_in()
        await until(lambda: len(ear.heard) == 2, within=20)
        assert told(ear)[1] == ("t2", True, False)

    scenario(body)


def test_an_environment_with_one_category_is_healed_as_well() -> None:
    public = {"linear": "ws://exchange/v5/public/linear"}
    where = Environment(name="mine", public=public, rest="http://exchange")

    async def body(world: World) -> None:
        world.client = Bybit(where)
        connect_by(world.transport, world.client)
        world.client.status().subscribe(world.statuses.append)
        ear = await hear(world, "BTCUSDT")
        world.trade(1, "BTCUSDT")
        await until(lambda: ear.heard)
        world.cut()
        await asyncio.sleep(1)
        world.trade(1, "BTCUSDT")
        await world.let_in()
        await until(lambda: len(ear.heard) == 2)
        assert told(ear)[1] == ("t2", True, False)
        assert world.transport.queries[0]["category"] == "linear"

    scenario(body)


def test_what_gaps_may_be() -> None:
    with pytest.raises(ConfigurationError, match=r"^gaps='heal': use 'fill' or 'mark'$"):
        Bybit("sim", gaps="heal")  # type: ignore[arg-type]
