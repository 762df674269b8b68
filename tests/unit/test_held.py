"""A book that is kept and a book as it is sent, of one topic: two readings of the same frames."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from math import inf
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from reactivex import abc

from rxbybit import (
    Backoff,
    BookDelta,
    BookSnapshot,
    BookState,
    Bybit,
    DecodeError,
    DecodeFailed,
    Gap,
    Resynced,
    Status,
    Subscribed,
    renewal,
)
from rxbybit.limits import ConnectLedger
from tests.memory import MemoryTransport
from tests.truebook import TrueBook, TrueExchange
from tests.virtual import run, until

NOT_READ = b'{"topic":"orderbook.50.BTCUSD","type":"delta","ts":5,"data":{"s":"BTCUSD"}}'


class World:
    def __init__(self, **options: Any) -> None:
        self.book = TrueBook(3)
        self.exchange = TrueExchange(self.book, early=options.pop("early", False))
        # a market that stands still for a minute is no topic that has died
        options = {"backoff": Backoff(first=0.1, cap=1.0), "stale": inf, **options}
        self.client = Bybit("http://exchange", **options)
        made: Any = self.client
        ledger = ConnectLedger(clock=asyncio.get_running_loop().time)
        inner = msgspec.structs.replace(made._settings.session, ledger=ledger)
        self.transport = transport = MemoryTransport(self.exchange)
        made._settings = msgspec.structs.replace(
            made._settings, session=inner, new_transport=lambda runtime: transport
        )
        self.statuses: list[Status] = []
        self.client.status().subscribe(self.statuses.append)

    def of(self, kind: type[Any]) -> list[Any]:
        return [status for status in self.statuses if isinstance(status, kind)]

    def change(self) -> None:
        self.exchange.push(self.book.topic, self.book.change())

    @property
    def asked(self) -> list[tuple[str, ...]]:
        requests = [request for link in self.exchange.links for request in link.requests]
        return [(r["op"], *r["args"]) for r in requests if r["op"] != "ping"]

    def kept(self, **options: Any) -> Ear:
        return Ear(self.client.order_book("BTCUSD", **options))

    def sent(self) -> Ear:
        return Ear(self.client.order_book_updates("BTCUSD"))


class Ear:
    def __init__(self, stream: Any) -> None:
        self.heard: list[Any] = []
        self.errors: list[Exception] = []
        self.subscription: abc.DisposableBase = stream.subscribe(
            self.heard.append, self.errors.append
        )

    @property
    def last(self) -> Any:
        return self.heard[-1] if self.heard else None


SUBSCRIBED = ("subscribe", "orderbook.50.BTCUSD")
RENEWED = [("unsubscribe", "orderbook.50.BTCUSD"), SUBSCRIBED]


def scenario(body: Callable[[World], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        world = World(**options)
        await body(world)
        world.client.close()
        await asyncio.sleep(1.0)
        assert not world.exchange.live
        assert len(asyncio.all_tasks()) <= 1
        loop: Any = asyncio.get_running_loop()
        soon = loop.time() + 3600
        assert not [t for t in loop._scheduled if not t.cancelled() and t.when() < soon]

    run(main())


async def in_step(world: World, *ears: Ear) -> None:
    await until(lambda: all(ear.heard for ear in ears))
    world.change()
    for ear in ears:
        await until(lambda ear=ear: ear.last and ear.last.sequence == world.book.sequence)


def test_a_late_subscriber_has_the_book_at_once_and_nothing_is_sent() -> None:
    async def body(world: World) -> None:
        first = world.kept()
        await until(lambda: first.heard)
        await in_step(world, first)
        late, small = world.kept(), world.kept(depth=25)
        assert late.heard == [first.last]
        assert small.heard == [first.last.limited(25)]
        assert (len(small.last.bids), small.last.depth) == (25, 25)
        await in_step(world, first, late, small)
        assert late.last is first.last
        assert (late.last.bids, late.last.asks) == world.book.now
        assert small.last == late.last.limited(25)
        assert world.asked == [SUBSCRIBED]

    scenario(body)


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("kept_first", [True, False])
def test_the_other_reading_has_the_topic_subscribed_anew(kept_first: bool, early: bool) -> None:
    async def body(world: World) -> None:
        first = world.kept() if kept_first else world.sent()
        await until(lambda: first.heard)
        await in_step(world, first)
        second = world.sent() if kept_first else world.kept()
        world.change()
        await until(lambda: second.heard)
        assert world.asked == [SUBSCRIBED, *RENEWED]
        assert second.heard[0].meta.kind == "snapshot"
        await in_step(world, first, second)
        kept, sent = (first, second) if kept_first else (second, first)
        assert (kept.last.bids, kept.last.asks) == world.book.now
        assert {book.state for book in kept.heard} == {"synced"}
        assert isinstance(sent.last, BookDelta)
        assert world.of(Gap) == world.of(Resynced) == []
        kinds = [type(update) for update in first.heard if not kept_first]
        assert kinds.count(BookSnapshot) == (0 if kept_first else 2)

    scenario(body, early=early)


def test_the_other_reading_asks_for_nothing_while_the_first_snapshot_is_under_way() -> None:
    async def body(world: World) -> None:
        world.exchange.answering = False
        books, world.exchange.books = world.exchange.books, {}
        kept = world.kept()
        await until(lambda: world.asked)
        sent = world.sent()
        await asyncio.sleep(1)
        world.exchange.push(world.book.topic, books[world.book.topic].snapshot())
        await until(lambda: kept.heard and sent.heard)
        assert world.asked == [SUBSCRIBED]
        assert [status.topics for status in world.of(Subscribed)] == [(world.book.topic,)]

    scenario(body)


def test_both_readings_from_the_beginning_need_one_subscription() -> None:
    async def body(world: World) -> None:
        kept, sent = world.kept(), world.sent()
        await in_step(world, kept, sent)
        assert world.asked == [SUBSCRIBED]
        (counted,) = world.client.counters().topics
        assert (counted.frames, counted.events) == (2, 2)

    scenario(body)


def test_a_reading_that_nobody_hears_is_no_longer_done_and_counting_goes_on() -> None:
    async def body(world: World) -> None:
        kept = world.kept()
        sent = world.sent()
        await in_step(world, kept, sent)
        kept.subscription.dispose()
        await in_step(world, sent)
        (counted,) = world.client.counters().topics
        assert counted.frames == 3
        again = world.kept()
        await until(lambda: again.heard)
        assert world.asked == [SUBSCRIBED, *RENEWED]
        sent.subscription.dispose()
        await in_step(world, again)
        (counted,) = world.client.counters().topics
        assert counted.frames == 5
        again.subscription.dispose()
        await until(lambda: not world.exchange.live)
        assert world.client.counters().frames == 5
        assert len(kept.heard) == 2

    scenario(body)


@pytest.mark.parametrize("kept_first", [True, False])
@pytest.mark.parametrize("first_leaves", [True, False])
def test_no_frame_is_counted_twice_or_missed_when_one_leaves_inside_its_call(
    kept_first: bool, first_leaves: bool
) -> None:
    async def body(world: World) -> None:
        first, second = world.client.order_book, world.client.order_book_updates
        if not kept_first:
            first, second = second, first
        ends: list[abc.DisposableBase] = []
        heard: list[int] = []

        def leaving(event: Any) -> None:
            heard.append(event.update_id)
            if len(heard) == 3:
                ends[0].dispose()

        streams: list[Any] = [first("BTCUSD"), second("BTCUSD")]
        place = 0 if first_leaves else 1
        callbacks = [leaving if place == at else (lambda event: None) for at in (0, 1)]
        there = [stream.subscribe(call) for stream, call in zip(streams, callbacks, strict=True)]
        ends.append(there[place])
        await until(lambda: heard)
        for frames in range(2, 7):
            world.change()
            await asyncio.sleep(0.1)
            (counted,) = world.client.counters().topics
            assert (counted.frames, counted.events) == (frames, frames)
        there[1 - place].dispose()
        await until(lambda: not world.exchange.live)
        assert world.client.counters().frames == 6

    scenario(body)


def test_one_that_leaves_inside_its_own_call_disturbs_nobody() -> None:
    async def body(world: World) -> None:
        sent, kept = world.sent(), Ear(world.client.status())
        heard: list[Any] = []

        def once(book: Any) -> None:
            heard.append(book)
            subscription.dispose()

        subscription = world.client.order_book("BTCUSD").subscribe(once)
        await in_step(world, sent)
        await in_step(world, sent)
        assert len(heard) == 1
        assert [type(update) for update in sent.heard] == [BookSnapshot, BookDelta, BookDelta]
        kept.subscription.dispose()

    scenario(body)


@pytest.mark.parametrize("at", ["synced", "resyncing", "gap"])
def test_who_comes_inside_a_call_has_each_book_once(at: str) -> None:
    async def body(world: World) -> None:
        late: list[Ear] = []

        def on_next(book: Any) -> None:
            there = at in ("gap" if book.meta.gap else "", book.state)
            if there and book.update_id != 100 and not late:
                late.append(world.kept(depth=25))

        world.client.order_book("BTCUSD").subscribe(on_next)
        small = world.kept(depth=25)
        await in_step(world, small)
        world.change()
        (link,) = world.exchange.live
        link.cut()
        await until(lambda: world.of(Gap))
        await in_step(world, small)
        (ear,) = late
        assert ear.heard == small.heard[-len(ear.heard) :]

    scenario(body)


def test_a_hole_is_told_once_and_marks_the_first_of_each_reading() -> None:
    async def body(world: World) -> None:
        kept, sent = world.kept(), world.sent()
        await in_step(world, kept, sent)
        for _ in range(2):
            (link,) = world.exchange.live
            link.cut()
            await until(lambda: kept.last.state == "resyncing")
            await until(lambda: kept.last.state == "synced")
            await in_step(world, kept, sent)
        gaps = world.of(Gap)
        assert len(gaps) == 2
        assert [e.meta.gap for e in sent.heard if e.meta.gap is not None] == gaps
        assert [e.meta.gap for e in kept.heard if e.meta.gap is not None] == gaps
        marked = [e for e in kept.heard if e.meta.gap is not None]
        assert {book.state for book in marked} == {"synced"}
        assert world.client.counters().gaps == 2

    scenario(body)


@pytest.mark.parametrize("both", [True, False])
def test_an_update_that_cannot_be_read_is_told_once_and_the_book_begins_anew(both: bool) -> None:
    async def body(world: World) -> None:
        kept = world.kept()
        sent = world.sent() if both else kept
        await in_step(world, kept, sent)
        world.exchange.push(world.book.topic, NOT_READ)
        world.exchange.push(world.book.topic, NOT_READ)
        await until(lambda: world.of(Resynced))
        assert kept.last.state == "synced"
        assert "resyncing" in [book.state for book in kept.heard]
        assert len(world.of(DecodeFailed)) == 2
        assert "could not be read" in world.of(Resynced)[0].reason
        assert world.client.counters().topics[0].decode_failures == 2
        await in_step(world, kept, sent)
        await asyncio.sleep(60)
        assert world.of(Gap) == []
        assert world.asked.count(SUBSCRIBED) == 2
        assert len(world.of(Resynced)) == 1

    scenario(body)


UNKEPT = NOT_READ.replace(b'"BTCUSD"}', b'"BTCUSD","b":[["1","1e400"]],"a":[],"u":1,"seq":1}')


def test_what_one_reading_alone_cannot_read_is_told_too() -> None:
    async def body(world: World) -> None:
        sent, kept = world.sent(), world.kept()
        await in_step(world, kept, sent)
        world.exchange.push(world.book.topic, NOT_READ)
        world.exchange.push(world.book.topic, UNKEPT)
        world.exchange.push(world.book.topic, UNKEPT)
        await until(lambda: len(world.of(DecodeFailed)) == 3)
        kept.subscription.dispose()
        world.exchange.push(world.book.topic, UNKEPT)
        await until(lambda: sent.last.update_id == 1)
        await asyncio.sleep(1)
        assert len(world.of(DecodeFailed)) == 3

    scenario(body)


def test_a_first_snapshot_that_cannot_be_read_is_asked_for_again() -> None:
    async def body(world: World) -> None:
        world.exchange.spoiled = lambda frame: frame.replace(b'"u":', b'"v":')
        kept = world.kept()
        await until(lambda: world.of(DecodeFailed))
        world.exchange.spoiled = None
        await until(lambda: kept.heard)
        assert kept.last.state == "synced"

    scenario(body)


@pytest.mark.parametrize("both", [True, False])
def test_updates_do_not_end_with_a_first_snapshot_that_cannot_be_read(both: bool) -> None:
    """Deltas mean nothing without one, and nobody but a book would ask for another."""

    async def body(world: World) -> None:
        world.exchange.spoiled = lambda frame: frame.replace(b'"u":', b'"v":')
        sent = world.sent()
        ears = [sent, world.kept()] if both else [sent]
        await until(lambda: len(world.of(DecodeFailed)) > 2)
        world.exchange.spoiled = None
        await in_step(world, *ears)
        assert isinstance(sent.heard[0], BookSnapshot)
        assert [status.reason for status in world.of(Resynced)] == ["a frame could not be read"]
        count = len(world.asked)
        await asyncio.sleep(60)
        assert len(world.asked) == count

    scenario(body)


WITHHELD = ["kept", "sent", "both"]


@pytest.mark.parametrize("who", WITHHELD)
@pytest.mark.parametrize("first", [True, False])
def test_a_snapshot_that_does_not_come_is_asked_for_again(who: str, first: bool) -> None:
    async def body(world: World) -> None:
        withheld = lambda frame: b'{"topic":"another"}'  # noqa: E731
        world.exchange.spoiled = withheld if first else None
        ears = {"kept": [world.kept], "sent": [world.sent], "both": [world.sent, world.kept]}[who]
        heard = [listen() for listen in ears]
        if not first:
            await in_step(world, *heard)
            world.exchange.spoiled = withheld
            (link,) = world.exchange.live
            link.cut()
        await until(lambda: world.asked.count(SUBSCRIBED) == 2 - first)
        await asyncio.sleep(1)
        asked, before = list(world.asked), [len(ear.heard) for ear in heard]
        world.change()
        await asyncio.sleep(renewal.LATE_S - 0.1)
        world.change()
        await asyncio.sleep(0.05)
        assert world.asked == asked  # they may be of before it
        assert [len(ear.heard) for ear in heard] == before
        world.exchange.spoiled = None
        await asyncio.sleep(0.1)
        world.change()
        await in_step(world, *heard)
        assert world.asked == [*asked, *RENEWED]
        assert [status.reason for status in world.of(Resynced)] == ["deltas came and no snapshot"]

    scenario(body)


def test_a_book_that_asked_in_vain_asks_again() -> None:
    async def body(world: World) -> None:
        kept = world.kept()
        await in_step(world, kept)
        world.exchange.spoiled = lambda frame: b'{"topic":"another"}'
        world.book.change()
        world.change()
        await until(lambda: world.asked == [SUBSCRIBED, *RENEWED])
        world.change()
        await asyncio.sleep(renewal.LATE_S - 0.1)
        world.change()
        await asyncio.sleep(0.05)
        assert world.asked == [SUBSCRIBED, *RENEWED]
        world.exchange.spoiled = None
        await asyncio.sleep(0.1)
        world.change()
        await in_step(world, kept)
        assert world.asked == [SUBSCRIBED, *RENEWED, *RENEWED]
        assert [book.state for book in kept.heard].count(BookState.RESYNCING) == 1
        assert len(world.of(Resynced)) == 1

    scenario(body, backoff=Backoff(first=0.001, cap=0.001))


def test_a_strict_client_ends_the_readings_that_fail() -> None:
    async def body(world: World) -> None:
        kept, sent = world.kept(), world.sent()
        await in_step(world, kept, sent)
        world.exchange.push(world.book.topic, NOT_READ)
        await until(lambda: kept.errors and sent.errors)
        assert [type(error) for error in (*kept.errors, *sent.errors)] == [DecodeError] * 2
        await until(lambda: not world.exchange.live)

    scenario(body, strict=True)


@pytest.mark.parametrize("kind", ["kept", "sent"])
def test_after_a_strict_end_the_topic_does_not_linger(kind: str) -> None:
    """It would have no book any more, and get no snapshot to begin one with."""

    async def body(world: World) -> None:
        listen = world.kept if kind == "kept" else world.sent
        ear = listen()
        await in_step(world, ear)
        again: list[Ear] = []
        ear.subscription.dispose()
        stream: Any = world.client.order_book if kind == "kept" else world.client.order_book_updates
        stream("BTCUSD").subscribe(on_error=lambda error: again.append(listen()))
        world.exchange.push(world.book.topic, NOT_READ)
        await until(lambda: again)
        await in_step(world, *again)
        again[0].subscription.dispose()
        await asyncio.sleep(4)
        assert world.exchange.live
        await asyncio.sleep(2)
        assert not world.exchange.live

    scenario(body, strict=True, linger=5.0)


def test_a_refused_topic_ends_both_readings() -> None:
    async def body(world: World) -> None:
        world.exchange.known = lambda topic: False
        kept, sent = world.kept(), world.sent()
        await until(lambda: kept.errors and sent.errors)
        await until(lambda: not world.exchange.live)

    scenario(body)


@pytest.fixture
def slow_renewals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each but the first waits for 30 s."""
    monkeypatch.setattr(renewal, "random", SimpleNamespace(uniform=lambda least, most: 30.0))


