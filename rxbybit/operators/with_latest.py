"""Trades, each with the latest ticker."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from rxbybit.operators.arguments import check_observable
from rxbybit.operators.foreign import foreign, told
from rxbybit.operators.kept import Kept
from rxbybit.operators.pairs import Of, TradeWithTicker
from rxbybit.ticker import Ticker

__all__ = ["with_latest"]

T = TypeVar("T", bound=Of)

_TICKERS = "Ticker as its ticker, such as tickers(...) or merge_ticker() gives"


def with_latest(
    ticker: Observable[Ticker],
) -> Callable[[Observable[T]], Observable[TradeWithTicker[T]]]:
    """Each trade with the latest ticker of its symbol: the last one that had come when it came.

    ::

        ticker               --a---------b-------c--|
        trades               1------2-------3--4----|
        with_latest(ticker)  -------2a------3b-4b---|

    Arrival decides, not the exchange's time: of the same frames, what a trade gets may differ
    when its topic is faster or slower than that of the tickers. For prices that move slowly, such
    as mark price and funding rate, that is enough; for the book use ``with_book(book)``.
    Trades from before the first ticker of their symbol are left out.

    ``ticker``: any Observable of ``Ticker``, of one symbol or several; it is subscribed first.
    When it ends, the last tickers stay.

    It ends with the trades. Errors: those of both sides, at once, and ``ConfigurationError`` on the
    stream for what has no symbol, or for a ``TickerUpdate`` or another thing that is no ``Ticker``;
    at the call for a ``ticker`` that is no Observable. Both sides must call on one thread, as
    streams do.
    Memory: one ticker for each of the 10,000 symbols that had one last.

    ::

        from rxbybit import operators as rxo
        from rxbybit import tickers, trades

        pairs = trades("BTCUSD").pipe(rxo.with_latest(tickers("BTCUSD")))
        pairs.subscribe(lambda pair: print(pair.trade.price - pair.ticker.mark_price))
    """
    check_observable("with_latest", "ticker", ticker, 'tickers("BTCUSD")')

    def operator(source: Observable[T]) -> Observable[TradeWithTicker[T]]:
        def subscribe(
            observer: abc.ObserverBase[TradeWithTicker[T]],
            scheduler: abc.SchedulerBase | None = None,
        ) -> abc.DisposableBase:
            latest = _Latest(observer)
            with ExitStack() as ends:
                of_tickers = ticker.subscribe(
                    latest.on_ticker, latest.on_error, scheduler=scheduler
                )
                ends.callback(of_tickers.dispose)
                if not latest.ended:
                    of_trades = source.subscribe(
                        latest.on_trade, latest.on_error, latest.on_trades_end, scheduler=scheduler
                    )
                    ends.callback(of_trades.dispose)
                return Disposable(ends.pop_all().close)

        return Observable(subscribe)

    return operator


class _Latest(Generic[T]):
    """One subscription: the tickers that came last, by symbol."""

    def __init__(self, observer: abc.ObserverBase[TradeWithTicker[T]]) -> None:
        self.ended = False
        self._observer = observer
        self._tickers = Kept[str, Ticker](lambda symbol: Ticker(symbol=symbol))

    def on_ticker(self, ticker: Ticker) -> None:
        try:
            if not isinstance(ticker, Ticker):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise foreign("with_latest(ticker)", _TICKERS, ticker)
            self._tickers.put(ticker.symbol, ticker)
        except Exception as raised:  # noqa: BLE001 - goes to the observer
            self.on_error(told("with_latest(ticker)", _TICKERS, ticker, raised))

    def on_trade(self, trade: T) -> None:
        try:
            ticker = self._tickers.get(trade.symbol)
        except Exception as raised:  # noqa: BLE001 - goes to the observer
            expected = "events of a symbol, such as trades(...) gives"
            self.on_error(told("with_latest(ticker)", expected, trade, raised))
            return
        if ticker is not None:
            self._observer.on_next(TradeWithTicker(trade=trade, ticker=ticker))

    def on_trades_end(self) -> None:
        self._tickers.clear()
        self._observer.on_completed()

    def on_error(self, error: Exception) -> None:
        self.ended = True
        self._tickers.clear()
        self._observer.on_error(error)
