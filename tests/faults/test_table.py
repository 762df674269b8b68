"""Each fault of the table, with real sockets: what it does, and that all is let go under it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from resource import RUSAGE_SELF, getrusage
from typing import Any

import pytest

from rxbybit import Backoff
from rxbybit.sim import ServedExchange
from tests.faults.chaos import Chaos
from tests.faults.exchange import Apart, Numbered, numbered
from tests.faults.names import Names
from tests.faults.network import in_a_network
from tests.faults.row import Row
from tests.faults.table import ROWS
from tests.faults.world import World, nap
from tests.promises.world import until
from tests.remains import Before, open_sockets

SLOW = Backoff(first=100.0, cap=100.0)
LIMIT_S = 60
PEAK_KIB = 256 * 1024
"""So much more memory than before is nobody's: a message has 4 MiB, and the bomb a gigabyte."""
Body = Callable[[World, Numbered], Awaitable[None]]


def played(
    row: Row, body: Body, monkeypatch: pytest.MonkeyPatch, *, heals: bool = False, **options: Any
) -> None:
    """Run ``body`` with the world of ``row``, and see that nothing is left behind."""
    for name, seconds in row.shorter.items():
        monkeypatch.setattr(f"rxbybit.{name}", seconds)
    names = Names(monkeypatch)
    options |= row.options

    async def main(served: ServedExchange, pit: Numbered, chaos: Chaos, *apart: Apart) -> None:
        async with asyncio.timeout(LIMIT_S):
            port = apart[0].begin() if apart else chaos.port
            before = Before()
            world = World(
                f"{row.host}:{port}",
                served.environment,
                chaos=chaos,
                apart=apart,
                names=names,
                secure=row.tls is not None,
                **options,
            )
            world.knock(*row.met)
            peak_kib = _peak_kib()
            await body(world, pit)
            assert _peak_kib() - peak_kib < PEAK_KIB
            world.leave()
            await before.again(port)
            heard = [len(ear.heard) for ear in world.ears]
            await nap()
            assert [len(ear.heard) for ear in world.ears] == heard
            await world.client.aclose()
            await before.again(port)

    def run() -> None:
        with ExitStack() as ends:
            apart = [
                ends.enter_context(Apart())
                for _ in range(row.apart if heals else min(row.apart, 1))
            ]
            served, pit = ends.enter_context(numbered())
            exchange = int(served.url.rpartition(":")[2])
            chaos = ends.enter_context(Chaos(exchange, row.tls))
            ends.callback(names.going.set)
            asyncio.run(main(served, pit, chaos, *apart))

    if row.namespace:
        in_a_network(run)
    else:
        run()


def _peak_kib() -> int:
    return getrusage(RUSAGE_SELF).ru_maxrss


async def struck(world: World, row: Row) -> None:
    """Let the fault strike, in a world that hears its trades unless it is the first thing."""
    if not row.first:
        world.hear_beside()
        world.hear()
        await until(lambda: world.trades.heard and world.sibling.heard)
    world.struck = len(world.statuses)
    await row.strike(world)
    if row.first:
        world.hear()


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_a_fault_does(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(world: World, pit: Numbered) -> None:
        await struck(world, row)
        if row.heal is not None:
            await row.heal(world)
        if row.error is not None:
            await until(lambda: all(ear.errors for ear in world.ears))
        else:
            await until(lambda: world.went(row.steps))
            sent = world.trades.last if world.apart else pit.last
            await until(lambda: world.trades.last >= sent + row.more)
        if row.first:
            world.hear_beside()
        sent = pit.last
        await until(lambda: world.sibling.last > sent)
        assert world.went(row.steps), world.steps
        judge(world, row)
        assert open_sockets(world.port) == (row.error is None)

    # what is fetched over REST leaves connections open that may be used again: see below
    played(row, body, monkeypatch, heals=True, gaps="mark")


def judge(world: World, row: Row) -> None:
    """What status said, what the streams heard, and what came of the data."""
    assert not row.reason or any(re.search(row.reason, why) for why in world.reasons), world.reasons
    assert max(world.delays, default=0.0) >= row.least_s
    assert row.reports is None or world.of(row.reports)
    world.sibling.assert_equal()
    assert world.sibling.errors == []
    if row.data == "equal":
        world.trades.assert_equal()
    else:
        world.trades.assert_equal_or_declared()
    for ear in world.ears:
        if row.error is None:
            assert ear.errors == []
        else:
            (error,) = ear.errors
            assert type(error) is row.error
            assert error.permanent
            assert re.search(row.says, str(error))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_all_is_let_go_when_a_fault_strikes(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(world: World, pit: Numbered) -> None:
        await struck(world, row)

    played(row, body, monkeypatch, backoff=SLOW)


@pytest.mark.parametrize("row", [row for row in ROWS if row.steps], ids=str)
def test_all_is_let_go_while_a_fault_lasts(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(world: World, pit: Numbered) -> None:
        await struck(world, row)
        await world.lost()

    played(row, body, monkeypatch, backoff=SLOW)
