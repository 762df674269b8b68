"""Holes whose first event afterwards was left out."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from rxbybit import Gap, Insurance, Meta, OrderBook, Ticker
from rxbybit import operators as rxo
from rxbybit.marking import Owed, gap_of, with_gap
from tests.operators.market import Foreign, trade

NOW = datetime.now(timezone.utc)


class Own(NamedTuple):
    """What a user has made of an event: it can tell of no hole."""

    meta: object = None


def hole(topic: str = "a", connection: int | None = 1, *, after_ms: int = 1) -> Gap:
    return Gap(time=NOW, topic=topic, connection=connection, after_ms=after_ms, before_ms=9)


def event(topic: str = "a", gap: Gap | None = None, connection: int | None = 1) -> Insurance:
    meta = Meta(topic=topic, connection=connection, gap=gap)
    return Insurance(coin="BTC", balance=Decimal(1), time_ms=0, meta=meta)


def test_the_next_event_of_the_topic_tells_it_once() -> None:
    owed, gap, other = Owed(), hole("a"), hole("b")
    owed.leave_out(event("a", gap))
    owed.leave_out(event("b", other))
    owed.leave_out(event("c"))
    assert [gap_of(owed.pay(event(topic))) for topic in "cbaab"] == [None, other, gap, None, None]


def test_a_later_hole_stands_for_an_earlier_one() -> None:
    owed, later, latest = Owed(), hole(after_ms=2), hole(after_ms=3)
    owed.leave_out(event(gap=hole()))
    owed.leave_out(event(gap=later))
    owed.leave_out(event())
    assert gap_of(owed.pay(event())) is later
    owed.leave_out(event(gap=later))
    assert gap_of(owed.pay(event(gap=latest))) is latest
    assert gap_of(owed.pay(event())) is None


def test_topics_of_one_name_on_two_links_are_two() -> None:
    """Such as those of linear and of spot."""
    owed, first, second = Owed(), hole(connection=1), hole(connection=2)
    owed.leave_out(event(gap=first, connection=1))
    assert gap_of(owed.pay(event(connection=2))) is None
    owed.leave_out(event(gap=second, connection=2))
    assert gap_of(owed.pay(event(connection=1))) is first
    assert gap_of(owed.pay(event(connection=2))) is second


def test_what_was_fetched_came_over_no_link() -> None:
    owed, gap = Owed(), hole(connection=2)
    owed.leave_out(event(gap=gap, connection=None))
    assert gap_of(owed.pay(event(connection=1))) is None
    assert gap_of(owed.pay(event(connection=2))) is gap
    owed.leave_out(event(gap=gap, connection=2))
    assert gap_of(owed.pay(event("b", connection=None))) is None
    assert gap_of(owed.pay(event(connection=None))) is gap


def test_a_hole_of_no_link_goes_to_the_next_event_of_its_topic() -> None:
    owed, gap = Owed(), hole(connection=None)
    owed.leave_out(event(gap=gap, connection=None))
    assert gap_of(owed.pay(event(connection=3))) is gap


def test_what_is_not_ours_passes_as_it_is() -> None:
    owed, gap, own = Owed(), hole(), Own()
    owed.leave_out(own)
    owed.leave_out(event(gap=gap))
    assert owed.pay(own) is own
    assert owed.pay(3) == 3
    assert gap_of(owed.pay(event())) is gap


BOOK = OrderBook(symbol="BTCUSD", depth=50, bids=[], asks=[], update_id=1)


def pairs(of: Any) -> list[Any]:
    ticker = Ticker(symbol="BTCUSD")
    return [
        rxo.TradeWithBook(trade=of, book=BOOK, skipped=2),
        rxo.TradeWithTicker(trade=of, ticker=ticker),
    ]


@pytest.mark.parametrize("place", [0, 1])
def test_a_pair_tells_of_the_hole_of_its_trade(place: int) -> None:
    gap = hole("publicTrade.BTCUSD", None)
    owed, lost, pair = Owed(), pairs(trade(1, gap=gap))[place], pairs(trade(2))[place]
    assert lost.meta is lost.trade.meta
    owed.leave_out(lost)
    told = owed.pay(pair)
    assert told.trade.meta.gap is gap
    assert told == pairs(trade(2, gap=gap))[place]
    assert gap_of(owed.pay(pair)) is None


@pytest.mark.parametrize("place", [0, 1])
def test_a_pair_of_a_trade_that_is_not_ours_tells_of_none(place: int) -> None:
    class Marked(NamedTuple):
        symbol: str
        meta: Meta

    for of in (Foreign("B", 1, 1, 1), Marked("B", Meta())):
        pair = pairs(of)[place]
        assert hasattr(of, "__replace__") or pair.meta is None
        assert with_gap(pair, hole()).trade[0] == "B"
