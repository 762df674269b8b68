"""Order books out of their snapshots and deltas."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

from reactivex import Observable

from rxbybit.book import BookDelta, BookSnapshot, OrderBook
from rxbybit.bookkeeping import BookKeeper, BookText, NoRenewal
from rxbybit.content import numbers_of, written
from rxbybit.events import Gap
from rxbybit.marking import marked
from rxbybit.operators.figures import check_number
from rxbybit.operators.foreign import foreign
from rxbybit.operators.kept import Kept
from rxbybit.operators.stepwise import stepwise

__all__ = ["to_book"]

_TAKES = "BookSnapshot and BookDelta, such as order_book_updates(...) gives"


def to_book() -> Callable[[Observable[BookSnapshot | BookDelta]], Observable[OrderBook]]:
    """The whole book after each update, kept and checked as ``order_book(...)`` keeps it.

    ::

        updates    --snapshot 5--delta 6--delta 8-------delta 9--snapshot 20---|
        to_book()  --synced 5----synced 6--resyncing 6-----------synced 20-----|

    An update that is missing, a book that would cross, a price in two spellings, a size below 0,
    a price or a size that is no finite number: then the last content that was whole is sent once
    more as ``"resyncing"``, and deltas mean nothing until the next snapshot. There is no link here
    that could be asked for one; of ``order_book_updates`` it comes with each reconnect, and a lost
    link shows in nothing before that.

    Updates of several symbols and depths may be mixed, each has a book of its own; so have those
    of different links, which tell linear from spot. Deltas before the first snapshot are not
    passed, nor is a snapshot that repeats what is known. The ``meta.gap`` of an update that gives
    no book goes to the next book.

    Errors: ``ConfigurationError`` on the stream for an event that is no ``BookSnapshot`` or
    ``BookDelta``. Memory: one book for each symbol, depth and link, of the 10,000 heard last.
    Source: V5 manual, "Orderbook".

    ::

        from rxbybit import operators as rxo
        from rxbybit import order_book_updates

        books = order_book_updates("BTCUSD").pipe(rxo.to_book())
        books.subscribe(lambda book: print(book.best_bid, book.best_ask, book.state))
    """
    return stepwise("to_book()", _TAKES, _Books)


_Key = tuple[str, int, int | None]


class _Book:
    """One of them, and the hole that its next one has to tell of."""

    __slots__ = ("keeper", "numbers", "owed")

    def __init__(self) -> None:
        self.keeper = BookKeeper(NoRenewal(), Decimal)
        self.numbers: type | None = None  # what levels are read as; the first of them tells
        self.owed: Gap | None = None


class _Books:
    """The books of one subscriber."""

    def __init__(self) -> None:
        self._kept = Kept[_Key, _Book](lambda _: _Book())

    def __call__(self, update: BookSnapshot | BookDelta) -> OrderBook | None:
        if not isinstance(update, BookSnapshot | BookDelta):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise foreign("to_book()", _TAKES, update)
        one = self._kept.of((update.symbol, update.depth, update.meta.connection))
        keeper = one.keeper
        if one.numbers is None and (numbers := _numbers(update)) is not None:
            one.numbers = numbers
            keeper.read_as(numbers)
        keeper.apply(*_text(update))
        gap = update.meta.gap or one.owed
        book = keeper.news
        if gap is None or book is None:
            one.owed = gap
            return book
        one.owed = None
        return marked(book, gap)


def _numbers(update: BookSnapshot | BookDelta) -> type | None:
    """What its levels are read as, if it has any."""
    return numbers_of(update.bids, update.asks)


def _text(update: BookSnapshot | BookDelta) -> tuple[BookText, ValueError | None]:
    """The update with its levels as texts, or without any and why they can be none."""
    meta, bids, asks, wrong = update.meta, [], [], None
    kind = "snapshot" if isinstance(update, BookSnapshot) else "delta"
    try:
        bids, asks = written(update.bids), written(update.asks)
    except ValueError as error:
        # what is no pair of numbers at all is raised
        for price, size in (*update.bids, *update.asks):
            with suppress(ValueError):
                check_number(price)
                check_number(size)
        wrong = error
    frame = BookText(
        symbol=update.symbol,
        depth=update.depth,
        bids=bids,
        asks=asks,
        update_id=update.update_id,
        sequence=update.sequence,
        meta=meta if meta.kind == kind else meta.__replace__(kind=kind),
    )
    return frame, wrong
