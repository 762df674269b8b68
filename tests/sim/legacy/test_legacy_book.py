"""The books of the legacy socket, rebuilt from their frames, against the true book."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxbybit.sim.legacy.board import Board
from rxbybit.sim.legacy.book import BookFeed
from rxbybit.sim.market import Market
from rxbybit.sim.market.matching import Book
from tests.sim.legacy.talk import LegacyBook
from tests.sim.market.journal import START_MS, small, watched_market
from tests.sim.market.naive import NaiveBook

TICK = Decimal("0.50")
KINDS = {"orderBookL2_25": (25, 20), "orderBook_200.100ms": (200, 100)}


def truth(book: NaiveBook, side: str, depth: int) -> list[tuple[Decimal, int]]:
    return [(price * TICK, lots) for price, lots in book.levels(side)[:depth]]


@pytest.mark.parametrize("kind", KINDS)
def test_deltas_on_the_snapshot_are_the_true_book(monkeypatch, kind: str) -> None:
    depth, every_ms = KINDS[kind]
    one = small()
    market, seen = watched_market(monkeypatch, seed=8, start_ms=START_MS, instruments=(one,))
    (watched,) = seen.values()
    board, topic = Board(market), f"{kind}.BTCUSD"
    list(market.advance(START_MS + 1_017))
    board.want(topic)
    snapshot = board.snapshot(topic)
    assert snapshot is not None
    assert list(snapshot) == ["topic", "type", "data", "cross_seq", "timestamp_e6"]
    assert snapshot["timestamp_e6"] == (START_MS + 1_017) * 1_000
    assert snapshot["cross_seq"] == START_MS + watched.deeds
    rebuilt = LegacyBook(snapshot)
    counts = set()
    frames = 0
    for push in market.advance(START_MS + 90_000):
        content = push.content
        assert push.ms % every_ms == 0
        assert content["timestamp_e6"] == push.ms * 1_000
        assert content["cross_seq"] == START_MS + watched.deeds
        rebuilt.apply(content)
        for side in ("Buy", "Sell"):
            assert rebuilt.levels(side) == truth(watched.book, side, depth)
            counts.add(len(rebuilt.levels(side)))
        frames += 1
    assert frames > 200
    assert max(counts) == 25 if depth == 25 else 25 < max(counts) < 200


def test_a_level() -> None:
    book = Book()
    feed = BookFeed(small(), book, "orderBookL2_25")
    book.place("Buy", 121_233, 9)
    book.place("Sell", 121_240, 4)
    (delta,) = feed.flush(20)
    bid = {"price": "60616.50", "symbol": "BTCUSD", "id": 606_165_000, "side": "Buy", "size": 9}
    ask = {"price": "60620.00", "symbol": "BTCUSD", "id": 606_200_000, "side": "Sell", "size": 4}
    assert delta == {
        "topic": "orderBookL2_25.BTCUSD",
        "type": "delta",
        "data": {"delete": [], "update": [], "insert": [bid, ask], "transactTimeE6": 0},
        "cross_seq": 2,
        "timestamp_e6": 20_000,
    }
    assert list(delta["data"]["insert"][0]) == ["price", "symbol", "id", "side", "size"]
    assert feed.snapshot(40)["data"] == [bid, ask]
    book.place("Buy", 121_240, 1)
    (delta,) = feed.flush(40)
    assert delta["data"]["update"] == [ask | {"size": 3}]
    book.cancel(1)
    (delta,) = feed.flush(60)
    assert delta["data"]["delete"] == [{key: bid[key] for key in bid if key != "size"}]
    assert feed.flush(80) == []


def test_what_falls_out_of_the_window_is_deleted_for_what_comes() -> None:
    """Each delta of a full book has as many deletes as inserts, as in captures."""
    book = Book()
    for step in range(40):
        book.place("Sell", 1_000 + step, 10)
        book.place("Buy", 999 - step, 10)
    feed = BookFeed(small(), book, "orderBookL2_25")
    rebuilt = LegacyBook(feed.snapshot(0))
    book.place("Buy", 1_004, 50)
    book.place("Sell", 998, 15)
    book.place("Sell", 1_000, 3)
    (delta,) = feed.flush(20)
    rebuilt.apply(delta)
    deletes, inserts = ([x["side"] for x in delta["data"][k]] for k in ("delete", "insert"))
    assert sorted(deletes) == sorted(inserts)
    assert len(deletes) == 5
    for side, half in (("Buy", book.bids), ("Sell", book.asks)):
        assert rebuilt.levels(side) == [(price * TICK, lots) for price, lots in half.top(25)]


ORDERS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["Buy", "Sell"]), st.integers(1, 90), st.integers(1, 9)),
        st.tuples(st.just("cancel"), st.integers(1, 150), st.just(0)),
        st.tuples(st.just("flush"), st.just(0), st.just(0)),
    ),
    max_size=150,
)


@given(ORDERS)
def test_whatever_is_ordered_the_window_is_the_best_of_the_book(orders) -> None:
    book, naive = Book(), NaiveBook()
    feed = BookFeed(small(), book, "orderBookL2_25")
    rebuilt = LegacyBook(feed.snapshot(0))
    for deed, price, lots in [*orders, ("flush", 0, 0)]:
        if deed == "cancel":
            book.cancel(price)
            naive.cancel(price)
        elif deed != "flush":
            book.place(deed, price, lots)
            naive.place(deed, price, lots)
        else:
            for delta in feed.flush(20):
                rebuilt.apply(delta)
            for side in ("Buy", "Sell"):
                assert rebuilt.levels(side) == truth(naive, side, 25)
            assert LegacyBook(feed.snapshot(20)).sizes == rebuilt.sizes


def test_a_closed_feed_hears_nothing() -> None:
    book = Book()
    feed = BookFeed(small(), book, "orderBookL2_25")
    feed.close()
    book.place("Buy", 5, 1)
    assert feed.flush(20) == []
    assert book.bids.changed == book.asks.changed == ()


def test_the_default_market_fills_both_depths() -> None:
    market = Market(seed=0, start_ms=START_MS)
    board = Board(market)
    books = {}
    for kind, (depth, _) in KINDS.items():
        for topic in board.matching(f"{kind}.*"):
            board.want(topic)
            books[topic] = depth, LegacyBook(board.snapshot(topic) or {})
    assert len(books) == 6
    for push in market.advance(START_MS + 60_000):
        books[push.topic][1].apply(push.content)
        depth, rebuilt = books[push.topic]
        assert len(rebuilt.levels("Buy")) == len(rebuilt.levels("Sell")) == depth
