"""One side of an order book, kept as the text that the wire sends.

Text is exact and costs nothing to keep; it becomes numbers when somebody reads it. Floats put
the prices in order: two prices that a float cannot tell apart are taken for one price spelled in
two ways, and whoever keeps the book has to ask for a new one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from math import isfinite

__all__ = ["Ladder", "Spelling", "TextLevel"]

TextLevel = tuple[str, str]
"""Price and size, as they were sent."""


class Spelling(ValueError):
    """A price that is there already, spelled in another way."""


class Ladder:
    """Levels of one side; sizes by price, and the prices in order, lowest first."""

    __slots__ = ("_prices", "_sizes")

    def __init__(self, levels: Iterable[TextLevel] = ()) -> None:
        """Errors: ``ValueError`` for what is no finite number, or no size above 0;
        ``Spelling`` for a price that comes twice.
        """
        self._sizes: dict[str, str] = {}
        self._prices: list[tuple[float, str]] = []
        for price, size in levels:
            value = _number(price)
            if _number(size) <= 0:
                raise ValueError(f"a level of size {size!r}")
            self._prices.append((value, price))
            self._sizes[price] = size
        self._prices.sort()
        if len({value for value, _ in self._prices}) < len(self._prices):
            raise Spelling("a price comes twice")

    def __len__(self) -> int:
        return len(self._prices)

    def copy(self) -> Ladder:
        """One of its own."""
        made = Ladder.__new__(Ladder)
        made._sizes, made._prices = self._sizes.copy(), self._prices.copy()
        return made

    def apply(self, changes: Sequence[TextLevel]) -> None:
        """Set the size of each price that is named; size 0 takes the price away.

        Errors: as at the making; what came before the fault is applied.
        """
        sizes, prices = self._sizes, self._prices
        for price, size in changes:
            amount = float(size)
            if not 0.0 <= amount < _INFINITE:
                raise ValueError(f"a level of size {size!r}")
            if price in sizes:
                if amount:
                    sizes[price] = size
                else:
                    del sizes[price]
                    del prices[bisect_left(prices, (float(price), price))]
                continue
            value = _number(price)
            place = bisect_left(prices, (value,))
            if place < len(prices) and prices[place][0] == value:
                raise Spelling(f"{price!r} is there as {prices[place][1]!r}")
            if amount:
                prices.insert(place, (value, price))
                sizes[price] = size

    @property
    def lowest(self) -> float:
        """The lowest price, for comparing; infinite when there is none."""
        return self._prices[0][0] if self._prices else _INFINITE

    @property
    def highest(self) -> float:
        """The highest price, for comparing; less than everything when there is none."""
        return self._prices[-1][0] if self._prices else -_INFINITE

    def rising(self, count: int) -> list[TextLevel]:
        """The ``count`` lowest levels, lowest price first."""
        sizes = self._sizes
        return [(price, sizes[price]) for _, price in self._prices[:count]]

    def falling(self, count: int) -> list[TextLevel]:
        """The ``count`` highest levels, highest price first."""
        sizes = self._sizes
        return [(price, sizes[price]) for _, price in self._prices[: -count - 1 : -1]]


_INFINITE = float("inf")


def _number(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"not a finite number: {text!r}")
    return value
