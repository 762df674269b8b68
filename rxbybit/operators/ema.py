"""The exponential moving average of prices."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Protocol, TypeVar, overload

from reactivex import Observable

from rxbybit.operators.arguments import check_callable, check_whole
from rxbybit.operators.kept import Kept
from rxbybit.operators.value import Value
from rxbybit.operators.valued import Traded, valued

__all__ = ["ema"]


class Closing(Protocol):
    """A candle or a bar, of rxbybit or of anybody."""

    @property
    def symbol(self) -> str:
        """What was traded."""
        ...

    @property
    def end_ms(self) -> int:
        """The last millisecond inside."""
        ...

    @property
    def close(self) -> Decimal:
        """The last price."""
        ...


T = TypeVar("T")


class _Average:
    value: Decimal | None = None


@overload
def ema(n: int) -> Callable[[Observable[Closing | Traded | Value]], Observable[Value]]: ...
@overload
def ema(
    n: int, key: Callable[[T], Decimal | None]
) -> Callable[[Observable[T]], Observable[Value]]: ...
# Any: with a key, whatever the key can read.
def ema(
    n: int, key: Callable[[Any], Decimal | None] | None = None
) -> Callable[[Observable[Any]], Observable[Value]]:
    """The exponential moving average of closes, prices or values, at each event.

    ::

        close     ---10---12---11---|
        ema(3)    ---10---11---11---|

    ``n``: the average follows as fast as a plain one of ``n`` events. ``key`` gives the number of
    an event; without it that is the ``close`` of a candle or a bar, else the ``price`` of a trade,
    else the ``value`` of a ``Value``. A candle that is not closed yet counts for nothing, nor does
    an event whose number is ``None``.

    The first value is the first number; each further one is v + (x - v) × 2 / (n + 1), of the
    value before v and the number x: pandas' ``ewm(span=n, adjust=False).mean()``. (Other programs
    begin with a plain average of n numbers; after some 3 n events the start is forgotten.) The
    value's ``time_ms`` is the ``end_ms`` of a candle or a bar, else the ``time_ms`` of the event.

    Each symbol has its own average; it is kept of the 10,000 symbols that were heard last. A bar
    that comes again, since trades for it came late, counts again. A hole before an event
    (``meta.gap``) cannot be told from the values.
    Errors: ``ConfigurationError`` at the call for an ``n`` that is no whole number above 0 or a
    ``key`` that cannot be called, and on the stream for an event without such a number, a symbol or
    a time.

    ::

        from reactivex import operators as ops
        from rxbybit import klines
        from rxbybit import operators as rxo

        candles = klines("BTCUSD", history=50, closed=True)
        candles.pipe(rxo.ema(20), ops.take(50)).subscribe(print)
    """
    check_whole("ema", "n", n)
    check_callable("ema", "key", key)

    def begin() -> Callable[[Any], Value | None]:
        kept = Kept[str, _Average](lambda _: _Average())

        def at(event: Any) -> Value | None:
            if not getattr(event, "closed", True):
                return None
            number: Decimal | None = _number(event) if key is None else key(event)
            if number is None:
                return None
            symbol, time_ms = event.symbol, _time_ms(event)
            average = kept.of(symbol)
            before = average.value
            now = number if before is None else before + (number - before) * 2 / (n + 1)
            average.value = now
            return Value(symbol=symbol, time_ms=time_ms, value=now)

        return at

    takes = "candles, bars, trades or values, or a key= that gives the number of an event"
    return valued("ema", takes, begin)


# Any: see above
def _number(event: Any) -> Decimal:
    if hasattr(event, "close"):
        return event.close
    return event.price if hasattr(event, "price") else event.value


def _time_ms(event: Any) -> int:
    time_ms: int | None = event.end_ms if hasattr(event, "end_ms") else event.time_ms
    if time_ms is None:
        raise TypeError("no time")
    return time_ms
