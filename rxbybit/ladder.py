"""One side of an order book, kept as the text that the wire sends.

Text is exact and costs nothing to keep; it becomes numbers when somebody reads it. Floats put
the prices in order: two prices that a float cannot tell apart are taken for one price spelled in
two ways, and whoever keeps the book has to ask for a new one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from decimal import Decimal
from math import inf
from typing import NamedTuple

__all__ = ["Ladder", "Unfit", "Written"]


class Written(NamedTuple):
    """Levels as they were sent: texts, and the same once more as floats."""

    texts: tuple[tuple[str, str], ...] = ()
    """Price and size."""
    numbers: tuple[tuple[float, float], ...] = ()


class Unfit(ValueError):
    """What no book can take in."""


class Ladder:
    """Levels of one side: sizes by price, and the prices in order, lowest first."""

    __slots__ = ("_prices", "_sizes")

    def __init__(self, levels: Written = Written()) -> None:  # noqa: B008 - it never changes
        """Errors: ``Unfit`` for a size that is not above 0, or a price that comes twice."""
        self._sizes: dict[str, str] = dict(levels.texts)
        self._prices: list[tuple[float, str]] = []
        for (price, size), (value, amount) in zip(levels.texts, levels.numbers, strict=True):
            if amount < 0 or (not amount and _nothing(size)):
                raise Unfit(f"a level of size {size!r}")
            self._prices.append((value, price))
        self._prices.sort()
        if len({value for value, _ in self._prices}) < len(self._prices):
            raise Unfit("a price comes twice")

    def __len__(self) -> int:
        return len(self._prices)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ladder) and self._sizes == other._sizes

    __hash__ = None  # pyright: ignore[reportAssignmentType] - it changes

    def copy(self) -> Ladder:
        """One of its own."""
        made = Ladder.__new__(Ladder)
        made._sizes, made._prices = self._sizes.copy(), self._prices.copy()
        return made

    def apply(self, changes: Written) -> list[str | None]:
        """Set the size of each price that is named; size 0 takes the price away.

        Gives the sizes that stood there before, for :meth:`undo`.
        Errors: ``Unfit`` for a size below 0, or a price that is there in another spelling;
        nothing is applied then.
        """
        sizes, prices = self._sizes, self._prices
        before: list[str | None] = []
        for (price, size), (value, amount) in zip(*changes, strict=True):
            held = sizes.get(price)
            if amount < 0:
                self._refuse(changes, before, f"a level of size {size!r}")
            if held is None:
                place = bisect_left(prices, (value,))
                if place < len(prices) and prices[place][0] == value:
                    self._refuse(changes, before, f"{price!r} is there as {prices[place][1]!r}")
                if amount or not _nothing(size):
                    prices.insert(place, (value, price))
                    sizes[price] = size
            elif amount or not _nothing(size):
                sizes[price] = size
            else:
                del sizes[price]
                del prices[bisect_left(prices, (value, price))]
            before.append(held)
        return before

    def undo(self, changes: Written, before: list[str | None]) -> None:
        """Take back what :meth:`apply` has done, which said what was there ``before``."""
        done = zip(changes.texts, changes.numbers, before, strict=False)
        for (price, _), (value, _), held in reversed(list(done)):
            there = self._sizes.get(price)
            if held is not None:
                self._sizes[price] = held
                if there is None:
                    self._prices.insert(bisect_left(self._prices, (value,)), (value, price))
            elif there is not None:
                del self._sizes[price]
                del self._prices[bisect_left(self._prices, (value, price))]

    @property
    def lowest(self) -> float:
        """The lowest price, for comparing; infinite when there is none."""
        return self._prices[0][0] if self._prices else inf

    @property
    def highest(self) -> float:
        """The highest price, for comparing; less than everything when there is none."""
        return self._prices[-1][0] if self._prices else -inf

    def rising(self) -> Iterator[tuple[str, str]]:
        """The levels, lowest price first."""
        sizes = self._sizes
        return ((price, sizes[price]) for _, price in self._prices)

    def falling(self) -> Iterator[tuple[str, str]]:
        """The levels, highest price first."""
        sizes = self._sizes
        return ((price, sizes[price]) for _, price in reversed(self._prices))

    def _refuse(self, changes: Written, before: list[str | None], why: str) -> None:
        self.undo(changes, before)
        raise Unfit(why)


def _nothing(size: str) -> bool:
    """Whether a size that is 0 as a float is 0: a float may be too small to tell."""
    return size == "0" or not Decimal(size)
