"""What there is to tell an account of, gathered until a deed is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from rxbybit.sim.accounts.account import Account
from rxbybit.sim.accounts.items import order_item, position_item
from rxbybit.sim.accounts.order import Order
from rxbybit.sim.accounts.position import Position
from rxbybit.sim.accounts.wallet import wallet_item
from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.market import Market

__all__ = ["Hearer", "News", "Newsroom"]


class Hearer(Protocol):
    """A private link, as its account sees it."""

    def tell(self, kind: str, items: list[Content], ms: int) -> None:
        """Something of ``kind`` (``order``, ``execution``, ``position``, ``wallet``)."""
        ...


@dataclass
class News:
    """Of one account: each order and position once, however often it has changed."""

    orders: dict[Order, None] = field(default_factory=dict[Order, None])
    executions: list[Content] = field(default_factory=list[Content])
    positions: dict[Position, None] = field(default_factory=dict[Position, None])
    coins: set[str] = field(default_factory=set[str])


class Newsroom:
    """Who hears of which account, and what they have not been told yet.

    One deed is told as ``order``, ``execution``, ``position`` and ``wallet``, in this order, each
    left out where nothing of its kind has happened.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self._hearers: dict[Account, list[Hearer]] = {}
        self._news: dict[Account, News] = {}

    def enter(self, account: Account, hearer: Hearer) -> None:
        """A link has proved whose it is."""
        self._hearers.setdefault(account, []).append(hearer)

    def leave(self, account: Account, hearer: Hearer) -> None:
        """It has gone."""
        hearers = self._hearers.get(account, [])
        if hearer in hearers:
            hearers.remove(hearer)

    def of(self, account: Account) -> News:
        """What is still to be told."""
        return self._news.setdefault(account, News())

    def publish(self) -> None:
        """Tell it, in the state of now."""
        news, self._news = self._news, {}
        for account, new in news.items():
            # A link that breaks at its frame leaves while the others are told.
            for hearer in tuple(self._hearers.get(account, ())):
                for kind, items in self._frames(account, new):
                    hearer.tell(kind, items, self._market.now_ms)

    def _frames(self, account: Account, new: News) -> list[tuple[str, list[Content]]]:
        wallet = [wallet_item(account, self._market, new.coins)] if new.coins else []
        frames = [
            ("order", [order_item(order) for order in new.orders]),
            ("execution", new.executions),
            ("position", [self._position(position) for position in new.positions]),
            ("wallet", wallet),
        ]
        return [(kind, items) for kind, items in frames if items]

    def _position(self, position: Position) -> Content:
        one = position.instrument
        pit = self._market.pits.get((one.category, one.symbol))
        return position_item(position, 0 if pit is None else pit.marks.mark)
