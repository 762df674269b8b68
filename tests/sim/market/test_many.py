"""Hundreds of invented symbols."""

from __future__ import annotations

import pytest

from rxbybit.sim.market import Market, many_instruments
from rxbybit.symbols import category_of
from tests.sim.market.journal import START_MS


@pytest.mark.parametrize(("category", "quote"), [("inverse", "USD"), ("linear", "USDT")])
def test_their_names_say_what_they_are(category, quote) -> None:
    many = many_instruments(category, 700)
    assert len({one.symbol for one in many}) == 700
    assert (many[0].symbol, many[26].symbol) == (f"XAAA{quote}", f"XABA{quote}")
    assert {category_of(one.symbol) for one in many} == {category}
    assert {(one.category, one.quote, one.perpetual) for one in many} == {(category, quote, True)}


def test_all_of_them_trade() -> None:
    many = (*many_instruments("spot", 40), *many_instruments("linear", 40))
    market = Market(seed=1, start_ms=START_MS, instruments=many)
    for one in many:
        for kind in ("publicTrade", "tickers", "orderbook.50"):
            market.want(one.category, f"{kind}.{one.symbol}")
    heard = {push.topic for push in market.advance(START_MS + 20 * 60_000)}
    symbols = {one.symbol for one in many}
    for kind in ("publicTrade", "tickers", "orderbook.50"):
        assert {topic for topic in heard if topic.startswith(kind)} == {
            f"{kind}.{symbol}" for symbol in symbols
        }
    trades = sum(pit.tape.count for pit in market.pits.values()) / len(many)
    assert 5 < trades < 50


def test_a_launch_gives_them_a_past() -> None:
    (one,) = many_instruments("spot", 1, launch_ms=START_MS - 3_600_000)
    candles = Market(start_ms=START_MS, instruments=(one,)).pits["spot", "XAAAUSDT"].candles
    assert len(list(candles.newest("1", 0, START_MS))) == 61


def test_what_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="use one of inverse, linear, spot"):
        many_instruments("option", 1)
    for count in (-1, 17_577):
        with pytest.raises(ValueError, match="use 0 to 17576"):
            many_instruments("spot", count)