@pytest.mark.usefixtures("slow_renewals")
def test_who_leaves_calls_off_a_renewal() -> None:
    async def body(world: World) -> None:
        kept, sent = world.kept(), world.sent()
        await in_step(world, kept, sent)
        world.exchange.push(world.book.topic, NOT_READ)
        world.exchange.push(world.book.topic, NOT_READ)
        await until(lambda: world.of(Resynced))
        asked = list(world.asked)
        world.exchange.push(world.book.topic, NOT_READ)
        await until(lambda: kept.last.state == "resyncing")
        kept.subscription.dispose()
        await asyncio.sleep(60)
        assert world.asked[len(asked) :].count(RENEWED[0]) == 0
        sent.subscription.dispose()

    scenario(body)


@pytest.mark.usefixtures("slow_renewals")
def test_nothing_is_left_of_a_renewal_when_the_topic_is_let_go() -> None:
    async def body(world: World) -> None:
        kept = world.kept()
        await in_step(world, kept)
        for _ in range(3):
            world.exchange.push(world.book.topic, NOT_READ)
        await until(lambda: world.of(Resynced))
        world.exchange.push(world.book.topic, NOT_READ)
        await until(lambda: kept.last.state == "resyncing")
        kept.subscription.dispose()

    scenario(body)


@pytest.mark.usefixtures("slow_renewals")
def test_who_leaves_with_the_first_reading_has_the_second_ask_for_nothing() -> None:
    """The rest of the call still reads the frame, and finds that one is missing."""

    async def body(world: World) -> None:
        leaving: list[abc.DisposableBase] = []

        def on_next(update: object) -> None:
            for subscription in leaving:
                subscription.dispose()

        sent = world.client.order_book_updates("BTCUSD").subscribe(on_next)
        kept = world.kept()
        await in_step(world, kept)
        world.exchange.push(world.book.topic, NOT_READ)
        await until(lambda: world.of(Resynced))
        await in_step(world, kept)
        leaving += [sent, kept.subscription]
        world.book.change()
        world.change()
        await until(lambda: not world.exchange.live)

    scenario(body)


