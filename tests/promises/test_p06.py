"""P6: A raising subscriber never breaks another; one that consumes asynchronously, however slowly,
never delays another. Each subscriber's overflow policy is its own, and what it drops is counted.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from reactivex import abc

from rxbybit import Connected, Dropped, SlowConsumer
from tests.promises.world import TRADES, Ear, World, scenario, until

CROWD = 100
TRADED = 300


class Slow:
    """Takes one event, then nothing until ``go``; keeps what it gets and how that ended."""

    def __init__(self, stream: Any, overflow: Any, buffer: int = 50) -> None:
        self.got: list[str] = []
        self.error: Exception | None = None
        self.go = asyncio.Event()
        self.iteration = stream.iterate(buffer=buffer, overflow=overflow)
        self.task = asyncio.ensure_future(self._work())

    async def _work(self) -> None:
        try:
            async for trade in self.iteration:
                self.got.append(trade.id)
                await self.go.wait()
        except SlowConsumer as error:
            self.error = error

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})
        await self.iteration.aclose()


def test_a_crowd_of_which_some_raise_leave_or_lag() -> None:
    async def body(world: World) -> None:
        troubles: list[Any] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: troubles.append(context["exception"]))
        stream = world.client.trades("BTCUSD")
        good = [Ear(stream) for _ in range(CROWD // 2)]
        raised: list[int] = []

        def raises(_: object) -> None:
            raised.append(1)
            raise ZeroDivisionError

        stream.subscribe(raises)
        heard_of_it: list[Exception] = []
        stream.subscribe(raises, heard_of_it.append)
        leaving: list[abc.DisposableBase] = []
        left: list[object] = []

        def leaves(trade: object) -> None:
            left.append(trade)
            leaving[0].dispose()

        leaving.append(stream.subscribe(leaves))
        joined: list[Ear] = []
        stream.subscribe(lambda _: joined.append(Ear(stream)) if not joined else None)
        slow = {policy: Slow(stream, policy) for policy in POLICIES}
        good += [Ear(stream) for _ in range(CROWD // 2)]  # behind all of these
        await world.subscribed(TRADES)

        sent = world.trade()
        await until(lambda: all(ear.ids == sent for ear in good))
        await until(lambda: all(one.got == sent for one in slow.values()))
        while len(sent) < TRADED:
            sent += world.trade(count=10)
        await until(lambda: all(ear.ids == sent for ear in good))

        assert raised == [1, 1]  # each ended with its first
        assert [type(error) for error in heard_of_it] == [ZeroDivisionError]
        assert [type(error) for error in troubles] == [ZeroDivisionError]
        assert len(left) == 1
        assert joined[0].ids == sent[1:]
        assert all(ear.errors == [] for ear in good)
        assert len(world.served.connects) == 1
        await assert_policies(world, slow, sent)

    scenario(body)


POLICIES = ["error", "drop_oldest", "drop_newest", "latest"]


async def assert_policies(world: World, slow: dict[str, Slow], sent: list[str]) -> None:
    for one in slow.values():
        one.go.set()
    await until(lambda: slow["error"].task.done())
    assert slow["error"].error is not None
    rest = sent[1:]
    kept = {"drop_oldest": rest[-50:], "drop_newest": rest[:50], "latest": rest[-1:]}
    for policy, events in kept.items():
        await until(lambda: slow[policy].got == [sent[0], *events])  # noqa: B023
    dropped = sum(len(rest) - len(events) for events in kept.values())
    await until(lambda: sum(status.count for status in world.of(Dropped)) == dropped)
    for one in slow.values():
        await one.end()
    await asyncio.sleep(0.01)
    assert sum(status.count for status in world.of(Dropped)) == dropped


@pytest.mark.parametrize("policy", ["drop_oldest", "drop_newest", "latest"])
def test_what_one_drops_is_told_while_it_drops_and_at_its_end(policy: str) -> None:
    async def body(world: World) -> None:
        one = Slow(world.client.trades("BTCUSD"), policy, buffer=5)
        await world.subscribed(TRADES)
        sent = world.trade()
        await until(lambda: one.got == sent)
        kept = 1 if policy == "latest" else 5
        world.trade(count=kept + 7)
        await until(lambda: world.of(Dropped))
        assert [status.count for status in world.of(Dropped)] == [7]
        world.trade(count=3)
        ear = Ear(world.client.trades("BTCUSD"))
        sent = world.trade()
        await until(lambda: ear.heard)
        await one.end()
        counts = [status.count for status in world.of(Dropped)]
        assert (counts[0], sum(counts)) == (7, 11)  # how often it is told: tests/unit

    scenario(body)


def test_a_subscriber_that_raises_what_is_no_exception() -> None:
    async def body(world: World) -> None:
        cancelled = asyncio.get_running_loop().create_future()
        cancelled.cancel()
        heard_of_it: list[Exception] = []
        stream = world.client.trades("BTCUSD")
        stream.subscribe(lambda _: cancelled.result(), heard_of_it.append)
        good = Ear(stream)
        await world.subscribed(TRADES)
        sent = [*world.trade(), *world.trade()]
        await until(lambda: good.ids == sent)
        assert [type(error.__cause__) for error in heard_of_it] == [asyncio.CancelledError]
        assert len(world.of(Connected)) == 1

    scenario(body)


def test_a_slow_consumer_on_another_thread_delays_nobody() -> None:
    """A loop that is blocked for good, and a client whose streams live on another."""
    import threading

    from rxbybit import Bybit
    from rxbybit.runtime import shutdown_background
    from rxbybit.sim import Recording, serve_in_thread
    from tests.promises.world import KNOWN

    with serve_in_thread({"inverse": Recording([], extra_topics=KNOWN)}) as served:
        with Bybit(served.url) as client:
            ear = Ear(client.trades("BTCUSD"))
            served.until(lambda: bool(served.subscriptions))
            release = threading.Event()
            stuck = threading.Event()

            async def consume() -> None:
                async for _ in client.trades("BTCUSD").iterate(buffer=1, overflow="latest"):
                    stuck.set()
                    release.wait(60)
                    return

            thread = threading.Thread(target=lambda: asyncio.run(consume()))
            thread.start()
            served.until(lambda: len(served.links) == 2)
            for n in range(200):
                served.send(TRADES, trade(n))
            served.until(lambda: len(ear.heard) == 200)
            assert stuck.wait(30)
            release.set()
            thread.join(30)
        shutdown_background()


def trade(n: int) -> str:
    head = '{"topic":"publicTrade.BTCUSD","type":"snapshot","ts":1,"data":[{"T":1,"s":"BTCUSD",'
    return head + f'"S":"Buy","v":"1","p":"2","i":"{n}","BT":false,"seq":{n}' + "}]}"
