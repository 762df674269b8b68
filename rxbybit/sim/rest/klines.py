"""``GET /v5/market/kline`` (V5 manual, "Get Kline")."""

from __future__ import annotations

from itertools import islice

from rxbybit.sim.market.candle import INTERVALS, end_of, start_of
from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.market import Market
from rxbybit.sim.rest.query import Query, category_of, choice, limit_of, milliseconds, pit_of

__all__ = ["kline"]


def kline(market: Market, query: Query) -> Content:
    """Candles, the newest first, the running one included.

    With ``start`` alone these are the first from there on; otherwise the last ones, up to ``end``.
    """
    category = category_of(query, ("linear", "inverse", "spot"), usual="linear")
    pit = pit_of(market, category, query)
    interval = choice(query, "interval", INTERVALS)
    limit = limit_of(query, 1_000, 200)
    start_ms, end_ms = milliseconds(query, "start"), milliseconds(query, "end")
    first_ms = 0 if start_ms is None else start_ms
    last_ms = market.now_ms if end_ms is None else min(end_ms, market.now_ms)
    if start_ms is not None and end_ms is None:
        first_ms = max(first_ms, pit.candles.begins_ms(interval))
        last_ms = min(last_ms, _reached(interval, first_ms, limit))
    newest = islice(pit.candles.newest(interval, first_ms, last_ms), limit)
    rows = [[str(c.start_ms), *c.texts(pit.instrument)] for c in newest]
    return {"symbol": pit.instrument.symbol, "category": category, "list": rows}


def _reached(interval: str, first_ms: int, limit: int) -> int:
    """The start of the last of ``limit`` candles that begin at ``first_ms`` or later."""
    start_ms = start_of(interval, first_ms)
    if start_ms < first_ms:
        start_ms = end_of(interval, start_ms) + 1
    for _ in range(limit - 1):
        start_ms = end_of(interval, start_ms) + 1
    return start_ms
