"""Accounts on a market of which the crowd has gone: what happens is what the test does."""

from __future__ import annotations

from typing import Any

from rxbybit.sim.accounts import Account, ApiKey, Desk
from rxbybit.sim.accounts.entry import enter
from rxbybit.sim.accounts.lists import read
from rxbybit.sim.accounts.news import News
from rxbybit.sim.accounts.told import told_of
from rxbybit.sim.market import Instrument, Market, Push, Temper
from rxbybit.sim.market.pit import Pit
from tests.sim.market.journal import START_MS, small

QUIET = Temper(rate=1e-9, spread=2, reach=90, patience=60, lots=500)


class Ear:
    """A private link that hears everything."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, list[dict[str, Any]]]] = []

    def tell(self, account: Account, news: News, market: Market) -> None:
        self.heard += told_of(account, news, market)

    def take(self) -> list[tuple[str, list[dict[str, Any]]]]:
        heard, self.heard = self.heard, []
        return heard


class Trader:
    """One account and what it hears."""

    def __init__(self, desk: Desk, name: str, one: Instrument, **balances: Any) -> None:
        key = ApiKey(key=name, secret="s", balances=balances or {"BTC": 100, "USDT": 10_000_000})
        self.desk = desk
        self.account: Account = desk.open_account(key)
        self.ear = Ear()
        self.pushes: list[Push] = []
        self.named = {"category": one.category, "symbol": one.symbol}
        desk.news.enter(self.account, self.ear)

    def ask(self, what: str, **body: Any) -> dict[str, Any]:
        done = enter(self.desk, self.account, f"/v5/order/{what}", self.named | body)
        self.pushes += done.pushes
        return done.result

    def limit(self, side: str, qty: str, price: str, **more: Any) -> str:
        body = {"side": side, "orderType": "Limit", "qty": qty, "price": price} | more
        return self.ask("create", **body)["orderId"]

    def market(self, side: str, qty: str, **more: Any) -> str:
        return self.ask("create", side=side, orderType="Market", qty=qty, **more)["orderId"]

    def read(self, path: str, **query: str) -> dict[str, Any]:
        return read(self.desk.market, self.account, path, {"category": "inverse"} | query)

    def states(self) -> list[tuple[str, str]]:
        """(status, quantity filled) of each order that it has heard of since the last time."""
        heard = [one for kind, items in self.ear.take() if kind == "order" for one in items]
        return [(one["orderStatus"], one["cumExecQty"]) for one in heard]


def empty_market(category: Any = "inverse", symbol: str = "BTCUSD") -> tuple[Market, Pit]:
    one = small(category, symbol, temper=QUIET)
    market = Market(seed=1, start_ms=START_MS, instruments=(one,), script=())
    pit = market.pits[category, symbol]
    for number in list(pit.book.orders):
        pit.book.cancel(number)
    return market, pit


def two_traders(category: Any = "inverse", symbol: str = "BTCUSD") -> tuple[Trader, Trader, Pit]:
    market, pit = empty_market(category, symbol)
    desk = Desk(market)
    return Trader(desk, "one", pit.instrument), Trader(desk, "two", pit.instrument), pit