@pytest.mark.usefixtures("slow_renewals")
def test_a_lost_link_brings_the_snapshot_that_was_asked_for_in_vain() -> None:
    async def body(world: World) -> None:
        world.exchange.spoiled = lambda frame: frame.replace(b'"u":', b'"v":')
        sent = world.sent()
        await until(lambda: len(world.of(DecodeFailed)) == 2)
        world.exchange.spoiled = None
        (link,) = world.exchange.live
        link.cut()
        await in_step(world, sent)
        await asyncio.sleep(60)
        assert world.of(Resynced) == []
        assert world.asked == [SUBSCRIBED, *RENEWED, SUBSCRIBED]

    scenario(body)


@pytest.mark.usefixtures("slow_renewals")
def test_a_lost_link_calls_off_a_renewal() -> None:
    async def body(world: World) -> None:
        kept = world.kept()
        await in_step(world, kept)
        for _ in range(3):
            world.exchange.push(world.book.topic, NOT_READ)
        await until(lambda: world.of(Resynced))
        world.exchange.push(world.book.topic, NOT_READ)  # the next renewal waits
        await until(lambda: kept.last.state == "resyncing")
        (link,) = world.exchange.live
        link.cut()
        await until(lambda: kept.last.state == "synced")
        await asyncio.sleep(60)
        (link,) = world.exchange.live
        assert link.asked("unsubscribe") == []
        assert len(world.of(Resynced)) == 1

    scenario(body, backoff=Backoff(first=2.0, cap=2.0))


