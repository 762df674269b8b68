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
from rxbybit.ladder import Ladder, TextLevel, Unfit, price_text, size_text

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
    assert len(ladder) == 4


def test_an_empty_side_is_beyond_every_price() -> None:
    empty = Ladder()
    for other in (Ladder(levels(("1", "1"))), Ladder(levels(("1.50", "1"))), Ladder()):
        assert empty.below(other)
        assert other.below(empty)
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
    assert shown(ladder) == [("1", "3E-400"), ("2", "2E-400")]


@pytest.mark.parametrize(
    "wrong",
    [("2.0", "5"), ("2.0", "0")],
    ids=["spelled anew", "taken away in another spelling"],
)
def test_what_does_not_fit_changes_nothing(wrong: tuple[str, str]) -> None:
    ladder = Ladder(levels(("1", "1"), ("2", "2"), ("3", "3")))
    before = shown(ladder)
    with pytest.raises(Unfit):
        ladder.apply(levels(("1", "10"), ("2", "0"), ("2", "4"), ("4", "4"), ("3", "0"), wrong))
    assert shown(ladder) == before


@pytest.mark.parametrize(
    "wrong",
    [[("1", "0")], [("1", "0.0")], [("1", "1"), ("1.0", "2")], [("1", "1")] * 2],
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


ALIKE = [f"{tick / 4:05.2f}" for tick in range(30)]
UNLIKE = [f"{tick / 4}" for tick in range(0, 30, 4)]
"""In one way, each as long as the others; and as they come, some of them the same numbers."""


def changes_of(prices: Sequence[str]) -> st.SearchStrategy[list[Pairs]]:
    level = st.tuples(st.sampled_from(prices), st.sampled_from(["0", "1", "2.50"]))
    return st.lists(st.lists(level, max_size=6), max_size=12)


def naively(sizes: dict[str, str], pairs: Pairs) -> dict[str, str] | None:
    """``sizes`` after a change; ``None`` where one price would be there in two spellings."""
    sizes = dict(sizes)
    for price, size in pairs:
        if any(Decimal(other) == Decimal(price) and other != price for other in sizes):
            return None
        sizes[price] = size
        if size == "0":
            del sizes[price]
    return sizes


@given(st.sampled_from([ALIKE[7:9], UNLIKE[:1], []]), changes_of(ALIKE + UNLIKE))
def test_it_equals_a_dict_and_refuses_whatever_is_spelled_anew(
    begin: list[str], changes: list[Pairs]
) -> None:
    ladder, sizes = Ladder([(price, "1") for price in begin]), dict.fromkeys(begin, "1")
    for pairs in changes:
        before, after = shown(ladder), naively(sizes, pairs)
        if after is None:
            with pytest.raises(Unfit):
                ladder.apply(levels(*pairs))
            assert shown(ladder) == before
        else:
            ladder.apply(levels(*pairs))
            sizes = after
        assert shown(ladder) == shown(ladder.copy()) == naive(sizes)
        assert ladder.first == next(iter(naive(sizes)), None)
        assert ladder.last == next(reversed(naive(sizes)), None)


APART = [f"{tick / 4}" for tick in range(30)]


@given(
    st.sampled_from([([], ALIKE), (ALIKE[7:9], ALIKE), ([], APART), (APART[7:9], APART)]).flatmap(
        lambda family: st.tuples(st.just(family[0]), changes_of(family[1]))
    )
)
def test_every_change_can_be_taken_back(drawn: tuple[list[str], list[Pairs]]) -> None:
    begin, changes = drawn
    ladder, sizes = Ladder([(price, "1") for price in begin]), dict.fromkeys(begin, "1")
    done: list[tuple[tuple[TextLevel, ...], list[str | None], list[tuple[str, str]]]] = []
    for pairs in changes:
        before = shown(ladder)
        done.append((levels(*pairs), ladder.apply(levels(*pairs)), before))
        for price, size in pairs:
            sizes[price] = size
            if size == "0":
                del sizes[price]
        assert shown(ladder) == naive(sizes)
    for pairs, replaced, before in reversed(done):
        ladder.undo(pairs, replaced)
        assert shown(ladder) == before


@pytest.mark.parametrize("spelled", ["06.3f", ""], ids=["alike", "as they come"])
def test_a_hundred_thousand_changes_equal_those_of_a_dict(spelled: str) -> None:
    first = f"{1.5:{spelled}}"
    chance, ladder, sizes = Random(4), Ladder([(first, "7")]), {first: "7"}
    for count in range(100_000):
        price, size = f"{chance.randrange(400) / 8:{spelled}}", f"{chance.choice((0, 1, 2, 3)) * 7}"
        ladder.apply(levels((price, size)))
        if size == "0":
            sizes.pop(price, None)
        else:
            sizes[price] = size
        if count % 500 == 0:
            assert shown(ladder) == naive(sizes)
    assert shown(ladder) == naive(sizes)


@pytest.mark.parametrize("spelled", ["07.2f", ""], ids=["alike", "as they come"])
def test_of_prices_that_are_gone_nothing_is_kept(spelled: str) -> None:
    texts = [f"{tick / 2:{spelled}}" for tick in range(5_000)]
    ladder = Ladder([(price, "1") for price in texts[:50]])
    for tick in range(50, 5_000):
        ladder.apply(((texts[tick - 50], "0"), (texts[tick], "1")))
        assert len(ladder._sizes) == len(ladder._prices) - 2 == 50
        assert len(ladder._values) == (0 if spelled else 52)
        assert (ladder.first, ladder.last) == ((texts[tick - 49], "1"), (texts[tick], "1"))
    copy = ladder.copy()
    copy.apply(((texts[4_990], "0"), ("90000.125", "1")))
    assert (ladder.last, copy.last) == ((texts[-1], "1"), ("90000.125", "1"))
    assert len(ladder) == len(copy) == 50
    assert list(copy.rising())[:-1] == [
        (price, "1") for price in texts[4_950:] if price != texts[4_990]
    ]


@pytest.mark.parametrize(
    ("bids", "asks", "fits"),
    [
        ("1.50", "1.51", True),
        ("1.51", "1.51", False),
        ("1.52", "1.51", False),
        ("9.50", "10.50", True),
        ("10.50", "9.50", False),
        ("1.5", "1.50", False),
        ("1.50", "1.5", False),
        ("10.5", "1.55", False),
        ("1.55", "10.5", True),
        ("44.44", "5.555", False),
        ("5.555", "44.44", True),
        ("2", "3", True),
        ("3", "3", False),
        ("9", "10", True),
        (None, "1.51", True),
        ("1.51", None, True),
        (None, None, True),
    ],
)
@pytest.mark.parametrize("first", [None, "5.55", "the price"])
def test_bids_are_below_asks_however_they_are_spelled(
    bids: str | None, asks: str | None, fits: bool, first: str | None
) -> None:
    sides: list[Ladder] = []
    for price in (bids, asks):
        begun = price if first == "the price" else first
        side = Ladder([] if begun is None else [(begun, "1")])
        side.apply([(begun or "1", "0")] if begun != price else [])
        side.apply([] if price is None else [(price, "1")])
        sides.append(side)
    assert sides[0].below(sides[1]) is fits
    if not fits:
        with pytest.raises(Unfit, match="crosses"):
            sides[0].change([], sides[1], [])
    else:
        sides[0].change([], sides[1], [])


@pytest.mark.parametrize("price", ["-1.50", "1.5e3", "+1.50", ".150", " 1.50", "１.50"])
def test_what_only_looks_like_the_others_is_put_where_it_belongs(price: str) -> None:
    """Each is as long as the others, with its dot at a place that theirs may have."""
    number, dot, width = Decimal(price), price.index("."), len(price)
    alike = (
        [f"{digit}" * dot + "." + "5" * (width - dot - 1) for digit in (7, 8)] if dot else ["7.55"]
    )
    text = price_text(price, number)
    ladder = Ladder([(other, "1") for other in alike])
    ladder.apply([(text, "2")])
    assert [Decimal(shown) for shown, _ in ladder.rising()] == sorted(
        [number, *map(Decimal, alike)]
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        *((text, text) for text in ("0", "7", "0.001", "00.12", "5.")),
        *(("-1.50", "-150e-2"), ("1.5e3", "15e2"), (".5", "5e-1"), ("１.5", "15e-1")),
        *(("1E+5", "1e5"), ("-1", "-1e0"), ("1__0", "10e0"), ("_1", "1e0"), ("１", "1e0")),
    ],
)
def test_a_price_with_a_dot_is_digits(text: str, shown: str) -> None:
    assert price_text(text, Decimal(text)) == shown
    assert Decimal(shown) == Decimal(text)


