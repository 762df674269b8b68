"""The machine that keeps a book: in step with the updates, or honest about it."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal as D
from random import Random
from typing import Any

import pytest

from rxbybit.book import OrderBook
from rxbybit.bookkeeping import BookKeeper, BookText
from rxbybit.events import Meta

Pairs = Sequence[tuple[str, str]]
BIDS: Pairs = [("99", "1"), ("98", "2")]
ASKS: Pairs = [("101", "3"), ("102", "4")]


def frame(kind: str, update_id: int | None, bids: Pairs, asks: Pairs, **more: Any) -> BookText:
    sequence = more.pop("sequence", 10 * (update_id or 0))
    meta = Meta("orderbook.50.BTCUSD", kind, more.pop("sent_ms", 5), more.pop("matched_ms", 4))
    return BookText(
        symbol="BTCUSD",
        depth=50,
        bids=list(bids),
        asks=list(asks),
        update_id=update_id,
        sequence=sequence,
        meta=meta,
    )


class World:
    def __init__(self, numbers: type = D) -> None:
        self.asked: list[str] = []
        self.renewed = 0
        self.too_late = False
        self.keeper = BookKeeper(self, numbers)

    def ask(self, why: str) -> None:
        self.asked.append(why)

    def late(self) -> bool:
        return self.too_late

    def done(self) -> None:
        self.renewed += 1

    def snapshot(
        self, update_id: int | None = 5, bids: Pairs = BIDS, asks: Pairs = ASKS, **more: Any
    ) -> OrderBook | None:
        self.keeper.apply(frame("snapshot", update_id, bids, asks, **more))
        return self.keeper.news

    def delta(
        self, update_id: int | None, bids: Pairs = (), asks: Pairs = (), **more: Any
    ) -> OrderBook | None:
        self.keeper.apply(frame("delta", update_id, bids, asks, **more))
        return self.keeper.news


def texts(book: OrderBook | None) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    assert book is not None
    bids, asks = ([(str(p), str(s)) for p, s in side] for side in (book.bids, book.asks))
    return bids, asks


def test_a_snapshot_begins_a_book() -> None:
    world = World()
    assert world.keeper.book is None
    book = world.snapshot()
    assert book is not None
    assert texts(book) == (BIDS, ASKS)
    assert (book.symbol, book.depth, book.update_id, book.sequence) == ("BTCUSD", 50, 5, 50)
    assert (book.time_ms, book.state, book.meta.kind) == (4, "synced", "snapshot")
    assert world.keeper.book is book


def test_the_time_is_that_of_the_match_else_of_the_sending() -> None:
    book = World().snapshot(matched_ms=None)
    assert book is not None
    assert book.time_ms == 5


def test_deltas_change_what_they_name() -> None:
    world = World()
    world.snapshot()
    book = world.delta(6, [("98", "0"), ("99.5", "7")], [("101", "30")], sent_ms=9, matched_ms=8)
    assert texts(book) == ([("99.5", "7"), ("99", "1")], [("101", "30"), ("102", "4")])
    assert book is not None
    assert (book.update_id, book.sequence, book.time_ms, book.meta.kind) == (6, 60, 8, "delta")
    assert texts(world.delta(7))[0] == [("99.5", "7"), ("99", "1")]
    assert texts(world.delta(8, [("97", "1")]))[0] == [("99.5", "7"), ("99", "1"), ("97", "1")]
    assert world.asked == []


def test_deltas_before_a_snapshot_mean_nothing() -> None:
    world = World()
    assert world.delta(6, [("1", "1")]) is None
    assert (world.keeper.book, world.asked) == (None, [])


def test_a_delta_that_comes_long_after_its_snapshot_should_have_asks_again() -> None:
    world = World()
    world.too_late = True
    assert world.delta(6) is None
    world.snapshot()
    world.delta(8)
    world.delta(9)
    none = "deltas came and no snapshot"
    assert world.asked == [none, "update 8 came after 5", none]


@pytest.mark.parametrize("late", [5, 4, 2])
def test_a_delta_of_before_is_left_out(late: int) -> None:
    world = World()
    world.snapshot()
    assert world.delta(late, [("99", "0")]) is None
    assert texts(world.delta(6))[0] == BIDS


@pytest.mark.parametrize("wrong", [7, 100, 1])
def test_a_missing_update_or_a_restart_asks_for_a_snapshot(wrong: int) -> None:
    world = World()
    world.snapshot()
    book = world.delta(wrong, [("99", "0")])
    assert book is not None
    assert (book.state, texts(book)) == ("resyncing", (BIDS, ASKS))
    assert book.update_id == 5
    assert world.asked == [f"update {wrong} came after 5"]
    assert world.delta(6, [("99", "0")]) is None
    assert world.delta(wrong + 1) is None
    again = world.snapshot(20, [("50", "1")])
    assert again is not None
    assert (again.state, texts(again)[0]) == ("synced", [("50", "1")])
    assert (len(world.asked), world.renewed) == (1, 1)
    world.snapshot(30)
    assert world.renewed == 1


def test_ids_tell_alone_where_there_is_no_sequence() -> None:
    world = World()
    world.snapshot(sequence=None)
    assert world.delta(4, sequence=None) is None
    assert world.asked == []
    assert texts(world.delta(6, sequence=None)) == (BIDS, ASKS)
    world.delta(8, sequence=None)
    assert len(world.asked) == 1


def test_what_has_no_id_does_not_tell_that_one_is_missing() -> None:
    """A gateway may send them in some frames only."""
    world = World()
    world.snapshot(None)
    assert texts(world.delta(6, [("97", "1")]))[0] == [*BIDS, ("97", "1")]
    assert texts(world.delta(None, [("96", "1")], sequence=70))[0][-1] == ("96", "1")
    assert world.asked == []


def test_a_lower_update_with_the_first_sequence_of_all_is_later() -> None:
    world = World()
    world.snapshot(sequence=None)
    world.delta(4, sequence=1)
    assert len(world.asked) == 1


def test_a_lower_update_of_a_later_time_is_of_a_restart_that_was_missed() -> None:
    """Applied once its number fits, it would make a book that never was."""
    world = World()
    world.snapshot(sequence=50)
    assert world.delta(4, [("99", "0")], sequence=50) is None
    assert world.asked == []
    book = world.delta(2, [("99", "0")], sequence=51)
    assert book is not None
    assert (book.state, texts(book)) == ("resyncing", (BIDS, ASKS))
    assert world.asked == ["update 2 came after 5"]
    assert world.delta(6, [("99", "0")], sequence=90) is None


def test_the_next_update_of_an_earlier_time_is_of_before_a_restart() -> None:
    """It was held up on the way, and only its number fits."""
    world = World()
    world.snapshot(1, sequence=50)
    assert world.delta(2, [("99", "0")], sequence=49) is None
    assert world.asked == []
    book = world.delta(2, [("97", "1")], sequence=50)
    assert texts(book)[0] == [*BIDS, ("97", "1")]
    assert book is not None
    assert (book.state, book.update_id, book.sequence) == ("synced", 2, 50)


def test_where_one_of_two_has_no_sequence_the_next_update_follows() -> None:
    world = World()
    world.snapshot(sequence=None)
    assert world.delta(6, sequence=1) is not None
    assert world.delta(7, sequence=None) is not None
    assert world.delta(8, sequence=0) is not None
    assert world.delta(9, sequence=1) is not None
    assert world.delta(10, sequence=0) is None
    assert world.asked == []


@pytest.mark.parametrize(
    ("bids", "asks"),
    [
        ([("101", "1")], []),
        ([("98", "5"), ("103", "1")], []),
        ([("98", "0")], [("101", "0"), ("99", "1")]),
        ([("97", "1")], [("98", "1")]),
        ([("98", "5"), ("99.0", "5")], []),
        ([("98", "0"), ("97", "9")], [("102", "0"), ("101.00", "0")]),
    ],
)
def test_what_does_not_fit_is_not_shown(bids: Pairs, asks: Pairs) -> None:
    for held in (True, False):
        world = World()
        before = world.snapshot()
        if not held:
            del before
        book = world.delta(6, bids, asks)
        assert book is not None
        assert (book.state, texts(book), book.update_id) == ("resyncing", (BIDS, ASKS), 5)
        assert len(world.asked) == 1
        assert world.asked[0].startswith("update 6 ")


@pytest.mark.parametrize(
    ("kind", "update_id", "said"),
    [
        ("delta", 6, "update 6 why"),
        ("delta", None, "a delta why"),
        ("snapshot", 6, "a snapshot with why"),
    ],
)
def test_levels_that_can_be_none_count_where_the_frame_does(
    kind: str, update_id: int | None, said: str
) -> None:
    world, wrong = World(), ValueError("why")
    world.keeper.apply(frame("delta", 1, [], []), wrong)
    assert (world.keeper.news, world.asked) == (None, [])
    world.snapshot(5)
    world.keeper.apply(frame("delta", 5, [], []), wrong)  # an old one
    assert (world.keeper.news, world.asked) == (None, [])
    world.keeper.apply(frame(kind, update_id, [], [], sequence=99), wrong)
    book = world.keeper.news
    assert book is not None
    assert (book.state, texts(book), world.asked) == ("resyncing", (BIDS, ASKS), [said])


def test_a_new_snapshot_replaces_the_book_at_any_time() -> None:
    world = World()
    world.snapshot()
    assert texts(world.snapshot(1, [("1", "1")], [])) == ([("1", "1")], [])
    assert texts(world.delta(2, [("2", "2")]))[0] == [("2", "2"), ("1", "1")]


def test_a_snapshot_that_is_said_once_more_is_no_news() -> None:
    world = World()
    world.snapshot(5)
    assert world.snapshot(5, sequence=99) is None
    assert world.snapshot(6) is not None
    assert world.snapshot(6, bids=[]) is not None
    assert world.snapshot(6, bids=[], asks=[]) is not None
    assert world.snapshot(None) is not None
    assert world.snapshot(None) is not None


def test_after_a_lost_link_the_same_snapshot_is_news() -> None:
    world = World()
    world.snapshot(5)
    world.keeper.reset()
    book = world.snapshot(5)
    assert book is not None
    assert book.state == "synced"


@pytest.mark.parametrize(
    ("bids", "asks"),
    [
        ([("101", "1")], ASKS),
        ([("101.50", "1")], [("101.25", "1")]),
        ([("101.50", "1")], [("101.5", "1")]),
        ([("9", "1"), ("9.0", "1")], ASKS),
    ],
)
def test_a_snapshot_that_cannot_be_is_not_shown(bids: Pairs, asks: Pairs) -> None:
    world = World()
    assert world.snapshot(5, bids, asks) is None
    assert len(world.asked) == 1
    world.snapshot(6)
    book = world.snapshot(7, bids, asks)
    assert book is not None
    assert (book.state, texts(book)) == ("resyncing", (BIDS, ASKS))
    assert world.snapshot(8, bids, asks) is None
    assert len(world.asked) == 3
    assert world.snapshot(9) is not None


def test_a_lost_link_is_told_once_and_asks_for_nothing() -> None:
    world = World()
    world.keeper.reset()
    assert world.keeper.news is None
    world.snapshot()
    world.keeper.reset()
    assert world.keeper.news is not None
    assert (world.keeper.news.state, texts(world.keeper.news)) == ("resyncing", (BIDS, ASKS))
    world.keeper.reset()
    assert world.keeper.news is None
    world.keeper.spoil("no JSON")
    world.keeper.reset()
    world.snapshot(5)
    assert (world.asked, world.renewed) == (["no JSON"], 0)


def test_a_book_of_which_nothing_comes_is_stale_until_its_snapshot() -> None:
    world = World()
    held = world.snapshot(5)
    assert held is not None
    assert world.keeper.spoil("no data", silent=True)
    stale = world.keeper.news
    assert stale is not None
    assert (stale.state, held.state, world.asked) == ("stale", "synced", ["no data"])
    assert stale == held.__replace__(state="stale")
    for again in (True, False):  # what is known already
        world.keeper.spoil("no data", silent=again)
        assert world.keeper.news is None
    world.keeper.reset()
    assert world.keeper.news is None
    assert world.keeper.book == stale
    assert world.delta(6, [("99", "7")]) is None
    world.keeper.spoil("no data", silent=True)
    now = world.snapshot(5)  # the same, and news all the same
    assert now is not None
    assert (now.state, world.renewed) == ("synced", 1)


def test_a_book_in_doubt_is_stale_when_nothing_comes() -> None:
    world = World()
    world.snapshot(5)
    world.delta(9)
    before = world.keeper.book
    world.keeper.spoil("no data", silent=True)
    news = world.keeper.news
    assert before is not None
    assert news is not None
    assert (before.state, news.state) == ("resyncing", "stale")


def test_without_a_book_there_is_nothing_to_be_stale_but_a_snapshot_is_asked_for() -> None:
    world = World()
    assert world.keeper.spoil("no data", silent=True)
    assert (world.keeper.news, world.asked) == (None, ["no data"])


def test_books_of_the_same_levels_have_the_same_content() -> None:
    world, other = World(), World()
    assert world.keeper.content() is None
    world.snapshot(5, [("99", "1"), ("98", "2")])
    other.snapshot(7, [("98", "2"), ("99", "3")])
    assert world.keeper.content() != other.keeper.content()
    other.delta(8, [("99", "1")])
    assert world.keeper.content() == other.keeper.content()
    world.keeper.reset()
    assert world.keeper.content() == other.keeper.content()
    other.delta(9, [], [("103", "1")])
    assert world.keeper.content() != other.keeper.content()


def test_what_could_not_be_read_asks_for_a_snapshot() -> None:
    world = World()
    world.keeper.spoil("no JSON")
    assert (world.asked, world.keeper.news) == (["no JSON"], None)
    world.snapshot()
    world.keeper.spoil("no JSON")
    assert world.keeper.news is not None
    assert world.keeper.news.state == "resyncing"


def test_without_update_ids_a_falling_sequence_is_left_out() -> None:
    world = World()
    world.snapshot(None, sequence=10)
    assert world.delta(None, [("99", "0")], sequence=9) is None
    assert texts(world.delta(None, [("98", "7")], sequence=10))[0] == [("99", "1"), ("98", "7")]
    assert world.delta(None, [("98", "0")], sequence=30) is not None


def test_what_somebody_holds_never_changes() -> None:
    world = World()
    first = world.snapshot()
    assert first is not None
    limited = world.delta(6, [("99", "5")])
    assert limited is not None
    limited = limited.limited(1)
    third = world.delta(7, [("99", "6")])
    world.keeper.reset()
    world.snapshot(8, [("1", "1")])
    world.delta(9, [("2", "1")])
    assert texts(first)[0] == BIDS
    assert (texts(limited)[0], limited.update_id) == ([("99", "5")], 6)
    assert texts(third)[0] == [("99", "6"), ("98", "2")]
    assert (first.state, limited.state, first.update_id) == ("synced", "synced", 5)
    assert third is not None
    assert (third.state, third.meta.kind) == ("synced", "delta")


def _in_a_traceback(book: OrderBook) -> Callable[[], OrderBook]:
    def fails(seen: OrderBook) -> None:
        raise ValueError

    with pytest.raises(ValueError) as caught:  # noqa: PT011 - it is our own
        fails(book)
    frame = caught.traceback[-1].frame
    return lambda: frame.f_locals["seen"]


def _in_a_generator(book: OrderBook) -> Callable[[], OrderBook]:
    def gives(seen: OrderBook) -> Iterator[OrderBook]:
        while True:
            yield seen

    running = gives(book)
    next(running)
    return lambda: next(running)


def _in_a_coroutine(book: OrderBook) -> Callable[[], OrderBook]:
    async def gives(seen: OrderBook) -> OrderBook:
        return seen

    waiting = gives(book)
    return lambda: asyncio.run(waiting)


def _in_a_thread(book: OrderBook) -> Callable[[], OrderBook]:
    began, may_end, seen = threading.Event(), threading.Event(), list[OrderBook]()

    def holds(mine: OrderBook) -> None:
        began.set()
        assert may_end.wait(10)
        seen.append(mine)

    thread = threading.Thread(target=holds, args=(book,))
    thread.start()
    assert began.wait(10)

    def get() -> OrderBook:
        may_end.set()
        thread.join(10)
        return seen[0]

    return get


def _by_a_view(book: OrderBook) -> Callable[[], OrderBook]:
    view = book.limited(40).limited(30)
    return lambda: view.limited(30)


def _by_a_method(book: OrderBook) -> Callable[[], OrderBook]:
    method = book.limited
    return lambda: method(50)


def _in_a_closure(book: OrderBook) -> Callable[[], OrderBook]:
    return lambda: book


WAYS = [_in_a_traceback, _in_a_generator, _in_a_coroutine, _in_a_thread, _by_a_view]


@pytest.mark.parametrize("way", [*WAYS, _by_a_method, _in_a_closure])
@pytest.mark.parametrize("then", ["delta", "crossing", "spoil", "reset", "snapshot"])
def test_however_it_is_held_it_never_changes(
    way: Callable[[OrderBook], Callable[[], OrderBook]], then: str
) -> None:
    world = World()
    for number in range(5, 1_000, 5):  # the interpreter runs warm code in another way
        world.snapshot(number)
        assert world.keeper.book is not None
        get = way(world.keeper.book)
        match then:
            case "delta":
                world.delta(number + 1, [("99", "7")])
            case "crossing":
                world.delta(number + 1, [("99", "7"), ("500", "1")])
            case "spoil":
                world.keeper.spoil("broken")
            case "reset":
                world.keeper.reset()
            case _:
                world.snapshot(number + 1, [("1", "1")])
        book = get()
        assert (texts(book), book.update_id, book.state) == ((BIDS, ASKS), number, "synced")


def test_where_references_cannot_be_counted_every_update_makes_a_copy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual = BookKeeper.alone()
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: True, raising=False)
    assert BookKeeper.alone() == usual > 0
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    assert BookKeeper.alone() < 0


def test_what_nobody_holds_is_not_copied() -> None:
    world = World()
    world.snapshot()
    before = id(world.keeper.book)
    for update_id in range(6, 60):
        book = world.delta(update_id, [("99", str(update_id))])
        assert book is not None
        assert (book.bids[0][1], book.best_bid) == (update_id, (99, update_id))
        del book
    assert id(world.keeper.book) == before


def test_what_levels_are_read_as_may_be_told_with_the_first_of_them() -> None:
    world = World()
    world.snapshot(5, [], [])
    world.keeper.read_as(float)
    for book in (world.delta(6, BIDS), world.snapshot(9), world.delta(10, BIDS)):
        assert book is not None
        assert type(book.bids[0][0]) is float


def test_floats_where_they_are_wanted() -> None:
    book = World(float).snapshot()
    assert book is not None
    assert type(book.bids[0][0]) is float


def test_a_hundred_thousand_deltas_equal_a_dict() -> None:
    chance, world, naive = Random(1), World(), dict[D, D]()
    world.snapshot(0, [], [("1000", "1")])
    kept: list[tuple[OrderBook, list[tuple[D, D]]]] = []
    for update_id in range(1, 100_001):
        pairs = [(str(chance.randrange(400)), str(chance.choice((0, 0, 1, 5)))) for _ in range(2)]
        book = world.delta(update_id, pairs)
        naive |= {D(price): D(size) for price, size in pairs}
        for price, _ in pairs:
            if not naive.get(D(price), 1):
                del naive[D(price)]
        assert book is not None
        if naive:
            best = max(naive)
            assert book.best_bid == (best, naive[best])
        if chance.random() < 0.002:
            kept.append((book, sorted(naive.items(), reverse=True)))
        del book
    assert len(kept) > 100
    for book, truth in kept:
        assert list(book.bids) == truth
    assert world.asked == []
