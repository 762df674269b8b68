"""A side of a book against a dict of exact numbers."""

from __future__ import annotations

import random
from decimal import Decimal

import hypothesis.strategies as st
import pytest
from hypothesis import given

from rxbybit.ladder import Ladder, Spelling

PRICES = st.integers(1, 40).map(lambda n: f"{n / 2:.1f}")
SIZES = st.sampled_from(["0", "0.000", "1", "0.5", "12.25"])
CHANGES = st.lists(st.lists(st.tuples(PRICES, SIZES), max_size=6), max_size=20)


def numbers(levels: list[tuple[str, str]]) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(price), Decimal(size)) for price, size in levels]


@given(CHANGES, st.integers(1, 50))
def test_it_is_what_a_dict_would_be(changes: list[list[tuple[str, str]]], count: int) -> None:
    ladder, naive = Ladder(), dict[Decimal, Decimal]()
    for frame in changes:
        ladder.apply(frame)
        for price, size in numbers(frame):
            naive[price] = size
            if not size:
                del naive[price]
        rising = sorted(naive.items())
        assert numbers(ladder.rising(count)) == rising[:count]
        assert numbers(ladder.falling(count)) == rising[::-1][:count]
        assert len(ladder) == len(naive)
        assert ladder.lowest == (float(rising[0][0]) if rising else float("inf"))
        assert ladder.highest == (float(rising[-1][0]) if rising else -float("inf"))


def test_100_000_random_changes() -> None:
    chance = random.Random(5)
    ladder, naive = Ladder(), dict[Decimal, Decimal]()
    for _ in range(100_000):
        price, size = f"{chance.randint(1, 400) / 4:.2f}", f"{chance.choice((0, 0, 1, 2)):.1f}"
        ladder.apply([(price, size)])
        naive[Decimal(price)] = Decimal(size)
        if not naive[Decimal(price)]:
            del naive[Decimal(price)]
    assert len(naive) > 100
    assert numbers(ladder.rising(1000)) == sorted(naive.items())


def test_it_begins_with_levels_in_any_order() -> None:
    ladder = Ladder([("10", "1"), ("9.5", "2"), ("100", "3")])
    assert ladder.rising(2) == [("9.5", "2"), ("10", "1")]
    assert ladder.falling(9) == [("100", "3"), ("10", "1"), ("9.5", "2")]
    assert ladder.falling(0) == ladder.rising(0) == []


def test_a_copy_goes_its_own_way() -> None:
    one = Ladder([("1", "1"), ("2", "2")])
    two = one.copy()
    two.apply([("1", "0"), ("2", "5"), ("3", "3")])
    assert one.rising(9) == [("1", "1"), ("2", "2")]
    assert two.rising(9) == [("2", "5"), ("3", "3")]


@pytest.mark.parametrize("size", ["1", "0"])
@pytest.mark.parametrize("other", ["65000.0", "65000", "065000.00", "6.5e4"])
def test_a_price_in_another_spelling_is_told(other: str, size: str) -> None:
    ladder = Ladder([("64999.50", "1"), ("65000.00", "1")])
    with pytest.raises(Spelling, match=r"65000\.00"):
        ladder.apply([(other, size)])
    with pytest.raises(Spelling, match="twice"):
        Ladder([("65000.00", "1"), (other, "1")])


@pytest.mark.parametrize("price", ["", "x", "NaN", "Infinity", "-inf", "1e999"])
def test_what_is_no_price(price: str) -> None:
    with pytest.raises(ValueError, match=r"number|float"):
        Ladder([(price, "1")])
    with pytest.raises(ValueError, match=r"number|float"):
        Ladder([("1", "1")]).apply([(price, "1")])


@pytest.mark.parametrize("size", ["", "x", "NaN", "Infinity", "-1", "1e999"])
def test_what_is_no_size(size: str) -> None:
    with pytest.raises(ValueError, match=r"size|number|float"):
        Ladder([("1", size)])
    for price in ("1", "2"):
        with pytest.raises(ValueError, match=r"size|float"):
            Ladder([("1", "1")]).apply([(price, size)])


def test_a_level_without_a_size_is_none_to_begin_with() -> None:
    with pytest.raises(ValueError, match="size '0'"):
        Ladder([("1", "0")])


def test_a_price_that_comes_twice() -> None:
    with pytest.raises(Spelling, match="twice"):
        Ladder([("1", "1"), ("1", "2")])
