"""Who trades: makers around a drifting fair value, patient orders behind them, and takers.

Each turn of the crowd is one trader's: a maker moves some of its quotes, somebody leaves a patient
order, or a taker comes: after a bargain, with the trend, or against it. Now and then a burst of
takers in one direction.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from math import log

from rxbybit.sim.market.instruments import Instrument
from rxbybit.sim.market.matching import Book, Fill, Side

__all__ = ["Crowd", "Traded"]

Traded = Callable[[Side, list[Fill]], None]
"""Told of the taker's side and its fills, none included."""

_MAKERS = 4
_QUOTES = 6
"""Quotes that a maker keeps on each side."""
_OTHER: dict[Side, Side] = {"Buy": "Sell", "Sell": "Buy"}


class Crowd:
    """The traders of one instrument; ``seed`` names them, ``traded`` hears what takers did."""

    def __init__(self, instrument: Instrument, book: Book, seed: str, traded: Traded) -> None:
        self._book = book
        self._temper = instrument.temper
        self._unit = 10**instrument.price_scale / instrument.tick * (1 + instrument.premium)
        self._traded = traded
        self._random = random.Random(seed)
        self._patient: dict[Side, deque[int]] = {"Buy": deque(), "Sell": deque()}
        self._quotes: list[dict[Side, deque[int]]] = [
            {"Buy": deque(), "Sell": deque()} for _ in range(_MAKERS)
        ]
        self._lean = 0.0
        """What the crowd believes on top of the index, in ticks."""
        self._slow = 0.0
        """Where the fair value was of late."""
        self._burst = 0
        self._burst_side: Side = "Buy"
        self.fair = 0.0
        """What makers quote around, in ticks."""

    def open(self, index: float) -> None:
        """Fill the book before the first trade."""
        self.fair = self._slow = index * self._unit
        while len(self._patient["Sell"]) < self._temper.patience:
            self._wait("Buy")
            self._wait("Sell")
        for maker in range(_MAKERS):
            for _ in range(_QUOTES):
                self._quote(maker, "Buy")
                self._quote(maker, "Sell")

    def pause_ms(self) -> int:
        """How long until the next turn."""
        rate = self._temper.rate * (8 if self._burst else 1)
        return 1 + int(-1000 / rate * log(1 - self._random.random()))

    def turn(self, index: float) -> None:
        """Let one trader act."""
        chance = self._random.random
        self._lean = 0.98 * self._lean + (chance() - 0.5) * self._temper.spread
        self.fair = max(index * self._unit + self._lean, 2.0)
        self._slow += (self.fair - self._slow) * 0.01
        if self._burst:
            self._burst -= 1
        elif chance() < 0.002:
            self._burst = 20 + int(chance() * 60)
            self._burst_side = "Buy" if chance() < 0.5 else "Sell"
        dice = chance()
        if dice < (0.75 if self._burst else 0.5):
            self._take()
        elif dice < 0.92:
            maker = int(chance() * _MAKERS)
            self._quote(maker, "Buy")
            self._quote(maker, "Sell")
        else:
            self._wait("Buy")
            self._wait("Sell")

    def market(self, side: Side, lots: int) -> list[Fill]:
        """A market order from outside: what a liquidation sends."""
        fills = self._book.place(side, None, lots)[1]
        self._traded(side, fills)
        return fills

    def _size(self) -> int:
        """Mostly small, seldom large."""
        roll = self._random.random()
        return 1 + int(self._temper.lots * roll * roll / (1.02 - self._random.random()) / 4)

    def _take(self) -> None:
        chance, book = self._random.random, self._book
        bid, ask = book.best_bid, book.best_ask
        if ask is not None and ask < self.fair - self._temper.spread:
            self._limit("Buy", int(self.fair) - 1)
            return
        if bid is not None and bid > self.fair + self._temper.spread:
            self._limit("Sell", int(self.fair) + 2)
            return
        rising: Side = "Buy" if self.fair > self._slow else "Sell"
        dice = chance()
        if self._burst:
            side = self._burst_side
        elif dice < 0.45:
            side = rising
        elif dice < 0.7:
            side = _OTHER[rising]
        else:
            side = "Buy" if chance() < 0.5 else "Sell"
        self.market(side, self._size())

    def _limit(self, side: Side, price: int) -> None:
        """Take all that is cheaper than ``price``; of this order nothing stays."""
        number, fills = self._book.place(side, price, self._temper.lots * 8)
        self._traded(side, fills)
        self._book.cancel(number)

    def _quote(self, maker: int, side: Side) -> None:
        """Move a maker's oldest quote of a side to where it wants it now."""
        chance, own = self._random.random, self._quotes[maker][side]
        if len(own) == _QUOTES:
            self._book.cancel(own.popleft())
        self._post(side, self._temper.spread * (0.3 + 4 * chance() * chance()), own)

    def _wait(self, side: Side) -> None:
        """Leave an order far off, a few where there are few; of too many the oldest gives up."""
        own, temper = self._patient[side], self._temper
        half = self._book.bids if side == "Buy" else self._book.asks
        for _ in range(1 if len(half.keys) * 3 > temper.patience else 5):
            if len(own) >= temper.patience:
                self._book.cancel(own.popleft())
            roll = self._random.random()
            self._post(side, temper.spread + temper.reach * roll * roll, own)

    def _post(self, side: Side, distance: float, own: deque[int]) -> None:
        """A limit order that rests: one that would trade is put behind the other side's best."""
        if side == "Buy":
            best = self._book.best_ask
            price = int(self.fair - distance)
            price = price if best is None else min(price, best - 1)
        else:
            best = self._book.best_bid
            price = int(self.fair + distance) + 1
            price = price if best is None else max(price, best + 1)
        if price >= 1:
            own.append(self._book.place(side, price, 2 * self._size())[0])
