"""An exchange on virtual time that keeps a true book, and remembers how it stood at each update."""

from __future__ import annotations

import json
from decimal import Decimal
from random import Random
from typing import Any

from tests.memory import MemoryExchange, MemoryLink

__all__ = ["TrueBook", "TrueExchange", "Truth"]

Levels = tuple[tuple[Decimal, Decimal], ...]
Truth = tuple[Levels, Levels]
TICK = Decimal("0.5")


class TrueBook:
    """A book deeper than its topic shows; ``truth`` says how the topic stood at a sequence."""

    def __init__(self, seed: int = 0, depth: int = 50, symbol: str = "BTCUSD") -> None:
        self.topic = f"orderbook.{depth}.{symbol}"
        self.symbol = symbol
        self.depth = depth
        self.update_id = 100
        self.sequence = 1_000
        self.truth: dict[int, Truth] = {}
        self._chance = Random(seed)
        self._middle = 1_000
        self._bids: dict[int, Decimal] = {}
        self._asks: dict[int, Decimal] = {}
        for away in range(1, depth + 5):
            self._bids[self._middle - away] = self._size()
            self._asks[self._middle + away] = self._size()
        self._note()

    @property
    def now(self) -> Truth:
        """How the topic stands."""
        return self.truth[self.sequence]

    def snapshot(self) -> bytes:
        """The frame that says everything."""
        return self._frame("snapshot", *self.now)

    def change(self, *, spelled: str = "") -> bytes:
        """Let the book change; gives the delta. ``spelled`` ends the texts of prices."""
        bids, asks = map(dict, self.now)
        for _ in range(self._chance.randrange(1, 5)):
            self._one()
        self.update_id += 1
        self.sequence += self._chance.randrange(1, 9)
        self._note()
        after = map(dict, self.now)
        changed = [_changes(old, new) for old, new in zip((bids, asks), after, strict=True)]
        return self._frame("delta", *changed, spelled=spelled)

    def restart(self) -> bytes:
        """The service of the exchange begins anew, and counts from 1; gives a snapshot."""
        self.update_id = 1
        self.sequence += 1
        self._note()
        return self.snapshot()

    def _one(self) -> None:
        """A level changes, comes or goes, or the price moves through several."""
        side = self._chance.choice((-1, 1))
        levels = self._bids if side < 0 else self._asks
        match self._chance.randrange(6):
            case 0:
                step = self._chance.choice((-1, 1)) * self._chance.randrange(1, 4)
                self._middle += step
                self._bids = {at: size for at, size in self._bids.items() if at < self._middle}
                self._asks = {at: size for at, size in self._asks.items() if at > self._middle}
            case 1 if len(levels) > self.depth // 2:
                del levels[self._chance.choice(sorted(levels))]
            case _:
                away = self._chance.randrange(1, self.depth + 8)
                levels[self._middle + side * away] = self._size()

    def _size(self) -> Decimal:
        return Decimal(self._chance.randrange(1, 10_000)).scaleb(-self._chance.randrange(3))

    def _note(self) -> None:
        bids = sorted(self._bids.items(), reverse=True)[: self.depth]
        asks = sorted(self._asks.items())[: self.depth]
        sides = (tuple((at * TICK, size) for at, size in side) for side in (bids, asks))
        self.truth[self.sequence] = (*sides,)  # type: ignore[assignment]

    def _frame(self, kind: str, bids: Levels, asks: Levels, spelled: str = "") -> bytes:
        def texts(levels: Levels) -> list[list[str]]:
            return [[f"{price}{spelled}", f"{size}" if size else "0"] for price, size in levels]

        data = {"s": self.symbol, "b": texts(bids), "a": texts(asks)}
        data |= {"u": self.update_id, "seq": self.sequence}
        ts = 1_700_000_000_000 + self.sequence
        frame = {"topic": self.topic, "type": kind, "ts": ts, "data": data, "cts": ts - 1}
        return json.dumps(frame, separators=(",", ":")).encode()


def _changes(old: dict[Decimal, Decimal], new: dict[Decimal, Decimal]) -> Levels:
    gone = {price: Decimal(0) for price in old.keys() - new.keys()}
    set_ = {price: size for price, size in new.items() if old.get(price) != size}
    return tuple((gone | set_).items())


class TrueExchange(MemoryExchange):
    """Sends whoever subscribes to a book its snapshot, before or after the acknowledgement."""

    def __init__(self, *books: TrueBook, early: bool = False) -> None:
        super().__init__()
        self.books = {book.topic: book for book in books}
        self.early = early
        self.snapshots = 0
        self.spoiled: Any = None
        """Makes another snapshot of one."""

    def push(self, topic: str, frame: bytes) -> None:
        """Send a frame to whoever has subscribed to its topic."""
        for link in self.live:
            if topic in self.subscribed[link]:
                link.push(frame)

    def _on_text(self, link: MemoryLink, text: str) -> None:
        request = json.loads(text)
        asked = [self.books[t] for t in request.get("args", ()) if t in self.books]
        coming = asked if request["op"] == "subscribe" else []
        if self.early:
            self._begin(link, coming)
        super()._on_text(link, text)
        if not self.early:
            self._begin(link, coming)

    def _begin(self, link: MemoryLink, books: list[TrueBook]) -> None:
        for book in books:
            self.snapshots += 1
            frame = book.snapshot()
            link.push(frame if self.spoiled is None else self.spoiled(frame))
