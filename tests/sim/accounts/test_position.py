"""Positions against figures from the manual's sample, from paper, and from a naive model."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rxbybit.sim.accounts.money import rounded, text, value_of
from rxbybit.sim.accounts.position import Position
from tests.effort import examples
from tests.sim.market.journal import small

INVERSE = small()
LINEAR = small("linear", "BTCUSDT")


def test_the_sample_of_the_manual() -> None:
    """300 USD of BTCUSD short, worth 0.01092319 at the entry, with the mark price at 28224.50."""
    position = Position(INVERSE, 0)
    position.fill("Sell", 300, 1_092_319, 0)
    assert position.average == "27464.50441675"
    assert text(position.cost) == "0.01092319"
    assert text(position.unrealised(2_822_450)) == "-0.00029413"
    assert position.side == "Sell"


def test_inverse_by_hand() -> None:
    """600 at 50,000 cost 0.012, 400 at 40,000 cost 0.01: 1,000 for 0.022 are held at 45454.54."""
    position = Position(INVERSE, 5)
    assert position.fill("Buy", 600, 1_200_000, 10) == (0, 0)
    assert position.fill("Buy", 400, 1_000_000, 20) == (0, 0)
    assert (position.average, position.opened_ms) == ("45454.54545454", 10)
    # A quarter of it is sold at 50,000, for 0.005 of what cost 0.0055: the coin has become dearer.
    assert position.fill("Sell", 250, 500_000, 30) == (250, 50_000)
    assert (position.lots, position.cost, position.current) == (750, 1_650_000, 50_000)
    assert position.average == "45454.54545454"
    # The rest and 250 more are sold at 40,000: 0.01875 for 0.0165 is a loss, 0.00625 is new.
    assert position.fill("Sell", 1_000, 2_500_000, 40) == (750, -225_000)
    assert (position.lots, position.cost, position.average) == (-250, 625_000, "40000")
    assert (position.current, position.realised, position.opened_ms) == (0, -175_000, 40)
    assert position.updated_ms == 40
    # Short: 250 bought back at 50,000 cost 0.005, 0.00125 less coin than was sold for: a loss.
    assert position.unrealised(5_000_000) == -125_000
    assert position.fill("Buy", 250, 500_000, 50) == (250, -125_000)
    assert (position.lots, position.cost, position.side) == (0, 0, None)
    assert (position.average, position.break_even, position.unrealised(1)) == ("0", "", 0)


def test_linear_by_hand() -> None:
    """0.002 at 50,000 are 100 USDT, 0.001 at 53,000 are 53: 0.003 are held at 51,000."""
    position = Position(LINEAR, 0)
    position.fill("Buy", 2, value_of(LINEAR, 100_000, 2), 1)
    position.fill("Buy", 1, value_of(LINEAR, 106_000, 1), 2)
    assert (text(position.cost), position.average) == ("153", "51000")
    assert text(position.unrealised(5_200_000)) == "3"
    closed = position.fill("Sell", 1, value_of(LINEAR, 104_000, 1), 3)
    assert (closed.lots, text(closed.pnl)) == (1, "1")
    closed = position.fill("Sell", 5, value_of(LINEAR, 98_000, 5), 4)
    assert (closed.lots, text(closed.pnl)) == (2, "-4")
    assert (position.lots, text(position.cost), position.average) == (-3, "147", "49000")
    assert text(position.unrealised(4_800_000)) == "3"


@pytest.mark.parametrize("one", [INVERSE, LINEAR], ids=["inverse", "linear"])
@pytest.mark.parametrize("side", ["Buy", "Sell"])
def test_at_the_break_even_price_nothing_is_gained(one, side) -> None:
    position = Position(one, 0)
    position.fill(side, 90_000, value_of(one, 100_000, 90_000), 0)
    position.pay(-rounded(position.cost * 55, 100_000))
    price = Fraction(position.break_even)
    size = Fraction(90_000 * one.lot, 10**one.size_scale)
    value = size / price if one.inverse else size * price
    gained = (value - Fraction(position.cost, 10**8)) * position._sign
    left = gained + Fraction(position.current, 10**8) - value * Fraction(55, 100_000)
    assert abs(left) < value / 10**6
    # It is on the losing side of the entry.
    assert (price > Fraction(position.average)) == (side == "Buy")


def test_nothing_can_break_even_where_the_gain_was_larger_than_the_cost() -> None:
    position = Position(LINEAR, 0)
    position.fill("Buy", 1, 100, 0)
    position.pay(1_000)
    assert position.break_even == ""


FILLS = st.lists(
    st.tuples(st.sampled_from(["Buy", "Sell"]), st.integers(1, 500), st.integers(90_000, 110_000)),
    max_size=40,
)


@pytest.mark.parametrize("one", [INVERSE, LINEAR], ids=["inverse", "linear"])
@settings(max_examples=examples(200), deadline=None)
@given(fills=FILLS)
def test_like_a_model_with_exact_fractions(one, fills) -> None:
    position = Position(one, 0)
    lots, cost = 0, Fraction(0)
    spent = total = 0
    # Each fill is rounded once: so far the two may be apart.
    for slack, (side, n, ticks) in enumerate(fills, 1):
        value, sign = value_of(one, ticks, n), 1 if side == "Buy" else -1
        closing = min(n, abs(lots)) if lots * sign < 0 else 0
        pnl = Fraction(0)
        if closing:
            gained = Fraction(value * closing, n) - cost * closing / abs(lots)
            pnl = gained * (1 if lots > 0 else -1) * (-1 if one.inverse else 1)
            cost -= cost * closing / abs(lots)
        cost += Fraction(value * (n - closing), n)
        lots += sign * n
        closed = position.fill(side, n, value, slack)
        spent += sign * value
        total += closed.pnl
        assert position.lots == lots
        assert closed.lots == closing
        assert abs(closed.pnl - pnl) <= slack
        assert abs(position.cost - cost) <= slack
        assert position.realised == total
        # What went in has either come back as profit or stands in the position: to the last unit.
        held = position.cost if lots > 0 else -position.cost
        assert (spent - held) * (1 if one.inverse else -1) == total
        assert (position.cost == 0) == (lots == 0)
