"""Moving averages, by hand and against their definition."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import pytest
import reactivex
from hypothesis import given
from hypothesis import strategies as st
from reactivex.testing import ReactiveTest, TestScheduler

from rxbybit import ConfigurationError, Kline
from rxbybit import operators as rxo
from tests.operators.market import START_MS, FakeBook, Foreign, trade

on_next, on_completed = ReactiveTest.on_next, ReactiveTest.on_completed


def number_of(event: Any) -> Any:
    return event.number


def spread_of(book: FakeBook) -> Any:
    return book.spread


def mid_of(event: Any) -> Any:
    return event.mid


def nothing_of(event: Any) -> Any:
    return event.number / 0


class Anything(NamedTuple):
    symbol: str
    time_ms: int | None
    number: Any


def heard(operator, *events):
    out: list[rxo.Value] = []
    errors: list[Exception] = []
    reactivex.of(*events).pipe(operator).subscribe(out.append, errors.append)
    return out, errors


def kline(minute, close, *, closed=True):
    start_ms = START_MS + minute * 60_000
    some = Decimal(1)
    return Kline(
        symbol="BTCUSD",
        interval="1m",
        start_ms=start_ms,
        end_ms=start_ms + 59_999,
        open=some,
        high=some,
        low=some,
        close=Decimal(close),
        volume=some,
        turnover=some,
        closed=closed,
    )


def value(time_ms, number, symbol="BTCUSD"):
    return rxo.Value(symbol=symbol, time_ms=START_MS + time_ms, value=Decimal(number))


def test_marbles_of_candles() -> None:
    """One that is not closed yet counts for nothing."""
    scheduler = TestScheduler()
    source = scheduler.create_hot_observable(
        on_next(210, kline(0, 10)),
        on_next(220, kline(1, 99, closed=False)),
        on_next(230, kline(1, 12)),
        on_next(240, kline(2, 12)),
        on_completed(250),
    )
    results = scheduler.start(lambda: source.pipe(rxo.ema(3)))
    assert results.messages == [
        on_next(210, value(59_999, 10)),
        on_next(230, value(119_999, 11)),
        on_next(240, value(179_999, "11.5")),
        on_completed(250),
    ]


def test_of_trades_each_symbol_has_its_own() -> None:
    out, errors = heard(rxo.ema(1), trade(0, 10), trade(1, 7, symbol="X"), trade(2, 12))
    assert out == [value(0, 10), value(1, 7, "X"), value(2, 12)]
    out, errors = heard(rxo.ema(3), trade(0, 10), trade(1, 7, symbol="X"), trade(2, 12))
    assert out[-1] == value(2, 11)
    assert errors == []


def test_of_bars_and_of_values() -> None:
    trades = [trade(n * 1_000, price) for n, price in enumerate((10, 12, 12, 12))]
    seconds = rxo.bars("1s")
    out: list[rxo.Value] = []
    reactivex.of(*trades).pipe(seconds, rxo.ema(3), rxo.ema(1)).subscribe(out.append)
    assert out == [value(999, 10), value(1_999, 11), value(2_999, "11.5")]


def test_of_whatever_a_key_gives() -> None:
    events = FakeBook(spread=Decimal(1)), FakeBook(spread=None), FakeBook(spread=Decimal(3))
    out, errors = heard(rxo.ema(3, key=spread_of), *events)
    assert out == [value(0, 1), value(0, 2)]
    assert errors == []


def test_floats_stay_floats() -> None:
    out, _ = heard(rxo.ema(2), Foreign("X", 1, 0.5, 1.0), Foreign("X", 2, 2.0, 1.0))
    assert [v.value for v in out] == [0.5, 1.5]


@given(st.integers(1, 50), st.lists(st.decimals("0.01", 99999, places=2), min_size=1, max_size=60))
def test_it_is_the_weighted_sum_of_all(n, numbers) -> None:
    out, _ = heard(rxo.ema(n), *(trade(at, number) for at, number in enumerate(numbers)))
    alpha = Fraction(2, n + 1)
    for last, found in enumerate(out):
        expected = (1 - alpha) ** last * Fraction(numbers[0])
        for at in range(1, last + 1):
            expected += alpha * (1 - alpha) ** (last - at) * Fraction(numbers[at])
        assert abs(Fraction(found.value) - expected) < Fraction(1, 10**18)
        assert found.time_ms == START_MS + last


@pytest.mark.parametrize("n", [0, -1, 2.5, "9", True, None])
def test_an_n_that_cannot_be(n) -> None:
    with pytest.raises(ConfigurationError, match="whole number, at least 1"):
        rxo.ema(n)


def test_an_event_without_a_time_is_an_error() -> None:
    out, (error,) = heard(rxo.ema(3, key=number_of), Anything("X", None, 1))
    assert out == []
    assert isinstance(error, ConfigurationError)
    assert "no time" in str(error)


def test_a_key_that_fails_is_named() -> None:
    _, (error,) = heard(rxo.ema(3, key=mid_of), Anything("X", 1, 1))
    assert "has no attribute 'mid'" in str(error)
    _, (error,) = heard(rxo.ema(3, key=nothing_of), Anything("X", 1, 1))
    assert isinstance(error, ZeroDivisionError)
