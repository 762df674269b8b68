"""From a path and its parameters to an answer, envelope and all."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.market import Market
from rxbybit.sim.rest.books import orderbook
from rxbybit.sim.rest.instruments import instruments_info
from rxbybit.sim.rest.insurance import insurance
from rxbybit.sim.rest.klines import kline
from rxbybit.sim.rest.price_limit import price_limit
from rxbybit.sim.rest.query import Query
from rxbybit.sim.rest.refused import Refused
from rxbybit.sim.rest.tickers import tickers
from rxbybit.sim.rest.trades import recent_trade

__all__ = ["PATHS", "Answer", "answer", "envelope"]

_CLOCK = "/v5/market/time"
_RESULTS: dict[str, Callable[[Market, Query], Content]] = {
    "/v5/market/instruments-info": instruments_info,
    "/v5/market/recent-trade": recent_trade,
    "/v5/market/kline": kline,
    "/v5/market/tickers": tickers,
    "/v5/market/orderbook": orderbook,
    "/v5/market/insurance": insurance,
    "/v5/market/price-limit": price_limit,
}
PATHS = (_CLOCK, *_RESULTS)
"""What can be asked for."""


class Answer(NamedTuple):
    """What goes back."""

    status: int
    """Of HTTP."""
    body: Content
    """Its keys in the order of the wire."""


def answer(market: Market, path: str, query: Query, now_ns: int) -> Answer:
    """What the exchange says at ``now_ns`` to a request for one of :data:`PATHS`.

    A request that it refuses has the status 200 too: ``retCode`` and ``retMsg`` tell.

    >>> market = Market(start_ms=1_767_571_200_000)
    >>> asked = answer(market, "/v5/market/orderbook", {"category": "spot"}, 0)
    >>> asked.status, asked.body["retCode"], asked.body["retMsg"]
    (200, 10001, 'params error: symbol is missing')
    """
    try:
        result = _clock(now_ns) if path == _CLOCK else _RESULTS[path](market, query)
    except Refused as refused:
        return _answer(refused.code, refused.text, {}, now_ns)
    return _answer(0, "OK", result, now_ns)


def _clock(now_ns: int) -> Content:
    """V5 manual, "Get Bybit Server Time"."""
    return {"timeSecond": str(now_ns // 1_000_000_000), "timeNano": str(now_ns)}


def _answer(code: int, text: str, result: Content, now_ns: int) -> Answer:
    return Answer(200, envelope(code, text, result, now_ns // 1_000_000))


def envelope(code: int, text: str, result: Content, now_ms: int) -> Content:
    """What stands around every result."""
    return {
        "retCode": code,
        "retMsg": text,
        "result": result,
        "retExtInfo": {},
        "time": now_ms,
    }
