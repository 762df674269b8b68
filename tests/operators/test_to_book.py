"""Books out of updates: the same as ``order_book(...)`` on the same frames."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest
from reactivex import Observable
from reactivex.testing import ReactiveTest, TestScheduler

from rxbybit import operators as rxo
from rxbybit.book import BookDelta, BookSnapshot, OrderBook
from rxbybit.bookkeeping import BookKeeper, NoRenewal
from rxbybit.errors import ConfigurationError
from rxbybit.events import Gap, Meta
from rxbybit.schema.decoder import TopicDecoder
from rxbybit.streams import ORDER_BOOK, ORDER_BOOK_UPDATES
from tests.operators.probe import Ear, Probe
from tests.truebook import TrueBook

on_next = ReactiveTest.on_next
BIDS = ((D("99.5"), D(1)),)
ASKS = ((D("100.5"), D(2)),)
HOLE = Gap(time=datetime.now(timezone.utc), topic="t", after_ms=1, before_ms=2)


def update(
    kind: type[Any],
    update_id: int,
    bids: Any = (),
    asks: Any = (),
    *,
    symbol: str = "BTCUSD",
    depth: int = 50,
    **meta: Any,
) -> Any:
    name = "snapshot" if kind is BookSnapshot else "delta"
    return kind(
        symbol=symbol,
        depth=depth,
        bids=tuple(bids),
        asks=tuple(asks),
        update_id=update_id,
        sequence=update_id,
        meta=Meta("t", name, matched_ms=update_id, **meta),
    )


def snapshot(update_id: int = 5, bids: Any = BIDS, asks: Any = ASKS, **more: Any) -> Any:
    return update(BookSnapshot, update_id, bids, asks, **more)


def delta(update_id: int, bids: Any = (), asks: Any = (), **more: Any) -> Any:
    return update(BookDelta, update_id, bids, asks, **more)


def books(*updates: Any) -> list[OrderBook]:
    source = Probe()
    ear = Ear(source.pipe(rxo.to_book()))
    source.send(*updates)
    assert ear.ended == ""
    return ear.events


def test_in_marbles() -> None:
    scheduler = TestScheduler()
    source: Observable[Any] = scheduler.create_hot_observable(
        on_next(210, delta(4)),
        on_next(220, snapshot(5)),
        on_next(230, delta(6, [(D(99), D(3))])),
        on_next(240, delta(8)),
        on_next(250, delta(9)),
        on_next(260, snapshot(20)),
        ReactiveTest.on_completed(270),
    )
    results = scheduler.start(lambda: source.pipe(rxo.to_book()))
    messages: list[Any] = results.messages
    seen = [(m.time, m.value.value) for m in messages if m.value.kind == "N"]
    assert [(at, book.state, book.update_id) for at, book in seen] == [
        (220, "synced", 5),
        (230, "synced", 6),
        (240, "resyncing", 6),
        (260, "synced", 20),
    ]
    assert seen[1][1].bids == (*BIDS, (D(99), D(3)))
    assert results.messages[-1].time == 270


@pytest.mark.parametrize("numbers", [D, float])
def test_it_equals_order_book_on_the_same_frames(numbers: type) -> None:
    truth = TrueBook(9)
    frames = [truth.snapshot()]
    frames += [truth.change() for _ in range(50)]
    truth.change()
    frames += [truth.change(), truth.change(), truth.snapshot(), truth.restart(), truth.change()]
    assert_equal(frames, numbers)


def test_it_equals_order_book_on_recorded_frames(frames: Path) -> None:
    by_topic: dict[str, list[bytes]] = {}
    for name in ("orderbook", "capture_linear", "capture_spot"):
        for data in (frames / "v5" / f"{name}.jsonl").read_bytes().splitlines():
            topic = json.loads(data).get("topic", "")
            if topic.startswith(("orderbook.50.", "orderbook.200.")):
                by_topic.setdefault(f"{name} {topic}", []).append(data)
    assert by_topic
    for held in by_topic.values():
        assert_equal(held, D)


def assert_equal(frames: list[bytes], numbers: type) -> None:
    topic = json.loads(frames[0])["topic"]
    specs: tuple[Any, ...] = ORDER_BOOK, ORDER_BOOK_UPDATES
    made = [TopicDecoder(spec, "v5", topic, numbers=numbers, report=_fail).decode for spec in specs]
    keeper, expected = BookKeeper(NoRenewal(), numbers), list[OrderBook]()
    source = Probe()
    ear = Ear(source.pipe(rxo.to_book()))
    for frame in frames:
        for text in made[0](frame, 1, 1):
            keeper.apply(text)  # type: ignore[arg-type]
            if keeper.news is not None:
                expected.append(keeper.news)
        source.send(*made[1](frame, 1, 1))
    assert ear.events == expected
    assert [book.meta for book in ear.events] == [book.meta for book in expected]
    assert {type(book.bids[0][0]) for book in ear.events if book.bids} == {numbers}


def _fail(problem: Exception) -> None:
    pytest.fail(str(problem))


@pytest.mark.parametrize("other", [{"symbol": "ETHUSD"}, {"depth": 200}, {"connection": 2}])
def test_books_of_another_symbol_depth_or_link_are_apart(other: dict[str, Any]) -> None:
    made = books(snapshot(), snapshot(50, **other), delta(6), delta(51, **other), delta(8))
    assert [(book.update_id, book.state) for book in made] == [
        (5, "synced"),
        (50, "synced"),
        (6, "synced"),
        (51, "synced"),
        (6, "resyncing"),
    ]


def test_a_hole_goes_to_the_next_book() -> None:
    made = books(snapshot(), snapshot(5, gap=HOLE), delta(6), delta(7), snapshot(9, gap=HOLE))
    assert [book.meta.gap for book in made] == [None, HOLE, None, HOLE]


def test_of_two_holes_the_newer_one_is_told() -> None:
    newer = HOLE.__replace__(after_ms=3, before_ms=4)
    updates = snapshot(5, gap=HOLE), snapshot(5, gap=newer)
    made = books(snapshot(), *updates, delta(6), delta(7))
    assert [book.meta.gap for book in made] == [None, newer, None]
    made = books(snapshot(), updates[0], delta(6, gap=newer), delta(7))
    assert [book.meta.gap for book in made] == [None, newer, None]


@pytest.mark.parametrize("size", ["-1", "NaN", "sNaN", "Infinity"])
def test_an_update_with_a_size_that_cannot_be_is_not_taken_in(size: str) -> None:
    assert_not_taken_in([(D("99.5"), D(size))])


@pytest.mark.parametrize("price", ["NaN", "sNaN", "Infinity", "-Infinity", "1e400"])
def test_an_update_with_a_price_that_cannot_be_is_not_taken_in(price: str) -> None:
    assert_not_taken_in([(D(price), D(2))])
    if price != "sNaN":
        floats: list[Any] = [(float(price), 2.0)]
        assert_not_taken_in(floats)


def assert_not_taken_in(wrong: list[tuple[D, D]]) -> None:
    old, late = delta(5, wrong, gap=HOLE), delta(7)
    made = books(snapshot(), old, delta(6, wrong), late, snapshot(8, wrong), snapshot(9), delta(10))
    assert [(book.update_id, book.state) for book in made] == [
        (5, "synced"),
        (5, "resyncing"),
        (9, "synced"),
        (10, "synced"),
    ]
    assert made[1].bids == BIDS
    assert books(snapshot(5, wrong), delta(6)) == []


def test_the_next_update_of_an_earlier_time_is_left_out() -> None:
    late = delta(6, [(D("99.5"), D(0))]).__replace__(sequence=4)
    made = books(snapshot(), late, delta(6, [(D(99), D(3))]))
    assert [(book.update_id, book.state) for book in made] == [(5, "synced"), (6, "synced")]
    assert made[1].bids == (*BIDS, (D(99), D(3)))


@pytest.mark.parametrize("first", [snapshot, delta])
def test_the_first_levels_tell_what_numbers_are_made_of(first: Any) -> None:
    """The book of an option is often empty at first."""
    levels = [(99.5, 1.0)]
    empty = snapshot(8, [], [])
    made = books(first(5, [], []), delta(6, levels), delta(7), empty, delta(9, levels))
    read = [book.bids for book in made if book.bids]
    assert read == [((99.5, 1.0),)] * (3 if first is snapshot else 1)
    assert {type(number) for bids in read for level in bids for number in level} == {float}


def test_whole_numbers_are_read_as_decimals() -> None:
    first: list[Any] = [(99, 1)]
    asks: list[Any] = [(101.5, 2)]
    made, then = books(snapshot(5, first, asks), delta(6, [(98.5, 3)]))
    assert (made.bids, made.asks) == (((D(99), D(1)),), ((D("101.5"), D(2)),))
    assert then.bids == ((D(99), D(1)), (D("98.5"), D(3)))
    assert {type(number) for level in then.bids for number in level} == {D}


def test_what_was_made_by_hand_needs_no_meta() -> None:
    first = BookSnapshot(symbol="A", depth=1, bids=BIDS, asks=(), update_id=1)
    then = BookDelta(symbol="A", depth=1, bids=(), asks=ASKS, update_id=2)
    assert [(book.bids, book.asks) for book in books(first, then)] == [(BIDS, ()), (BIDS, ASKS)]


def test_two_subscribers_share_nothing() -> None:
    source = Probe()
    piped = source.pipe(rxo.to_book())
    first = Ear(piped)
    source.send(snapshot(5))
    second = Ear(piped)
    source.send(delta(6), snapshot(7), delta(8))
    assert [book.update_id for book in first.events] == [5, 6, 7, 8]
    assert [book.update_id for book in second.events] == [7, 8]


@pytest.mark.parametrize("foreign", [object(), OrderBook(symbol="A", depth=1, bids=(), asks=())])
def test_a_foreign_event_says_what_was_expected(foreign: object) -> None:
    source = Probe()
    ear = Ear(source.pipe(rxo.to_book()))
    source.send(foreign)
    assert isinstance(ear.errors[0], ConfigurationError)
    assert "expects BookSnapshot and BookDelta" in str(ear.errors[0])


def test_kept_books_never_change() -> None:
    made = books(snapshot(5), *(delta(n, [(D(99), D(n))]) for n in range(6, 20)))
    assert [book.bids[-1][1] for book in made[1:]] == list(range(6, 20))
