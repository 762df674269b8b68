"""One subscription of trades joined with books: what comes on either side, and who waits."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from reactivex import abc

from rxbybit.book import OrderBook
from rxbybit.events import Meta
from rxbybit.operators.asof import AsOf, check_book, check_trade, made_ms
from rxbybit.operators.foreign import foreign, told
from rxbybit.operators.kept import Kept
from rxbybit.operators.pairs import Matched, TradeWithBook

__all__ = ["Joining"]

T = TypeVar("T", bound=Matched)

MOST_WAITING = 10_000
"""How many trades of a symbol wait at most; the oldest of more is joined with what is there."""
_BOOKS = "OrderBook as its book, such as order_book(...) or to_book() gives"
_TRADES = "trades, such as trades(...) gives"


class _Wait:
    """What the trades of one frame have in common: they come together, so they wait as long.

    To set a timer for each of them would cost more than all else that is done to a trade.
    """

    __slots__ = ("frame", "timer", "trades")

    def __init__(self, frame: Meta | None) -> None:
        self.frame = frame
        self.trades = 0  # how many of them wait
        self.timer: abc.DisposableBase | None = None

    def end(self) -> None:
        """None of them waits any more."""
        self.trades = 0
        if self.timer is not None:
            self.timer.dispose()


class _Symbol(Generic[T]):
    """The books of one symbol, and the trades that wait for more of them."""

    __slots__ = ("books", "waiting")

    def __init__(self, history_ms: float) -> None:
        self.books = AsOf[T](history_ms)
        self.waiting: deque[tuple[T, _Wait]] = deque()


class Joining(Generic[T]):
    """Takes both sides of a subscription, and calls its observer.

    Without ``clock`` the exchange's times in what comes say how long a trade has waited.
    """

    def __init__(
        self,
        observer: abc.ObserverBase[TradeWithBook[T]],
        clock: abc.SchedulerBase | None,
        wait_s: float,
        history_s: float,
    ) -> None:
        self.ended = False
        self._observer = observer
        self._clock = clock
        self._wait_s = wait_s
        self._history_ms = 1000 * history_s
        self._symbols: Kept[str, _Symbol[T]] = Kept(self._begin, dropped=self._settle)
        self._waiting = 0  # trades of all symbols
        self._at_once = not wait_s
        self._last = False  # whether no more trades come

    def on_book(self, book: OrderBook) -> None:
        """The next book."""
        try:
            if not isinstance(book, OrderBook):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise foreign("with_book(book)", _BOOKS, book)
            check_book(book)
        except Exception as raised:  # noqa: BLE001 - goes to the observer
            self.on_error(told("with_book(book)", _BOOKS, book, raised))
            return
        one = self._symbols.of(book.symbol)
        if one.books.falls(book):
            self._settle(one)
            one.books.begin()
        one.books.add(book)
        while one.waiting and one.books.reached(one.waiting[0][0]):
            self._release(one)
        one.books.thin()
        if self._clock is None:
            self._pass_time(made_ms(book))

    def on_trade(self, trade: T) -> None:
        """The next trade."""
        try:
            check_trade(trade)
        except Exception as raised:  # noqa: BLE001 - goes to the observer
            self.on_error(told("with_book(book)", _TRADES, trade, raised))
            return
        if self._clock is None:
            self._pass_time(trade.time_ms)
        one = self._symbols.of(trade.symbol)
        if self.ended:  # by who got a trade of a symbol that had to go
            return
        # what waits is ahead of it, also while all of that is being released
        if not one.waiting and (self._at_once or one.books.reached(trade)):
            self._send(one, trade)
        else:
            self._hold(one, trade)

    def on_books_end(self) -> None:
        """No more books come: nothing is worth waiting for."""
        self._at_once = True
        self._settle_all()

    def on_trades_end(self) -> None:
        """No more trades come; it ends when the last of them is joined."""
        self._last = True
        if self._clock is None:
            self._settle_all()
        self._end_if_done()

    def on_error(self, error: Exception) -> None:
        """The end of either side, or of both."""
        self.clear()
        self._observer.on_error(error)

    def clear(self) -> None:
        """Forget everything, and hear nothing more."""
        self.ended = True
        for one in self._symbols:
            for _, wait in one.waiting:
                wait.end()
            one.waiting.clear()
        self._symbols.clear()

    def _begin(self, _: str) -> _Symbol[T]:
        return _Symbol(self._history_ms)

    def _hold(self, one: _Symbol[T], trade: T) -> None:
        frame = _frame_of(trade)
        wait = one.waiting[-1][1] if one.waiting else None
        if frame is None or wait is None or wait.frame is not frame:
            wait = self._begun(one, frame)
        wait.trades += 1
        one.waiting.append((trade, wait))
        self._waiting += 1
        if len(one.waiting) > MOST_WAITING:
            self._release(one)

    def _begun(self, one: _Symbol[T], frame: Meta | None) -> _Wait:
        wait = _Wait(frame)
        if self._clock is not None:

            def time_out(scheduler: abc.SchedulerBase, state: object = None) -> None:
                while wait.trades:
                    self._release(one)

            wait.timer = self._clock.schedule_relative(self._wait_s, time_out)
        return wait

    def _pass_time(self, now_ms: float) -> None:
        """Without a clock, what comes says how late it is."""
        if self._waiting:
            due_ms = now_ms - 1000 * self._wait_s
            for one in list(self._symbols):
                while one.waiting and one.waiting[0][0].time_ms <= due_ms:
                    self._release(one)

    def _settle_all(self) -> None:
        for one in list(self._symbols):
            self._settle(one)

    def _settle(self, one: _Symbol[T]) -> None:
        while one.waiting:
            self._release(one)

    def _release(self, one: _Symbol[T]) -> None:
        """Join the trade that has waited longest."""
        trade, wait = one.waiting.popleft()
        self._waiting -= 1
        wait.trades -= 1
        if not wait.trades:
            wait.end()
        self._send(one, trade)
        self._end_if_done()

    def _send(self, one: _Symbol[T], trade: T) -> None:
        book = one.books.met(trade)
        if book is not None:
            trade, skipped = one.books.told(trade)
            self._observer.on_next(TradeWithBook(trade=trade, book=book, skipped=skipped))

    def _end_if_done(self) -> None:
        if self._last and not self._waiting and not self.ended:
            self.clear()
            self._observer.on_completed()


def _frame_of(trade: object) -> Meta | None:
    """What all trades of a frame share; ``None`` of those that came in none."""
    meta: object = getattr(trade, "meta", None)
    return meta if isinstance(meta, Meta) and meta.received_ns else None
