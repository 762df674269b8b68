"""Matching as one would write it on paper: one list of orders, sorted anew at each arrival."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Rested:
    number: int
    side: str
    price: int
    left: int


class NaiveBook:
    def __init__(self) -> None:
        self.resting: list[Rested] = []
        self.placed = 0

    def place(self, side: str, price: int | None, lots: int) -> list[tuple[int, int, int]]:
        """Trades as (price, lots, number of the maker)."""
        self.placed += 1
        up = 1 if side == "Buy" else -1
        others = [o for o in self.resting if o.side != side]
        others.sort(key=lambda o: (up * o.price, o.number))
        trades = []
        for other in others:
            if lots == 0 or (price is not None and up * other.price > up * price):
                break
            met = min(lots, other.left)
            other.left -= met
            lots -= met
            trades.append((other.price, met, other.number))
        self.resting = [o for o in self.resting if o.left]
        if price is not None and lots:
            self.resting.append(Rested(self.placed, side, price, lots))
        return trades

    def cancel(self, number: int) -> int:
        gone = sum(o.left for o in self.resting if o.number == number)
        self.resting = [o for o in self.resting if o.number != number]
        return gone

    def levels(self, side: str) -> list[tuple[int, int]]:
        """(price, lots), the best first."""
        sums: dict[int, int] = {}
        for order in self.resting:
            if order.side == side:
                sums[order.price] = sums.get(order.price, 0) + order.left
        return sorted(sums.items(), reverse=side == "Buy")