def test_a_late_subscriber_of_a_lost_book_sees_that_it_is_lost() -> None:
    async def body(world: World) -> None:
        kept = world.kept()
        await in_step(world, kept)
        world.transport.hang = True  # else it could be over before anybody looks
        (link,) = world.exchange.live
        link.cut()
        await until(lambda: kept.last.state == "resyncing")
        late = world.kept()
        assert [book.state for book in late.heard] == ["resyncing"]
        assert late.last == kept.last

    scenario(body)


def test_the_book_goes_on_while_the_topic_lingers() -> None:
    async def body(world: World) -> None:
        kept = world.kept()
        await in_step(world, kept)
        kept.subscription.dispose()
        world.change()
        await asyncio.sleep(1)
        again = world.kept()
        assert again.last.sequence == world.book.sequence
        assert (again.last.bids, again.last.asks) == world.book.now
        assert world.asked == [SUBSCRIBED]

    scenario(body, linger=5.0)


def first_and_second(world: World, kept_first: bool) -> tuple[Callable[[], Ear], Callable[[], Ear]]:
    return (world.kept, world.sent) if kept_first else (world.sent, world.kept)


@pytest.mark.parametrize("kept_first", [True, False])
def test_a_topic_lingers_no_longer_when_it_was_heard_in_both_readings(kept_first: bool) -> None:
    async def body(world: World) -> None:
        listen, listen_otherwise = first_and_second(world, kept_first)
        first = listen()
        await in_step(world, first)
        first.subscription.dispose()
        await asyncio.sleep(1)
        second = listen_otherwise()
        await in_step(world, second)
        second.subscription.dispose()
        await asyncio.sleep(4.9)
        assert world.asked == [SUBSCRIBED, *RENEWED]
        assert world.exchange.live
        await until(lambda: not world.exchange.live, within=0.2)
        assert world.asked == [SUBSCRIBED, *RENEWED, RENEWED[0]]
        counted = world.client.counters()
        assert (counted.frames, counted.topics) == (4, ())

    scenario(body, linger=5.0)


