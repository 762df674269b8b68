"""``GET /v5/market/instruments-info`` (V5 manual, "Get Instruments Info")."""

from __future__ import annotations

from bisect import bisect_right
from typing import cast
from urllib.parse import parse_qsl, quote

from rxbybit.config import Category
from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.market import Market
from rxbybit.sim.rest.query import Query, category_of, choice, limit_of
from rxbybit.sim.rest.refused import Refused

__all__ = ["instruments_info"]

_STATUSES = ("PreLaunch", "Trading", "Delivering", "Closed")


def instruments_info(market: Market, query: Query) -> Content:
    """What is listed, by symbol; in pages, but on spot all at once."""
    category = category_of(query)
    items = _found(market, category, query)
    if category == "spot":
        return {"category": category, "list": items}
    limit = limit_of(query, 1_000, 500)
    symbols = [cast("str", item["symbol"]) for item in items]
    first = bisect_right(symbols, _last_of(query)) if query.get("cursor") else 0
    page = items[first : first + limit]
    cursor = ""
    if first + limit < len(items):
        # Percent-encoded already in the answer: clients put it into their query as it is.
        begin, end = page[0]["symbol"], page[-1]["symbol"]
        cursor = quote(f"first={begin}&last={end}", safe="")
    if category == "option":
        return {"category": category, "nextPageCursor": cursor, "list": page}
    return {"category": category, "list": page, "nextPageCursor": cursor}


def _found(market: Market, category: Category, query: Query) -> list[Content]:
    status = choice(query, "status", _STATUSES) if query.get("status") else "Trading"
    symbol, coin, kind = (query.get(name) for name in ("symbol", "baseCoin", "symbolType"))
    if symbol and not market.was_listed(category, symbol):
        raise Refused(f"params error: symbol={symbol} is not listed on {category}")
    categories: tuple[Category, ...] = (category,)
    if category == "spot":
        coin = None
    elif coin and category != "option":
        categories = ("inverse", "linear")
    items = [item for where in categories for item in market.instruments(where, status)]
    items = [
        item
        for item in items
        if (not symbol or item["symbol"] == symbol)
        and (not coin or item["baseCoin"] == coin)
        and (not kind or item.get("symbolType") == kind)
    ]
    return sorted(items, key=lambda item: item["symbol"])


def _last_of(query: Query) -> str:
    """The symbol after which the page begins."""
    cursor = query["cursor"]
    last = dict(parse_qsl(cursor)).get("last")
    if not last:
        raise Refused(f"params error: cursor={cursor}: use nextPageCursor unchanged")
    return last
