"""``GET /v5/market/price-limit`` (V5 manual, "Get Order Price Limit")."""

from __future__ import annotations

from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.market import Market
from rxbybit.sim.rest.query import Query, category_of, pit_of

__all__ = ["price_limit"]


def price_limit(market: Market, query: Query) -> Content:
    """Between which prices an order may be: around the mark price, in whole ticks."""
    category = category_of(query, ("linear", "inverse", "spot"), usual="linear")
    pit = pit_of(market, category, query)
    one = pit.instrument
    lowest, highest = pit.marks.limits()
    return {
        "symbol": one.symbol,
        "buyLmt": one.price(highest),
        "sellLmt": one.price(lowest),
        "ts": str(market.now_ms),
    }
