"""``orderBookL2_25`` and ``orderBook_200.100ms``: a flat list, then what left, changed and came.

Manual, "orderBookL2_25" and "orderBook_200". In captures the order within a list of a delta has no
meaning; here bids come before asks, and of each the best first.
"""

from __future__ import annotations

from rxbybit.sim.legacy.spelling import e4
from rxbybit.sim.market.depth import Change, Window
from rxbybit.sim.market.feeds import Cause, Closes, Content, Restarts
from rxbybit.sim.market.instruments import Instrument
from rxbybit.sim.market.matching import Book, Side

__all__ = ["DEPTHS", "BookFeed"]

DEPTHS = {"orderBookL2_25": (25, 20), "orderBook_200.100ms": (200, 100)}
"""How many levels of a side a kind has, and how often its frames leave, in milliseconds."""


class BookFeed(Closes, Restarts):
    """The book of one instrument under one kind of topic; a window that slides."""

    causes = (Cause.BOOK,)
    quiet_ms: int | None = None

    def __init__(self, instrument: Instrument, book: Book, kind: str) -> None:
        depth, self.every_ms = DEPTHS[kind]
        self._instrument = instrument
        self._topic = f"{kind}.{instrument.symbol}"
        self._book = book
        self._bids = Window(book.bids, depth)
        self._asks = Window(book.asks, depth)
        self._seq = book.seq

    def close(self) -> None:
        self._bids.close()
        self._asks.close()

    def restart(self, ms: int) -> Content:
        """Nothing on this wire is numbered anew: a snapshot is all there is to see."""
        return self.snapshot(ms)

    def flush(self, ms: int) -> list[Content]:
        bids, asks = self._bids.slide(), self._asks.slide()
        self._seq = self._book.seq
        if not (bids or asks):
            return []
        data: Content = {"delete": [], "update": [], "insert": [], "transactTimeE6": 0}
        self._sort_in(data, "Buy", bids)
        self._sort_in(data, "Sell", asks)
        return [self._frame("delta", data, ms)]

    def repeat(self, ms: int) -> list[Content]:
        return []

    def snapshot(self, ms: int) -> Content:
        """The window as of the last flush, by price from the lowest bid to the highest ask."""
        lot = self._instrument.lot
        bids = [self._level("Buy", p) | {"size": n * lot} for p, n in self._bids.levels()]
        asks = [self._level("Sell", p) | {"size": n * lot} for p, n in self._asks.levels()]
        return self._frame("snapshot", bids[::-1] + asks, ms)

    def _sort_in(self, data: Content, side: Side, changes: list[Change]) -> None:
        for change in changes:
            level = self._level(side, change.price)
            if not change.lots:
                data["delete"].append(level)
                continue
            level["size"] = change.lots * self._instrument.lot
            data["update" if change.before else "insert"].append(level)

    def _level(self, side: Side, ticks: int) -> Content:
        one = self._instrument
        return {
            "price": one.price(ticks),
            "symbol": one.symbol,
            "id": e4(ticks * one.tick, one.price_scale),
            "side": side,
        }

    def _frame(self, kind: str, data: object, ms: int) -> Content:
        head: Content = {"topic": self._topic, "type": kind, "data": data}
        return head | {"cross_seq": self._seq, "timestamp_e6": ms * 1000}
