"""The values are the books' own, of those that can be trusted."""

from __future__ import annotations

from decimal import Decimal

import reactivex
from reactivex.testing import ReactiveTest, TestScheduler

from rxbybit import ConfigurationError, OrderBook
from rxbybit import operators as rxo
from tests.operators.market import START_MS, FakeBook

on_next, on_completed = ReactiveTest.on_next, ReactiveTest.on_completed


def value(number):
    return rxo.Value(symbol="BTCUSD", time_ms=START_MS, value=Decimal(number))


def test_marbles() -> None:
    scheduler = TestScheduler()
    source = scheduler.create_hot_observable(
        on_next(210, FakeBook(microprice=Decimal(1))),
        on_next(220, FakeBook(microprice=Decimal(2), state="resyncing")),
        on_next(230, FakeBook(microprice=Decimal(3), state="stale")),
        on_next(240, FakeBook(microprice=None)),
        on_next(250, FakeBook(microprice=Decimal(0))),
        on_completed(260),
    )
    results = scheduler.start(lambda: source.pipe(rxo.microprice()))
    assert results.messages == [on_next(210, value(1)), on_next(250, value(0)), on_completed(260)]


def test_a_book_without_a_time_is_an_error() -> None:
    errors: list[Exception] = []
    reactivex.of(FakeBook(time_ms=None)).pipe(rxo.microprice()).subscribe(print, errors.append)
    (error,) = errors
    assert isinstance(error, ConfigurationError)
    assert "no time" in str(error)


def test_of_a_book_of_ours() -> None:
    bids = (Decimal(100), Decimal(1)), (Decimal(99), Decimal(5))
    asks = (Decimal("101.5"), Decimal(3)), (Decimal(102), Decimal(1))
    book = OrderBook(symbol="BTCUSD", depth=50, bids=bids, asks=asks, time_ms=START_MS)
    out: list[rxo.Value] = []
    reactivex.of(book).pipe(rxo.microprice()).subscribe(out.append)
    assert out == [value("100.375")]
