"""The machine that keeps a book of the legacy wire, which numbers no updates."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from reactivex import from_iterable

from rxbybit.book import BookDelta, BookSnapshot, OrderBook
from rxbybit.bookkeeping import BookKeeper
from rxbybit.errors import DecodeError
from rxbybit.operators import to_book
from rxbybit.schema.decoder import TopicDecoder
from rxbybit.streams.orderbook import ORDER_BOOK, ORDER_BOOK_UPDATES

DEPTH = 25
TOPIC = "orderBookL2_25.BTCUSD"


def level(side: str, price: float, size: int | None = None) -> dict[str, Any]:
    known = {"price": f"{price:.2f}", "symbol": "BTCUSD", "id": int(price * 10000), "side": side}
    return known if size is None else known | {"size": size}


class World:
    """A topic of 25 levels a side: bids from 100 down by 0.5, asks from 100.5 up, size 10."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.renewed = 0
        self.sequence = 1000
        self.keeper = BookKeeper(self, Decimal)
        self.reports: list[DecodeError] = []
        self.decode = TopicDecoder(ORDER_BOOK, "legacy", TOPIC, report=self.reports.append).decode

    def ask(self, why: str) -> None:
        self.asked.append(why)

    def late(self) -> bool:
        return False

    def done(self) -> None:
        self.renewed += 1

    def frame(self, kind: str, data: object, sequence: int | None = None) -> bytes:
        self.sequence += 3
        envelope = {"topic": TOPIC, "type": kind, "data": data}
        envelope["cross_seq"] = self.sequence if sequence is None else sequence
        return json.dumps({**envelope, "timestamp_e6": 1618677785000123}).encode()

    def take(self, data: bytes) -> OrderBook | None:
        (text,) = self.decode(data, 1, 1)
        self.keeper.apply(text)  # pyright: ignore[reportArgumentType]
        return self.keeper.news

    def snapshot(self, bids: int = DEPTH, asks: int = DEPTH) -> OrderBook:
        levels = [level("Buy", 100 - n / 2, 10) for n in range(bids)][::-1]
        levels += [level("Sell", 100.5 + n / 2, 10) for n in range(asks)]
        book = self.take(self.frame("snapshot", levels))
        assert book is not None
        return book

    def delta(
        self, *, sequence: int | None = None, **changes: list[dict[str, Any]]
    ) -> OrderBook | None:
        data = {"delete": [], "update": [], "insert": [], "transactTimeE6": 0} | changes
        return self.take(self.frame("delta", data, sequence))


@pytest.fixture
def world() -> World:
    return World()


def test_a_snapshot_comes_out_best_first_and_full(world: World) -> None:
    book = world.snapshot()
    assert (book.symbol, book.depth, book.state) == ("BTCUSD", DEPTH, "synced")
    assert (book.update_id, book.sequence, book.time_ms) == (None, 1003, 1618677785000)
    assert (len(book.bids), len(book.asks)) == (DEPTH, DEPTH)
    assert (str(book.bids[0]), str(book.asks[0])) == (
        "(Decimal('100.00'), Decimal('10'))",
        "(Decimal('100.50'), Decimal('10'))",
    )
    assert book.bids[-1][0] == 88
    assert book.asks[-1][0] == Decimal("112.5")


def test_a_level_that_slides_out_comes_with_one_that_slides_in(world: World) -> None:
    world.snapshot()
    book = world.delta(
        delete=[level("Buy", 88), level("Sell", 100.5)],
        update=[level("Buy", 100, 7)],
        insert=[level("Buy", 100.25, 1), level("Sell", 113, 9)],
    )
    assert book is not None
    assert (len(book.bids), len(book.asks), book.state) == (DEPTH, DEPTH, "synced")
    assert book.bids[:2] == ((Decimal("100.25"), 1), (100, 7))
    assert (book.bids[-1][0], book.asks[0][0], book.asks[-1]) == (Decimal("88.5"), 101, (113, 9))
    assert world.asked == []


def test_update_and_insert_both_set_the_size(world: World) -> None:
    world.snapshot()
    book = world.delta(
        delete=[level("Buy", 88), level("Sell", 112.5), level("Sell", 500)],
        update=[level("Buy", 87.5, 4)],
        insert=[level("Sell", 112.5, 6), level("Buy", 100, 8)],
    )
    assert book is not None
    assert (book.bids[0], book.bids[-1], book.asks[-1]) == (
        (100, 8),
        (Decimal("87.5"), 4),
        (Decimal("112.5"), 6),
    )


