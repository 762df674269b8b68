"""What the accounts have in one pit: resting orders, and stop orders that wait."""

from __future__ import annotations

from rxbybit.sim.accounts.account import Account
from rxbybit.sim.accounts.order import Order
from rxbybit.sim.market.matching import Side
from rxbybit.sim.market.pit import Pit

__all__ = ["Stand"]


class Stand:
    """One pit as the desk sees it; ``paid`` is how often funding has been paid so far."""

    def __init__(self, pit: Pit, paid: int) -> None:
        self.pit = pit
        self.paid = paid
        self.resting: dict[int, tuple[Account, Order]] = {}
        """By the number in the book."""
        self.stops: dict[str, tuple[Account, Order]] = {}
        """By order id, the oldest first."""

    def forget(self, order: Order) -> None:
        """It neither rests nor waits any more."""
        if order.number is not None:
            self.resting.pop(order.number, None)
        self.stops.pop(order.order_id, None)

    def worst(self, side: Side) -> int:
        """The worst price, in ticks, that a market order of a side takes."""
        lowest, highest = self.pit.marks.limits()
        return highest if side == "Buy" else max(lowest, 1)

    def units(self, trigger_by: str) -> int:
        """The price that a stop order goes by, in units of its last decimal."""
        if trigger_by == "MarkPrice":
            return self.pit.marks.mark
        if trigger_by == "IndexPrice":
            return self.pit.marks.index
        return self.pit.tape.last * self.pit.instrument.tick

    def next_due(self) -> tuple[Account, Order] | None:
        """The oldest stop order whose price has come."""
        for account, order in self.stops.values():
            trigger = (order.trigger or 0) * self.pit.instrument.tick
            units = self.units(order.trigger_by)
            if units >= trigger if order.direction == 1 else units <= trigger:
                return account, order
        return None
