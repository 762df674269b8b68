"""Who subscribes again to what cannot be had makes growing pauses, and no hot loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from reactivex import abc
from reactivex import operators as ops
from reactivex.disposable import Disposable

from rxbybit import Backoff, RequestRefused, Stream, SubscriptionRejected
from rxbybit.errors import ConfigurationError
from rxbybit.outlet import Hearer
from rxbybit.pacing import Paced
from rxbybit.runtime import Runtime
from rxbybit.transport import Answer
from tests.unit import test_pool
from tests.unit.rest import test_standing
from tests.unit.test_pool import Ear
from tests.virtual import run, until

BACKOFF = Backoff(first=1.0, cap=8.0)


class Source:
    """Begins what never gives anything; notes when, and who hears it."""

    def __init__(self) -> None:
        self.began_s: list[float] = []
        self.hearers: list[Hearer] = []
        self.disposed = 0
        self.error: Exception | None = None
        """What ends whoever begins, at once."""

    def __call__(self, runtime: Runtime, hearer: Hearer) -> abc.DisposableBase:
        self.began_s.append(runtime.loop.time())
        self.hearers.append(hearer)
        if isinstance(self.error, ConfigurationError):
            raise self.error
        if self.error is not None:
            hearer.on_error(self.error)
        return Disposable(self._end)

    def _end(self) -> None:
        self.disposed += 1


class Who:
    """Hears a source."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.errors: list[Exception] = []

    def on_each(self, values: Sequence[Any], /) -> None:
        self.heard += values

    def on_error(self, error: Exception) -> None:
        self.errors.append(error)


def here() -> Runtime:
    return cast("Runtime", SimpleNamespace(loop=asyncio.get_running_loop()))


def timers() -> list[Any]:
    loop: Any = asyncio.get_running_loop()
    # but for the bound of the test itself
    return [t for t in loop._scheduled if not t.cancelled() and t.when() < loop.time() + 3600]


