"""What operators keep of symbols: of 10,000 of them, and of the one silent for longest no more.

Options expire by the thousand: without a bound a subscription of all of them grows for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from reactivex import Observable

from rxbybit import operators as rxo
from rxbybit.book import BookDelta, BookSnapshot
from rxbybit.operators.kept import MOST_SYMBOLS, Kept
from tests.operators import test_closed as candles
from tests.operators import test_merge_ticker as tickers
from tests.operators import test_to_book as books
from tests.operators import test_with_book as of_books
from tests.operators import test_with_latest as of_tickers
from tests.operators.flow import Clock
from tests.operators.probe import Ear, Probe

FIRST, SECOND = "S0", "S1"
MOST = 100
SYMBOLS = [f"S{n}" for n in range(MOST + 1)]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred are as good as ten thousand."""
    monkeypatch.setattr("rxbybit.operators.kept.MOST_SYMBOLS", MOST)


def test_they_are_as_many_as_the_page_says() -> None:
    assert MOST_SYMBOLS == 10_000


Events = Callable[[str], Any]
CASES: dict[str, tuple[Callable[[], Any], Events, Events]] = {
    "to_book": (
        rxo.to_book,
        lambda symbol: books.update(BookSnapshot, 1, books.BIDS, books.ASKS, symbol=symbol),
        lambda symbol: books.update(BookDelta, 2, books.BIDS, symbol=symbol),
    ),
    "merge_ticker": (
        rxo.merge_ticker,
        lambda symbol: tickers.update("snapshot", symbol, last_price=1),
        lambda symbol: tickers.update("delta", symbol, last_price=2),
    ),
    "closed": (  # here it is a candle that comes twice, and is left out while it is known
        rxo.closed,
        lambda symbol: candles.candle(1, symbol=symbol),
        lambda symbol: candles.candle(1, symbol=symbol),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_symbol_that_was_silent_for_longest_is_forgotten(name: str) -> None:
    operator, begins, goes_on = CASES[name]
    source = Probe()
    ear = Ear(source.pipe(operator()))
    source.send(*map(begins, SYMBOLS[:-1]))
    source.send(begins(FIRST))  # that one was heard of again
    source.send(begins(SYMBOLS[-1]))
    del ear.events[:]
    source.send(goes_on(FIRST), goes_on(SECOND))
    told = [event.symbol for event in ear.events]
    assert told == ([SECOND] if name == "closed" else [FIRST])
    assert ear.ended == ""


def test_with_latest_forgets_the_oldest_ticker() -> None:
    sides = of_tickers.Sides()
    sides.send(*(of_tickers.ticker(1, symbol) for symbol in SYMBOLS[:-1]))
    sides.send(of_tickers.ticker(2, FIRST), of_tickers.ticker(1, SYMBOLS[-1]))
    sides.send(of_tickers.trade(5, FIRST), of_tickers.trade(6, SECOND))
    assert of_tickers.pairs(sides.ear) == [(5, 2)]


def test_with_book_joins_what_waits_for_a_symbol_that_it_forgets() -> None:
    trades, updates = Probe(), Probe()
    joined: Observable[Any] = trades.pipe(rxo.with_book(updates, wait=60.0))
    ear = Ear(joined)
    updates.send(of_books.book(1, symbol=FIRST))
    trades.send(of_books.trade(2, symbol=FIRST))  # waits for the next book
    updates.send(*(of_books.book(1, symbol=symbol) for symbol in SYMBOLS[1:-1]))
    assert ear.events == []
    updates.send(of_books.book(1, symbol=SYMBOLS[-1]))
    assert [pair.trade.symbol for pair in ear.events] == [FIRST]
    trades.send(of_books.trade(3, symbol=FIRST))
    updates.send(of_books.book(9, symbol=FIRST))  # the one before it is not there any more
    assert len(ear.events) == 1


def test_who_leaves_at_what_is_joined_so_late_leaves_nothing_behind() -> None:
    trades, updates = Probe(), Probe()
    joined: Observable[Any] = trades.pipe(rxo.with_book(updates, wait=60.0))
    heard: list[Any] = []

    def leave(pair: Any) -> None:
        heard.append(pair)
        subscription.dispose()

    clock = Clock()
    subscription = joined.subscribe(leave, scheduler=clock)
    updates.send(of_books.book(1, symbol=FIRST))
    trades.send(of_books.trade(2, symbol=FIRST))
    updates.send(*(of_books.book(1, symbol=symbol) for symbol in SYMBOLS[1:-1]))
    trades.send(of_books.trade(2, symbol=SYMBOLS[-1]))
    assert len(heard) == 1
    assert (trades.observers, updates.observers, clock.armed) == ([], [], 0)


def test_what_is_dropped_is_told_after_what_takes_its_place_is_there() -> None:
    dropped: list[str] = []
    kept: Kept[str, str] = Kept(str.upper, 2, dropped=dropped.append)
    assert [kept.of(name) for name in "abac"] == ["A", "B", "A", "C"]
    assert (dropped, list(kept)) == (["B"], ["A", "C"])
    kept.clear()
    assert list(kept) == []
