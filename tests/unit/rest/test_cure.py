"""When a hole is looked up, and when no more: a topic without links, and a cure that is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, cast

import pytest

from rxbybit.life import Life
from rxbybit.mending import Mark, Run, Step
from rxbybit.rest.api import RestApi
from rxbybit.rest.healing import HELD_S, Healing
from rxbybit.schema.spec import TopicState
from rxbybit.streams.trade import TRADES
from tests.virtual import run, until


class Topic:
    """The pool, the topic, its hub and the api, as far as they are needed."""

    def __init__(self) -> None:
        self.life = Life()
        self.over: list[bool] = []
        self.errands = 0
        self.barred_s = 0.0
        self.on_mended: Callable[[], None] = lambda: None

    def errand(
        self, work: Coroutine[Any, Any, None], on_error: Callable[[Exception], None]
    ) -> Callable[[], None]:
        self.errands += 1
        task = asyncio.get_running_loop().create_task(work)
        return lambda: cast("None", task.cancel())

    def hub_of(self, spec: object) -> Topic:
        return self

    def mend_with(self, mender: object) -> None:
        """It is known already."""

    def mended(self, runs: Sequence[Run], *, over: bool) -> None:
        self.over.append(over)
        self.on_mended()


class Told:
    """A cure that finds nothing, and says whether that is the end of it."""

    watch: TopicState | None = None

    def __init__(self) -> None:
        self.step: Step = "ask"
        self.over = True
        self.looks = 0
        self.stuck = False

    def lost(self, mark: Mark | None) -> None:
        """It does not matter when."""

    def hold(self, events: Sequence[Any]) -> Step:
        return self.step

    async def look(self, api: RestApi) -> bool:
        self.looks += 1
        if self.stuck:
            await asyncio.Event().wait()
        return True

    def take(self) -> tuple[list[Run], bool]:
        return [], self.over


def scenario(body: Callable[[Topic, Told, Healing], Awaitable[None]]) -> None:
    async def main() -> None:
        topic, cure = Topic(), Told()
        known: Any = topic
        healing = Healing(known, lambda: known, TRADES, known, cure)
        await body(topic, cure, healing)
        topic.life.end()
        await until(lambda: len(asyncio.all_tasks()) == 1)

    run(main())


def test_only_what_was_lost_is_looked_up_and_once_over_no_more() -> None:
    async def body(topic: Topic, cure: Told, healing: Healing) -> None:
        topic.life.live()
        healing.lost(None)
        assert topic.errands == 0
        topic.life.live()
        await until(lambda: topic.over == [True])
        topic.life.live()
        assert (topic.errands, cure.looks) == (1, 1)

    scenario(body)


def test_what_is_not_over_is_looked_up_when_the_topic_is_live_again() -> None:
    async def body(topic: Topic, cure: Told, healing: Healing) -> None:
        healing.lost(None)
        cure.over = False
        topic.life.live()
        await until(lambda: topic.over == [False])
        topic.life.live()
        await until(lambda: topic.over == [False, False])
        assert cure.looks == 2

    scenario(body)


def test_what_is_held_waits_for_a_time_only_each_time() -> None:
    async def body(topic: Topic, cure: Told, healing: Healing) -> None:
        loop = asyncio.get_running_loop()
        cure.stuck = True
        for times in (1, 2):
            healing.lost(None)
            began_s = loop.time()
            healing.hold([])
            await until(lambda times=times: len(topic.over) == times)
            assert loop.time() - began_s == pytest.approx(HELD_S)

    scenario(body)


def test_one_look_is_under_way_at_a_time() -> None:
    async def body(topic: Topic, cure: Told, healing: Healing) -> None:
        healing.lost(None)
        healing.hold([])
        healing.hold([])
        assert topic.errands == 1
        topic.life.live()
        assert topic.errands == 2, "what was under way may be of before"
        await until(lambda: topic.over == [True])
        assert cure.looks == 1, "and is not finished"

    scenario(body)


@pytest.mark.parametrize("leaves", [False, True])
def test_while_it_may_not_be_asked_it_is_looked_up_later_for_who_is_there(leaves: bool) -> None:
    async def body(topic: Topic, cure: Told, healing: Healing) -> None:
        topic.barred_s, cure.over = 600.0, False
        if leaves:
            topic.on_mended = topic.life.end
        healing.lost(None)
        topic.life.live()
        await until(lambda: topic.over == [False])
        topic.barred_s = 0.0
        await asyncio.sleep(599)
        assert (topic.errands, cure.looks) == (1, 0)
        await asyncio.sleep(2)
        assert (topic.errands, cure.looks) == ((1, 0) if leaves else (2, 1))

    scenario(body)
