"""What takers have bought, less what they have sold."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from reactivex import Observable

from rxbybit.operators.figures import as_given, check_time, exact
from rxbybit.operators.kept import Kept
from rxbybit.operators.value import Value
from rxbybit.operators.valued import Sided, valued
from rxbybit.operators.window import Sliding, window_of

__all__ = ["order_flow"]


def order_flow(window: str) -> Callable[[Observable[Sided]], Observable[Value]]:
    """What takers bought less what they sold in a window, at each trade.

    ::

        taker, size         ---Buy 3---Sell 1---Buy 2---|
        order_flow("1m")    ---3-------2--------4-------|

    ``window``: a length of time (``"500ms"``, ``"30s"``, ``"1m"``, ``"4h"``, ``"1d"``), or a number
    of trades (``"500 trades"``). At a trade of time t, a window of length w holds what was traded
    after t - w, up to and including that trade.

    The value is the sum of the sizes of trades whose taker bought less that of trades whose taker
    sold, in the unit of the sizes: contracts of 1 USD (inverse) or base coin. A trade of any other
    side counts for nothing. In the literature: signed volume, or trade imbalance (Cont, Kukanov
    and Stoikov, "The Price Impact of Order Book Events", 2014, where order flow imbalance is
    another figure, one of the changes of the book). The sum is exact, also over days; with
    ``numbers=float`` only the result is rounded.

    Each symbol has its own window, and a trade that is older than one before it counts as of the
    same time. A quiet market gives no values: there is no clock in it. Each trade in the window is
    kept (some 300 bytes), of the 10,000 symbols that traded last. A hole in the trades
    (``meta.gap``) cannot be told from the values.
    Errors: ``ConfigurationError`` at the call for a window that is none, or is longer than a year,
    and on the stream for what is no trade with a side (a ``Liquidation`` has that of its position),
    and for a size that is no finite number.

    ::

        from reactivex import operators as ops
        from rxbybit import operators as rxo
        from rxbybit import trades

        trades("BTCUSD").pipe(rxo.order_flow("10s"), ops.take(3)).subscribe(print)
    """
    size = window_of("order_flow", window)

    def begin() -> Callable[[Sided], Value | None]:
        kept = Kept[str, Sliding](lambda _: Sliding(size))

        def at(trade: Sided) -> Value | None:
            symbol, time_ms, side = trade.symbol, trade.time_ms, trade.side
            if getattr(trade, "position", None) in ("long", "short"):
                raise TypeError("its side is that of a position, not of who took")
            amount = exact(trade.size)
            check_time(time_ms)
            bought = amount if side == "Buy" else Decimal(0)
            sold = amount if side == "Sell" else Decimal(0)
            sums = kept.of(symbol)
            sums.add(time_ms, bought, sold)
            flow = as_given(sums.first - sums.second, trade.size)
            return Value(symbol=symbol, time_ms=sums.newest_ms, value=flow)

        return at

    return valued("order_flow", "trades, events with symbol, time_ms, side and size", begin)
