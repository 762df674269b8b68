"""Trades and books for tests of operators, and the operators of a market as one list."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from reactivex import Observable

from rxbybit import Gap, Meta, Side, Trade
from rxbybit import operators as rxo

Operator = Callable[[Observable[Any]], Observable[Any]]
START_MS = 1_767_571_200_000
"""A Monday, 0 h UTC."""


class Foreign(NamedTuple):
    """A trade of somebody else."""

    symbol: str
    time_ms: int
    price: Any
    size: Any
    side: str = "Buy"


class FakeBook(NamedTuple):
    """A book of somebody else."""

    symbol: str = "BTCUSD"
    time_ms: int | None = START_MS
    state: str = "synced"
    spread: Any = Decimal("0.5")
    microprice: Any = Decimal("100.25")
    balance: Any = Decimal("0.2")

    def imbalance(self, levels: int) -> Any:
        return None if self.balance is None else self.balance * levels


def trade(
    time_ms: int,
    price: object = 100,
    size: object = 1,
    *,
    symbol: str = "BTCUSD",
    side: str = "Buy",
    gap: Gap | None = None,
    backfilled: bool = False,
) -> Trade:
    """A trade ``time_ms`` after ``START_MS``."""
    return Trade(
        symbol=symbol,
        id="1",
        side=Side(side),
        price=Decimal(str(price)),
        size=Decimal(str(size)),
        time_ms=START_MS + time_ms,
        meta=Meta(topic=f"publicTrade.{symbol}", gap=gap, backfilled=backfilled),
    )


MARKET: dict[str, Callable[[], Operator]] = {
    "bars": lambda: rxo.bars("2 trades"),
    "bars of time": lambda: rxo.bars("1s"),
    "ema": lambda: rxo.ema(3),
    "order_flow": lambda: rxo.order_flow("1m"),
    "vwap": lambda: rxo.vwap("1m"),
    "imbalance": lambda: rxo.imbalance(2),
    "microprice": rxo.microprice,
    "spread": rxo.spread,
}
OVER_BOOKS = ("imbalance", "microprice", "spread")


def events_for(name: str) -> list[Any]:
    """Some that the operator gives something for: at the second, and at the last."""
    if name in OVER_BOOKS:
        return [FakeBook(spread=Decimal(n), microprice=n, balance=n) for n in (1, 2, 3, 4)]
    return [trade(n * 1_000, 100 + n, n) for n in (1, 2, 3, 4)]
