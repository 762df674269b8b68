"""One side of an order book, kept as the text that the wire sends.

Text is exact and costs nothing to keep; it becomes numbers when somebody reads it. Floats put
the prices in order: two prices that a float cannot tell apart are taken for one price spelled in
two ways, and whoever keeps the book has to ask for a new one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from decimal import Decimal
from math import inf
from typing import NoReturn

__all__ = ["Ladder", "TextLevel", "Unfit", "change", "size_text"]

TextLevel = tuple[str, str]
"""Price and size. The size is one that :func:`size_text` gives."""


def size_text(text: str, number: Decimal | float) -> str:
    """A size that says at a glance what it is: ``text``, which means ``number``, or another text
    of the same number.

    Zero is ``"0"``, and of all other texts those that sort above ``"0"`` are above zero. What an
    exchange sends is that already.
    """
    if not number:
        return "0"
    return text if (text > "0") is (number > 0) else str(number)


class Unfit(ValueError):
    """What no book can take in."""


class Ladder:
    """Levels of one side: sizes by price, and the prices in order, lowest first."""

    # Two lists: to look a number up among numbers takes half of the time of pairs. At either end
    # stands what no price is, so that every place has something above it and below it.
    __slots__ = ("_prices", "_sizes", "_values")

    def __init__(self, levels: Sequence[TextLevel] = ()) -> None:
        """Errors: ``Unfit`` for a size that is not above 0, or a price that comes twice."""
        for _, size in levels:
            if not size > "0":
                raise Unfit(f"a level of size {size!r}")
        rising = sorted([(float(price), price) for price, _ in levels])
        self._sizes: dict[str, str] = dict(levels)
        self._prices = ["", *(price for _, price in rising), ""]
        self._values = [-inf, *(value for value, _ in rising), inf]
        if len(set(self._values)) < len(self._values):
            raise Unfit("a price comes twice")

    def __len__(self) -> int:
        return len(self._sizes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ladder) and self._sizes == other._sizes

    __hash__ = None  # pyright: ignore[reportAssignmentType] - it changes

    def mark(self) -> int:
        """A number that another side with the same levels has too, and hardly one with others."""
        return hash(frozenset(self._sizes.items()))

    def copy(self) -> Ladder:
        """One of its own."""
        made = Ladder.__new__(Ladder)
        made._sizes = self._sizes.copy()
        made._prices, made._values = self._prices.copy(), self._values.copy()
        return made

    def growth(self, changes: Sequence[TextLevel]) -> int:
        """How many levels more there will be once ``changes``, none twice, are applied."""
        held = self._sizes
        return sum([(size != "0") - (price in held) for price, size in changes])

    def apply(self, changes: Sequence[TextLevel]) -> list[str | None]:
        """Set the size of each price that is named; size 0 takes the price away.

        Gives the sizes that stood there before, for :meth:`undo`.
        Errors: ``Unfit`` for a size below 0, or a price that is there in another spelling;
        nothing is applied then.
        """
        sizes, prices, values = self._sizes, self._prices, self._values
        before: list[str | None] = []
        for price, size in changes:
            held = sizes.get(price)
            if held is not None and size > "0":  # most of them
                sizes[price] = size
            elif size < "0":
                self._refuse(changes, before, f"a level of size {size!r}")
            else:
                value = float(price)
                place = bisect_left(values, value)
                if held is not None:
                    del sizes[price], prices[place], values[place]
                elif values[place] == value:
                    self._refuse(changes, before, f"{price!r} is there as {prices[place]!r}")
                elif size > "0":
                    sizes[price] = size
                    prices.insert(place, price)
                    values.insert(place, value)
            before.append(held)
        return before

    def undo(self, changes: Sequence[TextLevel], before: list[str | None]) -> None:
        """Take back what :meth:`apply` has done, which said what was there ``before``."""
        done = zip(changes, before, strict=False)
        for (price, _), held in reversed(list(done)):
            there = self._sizes.get(price)
            place = bisect_left(self._values, float(price))
            if held is not None:
                self._sizes[price] = held
                if there is None:
                    self._prices.insert(place, price)
                    self._values.insert(place, float(price))
            elif there is not None:
                del self._sizes[price], self._prices[place], self._values[place]

    @property
    def lowest(self) -> float:
        """The lowest price, for comparing; infinite when there is none."""
        return self._values[1]

    @property
    def highest(self) -> float:
        """The highest price, for comparing; less than everything when there is none."""
        return self._values[-2]

    def rising(self) -> Iterator[TextLevel]:
        """The levels, lowest price first."""
        sizes = self._sizes
        return ((price, sizes[price]) for price in self._prices[1:-1])

    def falling(self) -> Iterator[TextLevel]:
        """The levels, highest price first."""
        sizes = self._sizes
        return ((price, sizes[price]) for price in self._prices[-2:0:-1])

    @property
    def first(self) -> TextLevel | None:
        """The level of the lowest price, if there is one."""
        price = self._prices[1]
        return (price, self._sizes[price]) if price else None

    @property
    def last(self) -> TextLevel | None:
        """The level of the highest price, if there is one."""
        price = self._prices[-2]
        return (price, self._sizes[price]) if price else None

    def _refuse(self, changes: Sequence[TextLevel], before: list[str | None], why: str) -> NoReturn:
        self.undo(changes, before)
        raise Unfit(why)


def change(
    bids: Ladder,
    bid_changes: Sequence[TextLevel],
    asks: Ladder,
    ask_changes: Sequence[TextLevel],
) -> None:
    """Apply changes to both sides of a book.

    Errors: ``Unfit`` as of :meth:`Ladder.apply`, or where a bid would not be below every ask;
    nothing is applied then.
    """
    bids_before = bids.apply(bid_changes)
    try:
        asks_before = asks.apply(ask_changes)
        if bids._values[-2] >= asks._values[1]:  # pyright: ignore[reportPrivateUsage] - see highest
            asks.undo(ask_changes, asks_before)
            raise Unfit("crosses the book")
    except Unfit:
        bids.undo(bid_changes, bids_before)
        raise
