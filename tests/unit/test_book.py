"""An order book as a user holds it: immutable, comparable, exact, and its numbers as defined."""

from __future__ import annotations

import copy
import json
import math
import pickle
from datetime import datetime, timezone
from decimal import Decimal as D
from typing import Any
from unittest.mock import ANY

import pytest

from rxbybit.book import BookState, OrderBook
from rxbybit.errors import ConfigurationError
from rxbybit.events import Meta

BIDS = [(D("100.0"), D("4")), (D("99.5"), D("2")), (D("98"), D("10"))]
ASKS = [(D("100.5"), D("1")), (D("101"), D("3"))]


def book(**changes: Any) -> OrderBook:
    given: dict[str, Any] = {
        "symbol": "BTCUSD",
        "depth": 50,
        "bids": BIDS,
        "asks": ASKS,
        "update_id": 7,
        "sequence": 70,
        "time_ms": 1_700_000_000_123,
    }
    return OrderBook(**given | changes)


def test_it_shows_what_it_was_made_of_best_first() -> None:
    made = book(bids=BIDS[::-1], asks=ASKS[::-1])
    assert (made.bids, made.asks) == (tuple(BIDS), tuple(ASKS))
    assert (made.symbol, made.depth, made.update_id, made.sequence) == ("BTCUSD", 50, 7, 70)
    assert made.time == datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=timezone.utc)
    assert made.state == "synced" == BookState.SYNCED
    assert made.meta == Meta()
    assert [str(price) for price, _ in made.bids] == ["100.0", "99.5", "98"]


def test_the_best_levels_and_what_is_made_of_them() -> None:
    made = book()
    assert (made.best_bid, made.best_ask) == (BIDS[0], ASKS[0])
    assert made.mid == D("100.25")
    assert made.spread == D("0.5")
    assert made.microprice == (D(100) * 1 + D("100.5") * 4) / 5


@pytest.mark.parametrize("empty", ["bids", "asks"])
def test_an_empty_side_has_no_best_level_and_no_middle(empty: str) -> None:
    made = book(**{empty: []})
    assert getattr(made, f"best_{empty[:-1]}") is None
    assert made.mid is made.spread is made.microprice is None
    assert made.imbalance(2) == (-1 if empty == "bids" else 1)
    assert getattr(made, empty) == ()


@pytest.mark.parametrize(
    ("levels", "value"), [(1, D(3) / 5), (2, D(2) / 10), (3, D(12) / 20), (99, D(12) / 20)]
)
def test_imbalance_of_so_many_levels(levels: int, value: D) -> None:
    assert book().imbalance(levels) == value
    assert book().imbalance() == book().imbalance(1)


def test_nothing_at_all_has_no_imbalance_and_fills_nothing() -> None:
    empty = book(bids=[], asks=[])
    assert empty.imbalance(5) is None
    assert empty.fill_price("Buy", D(1)) is None


@pytest.mark.parametrize(
    ("side", "quantity", "price"),
    [
        ("Buy", D(1), D("100.5")),
        ("Buy", D(3), (D("100.5") + 2 * D(101)) / 3),
        ("Buy", D(4), (D("100.5") + 3 * D(101)) / 4),
        ("Buy", D("4.01"), None),
        ("Sell", D(5), (4 * D(100) + D("99.5")) / 5),
        ("Sell", D(17), None),
    ],
)
def test_the_price_of_a_fill(side: str, quantity: D, price: D | None) -> None:
    assert book().fill_price(side, quantity) == price


def test_the_price_of_a_fill_of_inverse_contracts() -> None:
    assert book().fill_price("Sell", D(5), inverse=True) == 5 / (4 / D(100) + 1 / D("99.5"))


@pytest.mark.parametrize("inverse", [True, False])
def test_what_the_best_level_fills_is_filled_at_its_very_price(*, inverse: bool) -> None:
    one = book(asks=[(D("65000.50"), D(7))], bids=[])
    assert one.fill_price("Buy", D(3), inverse=inverse) == D("65000.50")
    assert one.fill_price("Buy", D(7), inverse=inverse) == D("65000.50")
    assert one.fill_price("Buy", D(8), inverse=inverse) is None


