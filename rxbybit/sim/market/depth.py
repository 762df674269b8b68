"""The topics of a book: its best levels, as snapshots and as deltas.

V5 manual, "Orderbook".
"""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_left, bisect_right
from typing import NamedTuple

from rxbybit.sim.market.feeds import Cause, Closes, Content, Restarts
from rxbybit.sim.market.instruments import Instrument
from rxbybit.sim.market.matching import Book, Half

__all__ = ["BestFeed", "BookClock", "BookState", "Change", "DepthFeed", "Window", "depths_of"]

_DEPTHS = {1: 10, 50: 20, 200: 100, 1000: 200}
_OPTION_DEPTHS = {25: 20, 100: 100}

_QUIET_MS = 3_000
Levels = list[list[str]]


def depths_of(instrument: Instrument) -> dict[int, int]:
    """Depth to how often its frames leave, in milliseconds."""
    return _OPTION_DEPTHS if instrument.category == "option" else _DEPTHS


class BookState(NamedTuple):
    """A book as REST gives it; levels as ``(price in ticks, lots)``, the best first."""

    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]
    number: int
    """The update number of the deepest topic."""
    seq: int
    ms: int
    """When the book changed last."""


class BookClock:
    """When a book changed last, and how far the update numbers of its depths are."""

    def __init__(self, instrument: Instrument, ms: int) -> None:
        self.ms = ms
        self.numbers = dict.fromkeys(depths_of(instrument), 1_000_000)
        self._told_seq = 0

    def next(self, depth: int) -> int:
        """The next update number of a depth."""
        self.numbers[depth] += 1
        return self.numbers[depth]

    def restart(self) -> None:
        """Begin at 1 again."""
        self.numbers = dict.fromkeys(self.numbers, 0)

    def state(self, book: Book, depth: int) -> BookState:
        """A book of which nobody wants the deepest topic: a new state of it has a new number."""
        deepest = max(self.numbers)
        if book.seq != self._told_seq:
            self._told_seq = book.seq
            self.next(deepest)
        bids, asks = book.bids.top(depth), book.asks.top(depth)
        return BookState(bids, asks, self.numbers[deepest], book.seq, self.ms)


class _Topic(Restarts):
    """What the feeds of all depths share: the envelope, and the text of levels."""

    causes = (Cause.BOOK,)

    def __init__(self, instrument: Instrument, book: Book, clock: BookClock, depth: int) -> None:
        self._book = book
        self._clock = clock
        self._depth = depth
        self._symbol = instrument.symbol
        self._spot = instrument.category == "spot"
        self._price = instrument.price
        self._size = instrument.size
        self._option = instrument.category == "option"
        self._number = clock.next(depth)
        self.every_ms = depths_of(instrument)[depth]

    def restart(self, ms: int) -> Content:
        """The state again, under the next number."""
        self._number = self._clock.next(self._depth)
        return self.snapshot(ms)

    @abstractmethod
    def snapshot(self, ms: int) -> Content:
        """The state as of the last flush."""

    def _texts(self, levels: list[tuple[int, int]]) -> Levels:
        price, size = self._price, self._size
        return [[price(ticks), size(lots) if lots else "0"] for ticks, lots in levels]

    def _frame(
        self, kind: str, ms: int, bids: Levels, asks: Levels, number: int, seq: int, cts: int
    ) -> Content:
        topic = f"orderbook.{self._depth}.{self._symbol}"
        data = {"s": self._symbol, "b": bids, "a": asks, "u": number, "seq": seq}
        if self._option:
            head: Content = {"id": f"{topic}-{number}-{ms}", "topic": topic, "ts": ms}
            return head | {"type": kind, "data": data, "cts": cts}
        if self._spot:
            return {"topic": topic, "ts": ms, "type": kind, "data": data, "cts": cts}
        return {"topic": topic, "type": kind, "ts": ms, "data": data, "cts": cts}


