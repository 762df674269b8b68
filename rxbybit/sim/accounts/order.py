"""An order of an account, from the moment it is taken in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rxbybit.sim.accounts.money import value_of
from rxbybit.sim.market.instruments import Instrument
from rxbybit.sim.market.matching import Side

__all__ = ["CLOSED", "Order", "OrderType", "TimeInForce", "TriggerBy"]

OrderType = Literal["Limit", "Market"]
TimeInForce = Literal["GTC", "IOC", "FOK", "PostOnly"]
TriggerBy = Literal["LastPrice", "MarkPrice", "IndexPrice"]

CLOSED = frozenset({"Filled", "Cancelled", "Deactivated", "Rejected"})
"""After these nothing happens to an order any more."""


@dataclass(kw_only=True, eq=False)
class Order:
    """What is known of it; quantities in lots, prices in ticks, money in units of 1e-8."""

    instrument: Instrument
    order_id: str
    link_id: str
    side: Side
    kind: OrderType
    tif: TimeInForce
    price: int
    """The limit; of a market order the worst price that it takes, 0 until it has come so far."""
    lots: int
    reduce_only: bool = False
    close_on_trigger: bool = False
    trigger: int | None = None
    """Of a stop order: its trigger price."""
    direction: int = 0
    """1: triggers when the price rises to it, 2: when it falls to it."""
    trigger_by: TriggerBy = "LastPrice"
    created_ms: int
    updated_ms: int
    last_on_created: int = 0
    """The price of the last trade when it came."""
    status: str = "New"
    cancel_type: str = "UNKNOWN"
    reject_reason: str = "EC_NoError"
    rank: int = 0
    """The how manieth of its account it is."""
    number: int | None = None
    """The number under which it rests in the book."""
    filled: int = 0
    last_fill: int = 0
    """The price of its last fill; 0 without one."""
    value: int = 0
    fee: int = 0
    pnl: int = 0
    """Of the position that it has closed, before fees."""

    @property
    def left(self) -> int:
        """What can still trade: nothing of a closed order."""
        return 0 if self.status in CLOSED else self.lots - self.filled

    @property
    def is_stop(self) -> bool:
        """Whether it waits, or has waited, for its trigger price."""
        return self.trigger is not None

    @property
    def waits(self) -> bool:
        """Whether it is still to be triggered."""
        return self.status == "Untriggered"

    @property
    def left_value(self) -> int:
        """What the rest of it is worth at its own price."""
        price = self.price or self.trigger or self.last_on_created
        return value_of(self.instrument, price, self.left) if self.left and price else 0

    def close(self, status: str, ms: int, *, cancel: str = "UNKNOWN", reject: str = "") -> None:
        """It is over."""
        self.status = status
        self.cancel_type = cancel
        self.reject_reason = reject or self.reject_reason
        self.updated_ms = ms
        self.number = None
