"""Bought less sold, by hand and against sums made anew."""

from __future__ import annotations

from decimal import Decimal

import pytest
import reactivex
from hypothesis import given
from hypothesis import strategies as st
from reactivex.testing import ReactiveTest, TestScheduler

from rxbybit import ConfigurationError, Liquidation, Side
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
        on_next(210, trade(0, size=3)),
        on_next(220, trade(400, size=1, side="Sell")),
        on_next(230, trade(999, size=9, side="Buy")),
        on_next(240, trade(1_000, size=2, side="Sell")),  # the first one has left
        on_completed(250),
    )
    results = scheduler.start(lambda: source.pipe(rxo.order_flow("1s")))
    assert results.messages == [
        on_next(210, value(0, 3)),
        on_next(220, value(400, 2)),
        on_next(230, value(999, 11)),
        on_next(240, value(1_000, 6)),
        on_completed(250),
    ]


def test_each_symbol_has_its_own_and_any_other_side_counts_for_nothing() -> None:
    trades = trade(0, size=3), trade(1, size=5, side="Sell", symbol="X"), trade(2, side="Both")
    assert values(rxo.order_flow("1m"), *trades) == [value(0, 3), value(1, -5, "X"), value(2, 3)]


def test_an_older_trade_counts_as_of_the_newest() -> None:
    out = values(rxo.order_flow("1s"), trade(0), trade(5_000), trade(10, size=2))
    assert out[-1] == value(5_000, 3)


def test_floats_leave_nothing_behind() -> None:
    trades = [Foreign("X", n, 1.0, size) for n, size in enumerate([1e16, 0.1, 0.2, 0.3])]
    out = values(rxo.order_flow("2 trades"), *trades)
    assert [v.value for v in out] == [1e16, 1e16, 0.1 + 0.2, 0.5]
    assert {type(v.value) for v in out} == {float}


def test_whole_numbers_are_exact() -> None:
    out = values(rxo.order_flow("1m"), Foreign("X", 1, 1, 3), Foreign("X", 2, 1, 10**20, "Sell"))
    assert [v.value for v in out] == [3, 3 - 10**20]
    assert {type(v.value) for v in out} == {Decimal}


@pytest.mark.parametrize("side", ["Buy", "Sell"])
def test_a_liquidation_does_not_say_who_took(side) -> None:
    one = Decimal(1)
    sent = Liquidation(symbol="X", side=Side(side), price=one, size=one, time_ms=1)
    errors: list[Exception] = []
    reactivex.of(sent).pipe(rxo.order_flow("1m")).subscribe(on_error=errors.append)
    assert isinstance(errors[0], ConfigurationError)
    assert "got a Liquidation (its side is that of a position" in str(errors[0])


moves = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(["Buy", "Sell"]), st.decimals(0, 9999, places=6)),
    min_size=1,
    max_size=60,
)


@given(moves, st.integers(1, 12))
def test_it_is_bought_less_sold(moves, length) -> None:
    time_ms, trades = 0, []
    for step, side, size in moves:
        time_ms += step
        trades.append(trade(time_ms, size=size, side=side))

    def flow(inside):
        return sum(t.size if t.side == "Buy" else -t.size for t in inside)

    of_time = values(rxo.order_flow(f"{length}ms"), *trades)
    of_trades = values(rxo.order_flow(f"{length} trades"), *trades)
    for n, last in enumerate(trades):
        inside = [t for t in trades[: n + 1] if t.time_ms > last.time_ms - length]
        assert of_time[n].value == flow(inside)
        assert of_trades[n].value == flow(trades[max(0, n + 1 - length) : n + 1])


def test_a_window_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match=r"^order_flow: window='10000 volume'"):
        rxo.order_flow("10000 volume")