class BestFeed(_Topic):
    """``orderbook.1``: snapshots only; the last one again after three quiet seconds."""

    quiet_ms: int | None = _QUIET_MS

    def __init__(self, instrument: Instrument, book: Book, clock: BookClock) -> None:
        super().__init__(instrument, book, clock, 1)
        self._shown = self._best()
        self._as_of = book.seq, clock.ms

    def flush(self, ms: int) -> list[Content]:
        best = self._best()
        self._as_of = self._book.seq, self._clock.ms
        if best == self._shown:
            return []
        self._shown = best
        self._number = self._clock.next(1)
        return [self.snapshot(ms)]

    def repeat(self, ms: int) -> list[Content]:
        return [self.snapshot(ms)]

    def snapshot(self, ms: int) -> Content:
        bids, asks = (self._texts(levels) for levels in self._shown)
        return self._frame("snapshot", ms, bids, asks, self._number, *self._as_of)

    def _best(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        return self._book.bids.top(1), self._book.asks.top(1)


class Change(NamedTuple):
    """What has become of one level of a window."""

    price: int
    """In ticks."""
    lots: int
    """What is there now, 0 when it has left the window."""
    before: int
    """What the wire knows of it, 0 when it is new there."""


class Window:
    """The best levels of one side as the wire knows them."""

    def __init__(self, half: Half, depth: int) -> None:
        self._half = half
        self._depth = depth
        self.touched: set[int] = set()
        """Keys whose quantity has changed since the last :meth:`slide`."""
        half.changed = (*half.changed, self.touched)
        self.shown = {key: half.lots[key] for key in half.keys[:depth]}
        self._worst = self._end()

    def close(self) -> None:
        """Hear of no more changes."""
        self._half.changed = tuple(k for k in self._half.changed if k is not self.touched)

    def slide(self) -> list[Change]:
        """What has changed in the window, the best price first.

        Only levels that were touched, or that the end of the window has passed over, are looked
        at.
        """
        if not self.touched:
            return []
        half, shown, worst = self._half, self.shown, self._end()
        low, high = sorted((self._worst, worst))
        keys = self.touched
        if low != high:
            passed = half.keys[bisect_left(half.keys, low) : bisect_right(half.keys, high)]
            keys = keys.union(passed)
        changed: list[Change] = []
        for key in sorted(keys):
            lots = half.lots.get(key, 0) if key <= worst else 0
            before = shown.get(key, 0)
            if lots != before:
                changed.append(Change(half.sign * key, lots, before))
                if lots:
                    shown[key] = lots
                else:
                    del shown[key]
        self.touched.clear()
        self._worst = worst
        return changed

    def levels(self) -> list[tuple[int, int]]:
        """The window as ``(price, lots)``, the best first."""
        return [(self._half.sign * key, lots) for key, lots in sorted(self.shown.items())]

    def _end(self) -> int:
        """The key of the last level in the window; beyond every key when it is not full."""
        keys = self._half.keys
        return keys[self._depth - 1] if len(keys) >= self._depth else 1 << 62


class DepthFeed(_Topic, Closes):
    """``orderbook.{50,200,1000}``: deltas with consecutive numbers; a window that slides."""

    quiet_ms: int | None = None

    def __init__(self, instrument: Instrument, book: Book, clock: BookClock, depth: int) -> None:
        super().__init__(instrument, book, clock, depth)
        self._bids = Window(book.bids, depth)
        self._asks = Window(book.asks, depth)
        self._as_of = book.seq, clock.ms

    def close(self) -> None:
        self._bids.close()
        self._asks.close()

    def flush(self, ms: int) -> list[Content]:
        bids, asks = self._bids.slide(), self._asks.slide()
        self._as_of = seq, cts = self._book.seq, self._clock.ms
        if not bids and not asks:
            return []
        self._number = self._clock.next(self._depth)
        below, above = (self._texts([c[:2] for c in side]) for side in (bids, asks))
        return [self._frame("delta", ms, below, above, self._number, seq, cts)]

    def repeat(self, ms: int) -> list[Content]:
        return []

    def state(self, depth: int) -> BookState:
        """The window as of the last flush, cut to ``depth``."""
        bids, asks = self._bids.levels()[:depth], self._asks.levels()[:depth]
        return BookState(bids, asks, self._number, *self._as_of)

    def snapshot(self, ms: int) -> Content:
        """The window as of the last flush: the next delta fits on it."""
        bids, asks = self._texts(self._bids.levels()), self._texts(self._asks.levels())
        return self._frame("snapshot", ms, bids, asks, self._number, *self._as_of)
