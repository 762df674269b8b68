"""Tickers out of their updates."""

from __future__ import annotations

from collections.abc import Callable

from reactivex import Observable

from rxbybit.events import Gap
from rxbybit.marking import marked
from rxbybit.operators.foreign import foreign
from rxbybit.operators.kept import Kept
from rxbybit.operators.stepwise import stepwise
from rxbybit.ticker import Ticker, TickerState, TickerUpdate

__all__ = ["merge_ticker"]

_TAKES = "TickerUpdate, such as ticker_updates(...) gives"


def merge_ticker() -> Callable[[Observable[TickerUpdate]], Observable[Ticker]]:
    """The whole ticker after each update, as ``tickers(...)`` gives it.

    ::

        ticker_updates  --last=1 bid=2 (snapshot)--last=3 (delta)---ask=4 (delta)-----|
        merge_ticker()  --last=1 bid=2-------------last=3 bid=2-----last=3 bid=2 ask=4|

    A snapshot replaces all that was known, a delta what it names; the ``meta`` and ``changed`` of
    a ticker are those of its update. Updates of several symbols may be mixed: those of a symbol
    and link add up.

    A delta before the first snapshot is not passed. After a reconnect the exchange begins with
    a snapshot, so that nothing survives from before it; a delta that has a ``meta.gap`` all the
    same ends what was known, and its gap goes to the next ticker.

    Errors: ``ConfigurationError`` on the stream for an event that is no ``TickerUpdate``.
    Memory: one ticker for each symbol and link, of the 10,000 heard last.

    ::

        from rxbybit import operators as rxo
        from rxbybit import ticker_updates

        tickers = ticker_updates("BTCUSD").pipe(rxo.merge_ticker())
        tickers.subscribe(lambda ticker: print(ticker.bid_price, ticker.ask_price))
    """
    return stepwise("merge_ticker()", _TAKES, _Merge)


_Key = tuple[str, int | None]


class _Ticker:
    """One of them, and the hole that its next one has to tell of."""

    __slots__ = ("owed", "state")

    def __init__(self) -> None:
        self.state = TickerState()
        self.owed: Gap | None = None


class _Merge:
    """What is known of the tickers of one subscriber."""

    def __init__(self) -> None:
        self._kept = Kept[_Key, _Ticker](lambda _: _Ticker())

    def __call__(self, update: TickerUpdate) -> Ticker | None:
        if not isinstance(update, TickerUpdate):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise foreign("merge_ticker()", _TAKES, update)
        meta = update.meta
        # The link tells linear from spot, whose topics and symbols are the same.
        one = self._kept.of((update.symbol, meta.connection))
        if meta.gap is not None:
            one.state.reset()
            one.owed = meta.gap
        one.state.apply(update)
        ticker, gap = one.state.ticker, one.owed
        if ticker is None or gap is None:
            return ticker
        one.owed = None
        return marked(ticker, gap)
