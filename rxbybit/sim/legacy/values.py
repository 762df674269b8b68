"""What an account says of itself, before it is put in the words of this wire.

Enumerations are in the words of V5; quantities are contracts of 1 USD, values, fees and balances
coin. Times are exchange milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from rxbybit.sim.market.matching import Side

__all__ = ["Balance", "Fill", "Order", "Position", "Told"]

_ZERO = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Order:
    """The state of an order at ``time_ms``; with a ``stop_type`` it is, or was, conditional."""

    user_id: int
    symbol: str
    order_id: str
    order_link_id: str = ""
    side: Side
    order_type: str
    price: Decimal
    """The limit; of a market order the protection price, 0 before it is triggered."""
    qty: int
    leaves_qty: int
    filled_qty: int = 0
    filled_value: Decimal = _ZERO
    fee: Decimal = _ZERO
    last_price: Decimal = _ZERO
    """Of the last fill; 0 without one."""
    time_in_force: str
    """``GTC``, ``IOC``, ``FOK`` or ``PostOnly``."""
    status: str
    create_type: str = "CreateByUser"
    cancel_type: str = ""
    time_ms: int
    take_profit: Decimal = _ZERO
    """0 where there is none, as the other protections."""
    stop_loss: Decimal = _ZERO
    trailing_stop: Decimal = _ZERO
    trailing_active: Decimal = _ZERO
    take_profit_by: str = ""
    stop_loss_by: str = ""
    reduce_only: bool = False
    close_on_trigger: bool = False
    stop_type: str = ""
    trigger_price: Decimal = _ZERO
    trigger_by: str = ""
    activated: bool = False
    """A conditional order has just become a working one."""


@dataclass(frozen=True, kw_only=True)
class Fill:
    """A trade of an account."""

    symbol: str
    side: Side
    order_id: str
    order_link_id: str = ""
    exec_id: str
    price: Decimal
    order_qty: int
    qty: int
    leaves_qty: int
    fee: Decimal
    """Negative where it is a rebate."""
    exec_type: str = "Trade"
    is_maker: bool
    time_ms: int


@dataclass(frozen=True, kw_only=True)
class Position:
    """A position in one contract; without a size it is flat."""

    user_id: int
    symbol: str
    side: Side | None
    size: int
    value: Decimal
    entry_price: Decimal
    liq_price: Decimal
    bust_price: Decimal
    leverage: Decimal
    order_margin: Decimal
    position_margin: Decimal
    available_balance: Decimal
    wallet_balance: Decimal
    realised_pnl: Decimal
    """Of today."""
    cum_realised_pnl: Decimal
    closing_fee: Decimal = _ZERO
    funding_fee: Decimal = _ZERO
    take_profit: Decimal = _ZERO
    stop_loss: Decimal = _ZERO
    trailing_stop: Decimal = _ZERO
    trailing_active: Decimal = _ZERO
    risk_id: int = 1
    auto_add_margin: bool = False
    status: str = "Normal"
    seq: int = 0
    isolated: bool = False
    mode: int = 0
    """0 is one position a contract, 3 one a side."""
    index: int = 0


@dataclass(frozen=True, kw_only=True)
class Balance:
    """What an account has of one coin."""

    user_id: int
    coin: str
    wallet_balance: Decimal
    available_balance: Decimal


Told = Order | Fill | Position | Balance
"""What an account says of itself."""
