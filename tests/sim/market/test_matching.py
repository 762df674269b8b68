"""The book against the naive one: every order of orders, price and time, nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rxbybit.sim.market.matching import Book
from tests.effort import examples
from tests.sim.market.naive import NaiveBook

SIDES = st.sampled_from(["Buy", "Sell"])
PLACES = st.tuples(SIDES, st.none() | st.integers(95, 105), st.integers(1, 9))
CANCELS = st.integers(1, 40)
ACTIONS = st.lists(PLACES | CANCELS, max_size=60)


@settings(max_examples=examples(300), deadline=None)
@given(ACTIONS)
def test_like_the_naive_one(actions) -> None:
    book, naive = Book(), NaiveBook()
    placed = traded = cancelled = dropped = 0
    for action in actions:
        before, was = book.seq, (naive.levels("Buy"), naive.levels("Sell"))
        if isinstance(action, int):
            lots = book.cancel(action)
            assert lots == naive.cancel(action)
            cancelled += lots
        else:
            side, price, lots = action
            number, fills = book.place(side, price, lots)
            assert fills == naive.place(side, price, lots)
            assert number == naive.placed
            met = sum(fill.lots for fill in fills)
            placed += lots
            traded += met
            dropped += lots - met if price is None else 0
        assert book.bids.top(99) == naive.levels("Buy")
        assert book.asks.top(99) == naive.levels("Sell")
        did = was != (naive.levels("Buy"), naive.levels("Sell"))
        assert book.seq == before + did
        bid, ask = book.best_bid, book.best_ask
        assert bid is None or ask is None or bid < ask
        assert bid == max((p for p, _ in naive.levels("Buy")), default=None)
        assert ask == min((p for p, _ in naive.levels("Sell")), default=None)
    resting = sum(order.left for order in book.orders.values())
    assert placed == 2 * traded + cancelled + dropped + resting
    assert {n: o.left for n, o in book.orders.items()} == {o.number: o.left for o in naive.resting}


@settings(max_examples=examples(100), deadline=None)
@given(ACTIONS)
def test_who_listens_hears_of_every_level_that_changes(actions) -> None:
    book = Book()
    heard: dict[int, tuple[set[int], set[int]]] = {-1: (set(), set()), 1: (set(), set())}
    for half in (book.bids, book.asks):
        half.changed = heard[half.sign]
    for action in actions:
        was = {half.sign: dict(half.top(99)) for half in (book.bids, book.asks)}
        for keys in (*heard[-1], *heard[1]):
            keys.clear()
        if isinstance(action, int):
            book.cancel(action)
        else:
            book.place(*action)
        for half in (book.bids, book.asks):
            now = dict(half.top(99))
            prices = {p for p in {*was[half.sign], *now} if was[half.sign].get(p) != now.get(p)}
            first, second = heard[half.sign]
            assert first == second
            assert {half.sign * p for p in prices} <= first


def test_a_price_keeps_its_queue_when_the_first_is_cancelled() -> None:
    book = Book()
    first, second, third = (book.place("Sell", 100, 2)[0] for _ in range(3))
    assert book.cancel(first) == 2
    assert book.cancel(first) == 0
    _, fills = book.place("Buy", 100, 3)
    assert fills == [(100, 2, second), (100, 1, third)]
    assert "left=1" in repr(book.orders[third])


def test_top_is_cut_at_the_depth() -> None:
    book = Book()
    for price in (3, 1, 2):
        book.place("Buy", price, price)
    assert book.bids.top(2) == [(3, 3), (2, 2)]


@pytest.mark.parametrize(("price", "lots"), [(100, 0), (0, 1), (None, -1)])
def test_an_order_of_nothing_is_refused(price, lots) -> None:
    book = Book()
    with pytest.raises(ValueError, match="at least 1"):
        book.place("Buy", price, lots)
    assert book.seq == 0


def test_a_smaller_order_keeps_its_place() -> None:
    book = Book()
    first, second = book.place("Sell", 100, 5)[0], book.place("Sell", 100, 5)[0]
    heard: set[int] = set()
    book.asks.changed = (heard,)
    book.reduce(first, 3)
    assert (book.asks.top(1), book.seq, heard) == ([(100, 7)], 3, {100})
    for lots in (0, 2, 9):
        with pytest.raises(ValueError, match="lots less of an order of 2"):
            book.reduce(first, lots)
    assert book.place("Buy", 100, 4)[1] == [(100, 2, first), (100, 2, second)]


def test_how_far_an_order_would_reach() -> None:
    book = Book()
    for price, lots in ((101, 3), (102, 4), (99, 5), (98, 6)):
        book.place("Sell" if price > 100 else "Buy", price, lots)
    assert [book.reach("Buy", price, 100) for price in (100, 101, 102, 200)] == [0, 3, 7, 7]
    assert [book.reach("Sell", price, 100) for price in (100, 99, 98, 1)] == [0, 5, 11, 11]
    assert [book.reach("Sell", 1, enough) for enough in (1, 5, 7)] == [1, 5, 7]
