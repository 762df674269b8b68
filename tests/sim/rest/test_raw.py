"""The shapes of our answers are those of the exchange: keys, their order, and types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rxbybit.sim.market import Market
from rxbybit.sim.rest import answer
from tests.sim.market.journal import START_MS, small

# Any: JSON


def raw(frames: Path, name: str, category: str | None = None) -> list[dict[str, Any]]:
    """The raw answers of a path, the newest first."""
    lines = (frames / "v5" / f"rest_{name}.jsonl").read_bytes().splitlines()
    found = [json.loads(line) for line in lines]
    found = [body for body in found if category in (None, body["result"].get("category"))]
    return sorted(found, key=lambda body: body["time"], reverse=True)


def ours(market: Market, name: str, **query: str) -> dict[str, Any]:
    return answer(market, f"/v5/market/{name}", query, market.now_ms * 10**6).body


def shape(value: Any) -> Any:
    """Keys in their order, and the types of values; of a list that of its first item."""
    if isinstance(value, dict):
        return [(key, shape(one)) for key, one in value.items()]
    if isinstance(value, list):
        return [shape(value[0])]
    return type(value)


def agree(older: Any, mine: Any) -> None:
    """What an older answer has, ours has, of the same type."""
    if isinstance(older, dict):
        for key, value in older.items():
            agree(value, mine[key])
    elif isinstance(older, list):
        agree(older[0], mine[0])
    else:
        assert type(older) is type(mine)


@pytest.fixture(scope="module")
def market() -> Market:
    found = Market(seed=2, start_ms=START_MS)
    list(found.advance(START_MS + 60_000))
    return found


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("time", {}),
        ("insurance", {}),
        ("price-limit", {"symbol": "BTCUSDT"}),
        ("kline", {"category": "inverse", "symbol": "BTCUSD", "interval": "60"}),
        ("recent-trade", {"category": "spot", "symbol": "BTCUSDT"}),
        ("tickers", {"category": "inverse", "symbol": "BTCUSD"}),
        ("tickers", {"category": "spot", "symbol": "BTCUSDT"}),
        ("orderbook", {"category": "spot", "symbol": "BTCUSDT", "limit": "50"}),
        ("instruments-info", {"category": "linear", "symbol": "BTCUSDT"}),
        ("instruments-info", {"category": "spot", "symbol": "BTCUSDT"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value.values()),
)
def test_the_shape_is_that_of_the_exchange(frames, market, name, query) -> None:
    file = name.replace("-", "_")
    theirs = raw(frames, file, query.get("category") if file != "orderbook" else None)[0]
    assert shape(ours(market, name, **query)) == shape(theirs)


@pytest.mark.parametrize("category", ["inverse", "linear", "spot"])
def test_what_older_answers_had_is_there(frames, market, category) -> None:
    for theirs in raw(frames, "instruments_info", category):
        mine = ours(market, "instruments-info", category=category)
        item = theirs["result"]["list"][0]
        if item.get("preListingInfo", False):
            item = {key: value for key, value in item.items() if key != "preListingInfo"}
        agree(item, mine["result"]["list"][0])
    symbol = {"inverse": "BTCUSD"}.get(category, "BTCUSDT")
    for theirs in raw(frames, "recent_trade", category):
        agree(theirs, ours(market, "recent-trade", category=category, symbol=symbol))


def test_a_dated_contract_has_the_same_keys(frames) -> None:
    (dated,) = [
        item
        for body in raw(frames, "instruments_info", "linear")
        for item in body["result"]["list"]
        if item["contractType"] == "LinearFutures"
    ]
    one = small("linear", contract="LinearFutures", delivery_ms=START_MS + 10**9)
    market = Market(start_ms=START_MS, instruments=(one,))
    (mine,) = ours(market, "instruments-info", category="linear")["result"]["list"]
    assert shape(mine) == shape(dated)
    for key in ("fundingInterval", "upperFundingRate", "lowerFundingRate"):
        assert mine[key] == dated[key]