@pytest.mark.parametrize("quantity", [D("1.5"), 1.5, 1, D("1e-1"), 0.1])
@pytest.mark.parametrize("inverse", [True, False])
def test_a_quantity_is_read_as_the_numbers_of_the_book(quantity: Any, *, inverse: bool) -> None:
    """Types say Decimal, also where a client wants floats."""
    asks: list[Any] = [(100.5, 0.05), (101.0, 3.0)]
    floats = book(bids=[], asks=asks).fill_price("Buy", quantity, inverse=inverse)
    exact = book(bids=[], asks=[(D(str(p)), D(str(s))) for p, s in asks])
    price = exact.fill_price("Buy", quantity, inverse=inverse)
    assert price == exact.fill_price("Buy", D(str(quantity)), inverse=inverse)
    assert type(price) is D
    assert type(floats) is float
    assert floats == pytest.approx(float(price))


WRONG = [D("NaN"), D("sNaN"), D("Infinity"), math.nan, math.inf, True, "1", None]


@pytest.mark.parametrize(
    ("side", "quantity"),
    [("buy", D(1)), ("Buy", D(0)), ("Sell", D(-1)), *(("Buy", wrong) for wrong in WRONG)],
)
def test_no_price_for_what_is_no_order(side: str, quantity: Any) -> None:
    with pytest.raises(ConfigurationError, match="fill_price: side Buy or Sell"):
        book().fill_price(side, quantity)


def test_cumulative_sizes() -> None:
    bids, asks = book().cumulative(2)
    assert bids == ((D(100), D(4)), (D("99.5"), D(6)))
    assert asks == ((D("100.5"), D(1)), (D(101), D(4)))
    assert len(book().cumulative(9)[0]) == 3


@pytest.mark.parametrize("ask", ["imbalance", "cumulative", "limited"])
@pytest.mark.parametrize("levels", [0, -1, 1.5, 2.0, D(2), True, "2", None, math.nan])
def test_levels_are_a_whole_number(ask: str, levels: Any) -> None:
    with pytest.raises(ConfigurationError, match="1 or more"):
        getattr(book(), ask)(levels)


def test_more_levels_than_there_are_give_all() -> None:
    made, most = book(), 10**30
    assert made.imbalance(most) == made.imbalance(3)
    assert made.cumulative(most) == made.cumulative(3)
    assert made.limited(most) == made
    assert made.limited(1).cumulative(most) == made.cumulative(1)


def test_a_limited_book_shows_less_everywhere() -> None:
    whole = book()
    small = whole.limited(1)
    assert (small.depth, small.bids, small.asks) == (1, (BIDS[0],), (ASKS[0],))
    assert small.imbalance(3) == whole.imbalance(1)
    assert small.cumulative(3) == whole.cumulative(1)
    assert small.fill_price("Buy", D(2)) is None
    assert small != whole
    assert whole.limited(99) == whole
    assert small.limited(9).bids == small.bids
    assert book(bids=BIDS * 1).limited(2).bids == tuple(BIDS[:2])


