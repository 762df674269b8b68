"""The books of one symbol, and the trades that are to be joined with them: no clock, no Rx."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from rxbybit.book import OrderBook
from rxbybit.events import Gap
from rxbybit.marking import gap_of, with_gap
from rxbybit.operators.figures import check_number, check_time
from rxbybit.operators.pairs import Matched

__all__ = ["AsOf", "check_book", "check_trade", "made_ms"]

MOST_BOOKS = 1_000
"""How many books of a symbol are kept at most."""


T = TypeVar("T", bound=Matched)


class AsOf(Generic[T]):
    """Says of each trade of a symbol which book its taker met.

    Both come in order, so that what is before the book of one trade is of no use to the next:
    only the books since then are kept, and of these the ones of the last ``span_ms``.
    """

    __slots__ = ("_books", "_gap", "_skipped", "_span_ms", "_thinned")

    def __init__(self, span_ms: float) -> None:
        self._span_ms = span_ms
        self._books: deque[OrderBook] = deque()
        self._thinned = False  # whether there were older books
        self._skipped = 0
        self._gap: Gap | None = None

    def falls(self, book: OrderBook) -> bool:
        """Whether ``book`` is older than the last one: then nothing compares with what was."""
        if not self._books:
            return False
        last = self._books[-1]
        if last.sequence is not None and book.sequence is not None:
            return book.sequence < last.sequence
        return made_ms(book) < made_ms(last)

    def begin(self) -> None:
        """Forget the books that there were."""
        self._books.clear()
        self._thinned = True

    def add(self, book: OrderBook) -> None:
        """Take in the next book."""
        self._books.append(book)

    def thin(self) -> None:
        """Let go of the books that are too old; the newest of those stood until the next one."""
        books = self._books
        oldest_ms = made_ms(books[-1]) - self._span_ms
        while len(books) > MOST_BOOKS or (len(books) > 1 and made_ms(books[1]) <= oldest_ms):
            books.popleft()
            self._thinned = True

    def reached(self, trade: T) -> bool:
        """Whether a book is there from after ``trade``, so that the one before it is known."""
        return bool(self._books) and not _before(self._books[-1], trade)

    def met(self, trade: T) -> OrderBook | None:
        """The newest book from before ``trade``; ``None`` when there is none (any more)."""
        books = self._books
        while len(books) > 1 and _before(books[1], trade):
            books.popleft()
            self._thinned = True
        if books and _before(books[0], trade):
            return books[0]
        if self._thinned:
            self._skipped += 1
            self._gap = gap_of(trade) or self._gap
        return None

    def told(self, trade: T) -> tuple[T, int]:
        """``trade`` with the gap of those before it that were left out, and how many they were."""
        skipped, gap = self._skipped, self._gap
        self._skipped, self._gap = 0, None
        return trade if gap is None else with_gap(trade, gap), skipped


def made_ms(book: OrderBook) -> int:
    """When the matching engine made a book, in milliseconds; else when it was sent."""
    return book.meta.matched_ms or book.time_ms or 0


def check_book(book: OrderBook) -> None:
    """Errors: what Python raises where ``book`` has no place among others."""
    hash(book.symbol)
    check_time(made_ms(book))
    _check_sequence(book.sequence)


def check_trade(trade: Matched) -> None:
    """Errors: what Python raises where ``trade`` has no place among books."""
    if isinstance(trade, OrderBook):  # it has a time and a sequence, as trades have
        raise TypeError("a book is no trade")
    hash(trade.symbol)
    check_time(trade.time_ms)
    _check_sequence(trade.sequence)


def _check_sequence(sequence: int | None) -> None:
    if type(sequence) is not int and sequence is not None:  # else it is what nearly all are
        check_number(sequence)


def _before(book: OrderBook, trade: Matched) -> bool:
    if book.sequence is not None and trade.sequence is not None:
        return book.sequence < trade.sequence
    return made_ms(book) < trade.time_ms
