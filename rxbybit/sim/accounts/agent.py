"""The demo account at work: a small seeded trader that goes the way of any user's orders.

On each instrument it keeps a few quotes near the best price, moves and cancels them, takes now and
then, protects what it holds by a stop order, and gives back what grows too large.
"""

from __future__ import annotations

import random
from functools import partial

from rxbybit.config import Category
from rxbybit.sim.accounts.account import Account
from rxbybit.sim.accounts.desk import Desk
from rxbybit.sim.accounts.entry import enter
from rxbybit.sim.accounts.order import Order
from rxbybit.sim.market.feeds import Content, Phase
from rxbybit.sim.market.pit import Pit
from rxbybit.sim.rest.refused import Refused

__all__ = ["Agent", "set_off"]

_TRADED: tuple[tuple[Category, str], ...] = (("inverse", "BTCUSD"), ("linear", "BTCUSDT"))
_PAUSE_MS = (1_500, 4_500)
_QUOTES = 3
"""Orders that it keeps on each instrument, stop orders not counted."""
_MOST = 8
"""So many of its usual orders make up its largest position."""
_LAST = 10**6
"""It acts behind every crowd of the same millisecond."""


def set_off(desk: Desk, account: Account, seed: int) -> None:
    """Let an account trade what of ``BTCUSD`` and ``BTCUSDT`` the market has."""
    for place, key in enumerate(_TRADED):
        pit = desk.market.pits.get(key)
        if pit is not None:
            Agent(desk, account, pit, f"{seed}/agent/{key[1]}", _LAST + place).rest()


class Agent:
    """One account on one instrument."""

    def __init__(self, desk: Desk, account: Account, pit: Pit, seed: str, rank: int) -> None:
        self._desk = desk
        self._account = account
        self._pit = pit
        self._random = random.Random(seed)
        self._rank = rank
        self.refused = 0
        """How often it was refused."""
        self._enter = partial(enter, desk, account)

    def rest(self) -> None:
        """Act again in a while."""
        ms = self._desk.market.now_ms + self._random.randint(*_PAUSE_MS)
        category = self._pit.instrument.category
        self._desk.market.schedule(category, ms, Phase.TURN, self._rank, self.act)

    def act(self, ms: int) -> list[Content]:
        """One deed; gives the public frames that follow at once."""
        if self._pit.closed:
            return []
        self.rest()
        try:
            path, body = self._next()
            done = self._enter(path, self._named | body)
        except Refused:
            # A market that moves may have it so: nothing is left to close, the price is the same.
            self.refused += 1
            return []
        return [push.content for push in done.pushes]

    @property
    def _named(self) -> dict[str, object]:
        one = self._pit.instrument
        return {"category": one.category, "symbol": one.symbol}

    def _next(self) -> tuple[str, dict[str, object]]:
        one, dice = self._pit.instrument, self._random.random()
        mine = [o for o in self._account.open.values() if o.instrument is one]
        quotes = [order for order in mine if not order.is_stop]
        held = self._account.held(one)
        if abs(held) >= _MOST * self._usual:
            return "/v5/order/create", self._closing(held, abs(held) // 2)
        for stop in (order for order in mine if order.waits):
            if (stop.side == "Sell") != (held > 0) or not held:
                return "/v5/order/cancel", {"orderId": stop.order_id}
            if dice < 0.15:
                trigger = self._stop(held)["triggerPrice"]
                return "/v5/order/amend", {"orderId": stop.order_id, "triggerPrice": trigger}
            break
        else:
            if held and dice < 0.3:
                return "/v5/order/create", self._stop(held)
        if len(quotes) < _QUOTES:
            return "/v5/order/create", self._quote()
        oldest = quotes[0]
        if dice < 0.35:
            return "/v5/order/amend", self._moved(oldest)
        if dice < 0.7:
            return "/v5/order/cancel", {"orderId": oldest.order_id}
        if held and dice < 0.8:
            return "/v5/order/create", self._closing(held, min(abs(held), self._usual))
        return "/v5/order/create", self._order("Market", self._side, self._usual)

    @property
    def _usual(self) -> int:
        """Its usual quantity, in lots: about 500 USD."""
        one = self._pit.instrument
        if one.inverse:
            return 500 * 10**one.size_scale // one.lot
        unit = one.value(self._pit.tape.last, 1)
        return max(500 * 10**one.value_scale // max(unit, 1), 1)

    @property
    def _side(self) -> str:
        return self._random.choice(("Buy", "Sell"))

    def _quote(self) -> dict[str, object]:
        side = self._side
        body = self._order("Limit", side, self._usual)
        return body | {"price": self._near(side), "timeInForce": "PostOnly"}

    def _near(self, side: str) -> str:
        """A price that rests at the best of a side, or a little behind it."""
        book, last = self._pit.book, self._pit.tape.last
        behind = self._random.randint(0, 3)
        best = (book.best_bid if side == "Buy" else book.best_ask) or last
        ticks = best - behind if side == "Buy" else best + behind
        return self._pit.instrument.price(max(ticks, 1))

    def _moved(self, order: Order) -> dict[str, object]:
        return {"orderId": order.order_id, "price": self._near(order.side)}

    def _closing(self, held: int, lots: int) -> dict[str, object]:
        side = "Sell" if held > 0 else "Buy"
        return self._order("Market", side, max(lots, 1)) | {"reduceOnly": True}

    def _stop(self, held: int) -> dict[str, object]:
        last = self._pit.tape.last
        away = max(last // 5_000, 10)
        side, trigger, direction = ("Sell", last - away, 2) if held > 0 else ("Buy", last + away, 1)
        return self._order("Market", side, abs(held)) | {
            "triggerPrice": self._pit.instrument.price(trigger),
            "triggerDirection": direction,
            "closeOnTrigger": True,
        }

    def _order(self, kind: str, side: str, lots: int) -> dict[str, object]:
        size = self._pit.instrument.size(lots)
        return {"side": side, "orderType": kind, "qty": size}
