"""The volume-weighted average price of the last trades."""

from __future__ import annotations

from collections.abc import Callable

from reactivex import Observable

from rxbybit.config import check_truth
from rxbybit.operators.figures import as_given, check_time, coins, exact
from rxbybit.operators.kept import Kept
from rxbybit.operators.value import Value
from rxbybit.operators.valued import Traded, valued
from rxbybit.operators.window import Sliding, window_of

__all__ = ["vwap"]


def vwap(
    window: str, *, inverse: bool = False
) -> Callable[[Observable[Traded]], Observable[Value]]:
    """The volume-weighted average price of the trades in a window, at each trade.

    ::

        price×size    ---100×1---102×1---104×2---|
        vwap("1m")    ---100-----101-----102.5---|

    ``window``: a length of time (``"500ms"``, ``"30s"``, ``"1m"``, ``"4h"``, ``"1d"``), or a number
    of trades (``"500 trades"``). At a trade of time t, a window of length w holds what was traded
    after t - w, up to and including that trade. ``inverse``: see below.

    The value is the sum of price × size over the sum of size, in the quote currency. Where a size
    is in contracts of 1 USD (BTCUSD and the other inverse contracts), that weighs a trade by its
    dollars. ``inverse=True`` weighs it by its coins: the sum of size over the sum of size / price,
    which is what the coins have cost on average, and volume over turnover as the exchange counts
    them. The sums are exact, also over days; with ``numbers=float`` only the result is rounded.

    Each symbol has its own window, and a trade that is older than one before it counts as of the
    same time. A quiet market gives no values: there is no clock in it. Each trade in the window is
    kept (some 300 bytes), of the 10,000 symbols that traded last. A hole in the trades
    (``meta.gap``) cannot be told from the values.
    Errors: ``ConfigurationError`` at the call for a window that is none, or is longer than a year,
    and on the stream for what is no trade, or has a price or a size that is no finite number.

    ::

        from reactivex import operators as ops
        from rxbybit import operators as rxo
        from rxbybit import trades

        trades("BTCUSDT").pipe(rxo.vwap("1m"), ops.take(3)).run()
        trades("BTCUSD").pipe(rxo.vwap("5 trades", inverse=True), ops.take(3)).subscribe(print)
    """
    size = window_of("vwap", window)
    check_truth("vwap: inverse", inverse)

    def begin() -> Callable[[Traded], Value | None]:
        kept = Kept[str, Sliding](lambda _: Sliding(size))

        def at(trade: Traded) -> Value | None:
            symbol, time_ms = trade.symbol, trade.time_ms
            price, volume = exact(trade.price), exact(trade.size)
            check_time(time_ms)
            sums = kept.of(symbol)
            sums.add(time_ms, coins(volume, price) if inverse else volume * price, volume)
            if not sums.first:
                return None  # nothing but trades of size 0
            average = sums.second / sums.first if inverse else sums.first / sums.second
            return Value(
                symbol=symbol, time_ms=sums.newest_ms, value=as_given(average, trade.price)
            )

        return at

    return valued("vwap", "trades, events with symbol, time_ms, price and size", begin)
