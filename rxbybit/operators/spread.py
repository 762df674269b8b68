"""What lies between the best bid and the best ask."""

from __future__ import annotations

from collections.abc import Callable

from reactivex import Observable

from rxbybit.operators.of_book import Book, of_book
from rxbybit.operators.value import Value

__all__ = ["spread"]


def spread() -> Callable[[Observable[Book]], Observable[Value]]:
    """The best ask less the best bid, of each order book.

    ::

        bid/ask     ---100/101---100/100.5---resyncing---99/100.5---|
        spread()    ---1---------0.5---------------------1.5--------|

    In the quote currency. A book that is not ``synced`` (``resyncing``, ``stale``), or has an
    empty side, gives no value: the last one stands until a book can be trusted again. Whoever has
    to know that it does not, looks at the ``state`` of the books. Nothing is kept.
    Errors: ``ConfigurationError`` on the stream for what is no order book, or has no time.

    ::

        from reactivex import operators as ops
        from rxbybit import operators as rxo
        from rxbybit import order_book

        order_book("BTCUSD").pipe(rxo.spread(), ops.take(3)).subscribe(print)
    """
    return of_book("spread", lambda book: book.spread)
