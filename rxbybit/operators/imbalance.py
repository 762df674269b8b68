"""Which side of a book holds more."""

from __future__ import annotations

from collections.abc import Callable

from reactivex import Observable

from rxbybit.operators.arguments import check_whole
from rxbybit.operators.of_book import Book, of_book
from rxbybit.operators.value import Value

__all__ = ["imbalance"]


def imbalance(levels: int = 1) -> Callable[[Observable[Book]], Observable[Value]]:
    """Which side of each order book holds more, from -1 (only asks) to 1 (only bids).

    ::

        best bid/ask size    ---3/1---1/1---resyncing---1/3----|
        imbalance()          ---0.5---0-----------------(-0.5)-|

    ``levels``: how many of each side count, the best first; where there are fewer, all.

    The value is (bid - ask) / (bid + ask), of the sums of their sizes, without a unit (Cartea,
    Jaimungal and Penalva, "Algorithmic and High-Frequency Trading", 2015). A book whose one side is
    empty gives 1 or -1, a wholly empty one no value, and no value comes of a book that is not
    ``synced`` (``resyncing``, ``stale``): the last one stands until a book can be trusted again.
    Whoever has to know that it does not, looks at the ``state`` of the books. Nothing is kept.
    Errors: ``ConfigurationError`` at the call for ``levels`` that are no whole number above 0, and
    on the stream for what is no order book, or has no time.

    ::

        from reactivex import operators as ops
        from rxbybit import operators as rxo
        from rxbybit import order_book

        order_book("BTCUSD").pipe(rxo.imbalance(5), ops.take(3)).subscribe(print)
    """
    check_whole("imbalance", "levels", levels)
    return of_book("imbalance", lambda book: book.imbalance(levels))
