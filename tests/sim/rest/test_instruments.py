"""instruments-info: what is listed, and its pages."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rxbybit.sim.market import Delisting, Listing, Market, many_instruments
from tests.effort import examples
from tests.sim.market.journal import START_MS, small
from tests.sim.rest.asking import ask, refusal

FEW = Market(start_ms=START_MS, instruments=many_instruments("linear", 60)[::-1])


def pages(market: Market, limit: int, **query: object) -> list[list[str]]:
    """The symbols of every page, each asked for with the cursor as it came."""
    found, cursor = [], ""
    while True:
        text = f"category=linear&limit={limit}&cursor={cursor}"
        result = ask(market, "instruments-info", **dict(parse_qsl(text)), **query)
        found.append([item["symbol"] for item in result["list"]])
        cursor = result["nextPageCursor"]
        if not cursor:
            return found


@settings(max_examples=examples(60))
@given(st.integers(1, 80))
def test_each_instrument_is_on_one_page(limit) -> None:
    found = pages(FEW, limit)
    symbols = [one.symbol for one in many_instruments("linear", 60)]
    assert [symbol for page in found for symbol in page] == sorted(symbols)
    assert all(len(page) == limit for page in found[:-1])
    assert 1 <= len(found[-1]) <= limit


def test_the_pages_hold_while_symbols_come_and_go() -> None:
    early = small("linear", symbol="AAAUSDT", base="AAA")
    script = (
        Listing(after_ms=10, instrument=early),
        Delisting(after_ms=10, category="linear", symbol="XAABUSDT"),
    )
    market = Market(start_ms=START_MS, instruments=many_instruments("linear", 6), script=script)
    first = ask(market, "instruments-info", category="linear", limit=2)
    assert first["nextPageCursor"] == "first%3DXAAAUSDT%26last%3DXAABUSDT"
    list(market.advance(START_MS + 20))
    cursor = dict(parse_qsl(f"cursor={first['nextPageCursor']}"))
    second = ask(market, "instruments-info", category="linear", limit=2, **cursor)
    assert [item["symbol"] for item in second["list"]] == ["XAACUSDT", "XAADUSDT"]


def test_without_a_limit_a_page_has_500() -> None:
    market = Market(start_ms=START_MS, instruments=many_instruments("linear", 501))
    result = ask(market, "instruments-info", category="linear")
    assert len(result["list"]) == 500
    assert len(ask(market, "instruments-info", category="linear", limit=1_000)["list"]) == 501


def test_spot_has_no_pages() -> None:
    market = Market(start_ms=START_MS, instruments=many_instruments("spot", 501))
    result = ask(market, "instruments-info", category="spot", limit=1)
    assert list(result) == ["category", "list"]
    assert len(result["list"]) == 501


def test_only_what_trades_unless_asked() -> None:
    script = (Delisting(after_ms=10, category="inverse", symbol="BTCUSD"),)
    market = Market(start_ms=START_MS, instruments=(small(), small(symbol="XUSD")), script=script)
    list(market.advance(START_MS + 20))

    def found(**query) -> list[tuple[str, str]]:
        result = ask(market, "instruments-info", category="inverse", **query)
        return [(item["symbol"], item["status"]) for item in result["list"]]

    assert found() == [("XUSD", "Trading")]
    assert found(status="Closed") == [("BTCUSD", "Closed")]
    assert found(status="PreLaunch") == found(status="Delivering") == []
    assert found(symbol="BTCUSD") == []
    assert found(symbol="BTCUSD", status="Closed") == [("BTCUSD", "Closed")]
    assert found(symbolType="innovation") == []


def test_a_base_coin_mixes_linear_and_inverse() -> None:
    market = Market(start_ms=START_MS)

    def found(category, coin) -> list[str]:
        result = ask(market, "instruments-info", category=category, baseCoin=coin)
        assert result["category"] == category
        return [item["symbol"] for item in result["list"]]

    assert found("linear", "BTC") == found("inverse", "BTC") == ["BTCUSD", "BTCUSDH26", "BTCUSDT"]
    assert found("linear", "ETH") == ["ETHUSD"]
    assert found("spot", "ETH") == ["BTCUSDT"]
    assert len(found("option", "BTC")) == 8
    assert found("option", "ETH") == []


def test_each_has_a_number_of_its_own() -> None:
    market = Market(start_ms=START_MS)
    numbers = [
        item["symbolId"]
        for category in ("inverse", "linear", "spot")
        for item in ask(market, "instruments-info", category=category)["list"]
    ]
    assert sorted(numbers) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({}, "category is missing: use one of inverse, linear, spot, option"),
        ({"category": "futures"}, "category=futures: use one of inverse, linear, spot, option"),
        ({"category": "linear", "limit": 0}, "limit=0: use 1 to 1000"),
        ({"category": "linear", "limit": 1_001}, "limit=1001: use 1 to 1000"),
        ({"category": "linear", "limit": "-5"}, "limit=-5: use 1 to 1000"),
        ({"category": "linear", "limit": "many"}, "limit=many: use 1 to 1000"),
        ({"category": "linear", "limit": "٣"}, "limit=٣: use 1 to 1000"),
        (
            {"category": "linear", "status": "trading"},
            "status=trading: use one of PreLaunch, Trading, Delivering, Closed",
        ),
        ({"category": "linear", "symbol": "btcusdt"}, "symbol=btcusdt is not listed on linear"),
        (
            {"category": "linear", "cursor": "first%3DXAAAUSDT%26last%3DXAABUSDT"},
            "cursor=first%3DXAAAUSDT%26last%3DXAABUSDT: use nextPageCursor unchanged",
        ),
    ],
)
def test_refusals(query, text) -> None:
    legal = refusal(FEW, "instruments-info", **query)
    assert sorted(legal) == sorted(f"params error: {text}")
    assert legal.partition(":")[0] == "params error"
