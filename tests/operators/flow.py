"""A source, a clock and a listener of the flow operators' tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from reactivex import Observable, abc
from reactivex.disposable import Disposable
from reactivex.scheduler import VirtualTimeScheduler

from rxbybit.events import Event, Gap, Meta

Operator = Callable[[Observable[Any]], Observable[Any]]


class Tick(Event, frozen=True, kw_only=True):
    """An event of a symbol, small enough to write down."""

    symbol: str
    price: Decimal = Decimal(0)


GAP = Gap(time=datetime(2026, 1, 1, tzinfo=timezone.utc), topic="t", after_ms=1, before_ms=5)


def tick(symbol: str, price: int = 0, gap: Gap | None = None) -> Tick:
    return Tick(symbol=symbol, price=Decimal(price), meta=Meta(topic=f"tick.{symbol}", gap=gap))


class Clock(VirtualTimeScheduler):
    """Virtual time in seconds, which begins at 0."""

    def __init__(self) -> None:
        super().__init__(0.0)

    @property
    def seconds(self) -> float:
        return self.to_seconds(self.now)

    @property
    def armed(self) -> int:
        """How many timers would still call somebody."""
        return sum(not item.is_cancelled() for item, _ in self._queue.items)


class Source(Observable[Any]):
    """A hot source that sends what the test says, and knows who listens."""

    def __init__(self) -> None:
        super().__init__(self._attach)
        self.observers: list[abc.ObserverBase[Any]] = []
        self.schedulers: list[abc.SchedulerBase | None] = []

    def _attach(
        self, observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        self.observers.append(observer)
        self.schedulers.append(scheduler)

        def leave() -> None:
            self.observers = [other for other in self.observers if other is not observer]

        return Disposable(leave)

    def send(self, *values: object) -> None:
        for value in values:
            for observer in list(self.observers):
                observer.on_next(value)

    def fail(self, error: Exception) -> None:
        for observer in list(self.observers):
            observer.on_error(error)

    def complete(self) -> None:
        for observer in list(self.observers):
            observer.on_completed()


def at_once(*values: object) -> Observable[Any]:
    """Sends all inside the subscribe, and looks at nobody's dispose; it does not end."""

    def subscribe(observer: abc.ObserverBase[Any], _: object = None) -> abc.DisposableBase:
        for value in values:
            observer.on_next(value)
        return Disposable()

    return Observable(subscribe)


class Heard:
    """What a subscriber heard; ``values`` alone, and ``at`` with the seconds of the clock.

    It disposes inside the call that brings a value for which ``until`` is true.
    """

    def __init__(
        self,
        observable: Observable[Any],
        clock: Clock | None = None,
        *,
        until: Callable[[Any], object] = lambda _: False,
    ) -> None:
        self.clock = clock
        self.until = until
        self.at: list[tuple[float, Any]] = []
        self.error: Exception | None = None
        self.completed = False
        self.subscription = observable.subscribe(
            self._on_next, self._on_error, self._on_completed, scheduler=clock
        )

    @property
    def values(self) -> list[Any]:
        return [value for _, value in self.at]

    @property
    def ended(self) -> bool:
        return self.completed or self.error is not None

    def _on_next(self, value: Any) -> None:
        assert not self.ended
        self.at.append((self.clock.seconds if self.clock else 0.0, value))
        if self.until(value):
            self.subscription.dispose()

    def _on_error(self, error: Exception) -> None:
        assert not self.ended
        self.error = error

    def _on_completed(self) -> None:
        assert not self.ended
        self.completed = True
