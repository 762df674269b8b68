"""P6: A raising subscriber never breaks another; one that consumes asynchronously, however slowly,
never delays another. Each subscriber's overflow policy is its own, and what it drops is counted.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from reactivex import abc
from reactivex.scheduler import EventLoopScheduler

from rxbybit import Connected, Dropped, SlowConsumer
from rxbybit import operators as rxo
from tests import virtual
from tests.promises.still import Still, trades_frame
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


EACH = 10
"""A slow one takes one event while so many are sent."""
QUEUE = 8


def taken(sent: Sequence[str], policy: str) -> tuple[list[str], int]:
    """What a slow one must have got when all was sent, and how many must have been dropped.

    It takes an event and comes back for the next when ten more were sent.
    """
    limit = 1 if policy == "latest" else QUEUE
    got, waiting, dropped, idle = list[str](), deque[str](), 0, True
    for number, event in enumerate(sent, 1):
        if idle:
            got.append(event)
            idle = False
        elif len(waiting) < limit:
            waiting.append(event)
        elif policy == "error":
            return got, limit + 1  # all that waits is forgotten, and told
        else:
            dropped += 1
            if policy != "drop_newest":
                waiting.popleft()
                waiting.append(event)
        if number % EACH == 0:
            if waiting:
                got.append(waiting.popleft())
            else:
                idle = True
    return got, dropped


class Crowd:
    """Who hears one stream beside a slow one: one raises, one leaves in his call, one makes two
    others leave, and 97 only write down what they hear.
    """

    def __init__(self, stream: Any) -> None:
        self.raised: list[Exception] = []
        self.left: list[object] = []
        self.ears = [Ear(stream) for _ in range(32)]
        stream.subscribe(self._raise, self.raised.append)
        self.ears += [Ear(stream) for _ in range(32)]
        self._leaver: abc.DisposableBase = stream.subscribe(self._leave)
        self._victims = [Ear(stream)]
        self.ears.append(Ear(stream))
        self._heard = 0
        stream.subscribe(self._send_away)
        self._victims.append(Ear(stream))
        self.ears += [Ear(stream) for _ in range(32)]

    def _raise(self, _: object) -> None:
        raise ZeroDivisionError

    def _leave(self, event: object) -> None:
        self.left.append(event)
        if len(self.left) == 3:
            self._leaver.dispose()

    def _send_away(self, _: object) -> None:
        self._heard += 1
        if self._heard == 5:  # the one has had the event already, the other has not
            for victim in self._victims:
                victim.leave()

    def heard(self, count: int) -> bool:
        return self._heard == count and all(len(ear.heard) == count for ear in self.ears)

    def check(self, sent: list[str]) -> None:
        """Everybody has heard what he was there for, in order and once."""
        assert [ear.ids == sent and not ear.errors for ear in self.ears] == [True] * 97
        assert [type(error) for error in self.raised] == [ZeroDivisionError]
        assert len(self.left) == 3
        assert [victim.ids for victim in self._victims] == [sent[:5], sent[:4]]


class Taker:
    """A slow one, in one of two forms: what it got, and how it ended."""

    def __init__(self, stream: Any, form: str, policy: Any) -> None:
        self.got: list[str] = []
        self.errors: list[Exception] = []
        self._permits = asyncio.Semaphore(0)
        if form == "iterate":
            self.iteration = stream.iterate(buffer=QUEUE, overflow=policy)
            self.task = asyncio.ensure_future(self._work())
        else:
            slow = rxo.map_async(self._take, buffer=QUEUE, overflow=policy)
            self.subscription = stream.pipe(slow).subscribe(
                lambda _: None, on_error=self.errors.append
            )
        self.end = self._end_task if form == "iterate" else self._end_subscription

    def go_on(self) -> None:
        self._permits.release()

    async def _take(self, trade: Any) -> None:
        self.got.append(trade.id)
        await self._permits.acquire()

    async def _work(self) -> None:
        try:
            async for trade in self.iteration:
                await self._take(trade)
        except SlowConsumer as error:
            self.errors.append(error)

    async def _end_task(self) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})
        await self.iteration.aclose()

    async def _end_subscription(self) -> None:
        self.subscription.dispose()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("form", ["iterate", "map_async"])
def test_a_hundred_of_whom_one_takes_a_tenth(form: str, policy: str) -> None:
    """20 s of ten trades each: the ledger of each, and of what was dropped."""

    async def main() -> None:
        still = Still()
        loop = asyncio.get_running_loop()
        reports: list[tuple[float, int]] = []
        still.client.status().subscribe(
            lambda s: reports.append((loop.time(), s.count)) if isinstance(s, Dropped) else None
        )
        stream = still.client.trades("BTCUSD")
        crowd, slow = Crowd(stream), Taker(stream, form, policy)
        await virtual.until(lambda: still.exchange.live and still.exchange.live[0].texts)
        sent: list[str] = []
        for number in range(1, 201):
            sent.append(str(number))
            still.push("publicTrade.BTCUSD", trades_frame("BTCUSD", number))
            await asyncio.sleep(0.1)
            assert crowd.heard(number)
            if number % EACH == 0:
                slow.go_on()
                got, dropped = taken(sent, policy)
                await virtual.until(lambda: slow.got == got, within=1)  # noqa: B023
        crowd.check(sent)
        await slow.end()
        await asyncio.sleep(2)
        got, dropped = taken(sent, policy)
        if policy == "error":
            (error,) = slow.errors
            assert isinstance(error, SlowConsumer)
            assert error.lag == dropped
            dropped = 0
        else:
            assert slow.errors == []
            assert dropped > 100
            before_the_end = [at for at, _ in reports][:-1]
            assert len(before_the_end) > 10
            assert all(later - at >= 1.0 - 1e-6 for at, later in pairwise(before_the_end))
        assert sum(count for _, count in reports) == dropped == still.client.counters().drops
        assert len(still.transport.attempts) == 1
        still.client.close()

    virtual.run(main())


class Blocked:
    """A slow one on a thread of its own, which stands still in each of its calls."""

    def __init__(self, stream: Any, policy: Any) -> None:
        self.got: list[str] = []
        self.errors: list[Exception] = []
        self._permits = threading.Semaphore(0)
        # a thread that ends when there is nothing to do
        worker = EventLoopScheduler(exit_if_empty=True)
        slow = rxo.on_slow(QUEUE, policy, scheduler=worker)
        self._subscription = stream.pipe(slow).subscribe(self._take, self.errors.append)

    def go_on(self) -> None:
        self._permits.release()

    def _take(self, trade: Any) -> None:
        self.got.append(trade.id)
        assert self._permits.acquire(timeout=60)

    def end(self) -> None:
        self._subscription.dispose()
        self._permits.release(10)


def test_a_hundred_of_whom_some_block_threads_of_their_own() -> None:
    """``on_slow`` over real sockets, with each policy at once."""

    async def body(world: World) -> None:
        stream = world.client.trades("BTCUSD")
        slow = {policy: Blocked(stream, policy) for policy in POLICIES}
        crowd = Crowd(stream)
        await world.subscribed(TRADES)
        sent: list[str] = []
        await until_taken(world, slow, crowd, sent)
        crowd.check(sent)
        for one in slow.values():
            one.end()
        expected = {policy: taken(sent, policy) for policy in POLICIES}
        assert {policy: one.got for policy, one in slow.items()} == {
            policy: got for policy, (got, _) in expected.items()
        }
        (error,) = slow["error"].errors
        assert isinstance(error, SlowConsumer)
        assert error.lag == expected.pop("error")[1]
        dropped = sum(count for _, count in expected.values())
        await until(lambda: sum(status.count for status in world.of(Dropped)) == dropped)
        assert world.client.counters().drops == dropped
        assert len(world.served.connects) == 1

    scenario(body)


async def until_taken(
    world: World, slow: dict[str, Blocked], crowd: Crowd, sent: list[str]
) -> None:
    """Send 60 trades; the slow ones go on after each tenth."""
    for number in range(1, 61):
        sent += world.trade()
        await until(lambda: crowd.heard(number))  # noqa: B023
        for policy, one in slow.items():
            ended = policy == "error" and number > QUEUE + 1
            if number == 1 or (number % EACH == 0 and not ended):
                if number > 1:
                    one.go_on()
                got, _ = taken(sent, policy)
                await until(lambda: one.got == got)  # noqa: B023
    slow["error"].go_on()  # its call returns, and it hears of its end
    await until(lambda: slow["error"].errors)
