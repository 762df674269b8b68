"""What the operators that give values share: a fresh state a subscription, one error for others."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol, TypeVar

from reactivex import Observable

from rxbybit.operators.figures import check_number
from rxbybit.operators.stepwise import stepwise
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

    ``begin`` gives each subscription a function with a state of its own. A value that is no finite
    number is an error of the event.
    """

    def checked() -> Callable[[T], Value | None]:
        work_out = begin()

        def step(event: T) -> Value | None:
            value = work_out(event)
            if value is not None:
                check_number(value.value)
            return value

        return step

    return stepwise(f"{operator}()", takes, checked)
