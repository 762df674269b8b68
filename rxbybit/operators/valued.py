"""What the operators that give values share: a fresh state a subscription, one error for others."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import SingleAssignmentDisposable

from rxbybit.operators.foreign import told
from rxbybit.operators.value import Value

__all__ = ["Sided", "Traded", "valued"]

T = TypeVar("T")


class Traded(Protocol):
    """A trade, of rxbybit or of anybody."""

    @property
    def symbol(self) -> str:
        """What was traded."""
        ...

    @property
    def time_ms(self) -> int:
        """When, in milliseconds of exchange time."""
        ...

    @property
    def price(self) -> Decimal:
        """In the quote currency."""
        ...

    @property
    def size(self) -> Decimal:
        """How much."""
        ...


class Sided(Traded, Protocol):
    """A trade that says who took."""

    @property
    def side(self) -> str:
        """Of the taker: ``"Buy"`` or ``"Sell"``."""
        ...


def valued(
    operator: str, takes: str, begin: Callable[[], Callable[[T], Value | None]]
) -> Callable[[Observable[T]], Observable[Value]]:
    """An operator that works out a value, or none, at each event.

    ``begin`` gives each subscription a function with a state of its own.
    """

    def over(source: Observable[T]) -> Observable[Value]:
        def subscribe(
            observer: abc.ObserverBase[Value], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            work_out = begin()
            upstream = SingleAssignmentDisposable()

            def on_next(event: T) -> None:
                try:
                    value = work_out(event)
                except Exception as raised:  # noqa: BLE001 - goes to the observer
                    upstream.dispose()
                    observer.on_error(told(f"{operator}()", takes, event, raised))
                    return
                if value is not None:
                    observer.on_next(value)

            upstream.disposable = source.subscribe(
                on_next, observer.on_error, observer.on_completed, scheduler=scheduler
            )
            return upstream

        return Observable(subscribe)

    return over
