"""An account: its balances, positions and orders, and what it is worth.

Every coin counts in full as margin for every contract, at the price of its index; what a coin owes
after losses stands as a balance below 0. No account is liquidated: see the page on the exchange.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain

from rxbybit.config import Category
from rxbybit.sim.accounts.keys import ApiKey
from rxbybit.sim.accounts.money import LEVERAGE, UNIT, maintenance_of, rounded
from rxbybit.sim.accounts.order import Order
from rxbybit.sim.accounts.position import Position
from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.instruments import Instrument
from rxbybit.sim.market.market import Market

__all__ = ["Account", "Coin", "Worth", "usd"]

_CLOSED_KEPT = 500
_EXECUTIONS_KEPT = 10_000


@dataclass(kw_only=True)
class Coin:
    """What stands in an account in one coin, in units of 1e-8 of it."""

    wallet: int = 0
    realised: int = 0
    """Profits since the account has been there, fees and funding taken off."""
    unrealised: int = 0
    order_margin: int = 0
    position_margin: int = 0
    maintenance: int = 0

    @property
    def equity(self) -> int:
        """The balance, were all closed now."""
        return self.wallet + self.unrealised


@dataclass(kw_only=True)
class Worth:
    """The whole account in units of 1e-8 USD."""

    wallet: int = 0
    unrealised: int = 0
    order_margin: int = 0
    position_margin: int = 0
    maintenance: int = 0

    @property
    def equity(self) -> int:
        """All that there is."""
        return self.wallet + self.unrealised

    @property
    def initial(self) -> int:
        """The initial margin of positions and orders."""
        return self.order_margin + self.position_margin

    @property
    def available(self) -> int:
        """What new orders can have for margin."""
        return self.equity - self.initial


class Account:
    """What belongs to one API key; ``number`` is its user id."""

    def __init__(self, key: ApiKey, number: int) -> None:
        self.key = key
        self.number = number
        self.balances = {coin: int(Decimal(b) * UNIT) for coin, b in key.balances.items()}
        self.realised: dict[str, int] = {}
        self.positions: dict[tuple[Category, str], Position] = {}
        self.open: dict[str, Order] = {}
        """By order id, the oldest first."""
        self.closed: deque[Order] = deque(maxlen=_CLOSED_KEPT)
        self.executions: deque[Content] = deque(maxlen=_EXECUTIONS_KEPT)
        """As the websocket has them, the oldest first."""

        self.executed = 0
        """How many executions there were."""
        self._entered = 0

    def __repr__(self) -> str:
        return f"<Account {self.number}, {len(self.open)} orders>"

    def enter(self, order: Order) -> None:
        """It has one more open order."""
        self._entered += 1
        order.rank = self._entered
        self.open[order.order_id] = order

    def execute(self, execution: Content) -> None:
        """Keep an execution."""
        self.executed += 1
        self.executions.append(execution)

    def position(self, instrument: Instrument, ms: int) -> Position:
        """That of an instrument, flat when there was none."""
        key = instrument.category, instrument.symbol
        if key not in self.positions:
            self.positions[key] = Position(instrument, ms)
        return self.positions[key]

    def held(self, instrument: Instrument) -> int:
        """Lots of an instrument, below 0 when short."""
        position = self.positions.get((instrument.category, instrument.symbol))
        return 0 if position is None else position.lots

    def pay(self, position: Position, *, pnl: int, fee: int) -> None:
        """Book what a trade has brought, of which the position knows the profit already."""
        coin, gain = position.instrument.settle, pnl - fee
        position.pay(-fee)
        self.balances[coin] = self.balances.get(coin, 0) + gain
        self.realised[coin] = self.realised.get(coin, 0) + gain

    def find(self, order_id: str, link_id: str) -> Order | None:
        """An open order by either of its names; by its id where both are there."""
        if order_id:
            return self.open.get(order_id)
        return next((one for one in self.open.values() if one.link_id == link_id), None)

    def has_used(self, link_id: str) -> bool:
        """Whether some order that is still known has this name of the client's."""
        return any(one.link_id == link_id for one in chain(self.open.values(), self.closed))

    def resting(self, instrument: Instrument) -> list[Order]:
        """Its orders in a book, the oldest first."""
        return [
            one
            for one in self.open.values()
            if one.number is not None and one.instrument is instrument
        ]

    def coins(self, market: Market) -> dict[str, Coin]:
        """Coin by coin, at the mark prices of now."""
        found = {
            c: Coin(wallet=b, realised=self.realised.get(c, 0)) for c, b in self.balances.items()
        }
        for key, position in self.positions.items():
            pit = market.pits.get(key)
            if pit is None or not position.lots:
                continue
            coin = found.setdefault(position.instrument.settle, Coin())
            coin.unrealised += position.unrealised(pit.marks.mark)
            coin.position_margin += rounded(position.cost, LEVERAGE)
            coin.maintenance += maintenance_of(position.cost)
        for order in self.open.values():
            if order.number is not None and not order.reduce_only:
                coin = found.setdefault(order.instrument.settle, Coin())
                coin.order_margin += rounded(order.left_value, LEVERAGE)
        return found

    def worth(self, market: Market) -> Worth:
        """All of it in USD."""
        worth = Worth()
        for name, coin in self.coins(market).items():
            worth.wallet += usd(market, name, coin.wallet)
            worth.unrealised += usd(market, name, coin.unrealised)
            worth.order_margin += usd(market, name, coin.order_margin)
            worth.position_margin += usd(market, name, coin.position_margin)
            worth.maintenance += usd(market, name, coin.maintenance)
        return worth


def usd(market: Market, coin: str, amount: int) -> int:
    """What so much of a coin is worth at its index, in units of 1e-8 USD."""
    return rounded(amount * round(market.coin_price(coin) * UNIT), UNIT)
