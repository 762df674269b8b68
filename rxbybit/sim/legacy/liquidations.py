"""``liquidation`` and ``insurance``: positions that ended by force, and the pools that paid.

Manual, "liquidation" and "insurance".
"""

from __future__ import annotations

from collections.abc import Callable

from rxbybit.sim.legacy.spelling import iso
from rxbybit.sim.market import liquidations
from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.liquidations import Pool

__all__ = ["InsuranceFeed", "LiquidationFeed", "next_report_ms"]

_DAY_MS = 86_400_000
_REPORT_MS = 20 * 3_600_000
"""When in the day insurance balances are told: 20 h UTC."""


class LiquidationFeed(liquidations.LiquidationFeed):
    """``liquidation.{symbol}``: at once, each in a frame of its own."""

    every_ms = 1

    def flush(self, ms: int) -> list[Content]:
        pending, self._pending = self._pending, []
        topic = f"liquidation.{self._instrument.symbol}"
        return [{"topic": topic, "data": self._item(told)} for told in pending]

    @staticmethod
    def _item(told: Content) -> Content:
        return {
            "symbol": told["s"],
            "side": told["S"],
            "price": told["p"],
            "qty": told["v"],
            "time": told["T"],
        }


class InsuranceFeed:
    """``insurance.{coin}``: the pools of a coin in one sum, each day at 20 h UTC.

    Not documented, chosen here: who subscribes gets the balance as it is now.
    """

    def __init__(self, coin: str, pools: Callable[[], list[Pool]]) -> None:
        self._coin = coin
        self._pools = pools

    def snapshot(self, ms: int) -> Content:
        """The balance as it is now."""
        balance = sum(pool.balance for pool in self._pools() if pool.coin == self._coin)
        item = {"currency": self._coin, "timestamp": iso(ms), "wallet_balance": balance}
        return {"topic": f"insurance.{self._coin}", "data": [item]}


def next_report_ms(ms: int) -> int:
    """When insurance balances are told next, after ``ms``."""
    return (ms - _REPORT_MS) // _DAY_MS * _DAY_MS + _DAY_MS + _REPORT_MS
