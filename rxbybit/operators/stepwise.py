"""Operators that make at most one event of each event."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable, abc
from reactivex.disposable import SingleAssignmentDisposable

from rxbybit.operators.foreign import told

__all__ = ["stepwise"]

A = TypeVar("A")
B = TypeVar("B")


def stepwise(
    operator: str, takes: str, machine: Callable[[], Callable[[A], B | None]]
) -> Callable[[Observable[A]], Observable[B]]:
    """The operator that sends what a function makes of each event, and nothing for ``None``.

    ``machine`` makes the function, for each subscriber its own, so that none shares its state.
    What the function raises goes to ``on_error``: that ``operator``, written as it is called,
    ``takes`` something else, where the event is at fault.
    """

    def over(source: Observable[A]) -> Observable[B]:
        def subscribe(
            observer: abc.ObserverBase[B], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            step = machine()
            upstream = SingleAssignmentDisposable()

            def on_next(event: A) -> None:
                try:
                    made = step(event)
                except Exception as raised:  # noqa: BLE001 - goes to the observer
                    upstream.dispose()
                    observer.on_error(told(operator, takes, event, raised))
                    return
                if made is not None:
                    observer.on_next(made)

            upstream.disposable = source.subscribe(
                on_next, observer.on_error, observer.on_completed, scheduler=scheduler
            )
            return upstream

        return Observable(subscribe)

    return over
