"""Positions on credit, what becomes of them when the mark price runs against them, and who pays.

V5 manual, "All Liquidation" and "Insurance Pool".
"""

from __future__ import annotations

import random
from heapq import heappop, heappush
from typing import NamedTuple

from rxbybit.sim.market.feeds import Cause, Content
from rxbybit.sim.market.instruments import Instrument, spelled
from rxbybit.sim.market.matching import Fill, Side

__all__ = ["LiquidationFeed", "Pool", "PoolFeed", "Position", "Positions"]

_MOST = 400
"""Positions on credit that are followed on each side."""


class Position(NamedTuple):
    """One that is due to be closed by force; prices in ticks."""

    side: Side
    lots: int
    bankrupt: int


class Positions:
    """The positions on credit of one instrument."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._held: dict[Side, list[tuple[int, int, Position]]] = {"Buy": [], "Sell": []}
        self._opened = 0

    def traded(self, side: Side, price: int, lots: int) -> None:
        """A taker has traded; some of them do so on credit."""
        held = self._held[side]
        if self._random.random() > 0.05 or len(held) >= _MOST:
            return
        self._opened += 1
        sign = 1 if side == "Buy" else -1
        chance = self._random.random()
        room = 0.001 + 0.03 * chance * chance
        trigger = int(price * (1 - sign * room))
        bankrupt = max(int(price * (1 - sign * room * 1.2)), 1)
        heappush(held, (-sign * trigger, self._opened, Position(side, lots, bankrupt)))

    def due(self, mark: float) -> list[Position]:
        """Those that end now that the mark price is ``mark`` (in ticks); they are forgotten."""
        ended: list[Position] = []
        for held, sign in ((self._held["Buy"], 1), (self._held["Sell"], -1)):
            while held and -held[0][0] >= mark * sign:
                ended.append(heappop(held)[2])
        return ended


class Pool:
    """The insurance pool of one instrument."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._up = 10 ** (8 - instrument.value_scale)
        self._balance = 10**11 if instrument.inverse else 10**14
        self.changes = 0

    def settle(self, position: Position, fills: list[Fill]) -> None:
        """Keep what a liquidation brought above bankruptcy, or pay what was missing."""
        one = self._instrument
        gain = sum(
            one.value(price, lots) - one.value(position.bankrupt, lots) for price, lots, _ in fills
        )
        sold_high = (position.side == "Buy") != one.inverse
        change = (gain if sold_high else -gain) * self._up
        if change:
            self._balance = max(self._balance + change, 0)
            self.changes += 1

    def rest_item(self, price: float) -> Content:
        """It in an insurance answer; ``price`` is that of its coin in USD."""
        return {
            "coin": self.coin,
            "symbols": self._instrument.symbol,
            "balance": spelled(self._balance, 8),
            "value": spelled(round(self._balance * price), 8),
        }

    @property
    def balance(self) -> int:
        """In units of 1e-8 of its coin."""
        return self._balance

    @property
    def coin(self) -> str:
        """What it holds."""
        return self._instrument.settle

    def item(self, ms: int) -> Content:
        """It in a frame."""
        return {
            "coin": self.coin,
            "symbols": self._instrument.symbol,
            "balance": spelled(self._balance, 8),
            "updateTime": str(ms),
        }


class LiquidationFeed:
    """``allLiquidation.{symbol}``."""

    causes = (Cause.FORCE,)
    every_ms = 500
    quiet_ms: int | None = None

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._pending: list[Content] = []

    def liquidated(self, ms: int, position: Position, lots: int) -> None:
        """To be said with the next flush."""
        one = self._instrument
        self._pending.append(
            {
                "T": ms,
                "s": one.symbol,
                "S": position.side,
                "v": one.size(lots),
                "p": one.price(position.bankrupt),
            }
        )

    def flush(self, ms: int) -> list[Content]:
        data, self._pending = self._pending, []
        if not data:
            return []
        topic = f"allLiquidation.{self._instrument.symbol}"
        return [{"topic": topic, "type": "snapshot", "ts": ms, "data": data}]

    def repeat(self, ms: int) -> list[Content]:
        return []

    def snapshot(self, ms: int) -> None:
        return None


class PoolFeed:
    """``insurance.{inverse,USDT,USDC}``: the pools that have changed.

    The market asks it each second: a pool does not know who reports it.
    """

    every_ms = 1_000

    def __init__(self, topic: str, pools: list[Pool]) -> None:
        self._topic = topic
        self.pools = pools
        """Those of what is listed, or was."""
        self._known = {pool: pool.changes for pool in pools}

    def flush(self, ms: int) -> list[Content]:
        changed = [pool for pool in self.pools if self._known.get(pool, 0) != pool.changes]
        if not changed:
            return []
        self._known.update((pool, pool.changes) for pool in changed)
        return [self._frame("delta", changed, ms)]

    def snapshot(self, ms: int) -> Content | None:
        """Every pool; ``None`` where there is none."""
        return self._frame("snapshot", self.pools, ms) if self.pools else None

    def _frame(self, kind: str, pools: list[Pool], ms: int) -> Content:
        items = [pool.item(ms) for pool in pools]
        return {"topic": self._topic, "type": kind, "ts": ms, "data": items}