def test_a_sequence_that_falls_is_of_an_older_delta(world: World) -> None:
    world.snapshot()
    assert world.delta(update=[level("Buy", 100, 1)], sequence=1002) is None
    same = world.delta(update=[level("Buy", 100, 2)], sequence=1003)
    assert same is not None
    assert same.best_bid == (100, 2)
    later = world.delta(update=[level("Buy", 100, 3)], sequence=999_999)
    assert later is not None, "gaps are normal"
    assert world.asked == []


def test_a_delta_without_a_sequence_is_taken_in(world: World) -> None:
    world.snapshot()
    data = world.frame("delta", {"update": [level("Buy", 100, 2)]})
    book = world.take(data.replace(b'"cross_seq"', b'"sequence"'))
    assert book is not None
    assert (book.best_bid, book.sequence) == ((100, 2), None)
    book = world.delta(update=[level("Buy", 100, 3)], sequence=1)
    assert book is not None
    assert (book.best_bid, book.sequence) == ((100, 3), 1)


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({"delete": [level("Buy", 88)]}, 24),
        ({"delete": [level("Sell", 100.5)]}, 24),
        ({"insert": [level("Buy", 87.5, 1)]}, 26),
        ({"update": [level("Sell", 113, 1)]}, 26),
        ({"delete": [level("Buy", 12)], "insert": [level("Buy", 87.5, 1)]}, 26),
    ],
)
def test_another_count_asks_for_a_snapshot(
    world: World, changes: dict[str, Any], count: int
) -> None:
    before = world.snapshot()
    book = world.delta(**changes)
    assert world.asked == [f"a delta left {count} of 25 levels a side"]
    assert book is not None
    assert (book.state, book.bids, book.asks) == ("resyncing", before.bids, before.asks)
    assert before.state == "synced"
    assert world.delta(update=[level("Buy", 100, 1)]) is None
    assert world.snapshot().state == "synced"
    assert world.renewed == 1


def test_a_delta_that_crosses_asks_for_a_snapshot(world: World) -> None:
    before = world.snapshot()
    book = world.delta(delete=[level("Buy", 88)], insert=[level("Buy", 100.5, 1)])
    assert world.asked == ["a delta crosses the book"]
    assert book is not None
    assert (book.state, book.bids) == ("resyncing", before.bids)


def test_a_thin_market_may_come_and_go_but_never_exceed_the_window(world: World) -> None:
    book = world.snapshot(bids=DEPTH - 1, asks=0)
    assert (len(book.bids), len(book.asks)) == (24, 0)
    book = world.delta(delete=[level("Buy", 100)], insert=[level("Sell", 100.5, 1)])
    assert book is not None
    assert (len(book.bids), len(book.asks), book.state) == (23, 1, "synced")
    book = world.delta(insert=[level("Buy", 87 - n, 1) for n in range(2)])
    assert book is not None
    assert len(book.bids) == 25
    world.delta(delete=[level("Buy", 87)])
    assert world.asked == ["a delta left 24 of 25 levels a side"], "it was full"
    world = World()
    world.snapshot(bids=DEPTH - 1)
    world.delta(insert=[level("Buy", 87 - n, 1) for n in range(2)])
    assert world.asked == ["a delta left 26 of 25 levels a side"]


def test_deltas_before_a_snapshot_mean_nothing(world: World) -> None:
    assert world.delta(update=[level("Buy", 100, 1)]) is None
    assert (world.keeper.book, world.asked) == (None, [])


def test_the_operator_keeps_it_by_the_same_rule(world: World) -> None:
    decode = TopicDecoder(ORDER_BOOK_UPDATES, "legacy", TOPIC, report=world.reports.append).decode
    levels = [level("Buy", 100 - n / 2, 10) for n in range(DEPTH)]
    levels += [level("Sell", 100.5 + n / 2, 10) for n in range(DEPTH)]
    frames = [
        world.frame("snapshot", levels),
        world.frame("delta", {"update": [level("Buy", 100, 4)]}),
        world.frame("delta", {"delete": [level("Buy", 88)]}),
    ]
    updates: list[Any] = [update for frame in frames for update in decode(frame, 1, 1)]
    assert [type(update) for update in updates] == [BookSnapshot, BookDelta, BookDelta]
    books: list[OrderBook] = []
    from_iterable(updates).pipe(to_book()).subscribe(books.append)
    assert [(book.state, len(book.bids)) for book in books] == [
        ("synced", 25),
        ("synced", 25),
        ("resyncing", 25),
    ]
    assert books[1].best_bid == (100, 4)
    assert world.reports == []
