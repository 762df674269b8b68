"""Average prices, by hand and against sums made anew."""

from __future__ import annotations

from decimal import Decimal

import pytest
import reactivex
from hypothesis import given
from hypothesis import strategies as st
from reactivex.testing import ReactiveTest, TestScheduler

from rxbybit import ConfigurationError
from rxbybit import operators as rxo
from tests.operators.market import START_MS, Foreign, trade

on_next, on_completed = ReactiveTest.on_next, ReactiveTest.on_completed


def values(operator, *trades):
    out: list[rxo.Value] = []
    errors: list[Exception] = []
    reactivex.of(*trades).pipe(operator).subscribe(out.append, errors.append)
    assert errors == []
    return out


def value(time_ms, number, symbol="BTCUSD"):
    return rxo.Value(symbol=symbol, time_ms=START_MS + time_ms, value=Decimal(number))


def test_marbles() -> None:
    scheduler = TestScheduler()
    source = scheduler.create_hot_observable(
        on_next(210, trade(0, 100)),
        on_next(220, trade(30_000, 102)),
        on_next(230, trade(59_999, 104, 2)),
        on_next(240, trade(60_000, 98)),  # the first one is out of the window now
        on_completed(250),
    )
    results = scheduler.start(lambda: source.pipe(rxo.vwap("1m")))
    assert results.messages == [
        on_next(210, value(0, 100)),
        on_next(220, value(30_000, 101)),
        on_next(230, value(59_999, "102.5")),
        on_next(240, value(60_000, 102)),
        on_completed(250),
    ]


def test_the_last_trades() -> None:
    out = values(rxo.vwap("2 trades"), trade(0, 100), trade(0, 102), trade(9, 104, 3))
    assert [v.value for v in out] == [100, 101, Decimal("103.5")]


def test_inverse_contracts_weigh_by_the_coin() -> None:
    """200 USD at 100 are 2 coins, 600 USD at 200 are 3: 800 USD for 5 coins."""
    trades = trade(0, 100, 200), trade(1, 200, 600)
    assert values(rxo.vwap("1m", inverse=True), *trades)[-1].value == 160
    assert values(rxo.vwap("1m"), *trades)[-1].value == 175


def test_each_symbol_has_its_own() -> None:
    out = values(rxo.vwap("1m"), trade(0, 100), trade(1, 7, symbol="XRPUSD"), trade(2, 102))
    assert out == [value(0, 100), value(1, 7, "XRPUSD"), value(2, 101)]


def test_an_older_trade_counts_as_of_the_newest() -> None:
    late = values(rxo.vwap("1s"), trade(0, 100), trade(5_000, 102), trade(10, 104))
    assert late[-1] == value(5_000, 103)


def test_size_0_has_no_average() -> None:
    out = values(rxo.vwap("1m"), trade(0, 100, 0), trade(1, 102))
    assert out == [value(1, 102)]


@pytest.mark.parametrize("inverse", [False, True])
def test_floats_stay_floats(inverse) -> None:
    trades = [Foreign("X", n, 0.1 * n, 0.3) for n in range(1, 40)]
    out = values(rxo.vwap("5ms", inverse=inverse), *trades)
    assert {type(v.value) for v in out} == {float}
    for n in range(5, 39):
        last = [t.price for t in trades[n - 4 : n + 1]]
        expected = 5 / sum(1 / p for p in last) if inverse else sum(last) / 5
        assert out[n].value == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("inverse", [False, True])
def test_whole_numbers_are_exact(inverse) -> None:
    out = values(
        rxo.vwap("1m", inverse=inverse),
        *(Foreign("X", n, price, price if inverse else 1) for n, price in enumerate((100, 101))),
    )
    assert [v.value for v in out] == [100, Decimal("100.5")]
    assert {type(v.value) for v in out} == {Decimal}


prices = st.decimals("0.0001", "99999", places=4)
moves = st.lists(st.tuples(st.integers(0, 400), prices, prices), min_size=1, max_size=50)


@given(moves, st.integers(1, 1_000), st.booleans())
def test_it_is_the_average_of_the_window(moves, length_ms, inverse) -> None:
    time_ms, trades = 0, []
    for step, price, size in moves:
        time_ms += step
        trades.append(trade(time_ms, price, size))
    out = values(rxo.vwap(f"{length_ms}ms", inverse=inverse), *trades)
    for n, found in enumerate(out):
        inside = [t for t in trades[: n + 1] if t.time_ms > trades[n].time_ms - length_ms]
        volume = sum((t.size for t in inside), Decimal(0))
        if inverse:
            expected = volume / sum((t.size / t.price for t in inside), Decimal(0))
        else:
            expected = sum((t.size * t.price for t in inside), Decimal(0)) / volume
        assert found.time_ms == trades[n].time_ms
        assert abs(found.value - expected) <= abs(expected) * Decimal("1e-25")


def test_a_window_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match=r"^vwap: window='1M'"):
        rxo.vwap("1M")