@pytest.mark.parametrize(
    "change",
    [
        {"symbol": "ETHUSD"},
        {"depth": 200},
        {"bids": BIDS[:2]},
        {"asks": ASKS[:1]},
        {"update_id": 8},
        {"sequence": 71},
        {"time_ms": 5},
        {"state": "resyncing"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_it_equals_a_book_of_the_same_content(change: dict[str, Any]) -> None:
    assert book() == book(meta=Meta("topic"))
    assert hash(book()) == hash(book(meta=Meta("topic")))
    assert book() != book(**change)
    assert hash(book()) != hash(book(**change))
    assert book() != "a book"
    assert book() == ANY  # which is asked, as a book knows nothing of it
    assert copy.copy(book()).__replace__(**change) == book(**change)


def test_it_cannot_be_changed() -> None:
    for name in ("symbol", "bids", "state", "anything"):
        with pytest.raises(AttributeError):
            setattr(book(), name, None)


def test_it_pickles_copies_and_matches() -> None:
    made = book(meta=Meta("topic", "delta", 1, 2, 3, 4))
    assert made.meta == Meta("topic", "delta", 1, 2, 3, 4)
    for twin in (pickle.loads(pickle.dumps(made)), copy.copy(made), copy.deepcopy(made)):
        assert twin == made
        assert twin.meta == made.meta
    limited = pickle.loads(pickle.dumps(made.limited(1)))
    assert limited == made.limited(1)
    match made:
        case OrderBook(symbol="BTCUSD", best_bid=(price, _)):
            assert price == 100
        case _:
            pytest.fail("it does not match")


def test_its_repr_is_short() -> None:
    assert repr(book()) == (
        "OrderBook(symbol='BTCUSD', depth=50, update_id=7, sequence=70,"
        " time=2023-11-14T22:13:20.123Z, state=synced, bids=3 from 100.0, asks=2 from 100.5)"
    )
    assert repr(book(bids=[], update_id=None)).endswith("bids=0, asks=2 from 100.5)")


def test_its_json_holds_every_level_as_text() -> None:
    row = json.loads(book(asks=ASKS[:1], update_id=None).to_json())
    assert row == {
        "event": "OrderBook",
        "symbol": "BTCUSD",
        "depth": 50,
        "bids": [["100.0", "4"], ["99.5", "2"], ["98", "10"]],
        "asks": [["100.5", "1"]],
        "sequence": 70,
        "time_ms": 1_700_000_000_123,
        "state": "synced",
    }
    assert json.loads(book().to_json(meta=True))["meta"]["kind"] == "snapshot"


def test_floats_stay_floats() -> None:
    made: OrderBook = book(bids=[(100.0, 2.0)], asks=[(101.0, 6.0)])
    assert made.bids == ((100.0, 2.0),)
    assert made.microprice == 100.25
    assert made.imbalance(1) == -0.5
    assert made.fill_price("Buy", 3.0) == 101.0  # pyright: ignore[reportArgumentType]
    assert type(book(bids=[(100.0, 2.0)], asks=[]).imbalance(1)) is float
    assert made.cumulative(1) == (((100.0, 2.0),), ((101.0, 6.0),))


@pytest.mark.parametrize(("price", "size"), [(99, 1), (99, 1.5)])
def test_whole_numbers_are_read_as_decimals(price: Any, size: Any) -> None:
    made = book(bids=[(price, size)], asks=[(101.5, 2)])
    assert made.bids == ((D(99), D(str(size))),)
    assert made.asks == ((D("101.5"), D(2)),)
    assert {type(number) for side in (made.bids, made.asks) for number in side[0]} == {D}
    assert made.mid == D("100.25")


def test_a_kind_of_float_is_read_as_floats() -> None:
    """Such as those of numpy."""

    class Float(float):
        __slots__ = ()

    made = book(bids=[(Float(99.5), Float(1))], asks=[])
    assert made.bids == ((99.5, 1.0),)
    assert {type(number) for number in made.bids[0]} == {float}


@pytest.mark.parametrize("wrong", [(True, 1), (1, True), (False, 1)])
def test_a_truth_value_is_no_number(wrong: Any) -> None:
    with pytest.raises(ValueError, match="a level"):
        book(bids=[wrong])


@pytest.mark.parametrize(
    "wrong",
    [
        *([(D(1), D(size))] for size in (0, -1, "NaN", "sNaN", "Infinity")),
        *([(D(price), D(1))] for price in ("NaN", "sNaN", "Infinity", "-Infinity", "1e400")),
        [(math.nan, 1.0)],
        [(D(1), D(1))] * 2,
    ],
)
def test_no_book_of_levels_that_cannot_be(wrong: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"level|price|NaN"):
        book(bids=wrong)
