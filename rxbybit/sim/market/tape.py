"""Every trade of an instrument: its number, its tick direction, its frame.

V5 manual, "Trade" and "Get Recent Public Trades".
"""

from __future__ import annotations

import random
from collections import deque
from typing import NamedTuple

from rxbybit.sim.market.instruments import Instrument
from rxbybit.sim.market.matching import Fill, Side

__all__ = ["Print", "Tape"]

_KEPT = 1_000
"""Trades that a recent-trade answer can reach back to."""
_ODD = 0x9E3779B97F4A7C15F39CC0605CEDC835
_BITS = (1 << 128) - 1


class Print(NamedTuple):
    """One trade on the tape."""

    number: int
    """The first is 1."""
    ms: int
    side: Side
    """Of the taker."""
    price: int
    lots: int
    tick: str
    """Its tick direction."""
    seq: int


class Tape:
    """The trades of one instrument; ``opening`` is the price in ticks before the first."""

    def __init__(self, instrument: Instrument, seed: str, opening: int) -> None:
        self._instrument = instrument
        self._topic = f"publicTrade.{instrument.symbol}"
        self._salt = random.Random(seed).getrandbits(128)
        self.fresh: list[Print] = []
        """What has traded since the last :meth:`clear`."""
        self.recent: deque[Print] = deque(maxlen=_KEPT)
        self.hearers: tuple[list[Print], ...] = ()
        """The lists of those who want to have every trade; they empty them."""
        self.count = 0
        self.lots = self.value = 0
        """All that has traded here, in lots and in units of value."""
        self.last: int = opening
        self.last_ms: int | None = None
        self.tick = "ZeroPlusTick"

    def write(self, ms: int, side: Side, fills: list[Fill], seq: int) -> None:
        """Take down what one order traded."""
        for price, lots, _ in fills:
            if price != self.last:
                self.tick = "PlusTick" if price > self.last else "MinusTick"
            elif not self.tick.startswith("Zero"):
                self.tick = f"Zero{self.tick}"
            self.count += 1
            self.last = price
            self.last_ms = ms
            printed = Print(self.count, ms, side, price, lots, self.tick, seq)
            self.fresh.append(printed)
            self.recent.append(printed)
            self.lots += lots
            self.value += self._instrument.value(price, lots)
            for heard in self.hearers:
                heard.append(printed)

    def clear(self) -> None:
        """Begin a new ``fresh``."""
        self.fresh = []

    def frame(self, ms: int) -> dict[str, object]:
        """All that is fresh as one frame."""
        if self._instrument.category == "spot":
            data = [self._spot_item(p) for p in self.fresh]
            return {"topic": self._topic, "ts": ms, "type": "snapshot", "data": data}
        data = [self._item(p) for p in self.fresh]
        return {"topic": self._topic, "type": "snapshot", "ts": ms, "data": data}

    def rest_item(self, printed: Print) -> dict[str, object]:
        """A trade as a recent-trade answer lists it."""
        return {
            "execId": self.ident(printed.number),
            "symbol": self._instrument.symbol,
            "price": self._instrument.price(printed.price),
            "size": self._instrument.size(printed.lots),
            "side": printed.side,
            "time": str(printed.ms),
            "isBlockTrade": False,
            "isRPITrade": False,
            "seq": str(printed.seq),
        }

    def ident(self, number: int) -> str:
        """The id of a trade: digits on spot, the shape of a UUID elsewhere."""
        if self._instrument.category == "spot":
            return str(2_290_000_000_000_000_000 + number)
        text = f"{(number * _ODD + self._salt) & _BITS:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def _item(self, p: Print) -> dict[str, object]:
        return {
            "T": p.ms,
            "s": self._instrument.symbol,
            "S": p.side,
            "v": self._instrument.size(p.lots),
            "p": self._instrument.price(p.price),
            "L": p.tick,
            "i": self.ident(p.number),
            "BT": False,
            "RPI": False,
            "seq": p.seq,
        }

    def _spot_item(self, p: Print) -> dict[str, object]:
        return {
            "i": self.ident(p.number),
            "T": p.ms,
            "p": self._instrument.price(p.price),
            "v": self._instrument.size(p.lots),
            "S": p.side,
            "seq": p.seq,
            "s": self._instrument.symbol,
            "BT": False,
            "RPI": False,
        }
