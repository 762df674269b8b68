"""A source that the test drives, and an ear; both know what was done to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reactivex import Observable, abc
from reactivex.disposable import Disposable

__all__ = ["Ear", "Probe"]


class Probe(Observable[Any]):  # Any: whatever the test sends
    """Sends what the test says to all who listen now; ``at_once`` is sent at the subscription."""

    def __init__(self, *at_once: Any) -> None:
        super().__init__(self._begin)
        self.at_once = at_once
        self.observers: list[abc.ObserverBase[Any]] = []
        self.schedulers: list[abc.SchedulerBase | None] = []
        self.disposed = 0

    @property
    def heard(self) -> int:
        """How many listen now."""
        return len(self.observers)

    def _begin(
        self, observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        self.schedulers.append(scheduler)
        self.observers.append(observer)
        for event in self.at_once:
            observer.on_next(event)

        def leave() -> None:
            self.disposed += 1
            self.observers.remove(observer)

        return Disposable(leave)

    def send(self, *events: Any) -> None:
        for event in events:
            for observer in list(self.observers):
                observer.on_next(event)

    def fail(self, error: Exception) -> None:
        for observer in list(self.observers):
            observer.on_error(error)

    def complete(self) -> None:
        for observer in list(self.observers):
            observer.on_completed()


class Ear(abc.ObserverBase[Any]):
    """Hears an observable: its events, and how it ended."""

    def __init__(
        self,
        observable: Observable[Any],
        scheduler: abc.SchedulerBase | None = None,
        then: Callable[[Any], object] = lambda event: None,
    ) -> None:
        self.events: list[Any] = []
        self.errors: list[Exception] = []
        self.completed = 0
        self.then = then
        self.subscription = observable.subscribe(self, scheduler=scheduler)

    def on_next(self, value: Any) -> None:
        self.events.append(value)
        self.then(value)

    def on_error(self, error: Exception) -> None:
        self.errors.append(error)

    def on_completed(self) -> None:
        self.completed += 1

    @property
    def ended(self) -> str:
        """How it ended: an error's class, ``completed``, or nothing yet."""
        assert len(self.errors) + self.completed <= 1, "one end at most"
        return type(self.errors[0]).__name__ if self.errors else "completed" * self.completed
