"""The values are the books' own, of those that can be trusted."""

from __future__ import annotations

from decimal import Decimal

import pytest
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
        on_next(210, FakeBook(balance=Decimal("0.1"))),
        on_next(220, FakeBook(balance=Decimal("0.2"), state="resyncing")),
        on_next(230, FakeBook(balance=Decimal("0.3"), state="stale")),
        on_next(240, FakeBook(balance=None)),
        on_next(250, FakeBook(balance=Decimal(0))),
        on_completed(260),
    )
    results = scheduler.start(lambda: source.pipe(rxo.imbalance(3)))
    assert results.messages == [
        on_next(210, value("0.3")),
        on_next(250, value(0)),
        on_completed(260),
    ]


def test_one_level_if_not_told_otherwise() -> None:
    out: list[rxo.Value] = []
    reactivex.of(FakeBook(balance=Decimal("0.1"))).pipe(rxo.imbalance()).subscribe(out.append)
    assert out == [value("0.1")]


@pytest.mark.parametrize("levels", [0, -1, 2.5, "9", True, None])
def test_levels_that_cannot_be(levels) -> None:
    with pytest.raises(ConfigurationError, match="whole number, at least 1"):
        rxo.imbalance(levels)


def test_of_a_book_of_ours() -> None:
    bids = (Decimal(100), Decimal(1)), (Decimal(99), Decimal(11))
    asks = (Decimal("101.5"), Decimal(3)), (Decimal(102), Decimal(1))
    book = OrderBook(symbol="BTCUSD", depth=50, bids=bids, asks=asks, time_ms=START_MS)
    out: list[rxo.Value] = []
    reactivex.of(book).pipe(rxo.imbalance(2)).subscribe(out.append)
    assert out == [value("0.5")]
