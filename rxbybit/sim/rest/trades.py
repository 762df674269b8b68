"""``GET /v5/market/recent-trade`` (V5 manual, "Get Recent Public Trades")."""

from __future__ import annotations

from itertools import islice

from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.market import Market
from rxbybit.sim.rest.query import Query, category_of, limit_of, pit_of

__all__ = ["recent_trade"]


def recent_trade(market: Market, query: Query) -> Content:
    """The last trades, the newest first."""
    category = category_of(query)
    most = 60 if category == "spot" else 1_000
    limit = limit_of(query, most, min(most, 500))
    if category == "option" and not query.get("symbol"):
        return {"category": category, "list": []}
    tape = pit_of(market, category, query).tape
    newest = islice(reversed(tape.recent), limit)
    return {"category": category, "list": [tape.rest_item(printed) for printed in newest]}
