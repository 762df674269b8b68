"""A client hears of what operators drop of its streams, beside whoever gave an ``on_drop``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import reactivex
from reactivex import Observable, abc
from reactivex.disposable import Disposable
from reactivex.scheduler import EventLoopScheduler

from rxbybit import operators as rxo
from rxbybit.runtime import Runtime
from rxbybit.stream import Stream, lift
from tests.fakes import Client, until_async, virtually
from tests.operators.flow import Clock, Source

OnDrop = Callable[[int], object] | None
Operator = Callable[[Observable[Any]], Observable[Any]]


class World:
    """A stream of a client that the test drives, and what was told of drops."""

    def __init__(self) -> None:
        self.client = Client()
        self.told: list[int] = []
        self.threads: set[bool] = set()
        self.hearer: Any = None
        self.status = Source()
        self.stream: Stream[Any] = Stream(self._begin, origin=self.client)
        runtime = Runtime.current()
        heard = self.client.dropped

        def dropped(count: int) -> None:
            self.threads.add(runtime.on_thread)
            heard(count)

        self.client.dropped = dropped  # type: ignore[method-assign]

    def _begin(self, runtime: Runtime, hearer: Any) -> Disposable:
        self.hearer = hearer
        return Disposable()

    def begin(self, operator: Operator) -> abc.DisposableBase:
        subscription = self.stream.pipe(operator).subscribe()
        assert self.hearer is not None
        return subscription

    def send(self, count: int) -> None:
        for value in range(count):
            self.hearer.on_next(value)


async def soon(value: int) -> int:
    await asyncio.sleep(0.01)
    return value


def dropping(world: World, how: str, on_drop: OnDrop) -> None:
    """Five values, of which three are dropped."""
    match how:
        case "pause_when":
            world.begin(rxo.pause_when(world.status, on_drop=on_drop))
            world.send(2)
            world.status.send(True)
            world.send(3)
            world.status.send(False)
        case "map_async":
            world.begin(rxo.map_async(soon, buffer=1, overflow="latest", on_drop=on_drop))
            world.send(5)
        case _:
            worker = EventLoopScheduler()
            hold = asyncio.Event()
            world.begin(
                rxo.on_slow(2, "drop_oldest", scheduler=Later(worker, hold), on_drop=on_drop)
            )
            world.send(5)
            hold.set()


class Later(EventLoopScheduler):
    """A worker on a thread of its own that begins when it is let go."""

    def __init__(self, worker: EventLoopScheduler, hold: asyncio.Event) -> None:
        super().__init__()
        self.worker, self.hold, self.loop = worker, hold, asyncio.get_running_loop()
        self.waiting: set[asyncio.Task[None]] = set()

    def schedule(self, action: Any, state: Any = None) -> Any:
        async def begin() -> None:
            await self.hold.wait()
            self.worker.schedule(action, state)

        if asyncio.events._get_running_loop() is self.loop:
            task = self.loop.create_task(begin())
            self.waiting.add(task)
            return Disposable()
        return self.worker.schedule(action, state)


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("how", ["pause_when", "map_async", "on_slow"])
def test_the_client_hears_of_it_on_its_own_thread(how: str, given: bool) -> None:
    async def main() -> None:
        world = World()
        dropping(world, how, world.told.append if given else None)
        expected = 3 if given else 0
        # the worker's thread tells the client first
        await until_async(lambda: (sum(world.client.drops), sum(world.told)) == (3, expected))
        assert world.threads == {True}
        world.client.close(Exception("closed"))

    asyncio.run(main()) if how == "on_slow" else virtually(main())


@pytest.mark.parametrize(("how", "dropped"), [("pause_when", 5), ("map_async", 3), ("on_slow", 4)])
def test_what_was_not_told_when_it_was_disposed_of_is_counted(how: str, dropped: int) -> None:
    """Whoever disposes hears nothing more; his client counts it all the same, and once."""

    async def main() -> None:
        world = World()
        told = world.told.append
        match how:
            case "pause_when":
                subscription = world.begin(rxo.pause_when(world.status, on_drop=told))
                world.status.send(True)
            case "map_async":
                late = rxo.map_async(lambda _: asyncio.sleep(60), 1, buffer=1, overflow="latest")
                subscription = world.begin(late)
            case _:
                worker = Clock()  # that does nothing
                subscription = world.begin(rxo.on_slow(1, scheduler=worker, on_drop=told))
        world.send(5)
        subscription.dispose()
        await until_async(lambda: world.client.drops)
        subscription.dispose()
        await asyncio.sleep(5)
        assert (world.client.drops, world.told) == ([dropped], [])
        world.client.close(Exception("closed"))

    virtually(main())


@pytest.mark.parametrize("inside", [True, False])
def test_of_a_lifted_stream_each_client_hears_or_the_one_whose_stream_it_is(inside: bool) -> None:
    async def main() -> None:
        one, two, paused = World(), World(), Source()
        gate: Operator = rxo.pause_when(paused)
        if inside:
            merged = lift(reactivex.merge(one.stream.pipe(gate), two.stream))
        else:
            merged = lift(reactivex.merge(one.stream, two.stream)).pipe(gate)
        merged.subscribe()
        await until_async(lambda: two.hearer)
        paused.send(True)
        one.send(2)
        paused.send(False)
        await until_async(lambda: one.client.drops)
        await asyncio.sleep(5)
        assert one.client.drops == [2]
        assert two.client.drops == ([] if inside else [2])

    virtually(main())


def test_without_a_client_nobody_else_hears_of_it() -> None:
    told: list[int] = []
    source, status = Source(), Source()
    source.pipe(rxo.pause_when(status, on_drop=told.append)).subscribe()
    status.send(True)
    source.send(1)
    status.send(False)
    assert told == [1]