def most(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every random pause be the longest."""
    monkeypatch.setattr("random.uniform", lambda a, b: b)


REFUSED = SubscriptionRejected("t", "no")


def test_who_is_not_ended_waits_for_nothing() -> None:
    async def body() -> None:
        source = Source()
        paced = Paced(source, BACKOFF)
        for _ in range(3):
            who = Who()
            end = paced(here(), who)
            source.hearers[-1].on_each((1, 2))
            assert who.heard == [1, 2]
            end.dispose()
        assert source.began_s == [0.0, 0.0, 0.0]
        assert source.disposed == 3

    run(body())


def test_each_end_makes_a_longer_pause_up_to_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    most(monkeypatch)

    async def body() -> None:
        source, errors = Source(), []
        source.error = REFUSED
        stream: Stream[int] = Stream(Paced(source, BACKOFF))
        stream.pipe(ops.do_action(on_error=errors.append), ops.retry(7)).subscribe(
            on_error=lambda error: None
        )
        await until(lambda: len(source.began_s) == 7, within=100)
        pauses = [b - a for a, b in zip(source.began_s, source.began_s[1:], strict=False)]
        assert pauses == pytest.approx([1.0, 2.0, 4.0, 8.0, 8.0, 8.0])
        assert errors == [REFUSED] * 7
        assert source.disposed == 7

    run(body())


def test_pauses_are_spread() -> None:
    async def body() -> None:
        source = Source()
        source.error = REFUSED
        starts: list[float] = []
        for n in range(1, 41):
            paced, began_s = Paced(source, BACKOFF), asyncio.get_running_loop().time()
            paced(here(), Who())
            paced(here(), Who())
            await until(lambda n=n: len(source.began_s) == 2 * n)
            starts.append(source.began_s[-1] - began_s)
        assert max(starts) <= 1.0
        assert max(starts) - min(starts) > 0.25

    run(body())


def test_who_are_ended_together_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    most(monkeypatch)

    async def body() -> None:
        source, many = Source(), [Who() for _ in range(5)]
        paced = Paced(source, BACKOFF)
        for who in many:
            paced(here(), who)
        for hearer in list(source.hearers):
            hearer.on_error(REFUSED)
        assert [who.errors for who in many] == [[REFUSED]] * 5
        paced(here(), Who())
        await until(lambda: len(source.began_s) == 6)
        assert source.began_s[-1] == pytest.approx(1.0)

    run(body())


@pytest.mark.parametrize(
    ("lived_s", "waits_s"), [(7.9, 2.0), (8.0, 1.0)], ids=["too short", "long enough"]
)
def test_a_life_of_the_cap_makes_up_for_what_failed(
    monkeypatch: pytest.MonkeyPatch, lived_s: float, waits_s: float
) -> None:
    most(monkeypatch)

    async def body() -> None:
        source, loop = Source(), asyncio.get_running_loop()
        paced = Paced(source, BACKOFF)
        paced(here(), Who())
        source.hearers[-1].on_error(REFUSED)
        paced(here(), Who())
        await until(lambda: len(source.began_s) == 2)
        await asyncio.sleep(lived_s)
        source.hearers[-1].on_error(REFUSED)
        ended_s = loop.time()
        paced(here(), Who())
        await until(lambda: len(source.began_s) == 3)
        assert source.began_s[-1] - ended_s == pytest.approx(waits_s)

    run(body())


@pytest.mark.parametrize(("later_s", "waits_s"), [(0.4, 0.6), (1.5, 0.0), (8.0, 0.0)])
def test_time_that_has_passed_counts(
    monkeypatch: pytest.MonkeyPatch, later_s: float, waits_s: float
) -> None:
    most(monkeypatch)

    async def body() -> None:
        source, loop = Source(), asyncio.get_running_loop()
        paced = Paced(source, BACKOFF)
        paced(here(), Who())
        source.hearers[-1].on_error(REFUSED)
        await asyncio.sleep(later_s)
        came_s = loop.time()
        paced(here(), Who())
        await until(lambda: len(source.began_s) == 2)
        assert source.began_s[-1] - came_s == pytest.approx(waits_s)

    run(body())


def test_what_failed_long_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    most(monkeypatch)

    async def body() -> None:
        source, loop = Source(), asyncio.get_running_loop()
        paced = Paced(source, BACKOFF)
        source.error = REFUSED
        for n in range(1, 4):
            paced(here(), Who())
            await until(lambda n=n: len(source.began_s) == n)
        await asyncio.sleep(8.0)
        paced(here(), Who())
        assert len(source.began_s) == 4
        again_s = loop.time()
        paced(here(), Who())
        await until(lambda: len(source.began_s) == 5)
        assert source.began_s[-1] - again_s == pytest.approx(1.0)

    run(body())


def test_who_leaves_while_he_waits_begins_nothing() -> None:
    async def body() -> None:
        source = Source()
        paced = Paced(source, BACKOFF)
        paced(here(), Who())
        source.hearers[-1].on_error(REFUSED)
        before = len(timers())
        end = paced(here(), Who())
        assert len(timers()) == before + 1
        end.dispose()
        assert len(timers()) == before
        await asyncio.sleep(20)
        assert len(source.began_s) == 1

    run(body())


def test_who_has_waited_is_let_go_when_he_leaves() -> None:
    async def body() -> None:
        source = Source()
        paced = Paced(source, BACKOFF)
        paced(here(), Who())
        source.hearers[-1].on_error(REFUSED)
        end = paced(here(), Who())
        await until(lambda: len(source.began_s) == 2)
        assert source.disposed == 0
        end.dispose()
        assert source.disposed == 1

    run(body())


def test_what_cannot_begin_after_the_pause_ends_who_waited() -> None:
    async def body() -> None:
        source, who = Source(), Who()
        paced = Paced(source, BACKOFF)
        paced(here(), Who())
        source.hearers[-1].on_error(REFUSED)
        source.error = ConfigurationError("there is no such place any more")
        paced(here(), who)
        await until(lambda: who.errors)
        assert who.errors == [source.error]

    run(body())


def test_what_cannot_begin_at_all_is_not_begun_in_a_hot_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    most(monkeypatch)

    async def body() -> None:
        source = Source()
        source.error = ConfigurationError("there is no such place")
        errors: list[Exception] = []
        stream: Stream[int] = Stream(Paced(source, BACKOFF))
        stream.pipe(ops.retry(4)).subscribe(on_error=errors.append)
        await until(lambda: errors, within=100)
        assert source.began_s == pytest.approx([0.0, 1.0, 3.0, 7.0])
        assert errors == [source.error]

    run(body())


def test_on_a_loop_with_a_clock_of_its_own_the_pause_is_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    most(monkeypatch)
    source = Source()
    paced = Paced(source, BACKOFF)

    async def refused() -> None:
        await asyncio.sleep(50_000)
        paced(here(), Who())
        source.hearers[-1].on_error(REFUSED)

    async def body() -> None:
        paced(here(), Who())
        await until(lambda: len(source.began_s) == 2)
        assert source.began_s[-1] == pytest.approx(1.0)

    run(refused())
    run(body())


def test_a_refused_topic_is_not_hammered_by_retry() -> None:
    async def body(world: test_pool.World) -> None:
        world.exchange.known = lambda topic: "NOUSD" not in topic
        other = Ear(world.client.trades("BTCUSD"))
        Ear(world.client.trades("NOUSD").pipe(ops.retry()))
        await asyncio.sleep(60.0)
        asked = [t for link in world.exchange.links for t in link.asked("subscribe")]
        assert 3 < asked.count("publicTrade.NOUSD") < 40
        assert len(world.exchange.links) == 1
        world.exchange.known = lambda topic: True
        await until(lambda: "publicTrade.NOUSD" in world.subscribed)
        assert other.errors == []

    test_pool.scenario(body)


def test_a_refused_category_is_not_hammered_by_retry() -> None:
    async def body(world: test_standing.World) -> None:
        world.transport.refusal = (10005, "Permission denied")
        Ear(world.client.orders(category="spot").pipe(ops.retry()))
        await asyncio.sleep(60.0)
        assert 3 < len(world.transport.signed) < 40

    test_standing.scenario(body)


def test_a_list_that_is_refused_is_not_hammered_by_retry() -> None:
    async def body(world: test_pool.World) -> None:
        errors: list[Exception] = []
        world.transport.answer = lambda url: Answer(404, {}, b"")
        stream = world.client.instruments("inverse")
        Ear(stream.pipe(ops.do_action(on_error=errors.append), ops.retry()))
        await asyncio.sleep(60.0)
        assert 3 < len(world.transport.asked) < 40
        assert {type(error) for error in errors} == {RequestRefused}

    test_pool.scenario(body)
