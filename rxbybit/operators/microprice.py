"""The middle of the market, weighted by what rests on its sides."""

from __future__ import annotations

from collections.abc import Callable

from reactivex import Observable

from rxbybit.operators.of_book import Book, of_book
from rxbybit.operators.value import Value

__all__ = ["microprice"]


def microprice() -> Callable[[Observable[Book]], Observable[Value]]:
    """The mid price weighted by the size of the other side, of each order book.

    ::

        bid×size/ask×size    ---100×1/102×1---100×3/102×1---resyncing---|
        microprice()         ---101-----------101.5---------------------|

    The value is (bid × ask size + ask × bid size) / (bid size + ask size), of the best bid and
    the best ask, in the quote currency: it is nearer to the side that has less, as that one is
    gone first. The literature calls this the weighted mid-price, and since Gatheral and Oomen
    ("Zero-intelligence realized variance estimation", 2010) the microprice; that of Stoikov
    ("The Micro-Price", 2018) is another, an expectation that has to be estimated from data.

    A book that is not ``synced`` (``resyncing``, ``stale``), or has an empty side, gives no value:
    the last one stands until a book can be trusted again. Whoever has to know that it does not,
    looks at the ``state`` of the books. Nothing is kept.
    Errors: ``ConfigurationError`` on the stream for what is no order book, or has no time.

    ::

        from reactivex import operators as ops
        from rxbybit import operators as rxo
        from rxbybit import order_book

        order_book("BTCUSD").pipe(rxo.microprice(), ops.take(3)).subscribe(print)
    """
    return of_book("microprice", lambda book: book.microprice)
