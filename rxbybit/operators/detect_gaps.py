"""``detect_gaps()``: a mark before the first event after a hole."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import datetime, timezone
from typing import Protocol, TypeVar, runtime_checkable

from msgspec import Struct
from reactivex import Observable, abc

from rxbybit.book import BookDelta, BookSnapshot
from rxbybit.errors import ConfigurationError
from rxbybit.operators.figures import check_time
from rxbybit.operators.foreign import foreign, told
from rxbybit.operators.sink import Sink
from rxbybit.operators.turns import Turns

__all__ = ["Hole", "detect_gaps"]

_MINUTE = 60_000
_LENGTHS = {
    **{f"{n}m": n * _MINUTE for n in (1, 3, 5, 15, 30)},
    **{f"{n}h": n * 60 * _MINUTE for n in (1, 2, 4, 6, 12)},
    "1d": 1440 * _MINUTE,
    "1w": 7 * 1440 * _MINUTE,
}
_TOPICS = 10_000
_TAKES = (
    "updates of books (BookSnapshot, BookDelta) and candles (events with symbol, interval and"
    " start_ms)"
)


class Hole(Struct, frozen=True, kw_only=True):
    """Something is missing: the event that comes next does not follow the one before."""

    symbol: str
    expected: int
    """The update id that would have followed, or the start of the candle, in milliseconds."""
    got: int
    """What the next event has instead."""


@runtime_checkable
class Candle(Protocol):
    """What the operator knows of a candle."""

    @property
    def symbol(self) -> str:
        """What was traded."""
        ...

    @property
    def interval(self) -> str:
        """How long it is: ``"1m"`` to ``"12h"``, ``"1d"``, ``"1w"`` or ``"1M"``."""
        ...

    @property
    def start_ms(self) -> int:
        """When it opens, in milliseconds."""
        ...


E = TypeVar("E", bound=BookSnapshot | BookDelta | Candle)


def detect_gaps() -> Callable[[Observable[E]], Observable[E | Hole]]:
    """Every event, and a ``Hole`` before the first one after a hole.

    ::

        -S7-8-9-12-13-S40-41-|                # S: a snapshot
        detect_gaps()
        -S7-8-9-H12-13-S40-41-|               # H: Hole(expected=10, got=12)

    **Books** (``BookSnapshot`` and ``BookDelta``): a delta has the update id of the frame before
    plus one. A larger one is a hole, and so is a 1, with which the exchange begins anew after a
    restart. A snapshot replaces all there was, so none is before it, whatever its id. A delta
    with an id that was there already is passed on and says nothing, as does one without an id, or
    before the first snapshot. Each symbol, depth and link is looked at for itself.

    **Candles** (what has ``symbol``, ``interval`` and ``start_ms``, such as ``Kline``): a candle
    has the start of the one before, or one interval more; a month is one of UTC. An earlier one is
    passed on and says nothing. Each symbol and interval is looked at for itself.

    Trades do not qualify: their sequences rise, but not by one (V5 manual, "Trade"). What a
    reconnect may have lost, ``meta.gap`` says in the event itself.

    It remembers a number for each of the 10,000 topics that were heard last.

    Errors: ``ConfigurationError`` on the stream for any other event, and for an interval that is
    none of ``klines``.

    ::

        from rxbybit import operators as rxo
        from rxbybit import order_book_updates

        def look(event):
            match event:
                case rxo.Hole(expected=expected, got=got):
                    print("updates are missing:", expected, "to", got - 1)
                case _:
                    print(event.update_id)

        order_book_updates("BTCUSD").pipe(rxo.detect_gaps()).subscribe(look)
    """

    def operator(source: Observable[E]) -> Observable[E | Hole]:
        def subscribe(
            observer: abc.ObserverBase[E | Hole], clock: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            gaps: _Gaps[E] = _Gaps(observer)
            return gaps.listen(source, clock)

        return Observable(subscribe)

    return operator


class _Gaps(Sink[E, "E | Hole"]):
    def __init__(self, observer: abc.ObserverBase[E | Hole]) -> None:
        super().__init__(observer)
        self._last: OrderedDict[Hashable, int] = OrderedDict()
        self._turns = Turns()

    def on_next(self, value: E) -> None:
        self._turns.take(self._tell, value)

    def on_error(self, error: Exception) -> None:
        self._turns.take(super().on_error, error)

    def on_completed(self) -> None:
        self._turns.take(super().on_completed)

    def _tell(self, value: E) -> None:
        if self._stopped:
            return
        try:
            hole = self._look(value)
        except Exception as raised:  # noqa: BLE001 - goes to the observer
            super().on_error(told("detect_gaps()", _TAKES, value, raised))
            return
        if hole is not None:
            self._observer.on_next(hole)
        self._observer.on_next(value)

    def _look(self, event: E) -> Hole | None:
        if isinstance(event, BookSnapshot | BookDelta):
            return self._look_at_book(event)
        if isinstance(event, Candle):  # pyright: ignore[reportUnnecessaryIsInstance]
            return self._look_at_candle(event)
        raise foreign("detect_gaps()", _TAKES, event)

    def _look_at_book(self, event: BookSnapshot | BookDelta) -> Hole | None:
        key = (event.symbol, event.depth, event.meta.connection)
        got = event.update_id
        if isinstance(event, BookSnapshot):
            if got is None:
                self._last.pop(key, None)
            else:
                self._remember(key, got)
            return None
        last = self._last.get(key)
        if last is None or got is None or 1 < got <= last:
            return None
        self._remember(key, got)
        return None if got == last + 1 else Hole(symbol=event.symbol, expected=last + 1, got=got)

    def _look_at_candle(self, event: Candle) -> Hole | None:
        got = event.start_ms
        check_time(got)
        # not by link: what is missing between two links is a hole as well
        key = (event.symbol, event.interval)
        last = self._last.get(key)
        if last is None:
            next_start(got, event.interval)
            self._remember(key, got)
            return None
        if got <= last:
            return None
        self._remember(key, got)
        expected = next_start(last, event.interval)
        return None if got <= expected else Hole(symbol=event.symbol, expected=expected, got=got)

    def _remember(self, key: Hashable, number: int) -> None:
        last = self._last
        last[key] = number
        last.move_to_end(key)
        if len(last) > _TOPICS:
            last.popitem(last=False)

    def _let_go(self) -> None:
        self._last.clear()


def next_start(start_ms: int, interval: str) -> int:
    """When the candle after the one that opens at ``start_ms`` opens; a month is one of UTC.

    Errors: ``ConfigurationError`` for an interval that there is not.
    """
    length_ms = _LENGTHS.get(interval)
    if length_ms is not None:
        return start_ms + length_ms
    if interval != "1M":
        raise ConfigurationError(
            f"detect_gaps: interval {interval!r}: use one of {', '.join(_LENGTHS)}, 1M"
        )
    start = datetime.fromtimestamp(start_ms / 1000, timezone.utc)
    year, month = (start.year + 1, 1) if start.month == 12 else (start.year, start.month + 1)
    return int(datetime(year, month, 1, tzinfo=timezone.utc).timestamp()) * 1000
