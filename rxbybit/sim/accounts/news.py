"""What there is to tell an account of, gathered until a deed is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from rxbybit.sim.accounts.account import Account
from rxbybit.sim.accounts.order import Order
from rxbybit.sim.accounts.position import Position
from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.market import Market

__all__ = ["Hearer", "News", "Newsroom"]


class Hearer(Protocol):
    """A link that has logged in, as its account sees it."""

    def tell(self, account: Account, news: News, market: Market) -> None:
        """Something has happened in it: what that is worth follows from the market of now."""
        ...


@dataclass
class News:
    """Of one account: each order and position once, however often it has changed.

    ``executions`` are as V5 has them; ``triggered`` are stop orders that have just become orders.
    """

    orders: dict[Order, None] = field(default_factory=dict[Order, None])
    triggered: set[Order] = field(default_factory=set[Order])
    executions: list[Content] = field(default_factory=list[Content])
    positions: dict[Position, None] = field(default_factory=dict[Position, None])
    coins: set[str] = field(default_factory=set[str])


class Newsroom:
    """Who hears of which account, and what they have not been told yet."""

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
                hearer.tell(account, new, self._market)
