"""Asking a market without a socket, and small markets to ask."""

from __future__ import annotations

from typing import Any

from rxbybit.sim.market import Market, Temper
from rxbybit.sim.rest import answer
from tests.sim.market.journal import START_MS, small

MINUTE = 60_000
DAY = 1_440 * MINUTE
CALM = Temper(rate=0.5, spread=2, reach=90, patience=60, lots=500)


def ask(market: Market, name: str, **query: object) -> dict[str, Any]:
    """The result of a request that is answered."""
    path = f"/v5/market/{name}"
    given = answer(market, path, {k: str(v) for k, v in query.items()}, market.now_ms * 10**6)
    assert given.status == 200
    assert list(given.body) == ["retCode", "retMsg", "result", "retExtInfo", "time"]
    assert (given.body["retCode"], given.body["retMsg"]) == (0, "OK")
    assert given.body["time"] == market.now_ms
    return given.body["result"]


def refusal(market: Market, name: str, **query: object) -> str:
    """The text of a request that is refused for its parameters."""
    path = f"/v5/market/{name}"
    given = answer(market, path, {k: str(v) for k, v in query.items()}, market.now_ms * 10**6)
    assert given.status == 200
    assert given.body == {
        "retCode": 10001,
        "retMsg": given.body["retMsg"],
        "result": {},
        "retExtInfo": {},
        "time": market.now_ms,
    }
    return given.body["retMsg"]


def lively(category="linear", *, age_ms=30 * DAY, ran_ms=5 * MINUTE) -> Market:
    """A market of one small instrument, ``BTCUSD``, after some minutes."""
    start_ms = START_MS + 47 * MINUTE + 30_250
    one = small(category, launch_ms=start_ms - age_ms, temper=CALM)
    market = Market(seed=3, start_ms=start_ms, instruments=(one,))
    list(market.advance(start_ms + ran_ms))
    return market
