"""One side of a book: exact texts in the order of their numbers, and nothing done by halves."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxbybit.content import written
from rxbybit.ladder import Ladder, TextLevel, Unfit, size_text

Pairs = Sequence[tuple[str, str]]


def levels(*pairs: tuple[str, str]) -> tuple[TextLevel, ...]:
    return tuple((price, size_text(size, Decimal(size))) for price, size in pairs)


def shown(ladder: Ladder) -> list[tuple[str, str]]:
    rising = list(ladder.rising())
    assert list(ladder.falling()) == rising[::-1]
    return rising


def naive(sizes: dict[str, str]) -> list[tuple[str, str]]:
    return sorted(sizes.items(), key=lambda level: Decimal(level[0]))


def test_levels_come_in_the_order_of_numbers_not_of_texts() -> None:
    ladder = Ladder(levels(("9.5", "1"), ("10", "2"), ("100", "3"), ("9", "4")))
    assert shown(ladder) == [("9", "4"), ("9.5", "1"), ("10", "2"), ("100", "3")]
    assert (ladder.lowest, ladder.highest, len(ladder)) == (9, 100, 4)


def test_an_empty_side_is_beyond_every_price() -> None:
    empty = Ladder()
    assert empty.lowest > 1e308
    assert empty.highest < -1e308
    assert shown(empty) == []


def test_a_change_sets_adds_and_takes_away() -> None:
    ladder = Ladder(levels(("1", "1"), ("2", "2"), ("3", "3")))
    ladder.apply(levels(("2", "20"), ("2.5", "5"), ("3", "0"), ("0.5", "7")))
    assert shown(ladder) == [("0.5", "7"), ("1", "1"), ("2", "20"), ("2.5", "5")]


@pytest.mark.parametrize("nothing", ["0", "0.000", "0e5"])
def test_zero_takes_away_however_it_is_spelled(nothing: str) -> None:
    ladder = Ladder(levels(("1", "1"), ("2", "2")))
    ladder.apply(levels(("2", nothing)))
    assert shown(ladder) == [("1", "1")]


def test_zero_for_a_level_that_is_not_there_is_nothing() -> None:
    ladder = Ladder(levels(("1", "1")))
    ladder.apply(levels(("2", "0")))
    assert shown(ladder) == [("1", "1")]


def test_a_size_too_small_for_a_float_is_a_size() -> None:
    ladder = Ladder(levels(("1", "1e-400")))
    ladder.apply(levels(("2", "2e-400"), ("1", "3e-400")))
    assert shown(ladder) == [("1", "3e-400"), ("2", "2e-400")]


@pytest.mark.parametrize(
    "wrong",
    [("2.0", "5"), ("2.0", "0"), ("1", "-1"), ("7", "-1")],
    ids=["spelled anew", "taken away in another spelling", "below 0", "below 0, not there"],
)
def test_what_does_not_fit_changes_nothing(wrong: tuple[str, str]) -> None:
    ladder = Ladder(levels(("1", "1"), ("2", "2"), ("3", "3")))
    before = shown(ladder)
    with pytest.raises(Unfit):
        ladder.apply(levels(("1", "10"), ("2", "0"), ("2", "4"), ("4", "4"), ("3", "0"), wrong))
    assert shown(ladder) == before


@pytest.mark.parametrize(
    "wrong",
    [[("1", "0")], [("1", "0.0")], [("1", "-1")], [("1", "1"), ("1.0", "2")], [("1", "1")] * 2],
)
def test_no_side_begins_with_what_does_not_fit(wrong: Pairs) -> None:
    with pytest.raises(Unfit):
        Ladder(levels(*wrong))


def test_a_copy_is_apart() -> None:
    ladder = Ladder(levels(("1", "1")))
    copy = ladder.copy()
    assert copy == ladder
    copy.apply(levels(("1", "2"), ("2", "2")))
    assert copy != ladder
    assert shown(ladder) == [("1", "1")]
    assert ladder != "no ladder"


PRICES = [f"{tick / 4}" for tick in range(30)]
CHANGES = st.lists(
    st.lists(st.tuples(st.sampled_from(PRICES), st.sampled_from(["0", "1", "2.50"])), max_size=6),
    max_size=12,
)


@given(CHANGES)
def test_it_equals_a_dict_and_every_change_can_be_taken_back(changes: list[Pairs]) -> None:
    ladder, sizes = Ladder(), dict[str, str]()
    done: list[tuple[tuple[TextLevel, ...], list[str | None], list[tuple[str, str]]]] = []
    for pairs in changes:
        before = shown(ladder)
        done.append((levels(*pairs), ladder.apply(levels(*pairs)), before))
        for price, size in pairs:
            sizes[price] = size
            if size == "0":
                del sizes[price]
        assert shown(ladder) == naive(sizes)
    for change, replaced, before in reversed(done):
        ladder.undo(change, replaced)
        assert shown(ladder) == before


def test_a_hundred_thousand_changes_equal_those_of_a_dict() -> None:
    chance, ladder, sizes = Random(4), Ladder(), dict[str, str]()
    for count in range(100_000):
        price, size = f"{chance.randrange(400) / 8}", f"{chance.choice((0, 1, 2, 3)) * 7}"
        ladder.apply(levels((price, size)))
        if size == "0":
            sizes.pop(price, None)
        else:
            sizes[price] = size
        if count % 500 == 0:
            assert shown(ladder) == naive(sizes)
    assert shown(ladder) == naive(sizes)


def test_of_prices_that_are_gone_nothing_is_kept() -> None:
    ladder = Ladder(levels(*((f"{tick}", "1") for tick in range(50))))
    for tick in range(50, 5_000):
        ladder.apply(levels((f"{tick - 50}", "0"), (f"{tick}", "1")))
        assert len(ladder._sizes) == len(ladder._prices) - 2 == len(ladder._values) - 2 == 50
        assert (ladder.lowest, ladder.highest) == (tick - 49, tick)
    copy = ladder.copy()
    copy.apply(levels(("4990", "0"), ("9000.5", "1")))
    assert (ladder.highest, copy.highest, len(ladder), len(copy)) == (4_999, 9_000.5, 50, 50)


def test_numbers_are_written_as_they_stand() -> None:
    assert written([(Decimal("1.50"), Decimal("2"))]) == (("1.50", "2"),)
    floats: Any = [(1e-7, 0.0), (1.5, 1e22)]  # Any: they go under the name of Decimals
    assert written(floats) == (("1e-07", "0"), ("1.5", "1e+22"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        *((text, text) for text in ("0", "7", "0.001", "00012", "1E+5", "1e-400", "-1", "１")),
        *((text, "0") for text in ("0.000", "-0", "00", "0e5", ".0", "+0")),
        *(("+1", "1"), (" 1", "1"), (".5", "0.5"), ("_-1", "-1")),
    ],
)
def test_the_text_of_a_size_tells_its_sign(text: str, shown: str) -> None:
    number = Decimal(text)
    assert size_text(text, number) == shown
    assert Decimal(shown) == number
    assert (shown == "0", shown > "0", shown < "0") == (number == 0, number > 0, number < 0)


def test_the_first_and_the_last_level() -> None:
    ladder = Ladder(levels(("10", "2"), ("9", "4"), ("11.0", "1")))
    assert (ladder.first, ladder.last) == (("9", "4"), ("11.0", "1"))
    assert Ladder().first is Ladder().last is None


@given(
    st.lists(st.tuples(st.sampled_from("123456"), st.sampled_from("12")), unique_by=lambda x: x[0]),
    st.lists(
        st.tuples(st.sampled_from("123456"), st.sampled_from("012")), unique_by=lambda x: x[0]
    ),
)
def test_the_growth_is_that_of_applying(held: Pairs, changes: Pairs) -> None:
    ladder = Ladder(held)
    growth = ladder.growth(changes)
    ladder.apply(changes)
    assert growth == len(ladder) - len(held)