def test_a_text_is_no_price_though_it_is_spelled_like_one() -> None:
    text: Any = "99.5"
    with pytest.raises(TypeError):
        price_text(text, text)
    assert price_text(text, Decimal(text)) is text


@pytest.mark.parametrize("text", ["NaN", "-NaN", "sNaN", "-Infinity", "Infinity"])
def test_no_price_is_no_number(text: str) -> None:
    """Not being above or below any other it would have no place among them."""
    with pytest.raises(Unfit, match=f"a level at price '{text}'"):
        price_text(text, Decimal(text))
    if text != "sNaN":
        with pytest.raises(Unfit):
            price_text(text, float(text))


def test_a_price_may_be_as_low_as_it_likes() -> None:
    """That of a spread may be 0 or less; and a whole number may be more than any float."""
    assert price_text("-5", -5) == "-5e0"
    assert price_text("0.0", 0.0) == "0.0"
    assert price_text(f"-{10**400}", -(10**400)) == f"-{10**400}e0"


def test_numbers_are_written_as_they_stand() -> None:
    assert written([(Decimal("1.50"), Decimal("2"))]) == [("1.50", "2")]
    floats: Any = [(1e-7, 0.0), (1.5, 1e22)]  # Any: they go under the name of Decimals
    assert written(floats) == [("1e-7", "0"), ("1.5", "1e+22")]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        *((text, text) for text in ("0", "7", "0.001", "00012", "1E+5", "1E-400", "1E+400")),
        *((text, "0") for text in ("0.000", "-0", "00", "0e5", ".0", "+0")),
        *(("+1", "1"), (" 1", "1"), (".5", "0.5"), ("_1", "1"), ("１", "1"), ("1__0", "10")),
    ],
)
def test_the_text_of_a_size_tells_whether_there_is_any(text: str, shown: str) -> None:
    number = Decimal(text)
    assert size_text(text, number) == shown
    assert Decimal(shown) == number
    assert (shown == "0") == (number == 0)


