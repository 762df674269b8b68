"""One side of an order book, kept as the text that the wire sends.

Text is exact and costs nothing to keep; it becomes numbers when somebody reads it. While all
prices of a side are as long and have their dot at the same place, as texts they are in the order
of their numbers. As soon as one is not, or where they have no dot or are longer than a float is
exact, floats put them in order: two prices that a float cannot tell apart are taken for one price
spelled in two ways, and whoever keeps the book has to ask for a new one.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from decimal import Decimal
from math import inf

__all__ = ["Ladder", "TextLevel", "Unfit", "is_finite", "price_text", "size_text"]

TextLevel = tuple[str, str]
"""Price and size, as :func:`price_text` and :func:`size_text` give them."""

EXACT = 16
"""So many characters, of which one is a dot, are a number that no other has the same float as."""

_plain = re.compile(r"[0-9]+\.?[0-9]*").fullmatch


def price_text(text: str, number: Decimal | float) -> str:
    """A price that says at a glance whether it is digits: ``text``, which means ``number``, or
    another text of the same number. One with a dot is nothing but digits beside it.

    What an exchange sends is that already.
    Errors: ``Unfit`` for what is no finite number, ``TypeError`` for a text. A number of 0 or less
    may be the price of a spread.
    """
    if _plain(text) and text is not number:  # which a text is, that only looks like one
        return text
    if not is_finite(number):
        raise Unfit(f"a level at price {text!r}")
    sign, digits, exponent = Decimal(str(number)).as_tuple()
    return f"{'-' * sign}{''.join(map(str, digits))}e{exponent}"


def size_text(text: str, number: Decimal | float) -> str:
    """A size that says at a glance whether there is any: ``text``, which means ``number``, or
    another text of the same number.

    Zero is ``"0"``, and no other text is. What an exchange sends is that already.
    Errors: ``Unfit`` for a number below zero, and for what is no finite number.
    """
    # most are Decimals, for which a call is saved
    finite = number.is_finite() if isinstance(number, Decimal) else is_finite(number)
    if not (finite and number >= 0):
        raise Unfit(f"a level of size {text!r}")
    if not number:
        return "0"
    return text if _plain(text) else str(number)


def is_finite(number: Decimal | float) -> bool:
    """Whether it is a number, which a truth value is not, and some number in particular."""
    if isinstance(number, Decimal):
        return number.is_finite()
    return not isinstance(number, bool) and -inf < number < inf


class Unfit(ValueError):
    """What no book can take in."""


class Ladder:
    """Levels of one side: sizes by price, and the prices in order, lowest first."""

    # At either end of the lists stands what no price is, so that every place has something above
    # it and below it. Two lists, where floats are needed: to look a number up among numbers takes
    # half of the time of pairs.
    __slots__ = ("_dot", "_prices", "_sizes", "_values", "_width")

    def __init__(self, levels: Sequence[TextLevel] = ()) -> None:
        """Errors: ``Unfit`` for a size of 0, or a price that comes twice."""
        if any(size == "0" for _, size in levels):
            raise Unfit("a level of size '0'")
        self._sizes: dict[str, str] = dict(levels)
        if len(self._sizes) < len(levels):
            raise Unfit("a price comes twice")
        shapes = {(len(price), price.find(".")) for price in self._sizes}
        self._width, self._dot = shapes.pop() if len(shapes) == 1 else (0, 0)
        if self._width > EXACT or self._dot < 1:
            self._width = 0
        prices = sorted(self._sizes, key=None if self._width else float)
        self._prices = ["", *prices, "~"]
        self._values: list[float] = []  # none are needed while a width is known
        if not self._width and len(set(self._mixed())) < len(self._values):
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
        made._sizes, made._prices = self._sizes.copy(), self._prices.copy()
        made._values = self._values.copy()
        made._width, made._dot = self._width, self._dot
        return made

    def growth(self, changes: Sequence[TextLevel]) -> int:
        """How many levels more there will be once ``changes``, none twice, are applied."""
        held = self._sizes
        return sum([(size != "0") - (price in held) for price, size in changes])

    def apply(self, changes: Sequence[TextLevel]) -> list[str | None]:
        """Set the size of each price that is named; size 0 takes the price away.

        Gives the sizes that stood there before, for :meth:`undo`.
        Errors: ``Unfit`` for a price that is there in another spelling; nothing is applied then.
        """
        sizes, prices, width, dot = self._sizes, self._prices, self._width, self._dot
        before: list[str | None] = []
        for price, size in changes:
            held = sizes.get(price)
            before.append(held)
            # to ask whether texts differ is what CPython is quickest at
            if held is not None:
                if size != "0":
                    sizes[price] = size
                    continue
                del sizes[price]
                if width:
                    del prices[bisect_left(prices, price)]
                else:
                    self._remove(price)
            elif len(price) == width and price[dot] == ".":
                if size != "0":
                    sizes[price] = size
                    prices.insert(bisect_left(prices, price), price)
            else:
                width = 0
                if (there := self._spelled(price)) is not None:
                    self.undo(changes, before)
                    raise Unfit(f"{price!r} is there as {there!r}")
                if size != "0":
                    sizes[price] = size
                    self._add(price)
        return before

    def change(
        self, changes: Sequence[TextLevel], asks: Ladder, ask_changes: Sequence[TextLevel]
    ) -> None:
        """Apply changes to both sides of a book, whose bids it is.

        Errors: ``Unfit`` as of :meth:`apply`, or where a bid would not be below every ask; nothing
        is applied then.
        """
        before = self.apply(changes)
        try:
            asks_before = asks.apply(ask_changes)
            if self._width and self._width == asks._width and self._dot == asks._dot:
                fits = self._prices[-2] < asks._prices[1]  # what below() does, without a call
            else:
                fits = self.below(asks)
            if not fits:
                asks.undo(ask_changes, asks_before)
                raise Unfit("crosses the book")
        except Unfit:
            self.undo(changes, before)
            raise

    def undo(self, changes: Sequence[TextLevel], before: list[str | None]) -> None:
        """Take back what :meth:`apply` has done, which said what was there ``before``."""
        done = zip(changes, before, strict=False)
        for (price, _), held in reversed(list(done)):
            there = price in self._sizes
            if held is not None:
                self._sizes[price] = held
                if not there:
                    self._add(price)
            elif there:
                del self._sizes[price]
                self._remove(price)

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
        return (price, self._sizes[price]) if self._sizes else None

    @property
    def last(self) -> TextLevel | None:
        """The level of the highest price, if there is one."""
        price = self._prices[-2]
        return (price, self._sizes[price]) if self._sizes else None

    def below(self, other: Ladder) -> bool:
        """Whether every price of it is below every one of ``other``."""
        if self._width and self._width == other._width and self._dot == other._dot:
            return self._prices[-2] < other._prices[1]
        if not self or not other:
            return True
        return float(self._prices[-2]) < float(other._prices[1])

    def _mixed(self) -> list[float]:
        """What puts the prices in order from now on, as they are not spelled alike."""
        if not self._values:
            self._width = 0
            self._values = [-inf, *map(float, self._prices[1:-1]), inf]
        return self._values

    def _spelled(self, price: str) -> str | None:
        """How ``price``, which is not spelled as all others are, is there already, if it is."""
        value, values = float(price), self._mixed()
        place = bisect_left(values, value)
        return self._prices[place] if values[place] == value else None

    def _add(self, price: str) -> None:
        if self._width:
            self._prices.insert(bisect_left(self._prices, price), price)
            return
        place = bisect_left(self._values, value := float(price))
        self._prices.insert(place, price)
        self._values.insert(place, value)

    def _remove(self, price: str) -> None:
        if self._width:
            del self._prices[bisect_left(self._prices, price)]
            return
        place = bisect_left(self._values, float(price))
        del self._prices[place], self._values[place]
