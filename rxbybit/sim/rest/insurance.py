"""``GET /v5/market/insurance`` (V5 manual, "Get Insurance Pool")."""

from __future__ import annotations

from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.market import Market
from rxbybit.sim.rest.query import Query

__all__ = ["insurance"]


def insurance(market: Market, query: Query) -> Content:
    """Every pool, or those of one coin, as they are now."""
    coin = query.get("coin")
    pools = [pool for pool in market.pools() if not coin or pool.coin == coin]
    items = [pool.rest_item(market.coin_price(pool.coin)) for pool in pools]
    return {"updatedTime": str(market.now_ms), "list": items}
