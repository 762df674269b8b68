"""Operators that make at most one event of each event."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable, abc

from rxbybit.errors import ConfigurationError

__all__ = ["stepwise"]

A = TypeVar("A")
B = TypeVar("B")


def stepwise(
    machine: Callable[[], Callable[[A], B | None]],
) -> Callable[[Observable[A]], Observable[B]]:
    """The operator that sends what a function makes of each event, and nothing for ``None``.

    ``machine`` makes the function, for each subscriber its own, so that none shares its state.
    A ``ConfigurationError`` that the function raises goes to ``on_error``.
    """

    def operator(source: Observable[A]) -> Observable[B]:
        def subscribe(
            observer: abc.ObserverBase[B], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            step = machine()

            def on_next(event: A) -> None:
                try:
                    made = step(event)
                except ConfigurationError as error:
                    observer.on_error(error)
                    return
                if made is not None:
                    observer.on_next(made)

            return source.subscribe(
                on_next, observer.on_error, observer.on_completed, scheduler=scheduler
            )

        return Observable(subscribe)

    return operator
