"""``GET /v5/market/recent-trade`` (V5 manual, "Get Recent Public Trades")."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import islice

from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.market import Market
from rxbybit.sim.market.options import OptionContract
from rxbybit.sim.market.pit import Pit
from rxbybit.sim.rest.query import Query, category_of, choice, limit_of, pit_of

__all__ = ["recent_trade"]


def recent_trade(market: Market, query: Query) -> Content:
    """The last trades, the newest first."""
    category = category_of(query)
    most = 60 if category == "spot" else 1_000
    limit = limit_of(query, most, min(most, 500))
    if category == "option" and not query.get("symbol"):
        items = _of_a_coin(market, query)
    else:
        items = _newest(pit_of(market, category, query))
    return {"category": category, "list": list(islice(items, limit))}


def _newest(pit: Pit) -> Iterator[Content]:
    return (pit.tape.rest_item(printed) for printed in reversed(pit.tape.recent))


def _of_a_coin(market: Market, query: Query) -> Iterator[Content]:
    """The trades of every option on ``baseCoin``, or of its calls, or of its puts."""
    coin = query.get("baseCoin") or "BTC"
    kind = choice(query, "optionType", ("Call", "Put")) if query.get("optionType") else ""
    tapes = [
        _newest(pit)
        for pit in market.pits.values()
        if isinstance(pit.instrument, OptionContract)
        and pit.instrument.base == coin
        and kind in ("", "Call" if pit.instrument.call else "Put")
    ]
    return merge(*tapes, key=lambda item: int(item["time"]), reverse=True)
