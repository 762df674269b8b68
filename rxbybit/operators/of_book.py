"""What the operators over order books share."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from reactivex import Observable

from rxbybit.operators.value import Value
from rxbybit.operators.valued import valued

__all__ = ["Book", "of_book"]


class Book(Protocol):
    """An order book, of rxbybit or of anybody."""

    @property
    def symbol(self) -> str:
        """What is traded."""
        ...

    @property
    def time_ms(self) -> int | None:
        """When it changed, in milliseconds of exchange time."""
        ...

    @property
    def state(self) -> str:
        """``"synced"`` when it can be trusted."""
        ...

    @property
    def spread(self) -> Decimal | None:
        """Best ask less best bid."""
        ...

    @property
    def microprice(self) -> Decimal | None:
        """The mid, weighted by the size of the other side."""
        ...

    def imbalance(self, levels: int) -> Decimal | None:
        """Bids against asks, of so many levels."""
        ...


def of_book(
    operator: str, read: Callable[[Book], Decimal | None]
) -> Callable[[Observable[Book]], Observable[Value]]:
    """An operator that reads a number off each book that is synced, where it has one."""

    def at(book: Book) -> Value | None:
        number = read(book) if book.state == "synced" else None
        if number is None:
            return None
        if book.time_ms is None:
            raise TypeError("no time")
        return Value(symbol=book.symbol, time_ms=book.time_ms, value=number)

    takes = "order books with a time_ms, such as order_book() and to_book() give"
    return valued(operator, takes, lambda: at)
