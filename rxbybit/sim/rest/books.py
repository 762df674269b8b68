"""``GET /v5/market/orderbook`` (V5 manual, "Get Orderbook")."""

from __future__ import annotations

from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.market import Market
from rxbybit.sim.rest.query import Query, category_of, limit_of, pit_of

__all__ = ["orderbook"]

_LIMITS = {"inverse": (1_000, 25), "linear": (1_000, 25), "spot": (1_000, 1), "option": (25, 1)}
"""How many levels there are at most, and without ``limit``."""


def orderbook(market: Market, query: Query) -> Content:
    """The best levels; ``u`` is the update number of the 1000-level topic, whatever the limit."""
    category = category_of(query)
    limit = limit_of(query, *_LIMITS[category])
    pit = pit_of(market, category, query)
    one, book = pit.instrument, pit.levels(limit)
    asks, bids = (
        [[one.price(price), one.size(lots)] for price, lots in side]
        for side in (book.asks, book.bids)
    )
    return {
        "s": one.symbol,
        "a": asks,
        "b": bids,
        "ts": market.now_ms,
        "u": book.number,
        "seq": book.seq,
        "cts": book.ms,
    }
