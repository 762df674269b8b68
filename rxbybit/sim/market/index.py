"""Where a coin's price goes when nobody looks: the index that all its instruments follow."""

from __future__ import annotations

import random
from typing import Protocol

__all__ = ["INDEX_MS", "Index", "Priced"]

INDEX_MS = 2_000
"""How often an index moves, in milliseconds."""

_STEP = 0.00007
_TREND = 0.00002
_PULL = 0.00004


class Priced(Protocol):
    """What the crowd of an instrument goes by."""

    @property
    def price(self) -> float:
        """In USD."""
        ...


class Index:
    """A coin's price in USD: a walk with phases of trend, held loosely near where it began.

    ``seed`` names it; the same seed walks the same way.
    """

    def __init__(self, seed: str, opening: float) -> None:
        self._random = random.Random(seed)
        self._opening = opening
        self._trend = 0.0
        self.price = opening

    def move(self) -> None:
        """Go one step on."""
        chance = self._random.random
        if chance() < 0.004:
            self._trend = (chance() - 0.5) * _TREND
        step = (chance() + chance() + chance() - 1.5) * 2 * _STEP
        pull = _PULL * (self._opening / self.price - 1)
        self.price *= 1 + step + self._trend + pull