@pytest.mark.parametrize("kept_first", [True, False])
def test_the_other_reading_does_not_wait_for_one_that_lingers(kept_first: bool) -> None:
    """What it needs is its own: nothing is asked or told for who has left."""

    async def body(world: World) -> None:
        listen, listen_otherwise = first_and_second(world, kept_first)
        first = listen()
        await in_step(world, first)
        first.subscription.dispose()
        second = listen_otherwise()
        await in_step(world, second)
        world.exchange.push(world.book.topic, NOT_READ)
        await until(lambda: len(world.of(DecodeFailed)) == 1)
        world.book.change()  # and one is lost
        world.change()
        await asyncio.sleep(30)
        renewed = 1 if kept_first else 2  # a book needs another snapshot, updates do not
        assert world.asked == [SUBSCRIBED, *RENEWED * renewed]
        assert len(world.of(Resynced)) == renewed - 1
        (counted,) = world.client.counters().topics
        assert (counted.frames, counted.decode_failures) == (6 + renewed - 1, 1)

    scenario(body, linger=5.0)


def test_a_book_that_others_have_pushed_out_begins_anew() -> None:
    async def body(world: World) -> None:
        first = world.kept()
        await in_step(world, first)
        first.subscription.dispose()
        sent = world.sent()
        await in_step(world, sent)
        again = world.kept()
        await in_step(world, sent, again)
        assert world.asked == [SUBSCRIBED, *RENEWED, *RENEWED]
        assert (again.last.bids, again.last.asks) == world.book.now
        assert {book.state for book in again.heard} == {"synced"}
        assert world.of(Gap) == world.of(Resynced) == []

    scenario(body, linger=5.0)


def test_who_turns_to_the_other_reading_inside_a_call_has_its_frame_counted_once() -> None:
    async def body(world: World) -> None:
        others: list[Ear] = []

        def on_next(book: object) -> None:
            subscription.dispose()
            others.append(world.sent())

        subscription = world.client.order_book("BTCUSD").subscribe(on_next)
        await until(lambda: others)
        await in_step(world, others[0])
        (counted,) = world.client.counters().topics
        assert (counted.frames, counted.events) == (3, 3)
        assert world.asked == [SUBSCRIBED, *RENEWED]

    scenario(body, linger=5.0)


def test_floats_reach_the_book() -> None:
    async def body(world: World) -> None:
        kept = world.kept()
        await until(lambda: kept.heard)
        assert type(kept.last.best_bid[0]) is float

    scenario(body, numbers=float)
