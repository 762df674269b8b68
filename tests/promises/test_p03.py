"""P3: A book you receive is never crossed, and never stale without saying so: every emission
carries its state, and `synced` means that every delta since the last snapshot was applied.

The exchange holds the true book, and remembers how it stood at each update; whatever Hypothesis
makes go wrong on the way, a synced book equals it, and a healthy link brings it back in step.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from random import Random
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings

from rxbybit import Backoff, BookState, Bybit, OrderBook, Resynced, Status
from rxbybit.limits import ConnectLedger
from tests.effort import examples
from tests.memory import MemoryTransport
from tests.truebook import TrueBook, TrueExchange
from tests.virtual import run, until

FAULTS = ["skip", "twice", "swap", "garble", "cut", "restart", "restart delta", "snapshot"]
FAULTS += ["late", "respell", "crossed", "missing field", "wait", "silent", "lost restart"]
FAULTS += ["overtaken"]


class World:
    """One client of a true exchange, and a subscriber who keeps every book."""

    def __init__(self, seed: int, *, early: bool = False, depth: int | None = None) -> None:
        self.book = TrueBook(seed, depth or 50)
        self.exchange = TrueExchange(self.book, early=early)
        self.client = Bybit("http://exchange", backoff=Backoff(first=0.1, cap=1.0))
        made: Any = self.client
        ledger = ConnectLedger(clock=asyncio.get_running_loop().time, limit=10**6)
        inner = msgspec.structs.replace(made._settings.session, ledger=ledger)
        transport = MemoryTransport(self.exchange)
        made._settings = msgspec.structs.replace(
            made._settings, session=inner, new_transport=lambda runtime: transport
        )
        self.statuses: list[Status] = []
        self.client.status().subscribe(self.statuses.append)
        self.books: list[OrderBook] = []
        self.last: bytes = b""

    @property
    def synced(self) -> bool:
        return bool(self.books) and self.books[-1].state == "synced"

    @property
    def in_step(self) -> bool:
        return self.synced and self.books[-1].sequence == self.book.sequence

    def push(self, frame: bytes) -> None:
        self.last = frame
        self.exchange.push(self.book.topic, frame)

    async def fault(self, kind: str, chance: Random) -> None:
        """One thing that goes wrong on the way."""
        book = self.book
        match kind:
            case "skip":
                book.change()
            case "silent":
                for _ in range(3):
                    book.change()
            case "twice":
                frame = book.change()
                self.push(frame)
                self.push(frame)
            case "swap":
                first, second = book.change(), book.change()
                self.push(second)
                self.push(first)
            case "late" if self.last:
                self.push(self.last)
            case "garble":
                self.push(_spoilt(book.change(), chance))
            case "missing field":
                frame = json.loads(book.change())
                del frame["data"][chance.choice(["u", "b", "a"])]
                self.push(json.dumps(frame, separators=(",", ":")).encode())
            case "cut":
                for link in self.exchange.live:
                    link.cut()
            case "restart":
                self.push(book.restart())
            case "lost restart":
                book.restart()
            case "overtaken":
                self.push(book.restart())
                late = book.change()
                for _ in range(3):
                    book.change()
                self.push(book.restart())
                self.push(late)
            case "restart delta":
                book.restart()
                frame = json.loads(book.change())
                frame["data"]["u"] = book.update_id = 1
                self.push(json.dumps(frame, separators=(",", ":")).encode())
            case "snapshot":
                self.push(book.snapshot())
            case "respell":
                self.push(book.change(spelled="0"))
            case "crossed":
                frame = json.loads(book.change())
                best = book.now[1][0][0]
                frame["data"]["b"].append([f"{best}", "1"])
                self.push(json.dumps(frame, separators=(",", ":")).encode())
            case _:
                await asyncio.sleep(chance.random() * 2)


def _spoilt(frame: bytes, chance: Random) -> bytes:
    """A frame of the topic that is no JSON."""
    return frame[: chance.randrange(frame.index(b'"data"'), len(frame))]


def check(book: OrderBook, world: World) -> None:
    bids, asks = book.bids, book.asks
    if bids and asks:
        assert bids[0][0] < asks[0][0]
    if book.state == "synced":
        assert book.sequence is not None
        assert (bids, asks) == world.book.truth[book.sequence]
    assert list(bids) == sorted(bids, reverse=True)
    assert list(asks) == sorted(asks)


def play(
    seed: int,
    faults: list[tuple[str, int]],
    *,
    early: bool = False,
    hear: Callable[[World], Callable[[OrderBook], None]] = lambda world: world.books.append,
) -> World:
    async def main() -> World:
        world, chance = World(seed, early=early), Random(seed)
        world.client.order_book("BTCUSD").subscribe(hear(world))
        await until(lambda: world.books)
        for kind, changes in faults:
            for _ in range(changes):
                world.push(world.book.change())
            if chance.random() < 0.5:
                await asyncio.sleep(0)
            await world.fault(kind, chance)
        await until(lambda: world.exchange.live)
        for _ in range(200):  # health: a change each 50 ms until it is back in step
            await asyncio.sleep(0.05)
            world.push(world.book.change())
            await asyncio.sleep(0.01)
            if world.in_step:
                break
        assert world.in_step
        for book in world.books:
            check(book, world)
        world.client.close()
        await asyncio.sleep(1)
        assert not world.exchange.live
        return world

    return run(main())


SCRIPTS = st.lists(st.tuples(st.sampled_from(FAULTS), st.integers(0, 3)), max_size=12)


@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.integers(0, 2**16), SCRIPTS, st.booleans())
@example(1, [(fault, 2) for fault in FAULTS], False)
@example(2, [(fault, 0) for fault in reversed(FAULTS)], True)
def test_a_synced_book_is_the_true_one(
    seed: int, faults: list[tuple[str, int]], early: bool
) -> None:
    play(seed, faults, early=early)


@pytest.mark.parametrize(
    "fault",
    [
        "skip",
        "garble",
        "restart delta",
        "lost restart",
        "respell",
        "crossed",
        "missing field",
        "cut",
    ],
)
def test_what_breaks_a_book_is_said_before_it_heals(fault: str) -> None:
    for seed in range(3):
        world = play(seed, [("wait", 2), (fault, 3)])
        states = [book.state for book in world.books]
        assert "resyncing" in states
        assert states[0] == states[-1] == "synced"
        at = states.index(BookState.RESYNCING)
        broken, before = world.books[at], world.books[at - 1]
        assert (broken.bids, broken.asks) == (before.bids, before.asks)
        assert (broken.update_id, broken.time_ms) == (before.update_id, before.time_ms)
        told = [status for status in world.statuses if isinstance(status, Resynced)]
        assert bool(told) == (fault != "cut")
        assert all(status.topic == world.book.topic and status.reason for status in told)


@pytest.mark.parametrize("fault", ["twice", "late", "snapshot", "restart", "overtaken", "wait"])
def test_what_breaks_nothing_asks_for_nothing(fault: str) -> None:
    world = play(7, [(fault, 3), (fault, 3)])
    assert {book.state for book in world.books} == {"synced"}
    assert world.exchange.snapshots == 1


def test_who_looks_at_once_sees_the_same_as_who_keeps_it() -> None:
    """Nobody holds a book here, so that it is changed in place."""

    def hear(world: World) -> Callable[[OrderBook], None]:
        def on_next(book: OrderBook) -> None:
            check(book, world)
            world.books[:] = [book.__replace__()]

        return on_next

    play(11, [(fault, 3) for fault in FAULTS], hear=hear)


def test_a_snapshot_that_stays_bad_makes_growing_pauses_and_no_hot_loop() -> None:
    async def main() -> None:
        world = World(5)
        world.exchange.spoiled = lambda frame: frame.replace(b'"b":[[', b'"b":[["99999","1"],[')
        world.client.order_book("BTCUSD").subscribe(world.books.append)
        await asyncio.sleep(60)
        assert world.books == []
        assert 20 < world.exchange.snapshots < 400
        world.exchange.spoiled = None
        await until(lambda: world.synced, within=5)
        check(world.books[-1], world)
        world.client.close()
        await asyncio.sleep(1)

    run(main())


def test_two_depths_of_one_symbol_are_two_books() -> None:
    async def main() -> None:
        world = World(5)
        deep = TrueBook(6, depth=200)
        world.exchange.books[deep.topic] = deep
        heard: list[OrderBook] = []
        world.client.order_book("BTCUSD").subscribe(world.books.append)
        world.client.order_book("BTCUSD", depth=200).subscribe(heard.append)
        await until(lambda: world.books and heard)
        world.exchange.push(deep.topic, deep.change())
        deep.change()
        world.exchange.push(deep.topic, deep.change())
        await until(lambda: heard[-1].sequence == deep.sequence)
        assert "resyncing" in [book.state for book in heard]
        assert [book.state for book in world.books] == ["synced"]
        assert (heard[-1].bids, heard[-1].asks) == deep.now
        assert (len(heard[-1].bids), len(world.books[-1].bids)) == (200, 50)
        world.client.close()
        await asyncio.sleep(1)

    run(main())
