"""One order book: orders rest by price, then by time, and match on arrival.

Prices are whole ticks, quantities whole lots: nothing is rounded here.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Literal, NamedTuple

__all__ = ["Book", "Fill", "Half", "Order", "Side"]

Side = Literal["Buy", "Sell"]


class Order:
    """A resting order: what is left of it."""

    __slots__ = ("left", "number", "price", "side")

    def __init__(self, number: int, side: Side, price: int, left: int) -> None:
        self.number = number
        self.side: Side = side
        self.price = price
        """In ticks."""
        self.left = left
        """In lots, above 0 as long as the order rests."""

    def __repr__(self) -> str:
        return f"Order({self.number}, {self.side!r}, price={self.price}, left={self.left})"


class Fill(NamedTuple):
    """A trade, as the book sees it."""

    price: int
    """Of the resting order, in ticks."""
    lots: int
    maker: int
    """The number of the order that rested."""


class Half:
    """The bids or the asks. A key is the price in ticks, of bids its negative: best first."""

    __slots__ = ("changed", "keys", "lots", "queues", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        """Every price that has orders, as keys, the best first."""
        self.lots: dict[int, int] = {}
        """Key to all that is offered there."""
        self.queues: dict[int, dict[int, Order]] = {}
        """Key to the orders there by their number, the oldest first."""
        self.changed: tuple[set[int], ...] = ()
        """The sets of those who want to know the keys whose quantity has changed."""

    def rest(self, order: Order) -> None:
        """Put an order behind those of its price."""
        key = self.sign * order.price
        queue = self.queues.get(key)
        if queue is None:
            insort(self.keys, key)
            self.queues[key] = {order.number: order}
            self.lots[key] = order.left
        else:
            queue[order.number] = order
            self.lots[key] += order.left
        for keys in self.changed:
            keys.add(key)

    def take(self, order: Order, lots: int) -> None:
        """Take ``lots`` from a resting order; it leaves when nothing is left of it."""
        key = self.sign * order.price
        order.left -= lots
        self.lots[key] -= lots
        if not order.left:
            queue = self.queues[key]
            del queue[order.number]
            if not queue:
                del self.queues[key], self.lots[key]
                del self.keys[bisect_left(self.keys, key)]
        for keys in self.changed:
            keys.add(key)

    def top(self, depth: int) -> list[tuple[int, int]]:
        """The best ``depth`` levels as ``(price, lots)``, the best first."""
        lots, sign = self.lots, self.sign
        return [(sign * key, lots[key]) for key in self.keys[:depth]]


class Book:
    """The orders of one instrument.

    ``place`` matches a new order against those of the other side, the best price first and at one
    price the oldest first, and lets the rest of a limit order rest. The book is never crossed.

    >>> book = Book()
    >>> book.place("Sell", 101, 5)
    (1, [])
    >>> book.place("Buy", 102, 7)
    (2, [Fill(price=101, lots=5, maker=1)])
    >>> book.bids.top(1), book.asks.top(1)
    ([(102, 2)], [])
    """

    def __init__(self) -> None:
        self.bids = Half(-1)
        self.asks = Half(1)
        self.orders: dict[int, Order] = {}
        """Every resting order by its number."""
        self.seq = 0
        """The cross sequence: rises by 1 with each order or cancel that does something."""
        self._placed = 0

    def place(self, side: Side, price: int | None, lots: int) -> tuple[int, list[Fill]]:
        """Take in an order; gives its number and its trades, in their order.

        ``price`` is the limit in ticks; ``None`` is a market order, of which nothing rests.
        Errors: ``ValueError`` unless ``lots`` and the price are at least 1.
        """
        if lots < 1 or (price is not None and price < 1):
            raise ValueError(f"an order of {lots} lots at {price}: use at least 1 of each")
        self._placed += 1
        number = self._placed
        own, other = (self.bids, self.asks) if side == "Buy" else (self.asks, self.bids)
        worst = None if price is None else other.sign * price
        fills: list[Fill] = []
        while lots and other.keys and (worst is None or other.keys[0] <= worst):
            maker = next(iter(other.queues[other.keys[0]].values()))
            met = min(lots, maker.left)
            lots -= met
            fills.append(Fill(maker.price, met, maker.number))
            other.take(maker, met)
            if not maker.left:
                del self.orders[maker.number]
        seq = self.seq
        if fills:
            self.seq = seq + 1
        if price is not None and lots:
            order = Order(number, side, price, lots)
            self.orders[number] = order
            own.rest(order)
            self.seq = seq + 1
        return number, fills

    def cancel(self, number: int) -> int:
        """Take a resting order away; gives its lots, 0 when it does not rest (any more)."""
        order = self.orders.pop(number, None)
        if order is None:
            return 0
        lots = order.left
        (self.bids if order.side == "Buy" else self.asks).take(order, lots)
        self.seq += 1
        return lots

    def reduce(self, number: int, lots: int) -> None:
        """Make a resting order smaller; it keeps its place. Something must be left of it."""
        order = self.orders[number]
        if not 0 < lots < order.left:
            raise ValueError(f"{lots} lots less of an order of {order.left}")
        (self.bids if order.side == "Buy" else self.asks).take(order, lots)
        self.seq += 1

    def reach(self, side: Side, price: int, enough: int) -> int:
        """How many lots an order with this limit would trade at once; counts to ``enough``."""
        other = self.asks if side == "Buy" else self.bids
        found = 0
        for key in other.keys:
            if key > other.sign * price or found >= enough:
                break
            found += other.lots[key]
        return min(found, enough)

    @property
    def best_bid(self) -> int | None:
        """The highest bid in ticks; ``None`` without bids."""
        return -self.bids.keys[0] if self.bids.keys else None

    @property
    def best_ask(self) -> int | None:
        """The lowest ask in ticks; ``None`` without asks."""
        return self.asks.keys[0] if self.asks.keys else None
