"""``retry_backoff()``: subscribe again after an error, ever more slowly."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable, abc
from reactivex.disposable import SerialDisposable, SingleAssignmentDisposable

from rxbybit.config import Backoff
from rxbybit.errors import ConfigurationError, RetryBudgetExhausted
from rxbybit.operators.arguments import check_scheduler, check_seconds, check_whole, refused
from rxbybit.operators.sink import Sink, clock_of

__all__ = ["retry_backoff"]

T = TypeVar("T")

_USUAL = Backoff()


def retry_backoff(
    backoff: Backoff | None = None,
    *,
    first: float = _USUAL.first,
    cap: float = _USUAL.cap,
    budget: int | None = _USUAL.budget,
    scheduler: abc.SchedulerBase | None = None,
) -> Callable[[Observable[T]], Observable[T]]:
    """The source, subscribed to again after an error, with growing random pauses.

    ::

        -a-b-x   -c-x      -d-e-|
        retry_backoff()
        -a-b------c---------d-e-|

    Streams heal by themselves what can heal, so this is for what you put behind them, and for
    Observables of others. An error whose attribute ``permanent`` is true (an unknown symbol, a
    closed client) is passed on at once: trying again cannot help. After any other error it
    waits, before attempt ``n``, a random time between 0 and ``min(cap, first * 2 ** (n - 1))``
    seconds ("full jitter", as clients do: see ``Backoff``), and never subscribes inside the call
    that brought the error, so a source that fails at once neither spins nor fills the stack.

    After ``budget`` failed attempts in a row the stream ends with ``RetryBudgetExhausted``, whose
    ``__cause__`` is the last error; ``None`` tries for ever. The count begins anew, and the next
    pause is short, when ``cap`` seconds have passed since the first value of an attempt: one
    value proves no health. Give a ``Backoff`` in place of the three numbers, to share one with
    the client. Times are those of the stream's clock, or of ``scheduler``.

    What the source sent between two attempts is missing: nothing is fetched.

    Errors: ``ConfigurationError`` at the call for numbers that cannot be (times of over a year are
    none) or what is no scheduler, and on the stream where there is no clock: an Observable that is
    no ``Stream``, subscribed without a scheduler.

    ::

        import random
        from reactivex import operators as ops
        from rxbybit import operators as rxo
        from rxbybit import trades

        def fragile(trade):
            if random.random() < 0.2:
                raise OSError("the disk is full")
            return trade.price

        trades("BTCUSD").pipe(ops.map(fragile), rxo.retry_backoff(first=0.1)).subscribe(print)
    """
    check_seconds("retry_backoff", "first", first)
    check_seconds("retry_backoff", "cap", cap)
    if budget is not None:
        check_whole("retry_backoff", "budget", budget)
    check_scheduler("retry_backoff", scheduler)
    numbers = Backoff(first=first, cap=cap, budget=budget)
    used = numbers if backoff is None else _given(backoff)
    if backoff is not None and numbers != _USUAL:
        raise ConfigurationError("retry_backoff: give a Backoff, or its numbers, and not both")

    def operator(source: Observable[T]) -> Observable[T]:
        def subscribe(
            observer: abc.ObserverBase[T], clock: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            own = clock_of("retry_backoff", scheduler, clock)
            attempts = _Attempts(observer, source, used, own, clock)
            attempts.again()
            return attempts

        return Observable(subscribe)

    return operator


def _given(backoff: object) -> Backoff:
    """A ``Backoff``, whose times a client may hold for ever, and no scheduler does."""
    if not isinstance(backoff, Backoff):
        raise refused("retry_backoff", "backoff", backoff, "give a Backoff, or first=")
    check_seconds("retry_backoff", "backoff.first", backoff.first)
    check_seconds("retry_backoff", "backoff.cap", backoff.cap)
    return backoff


class _Attempts(Sink[T, T]):
    def __init__(
        self,
        observer: abc.ObserverBase[T],
        source: Observable[T],
        backoff: Backoff,
        clock: abc.SchedulerBase,
        scheduler: abc.SchedulerBase | None,
    ) -> None:
        super().__init__(observer)
        self._source = source
        self._backoff = backoff
        self._clock = clock
        self._scheduler = scheduler
        self._current = SerialDisposable()
        self._pause = SerialDisposable()
        self._health = SerialDisposable()
        self._attempt = self._failures = 0
        self._silent = True
        self._healthy = False

    def again(self) -> None:
        """Subscribe to the source."""
        self._silent, self._healthy = True, False
        current = SingleAssignmentDisposable()
        self._current.disposable = current
        try:
            current.disposable = self._source.subscribe(self, scheduler=self._scheduler)
        except Exception as error:  # such as the ClosedError of a client
            if self._stopped:
                raise
            self.on_error(error)

    def on_next(self, value: T) -> None:
        if self._stopped:
            return
        if self._silent:
            self._silent = False
            self._health.disposable = self._clock.schedule_relative(
                self._backoff.cap, self._is_healthy
            )
        self._observer.on_next(value)

    def on_error(self, error: Exception) -> None:
        if self._stopped:
            return
        if getattr(error, "permanent", False):
            super().on_error(error)
            return
        backoff = self._backoff
        if self._healthy:
            self._attempt, self._failures = 1, 0
        else:
            self._attempt += 1
            self._failures += 1
        if backoff.budget is not None and self._failures >= backoff.budget:
            spent = RetryBudgetExhausted(
                f"{self._failures} attempts in a row have failed, the last because: {error}",
                attempts=self._failures,
            )
            spent.__cause__ = error
            super().on_error(spent)
            return
        self._health.disposable = SingleAssignmentDisposable()
        wait_s = random.uniform(0, backoff.bound(self._attempt))
        self._pause.disposable = self._clock.schedule_relative(
            wait_s, lambda _, __=None: self.again()
        )

    def _is_healthy(self, _: abc.SchedulerBase, __: object = None) -> None:
        self._healthy = True

    def _let_go(self) -> None:
        for held in (self._current, self._pause, self._health):
            held.dispose()
