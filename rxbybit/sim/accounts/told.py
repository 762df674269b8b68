"""What has happened in an account, as the private topics of V5 tell it."""

from __future__ import annotations

from rxbybit.sim.accounts.account import Account
from rxbybit.sim.accounts.items import order_item, position_item
from rxbybit.sim.accounts.news import News
from rxbybit.sim.accounts.position import Position
from rxbybit.sim.accounts.wallet import wallet_item
from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.market import Market

__all__ = ["told_of"]


def told_of(account: Account, news: News, market: Market) -> list[tuple[str, list[Content]]]:
    """Kind and items, in the order ``order``, ``execution``, ``position``, ``wallet``.

    Each is left out where nothing of its kind has happened.
    """
    items = [
        ("order", [order_item(order) for order in news.orders]),
        ("execution", news.executions),
        ("position", [_position(position, market) for position in news.positions]),
        ("wallet", [wallet_item(account, market, news.coins)] if news.coins else []),
    ]
    return [(kind, some) for kind, some in items if some]


def _position(position: Position, market: Market) -> Content:
    one = position.instrument
    pit = market.pits.get((one.category, one.symbol))
    return position_item(position, 0 if pit is None else pit.marks.mark)
