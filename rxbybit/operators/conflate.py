"""``conflate()``: the newest value of each key, so often at most."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

from reactivex import Observable, abc

from rxbybit.marking import Owed
from rxbybit.operators.arguments import check_callable, check_scheduler, check_seconds
from rxbybit.operators.sink import Sink, clock_of

__all__ = ["conflate"]

T = TypeVar("T")


def conflate(
    key: Callable[[T], Hashable] | None = None,
    *,
    every: float = 0.1,
    scheduler: abc.SchedulerBase | None = None,
) -> Callable[[Observable[T]], Observable[T]]:
    """The newest value of each key, at most one in ``every`` seconds; what it replaces is gone.

    ::

        --a--b-c----p---------d--|
        conflate(key, every=8)                # p is of another key
        --a-------c-p---------d--|

    The first value of a key is handed over at once, and begins a pause of ``every`` seconds for
    that key. Of the values that come meanwhile the newest is handed over when the pause ends,
    and begins another; when none has come, the key is forgotten. So nothing is older than
    ``every`` seconds, a quiet key is not delayed, and the last value always comes. Two keys
    never wait for each other. At the end of the source, also at an error, what waits is handed
    over first, in the order of its arrival.

    ``key`` gives what a value is one of (``lambda ticker: ticker.symbol``); without it all values
    are of one kind. ``every`` is seconds on the clock of the stream, or on ``scheduler``. On a
    loop, a subscriber that takes longer than ``every`` gets the newest value that was read
    when it has returned.

    It holds one value and one timer for each key that was heard in the last ``every`` seconds.
    Where an event that is replaced was the first one after a hole, the next one of its topic that
    is handed over has its ``meta.gap``, unless it is not ours.

    Errors: ``ConfigurationError`` at the call for a ``key`` that cannot be called, an ``every``
    that is not above 0 or over a year, or what is no scheduler, and on the stream where there is no
    clock: an Observable that is no ``Stream``, subscribed without a scheduler. What ``key`` raises
    ends the stream.

    ::

        from rxbybit import operators as rxo
        from rxbybit import tickers

        tickers("BTCUSD", "ETHUSD").pipe(
            rxo.conflate(lambda ticker: ticker.symbol, every=0.5),
        ).subscribe(lambda ticker: print(ticker.symbol, ticker.last_price))
    """
    check_callable("conflate", "key", key)
    check_seconds("conflate", "every", every)
    check_scheduler("conflate", scheduler)

    def operator(source: Observable[T]) -> Observable[T]:
        def subscribe(
            observer: abc.ObserverBase[T], clock: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            used = clock_of("conflate", scheduler, clock)
            return _Conflation(observer, key or _one, every, used).listen(source, clock)

        return Observable(subscribe)

    return operator


def _one(_: object) -> Hashable:
    return None


class _Conflation(Sink[T, T]):
    def __init__(
        self,
        observer: abc.ObserverBase[T],
        key: Callable[[T], Hashable],
        every: float,
        clock: abc.SchedulerBase,
    ) -> None:
        super().__init__(observer)
        self._key = key
        self._every = every
        self._clock = clock
        self._pauses: dict[Hashable, abc.DisposableBase] = {}
        self._waiting: dict[Hashable, T] = {}  # in the order of their arrival
        self._owed = Owed()

    def on_next(self, value: T) -> None:
        if self._stopped:
            return
        try:
            key = self._key(value)
            paused = key in self._pauses
        except Exception as error:  # noqa: BLE001 - the user's function, so the stream's error
            self.on_error(error)
            return
        if not paused:
            self._pause(key)
            self._observer.on_next(self._owed.pay(value))
            return
        self._owed.leave_out(self._waiting.pop(key, None))
        self._waiting[key] = self._owed.pay(value)

    def on_error(self, error: Exception) -> None:
        self._hand_over_all()
        super().on_error(error)

    def on_completed(self) -> None:
        self._hand_over_all()
        super().on_completed()

    def _pause(self, key: Hashable) -> None:
        # before the value is handed over: what comes inside that call waits, too
        self._pauses[key] = self._clock.schedule_relative(
            self._every, lambda _, __=None: self._pause_ends(key)
        )

    def _pause_ends(self, key: Hashable) -> None:
        if self._pauses.pop(key, None) is not None and key in self._waiting:
            value = self._waiting.pop(key)
            self._pause(key)
            self._observer.on_next(value)

    def _hand_over_all(self) -> None:
        while self._waiting:
            key = next(iter(self._waiting))
            self._observer.on_next(self._waiting.pop(key))

    def _let_go(self) -> None:
        self._waiting.clear()
        for pause in self._pauses.values():
            pause.dispose()
