"""P4: A fault that can heal never reaches `on_error`. A fault that cannot (bad key, refused topic,
spent retry budget) reaches exactly the streams concerned, once.

Each fault by itself is a row of the table in ``tests/faults``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from reactivex import operators as ops

from rxbybit import (
    Backoff,
    Disconnected,
    HandshakeRejected,
    Reconnecting,
    Rejected,
    RetryBudgetExhausted,
    SubscriptionRejected,
)
from rxbybit.sim import Close, Cut, Fault, Ignore, Redirect, Refuse, Silence, Stall
from tests.loopback.rawserver import claimed
from tests.promises.world import TICKER, TRADES, Ear, World, scenario, until


@pytest.mark.parametrize(
    "fault",
    [
        Cut(how="fin", after=1),
        Cut(how="rst", after=1),
        Close(code=1012, after=1),
        Silence(after=1),
    ],
    ids=str,
)
def test_the_end_of_a_link_heals(fault: Fault) -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await world.subscribed(TRADES)
        first = world.trade()
        await until(lambda: len(world.served.connects) >= 2)
        await until(lambda: [link.subscriptions for link in world.served.links][-1:] == [(TRADES,)])
        await world.delivers(ear)
        heard = [id_ for id_ in ear.ids if id_ not in first]  # a reset may overtake the first
        assert ear.ids in ([*first, *heard], heard)
        assert heard == sorted(set(heard), key=int)
        assert ear.errors == []

    # who falls silent is found out by the heartbeat alone
    scenario(body, faults=(fault,), heartbeat=0.5 if isinstance(fault, Silence) else 20.0)


HEALS: list[Fault] = [
    Refuse(status=503, times=3),
    Stall(),
    Ignore(),
]
LATER = [*HEALS, Refuse(status=403)]  # which is a region, and final, before the first handshake
SHORTER: dict[object, str] = {
    Stall(): "rxbybit.dialling.UPGRADE_S",
    Ignore(): "rxbybit.conversation.ANSWER_S",
    Refuse(status=403): "rxbybit.dialling.ADDRESS_LIMIT_S",
}
"""The long waits of the contract; only what is about one is tested with a short one."""


@pytest.mark.parametrize(
    ("fault", "later"), [*((f, False) for f in HEALS), *((f, True) for f in LATER)], ids=str
)
def test_an_upgrade_or_request_that_is_not_granted_heals(
    fault: Fault, later: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault in SHORTER:
        monkeypatch.setattr(SHORTER[fault], 0.3)

    async def body(world: World) -> None:
        if not later:
            world.served.faults.add(fault)
        ear = Ear(world.client.trades("BTCUSD"))
        await world.subscribed(TRADES)
        if later:
            world.served.faults.add(fault)
            await cut(world)
            await world.subscribed(TRADES)
        assert world.served.faults.pending == ()
        await world.delivers(ear)
        assert ear.errors == []

    scenario(body)


def test_retry_after_is_kept() -> None:
    async def body(world: World) -> None:
        Ear(world.client.trades("BTCUSD"))
        await world.subscribed(TRADES)
        first, second = world.served.connects
        assert (first.status, second.status) == (429, 101)
        assert second.time - first.time >= 1.0
        assert world.of(Reconnecting)[0].delay_s >= 1.0

    scenario(body, faults=(Refuse(status=429, retry_after_s=1),))


def test_a_port_that_is_closed_for_a_while_heals() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await world.subscribed(TRADES)
        world.served.call(world.served.exchange.stop_listening())
        with claimed(world.port):
            await cut(world)
            await until(lambda: len(world.of(Reconnecting)) >= 4)
            world.served.call(world.served.exchange.listen())
        await world.subscribed(TRADES)
        sent = world.trade()
        await until(lambda: ear.ids == sent)
        assert ear.errors == []

    scenario(body)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Refuse(status=403, times=None, category="inverse"), 403),
        (Redirect(location="http://127.0.0.1:9/", times=None, category="inverse"), 302),
    ],
    ids=str,
)
def test_a_final_refusal_of_the_upgrade_ends_the_streams_of_that_endpoint(
    fault: Fault, status: int
) -> None:
    async def body(world: World) -> None:
        bad = [Ear(world.client.trades("BTCUSD")), Ear(world.client.tickers("BTCUSD"))]
        bad.append(Ear(world.client.trades("BTCUSD", "ETHUSD")))
        await until(lambda: all(ear.errors for ear in bad))
        good = Ear(world.client.trades("BTCUSDT"))  # not before: whoever was let in tries again
        await world.subscribed("publicTrade.BTCUSDT")
        await asyncio.sleep(0.1)
        for ear in bad:
            (error,) = ear.errors
            assert isinstance(error, HandshakeRejected)
            assert (error.status, error.permanent) == (status, True)
        assert [c.status for c in world.served.connects if c.category == "inverse"] == [status]
        sent = world.trade("BTCUSDT")
        await until(lambda: good.ids == sent)
        assert good.errors == []

    scenario(body, faults=(fault,))


def test_a_refused_topic_ends_the_streams_that_named_it_once() -> None:
    async def body(world: World) -> None:
        named = [
            Ear(world.client.trades("NOPEUSD")),
            Ear(world.client.trades("NOPEUSD")),
            Ear(world.client.trades("BTCUSD", "NOPEUSD", "NADAUSD")),  # two at once
        ]
        siblings = [Ear(world.client.trades("BTCUSD")), Ear(world.client.tickers("BTCUSD"))]
        await world.subscribed(TRADES, TICKER)
        await until(lambda: all(ear.errors for ear in named))
        sent = world.trade()
        world.ticker("snapshot", lastPrice="1")
        await until(lambda: all(ear.heard for ear in siblings))
        assert siblings[0].ids == sent
        for ear in siblings:
            assert ear.errors == []
        for ear in named:
            assert ear.heard == []
            (error,) = ear.errors
            assert isinstance(error, SubscriptionRejected)
            assert error.topic in ("publicTrade.NOPEUSD", "publicTrade.NADAUSD")
            assert "handler not found" in error.message
            assert error.permanent
        told = [status.topic for status in world.of(Rejected)]
        assert told.count("publicTrade.NOPEUSD") == 1
        assert set(told) <= {"publicTrade.NOPEUSD", "publicTrade.NADAUSD"}
        assert len(world.served.connects) == 1

    scenario(body)


def test_a_spent_budget_ends_the_streams_of_that_link_once() -> None:
    async def body(world: World) -> None:
        other = Ear(world.client.trades("BTCUSDT"))
        ears = [Ear(world.client.trades("BTCUSD")), Ear(world.client.tickers("BTCUSD"))]
        await until(lambda: all(ear.errors for ear in ears))
        await asyncio.sleep(0.1)
        for ear in ears:
            (error,) = ear.errors
            assert isinstance(error, RetryBudgetExhausted)
            assert error.attempts == 3
        assert [c.status for c in world.served.connects if c.category == "inverse"] == [503] * 3
        sent = world.trade("BTCUSDT")
        await until(lambda: other.ids == sent)
        assert other.errors == []

    refusal = Refuse(status=503, times=None, category="inverse")
    scenario(body, faults=(refusal,), backoff=Backoff(first=0.01, cap=5.0, budget=3))


@pytest.mark.parametrize("again", ["retry", "on_error"])
def test_who_tries_again_inside_on_error_opens_one_connection(again: str) -> None:
    async def body(world: World) -> None:
        stream = world.client.trades("BTCUSD")
        ears: list[Ear] = []
        if again == "retry":
            ears.append(Ear(stream.pipe(ops.retry(2))))
        else:
            stream.subscribe(lambda _: None, lambda _: ears.append(Ear(stream)))
        await world.subscribed(TRADES)
        assert [c.status for c in world.served.connects] == [503, 503, 101]
        sent = world.trade()
        await until(lambda: ears[0].ids == sent)
        assert len(ears) == 1

    faults = (Refuse(status=503, times=2),)
    scenario(body, faults=faults, backoff=Backoff(first=0.01, cap=5.0, budget=2))


async def cut(world: World, end: Callable[[Any], None] = lambda link: link.cut("rst")) -> None:
    known = len(world.of(Disconnected))
    world.served.run(lambda: [end(link) for link in world.served.exchange.links])
    await until(lambda: len(world.of(Disconnected)) > known)