@pytest.mark.parametrize(
    "text", ["-1", "-0.001", "-1e-400", "NaN", "sNaN", "-Infinity", "Infinity"]
)
def test_no_size_is_below_zero_or_no_number(text: str) -> None:
    with pytest.raises(Unfit, match=f"a level of size '{text}'"):
        size_text(text, Decimal(text))
    if text not in ("-1e-400", "sNaN"):
        with pytest.raises(Unfit):
            size_text(text, float(text))


@pytest.mark.parametrize("odd", ["5.555", "55.55", "555.5", "5555.", "5.55", "55555"])
def test_prices_whose_dots_stand_elsewhere_are_put_in_order(odd: str) -> None:
    """Of one length or not: 5.555 is less than 44.44, though not as a text."""
    ladder = Ladder([("44.44", "1"), ("66.66", "1")])
    ladder.apply([(odd, "1"), ("50.00", "1"), ("44.44", "0")])
    expected = sorted([odd, "50.00", "66.66"], key=Decimal)
    assert [price for price, _ in ladder.rising()] == expected
    begun = Ladder([(odd, "1"), ("50.00", "1"), ("66.66", "1")])
    assert [price for price, _ in begun.rising()] == expected
    without = Ladder([("1e3", "1"), ("999", "1"), ("200", "1")])
    assert [price for price, _ in without.rising()] == ["200", "999", "1e3"]


def test_while_prices_are_spelled_alike_no_number_is_kept() -> None:
    ladder = Ladder([("1.50", "1"), ("1.25", "1")])
    ladder.apply([("1.75", "1"), ("1.25", "0"), ("9.99", "0")])
    assert (ladder._values, ladder._prices[1:-1]) == ([], ["1.50", "1.75"])


def test_prices_that_no_float_tells_apart_are_refused_from_the_first_on() -> None:
    """Else they were taken for each other once a price comes that is spelled in another way."""
    with pytest.raises(Unfit, match="twice"):
        Ladder([("9999999999999.998", "1"), ("9999999999999.999", "1")])
    close = [(f"100000.00000000000{n}", "1") for n in (1, 2)]
    with pytest.raises(Unfit, match="twice"):
        Ladder(close)
    ladder = Ladder(close[:1])
    with pytest.raises(Unfit, match="is there as"):
        ladder.apply(close[1:])


@pytest.mark.parametrize("digits", ["9007199254740.99", "99999999999999.9", "0.99999999999999"])
def test_as_many_digits_as_are_their_own_order_have_floats_of_their_own(digits: str) -> None:
    last = Decimal(digits)
    step = Decimal(1).scaleb(last.as_tuple().exponent)  # type: ignore[arg-type]
    near = [f"{last - n * step}" for n in range(5)]
    assert len({float(price) for price in near}) == 5
    ladder = Ladder([(price, "1") for price in near])
    assert ladder._values == []
    ladder.apply([("1", "1"), (near[2], "0"), (near[2], "5")])
    assert shown(ladder) == naive({"1": "1", **dict.fromkeys(near, "1"), near[2]: "5"})


def test_sides_are_marked_by_what_they_hold() -> None:
    mark = Ladder([("1", "2"), ("3", "4")]).mark()
    assert Ladder([("3", "4"), ("1", "2")]).mark() == mark
    others = ([("1", "2"), ("3", "5")], [("1", "2")], [("1", "2"), ("3", "4"), ("5", "6")], [])
    assert mark not in [Ladder(other).mark() for other in others]


@pytest.mark.parametrize(
    ("bids", "asks"),
    [
        ([("1.00", "0"), ("1.50", "3"), ("2.50", "1")], [("3.00", "7"), ("2.25", "1")]),
        ([("1.00", "0"), ("1.50", "3")], [("3.00", "7"), ("2.0", "1")]),
        ([("1.00", "0"), ("1.5", "1")], [("3.00", "7")]),
    ],
    ids=["crossed", "wrong asks", "wrong bids"],
)
def test_what_does_not_fit_changes_neither_side(bids: Pairs, asks: Pairs) -> None:
    below, above = (Ladder([(f"{n}.00", "1"), (f"{n}.50", "2")]) for n in (1, 2))
    sides = shown(below), shown(above)
    with pytest.raises(Unfit):
        below.change(bids, above, asks)
    assert (shown(below), shown(above)) == sides
    below.change([("1.50", "0")], above, [("3.00", "1")])
    assert [len(side) for side in (below, above)] == [1, 3]


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
