"""One struct becoming another."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from rxbybit.schema.adoption import adopts, become, copied
from rxbybit.ticker import Ticker, TickerUpdate


class One(Struct, frozen=True, kw_only=True, gc=False):
    a: int
    b: str = "b"


class Same(Struct, frozen=True, kw_only=True, gc=False):
    b: str
    a: int


class More(Struct, frozen=True, kw_only=True, gc=False):
    a: int
    b: str
    c: int = 3


def test_the_same_slots_are_adopted() -> None:
    assert adopts(One, Same)
    assert not adopts(One, More)
    one = One(a=1)
    same = become(one, Same)
    assert same is one  # type: ignore[comparison-overlap]
    assert same == Same(b="b", a=1)


def test_where_they_differ_it_is_copied() -> None:
    more = More(a=1, b="x")
    one = become(more, One)
    assert one == One(a=1, b="x")
    assert type(more) is More
    assert copied(more, Same) == Same(a=1, b="x")


def test_tickers_and_their_updates_are_alike() -> None:
    assert adopts(TickerUpdate, Ticker)
    assert adopts(Ticker, TickerUpdate)
    update = TickerUpdate(symbol="X", last_price=Decimal(1))
    assert become(update, Ticker) == Ticker(symbol="X", last_price=Decimal(1))
