"""A snapshot is asked for at once; one that does not help, ever more slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from rxbybit import renewal
from rxbybit.config import Backoff
from rxbybit.renewal import PacedRenewal
from tests.virtual import run


class World:
    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.renewed: list[float] = []
        self.reasons: list[str] = []
        self.paced = PacedRenewal(
            self.loop,
            Backoff(first=1.0, cap=8.0),
            renew=lambda: self.renewed.append(self.loop.time()),
            resynced=self.reasons.append,
        )


def scenario(body: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        await body(World())

    run(main())


@pytest.fixture(autouse=True)
def longest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each wait is as long as it may be."""
    monkeypatch.setattr(renewal.random, "uniform", lambda least, most: most)


def test_the_first_is_at_once_and_the_next_ones_wait_longer_and_longer() -> None:
    async def body(world: World) -> None:
        for _ in range(7):
            world.paced.ask("crossed")
            await asyncio.sleep(0 if len(world.renewed) == 1 else 0.0)
            while world.paced._timer is not None:
                await asyncio.sleep(0.01)
        pauses = [b - a for a, b in zip(world.renewed, world.renewed[1:], strict=False)]
        assert world.renewed[0] == 0
        assert pauses == pytest.approx([1, 2, 4, 8, 8, 8], abs=0.03)

    scenario(body)


def test_what_is_asked_meanwhile_is_one_renewal() -> None:
    async def body(world: World) -> None:
        world.paced.ask("one")
        for _ in range(5):
            world.paced.ask("two")
        await asyncio.sleep(20)
        assert world.renewed == pytest.approx([0, 1])

    scenario(body)


def test_after_a_time_of_health_the_next_is_at_once_again() -> None:
    async def body(world: World) -> None:
        world.paced.ask("one")
        await asyncio.sleep(8)
        world.paced.ask("two")
        assert world.renewed == pytest.approx([0, 8])
        await asyncio.sleep(7.9)
        world.paced.ask("three")
        assert len(world.renewed) == 2
        await asyncio.sleep(1)
        assert len(world.renewed) == 3

    scenario(body)


def test_it_can_be_called_off() -> None:
    async def body(world: World) -> None:
        world.paced.cancel()
        world.paced.ask("one")
        world.paced.ask("two")
        world.paced.cancel()
        await asyncio.sleep(20)
        assert len(world.renewed) == 1
        world.paced.ask("three")
        assert len(world.renewed) == 2

    scenario(body)


def test_the_last_reason_is_told_when_it_is_well() -> None:
    async def body(world: World) -> None:
        world.paced.ask("one")
        world.paced.ask("two")
        world.paced.done()
        assert world.reasons == ["two"]
        await asyncio.sleep(60)
        assert len(world.renewed) == 1

    scenario(body)


def test_a_delta_is_late_once_deltas_have_come_for_long_without_a_snapshot() -> None:
    async def body(world: World) -> None:
        await asyncio.sleep(100)
        assert not world.paced.late()
        await asyncio.sleep(renewal.LATE_S - 0.5)
        assert not world.paced.late()
        await asyncio.sleep(1.0)
        assert world.paced.late()
        world.paced.ask("no snapshot")
        assert not world.paced.late()
        await asyncio.sleep(renewal.LATE_S - 0.5)
        world.paced.done()
        await asyncio.sleep(1.0)
        assert not world.paced.late()

    scenario(body)


def test_nothing_is_late_while_a_renewal_waits() -> None:
    async def body(world: World) -> None:
        world.paced._backoff = Backoff(first=30.0, cap=60.0)
        world.paced.ask("one")
        world.paced.ask("two")
        assert not world.paced.late()
        await asyncio.sleep(29.9)
        assert not world.paced.late()
        await asyncio.sleep(0.2)
        assert len(world.renewed) == 2
        assert not world.paced.late()
        await asyncio.sleep(renewal.LATE_S + 0.1)
        assert world.paced.late()

    scenario(body)


def test_after_its_end_nothing_is_renewed() -> None:
    async def body(world: World) -> None:
        world.paced.ask("one")
        world.paced.ask("two")
        world.paced.end()
        world.paced.ask("three")
        await asyncio.sleep(60)
        assert len(world.renewed) == 1

    scenario(body)
