"""What an account has of one market, folded from its private streams."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from rxbybit.order import Order, StopOrder
from rxbybit.streams.position import Position
from rxbybit.streams.user_trade import UserTrade

__all__ = ["Holding", "Owned"]

FILLS = 50

Owned = Order | StopOrder | Position | UserTrade
"""What a holding is told of."""


@dataclass(slots=True)
class Holding:
    """Open orders by their id, positions by their index, and the last fills, newest first."""

    orders: dict[str, Order | StopOrder] = field(default_factory=dict[str, Order | StopOrder])
    positions: dict[int, Position] = field(default_factory=dict[int, Position])
    fills: deque[UserTrade] = field(default_factory=lambda: deque[UserTrade](maxlen=FILLS))

    def apply(self, event: Owned) -> None:
        """Take in what happened."""
        match event:
            case Position():
                self.positions[event.position_index] = event
            case UserTrade():
                self.fills.appendleft(event)
            case _ if event.status.closed:
                self.orders.pop(event.order_id, None)
            case _:
                # a stop order that was triggered comes as both, and is what came last
                self.orders[event.order_id] = event

    @property
    def held(self) -> list[Position]:
        """The positions that are not empty."""
        return [one for _, one in sorted(self.positions.items()) if one.size]

    def copied(self) -> Holding:
        """A holding of its own that says the same."""
        return replace(
            self,
            orders=self.orders.copy(),
            positions=self.positions.copy(),
            fills=self.fills.copy(),
        )
