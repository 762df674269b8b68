"""Trades, each with the book that its taker met."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TypeVar

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from rxbybit.book import OrderBook
from rxbybit.operators.arguments import check_observable, check_scheduler, check_seconds
from rxbybit.operators.joining import Joining
from rxbybit.operators.pairs import Matched, TradeWithBook

__all__ = ["with_book"]

T = TypeVar("T", bound=Matched)


def with_book(
    book: Observable[OrderBook],
    wait: float = 0.1,
    *,
    history: float = 5.0,
    scheduler: abc.SchedulerBase | None = None,
) -> Callable[[Observable[T]], Observable[TradeWithBook[T]]]:
    """Each trade with the order book that its taker met: joined by sequence, not by arrival.

    ::

        book (sequence)  --10---------14--------------20-----------------|
        trades           ------12---------13--18--------------25---------|
        with_book(book)  -------------12,10--13,10----18,14------25,20---|

    A trade's book is the newest one whose ``sequence`` is below the trade's: trades of one
    sequence have the book from before the first of them. Where a trade or the books have no
    sequence, times decide: the newest book with a ``meta.matched_ms`` (else ``time_ms``) below
    the trade's ``time_ms``. So the same frames give the same pairs, whichever topic is ahead, as
    long as no wait runs out. Books are looked up among those of the trade's symbol, and the
    trades of a symbol keep their order.

    ``book``: any Observable of ``OrderBook``, of one symbol or several; it is subscribed first.
    ``wait``: seconds that a trade is held for a book that lags: until one has come with the
    trade's sequence or a higher one, which proves that the book before it is the newest. When
    ``wait`` runs out, or the books end, the trade gets the newest book that is there from before
    it; ``0`` holds nothing. The trades of one frame wait together, from the first of them on.
    The deeper the book, the rarer it is sent: 20 ms for 50 levels, 200 ms for 1000, which need a
    longer ``wait``.
    ``history``: seconds, by the exchange's time, that books are kept for trades that lag behind.
    ``scheduler``: the clock of ``wait``, instead of the one of the subscription (a ``Stream``
    has one). Without any, the exchange's times in what comes are the clock, and what waits when
    the trades end is joined then.

    Trades from before the first book are left out. So are those whose book is no longer kept:
    ``skipped`` of the next pair of the symbol counts them, and its trade has the ``meta.gap`` if
    one of them had it. A book that is ``resyncing`` or ``stale`` is a book: its pairs say so in
    ``book.state``. Should the sequence of the books fall (the exchange has begun anew), what
    waits is joined with the books from before, and those are forgotten.

    It ends with the trades, when nothing waits any more. Errors: those of both sides, at once, and
    ``ConfigurationError`` on the stream for what is no trade or no ``OrderBook``; at the call for a
    ``book`` that is no Observable, a wait or a history below 0 or over a year, or what is no
    scheduler. Both sides must call on one thread, as streams do.
    Memory, for each of the 10,000 symbols heard last: the books since that of the last trade,
    those of ``history`` and 1,000 at most, and 10,000 waiting trades at most.

    ::

        from rxbybit import operators as rxo
        from rxbybit import order_book, trades

        met = trades("BTCUSD").pipe(rxo.with_book(order_book("BTCUSD")))
        met.subscribe(lambda pair: print(pair.trade.side, pair.trade.price, pair.book.best_ask))
    """
    check_observable("with_book", "book", book, 'order_book("BTCUSD")')
    check_seconds("with_book", "wait", wait, none_at_all=True)
    check_seconds("with_book", "history", history, none_at_all=True)
    check_scheduler("with_book", scheduler)

    def operator(source: Observable[T]) -> Observable[TradeWithBook[T]]:
        def subscribe(
            observer: abc.ObserverBase[TradeWithBook[T]],
            given: abc.SchedulerBase | None = None,
        ) -> abc.DisposableBase:
            joining = Joining(observer, scheduler or given, wait, history)
            with ExitStack() as ends:
                ends.callback(joining.clear)
                of_books = book.subscribe(
                    joining.on_book, joining.on_error, joining.on_books_end, scheduler=given
                )
                ends.callback(of_books.dispose)
                if not joining.ended:
                    of_trades = source.subscribe(
                        joining.on_trade, joining.on_error, joining.on_trades_end, scheduler=given
                    )
                    ends.callback(of_trades.dispose)
                return Disposable(ends.pop_all().close)

        return Observable(subscribe)

    return operator
