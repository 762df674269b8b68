"""Numbers in events of whatever make: one that nothing can be made of is refused when it comes,
as a single one that is not finite would spoil all that is worked out after it.
"""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from numbers import Real

__all__ = ["check_number", "check_time", "exact"]


def exact(given: object) -> Decimal:
    """A number, whole or not, as the ``Decimal`` that is equal to it.

    Errors: as :func:`check_number`.
    """
    check_number(given)
    return given if isinstance(given, Decimal) else Decimal(given)  # pyright: ignore[reportArgumentType]


def check_number(given: object) -> None:
    """Errors: ``TypeError`` for what is no number (texts and truth values are none), and
    ``ValueError`` for one that is not finite.
    """
    if isinstance(given, Decimal):
        finite = given.is_finite()
    elif isinstance(given, int | float | Real) and not isinstance(given, bool):
        finite = isfinite(given)
    else:
        raise TypeError(f"{given!r} is no number")
    if not finite:
        raise ValueError(f"{given} is no finite number")


def check_time(given: object) -> None:
    """Errors: as :func:`check_number`, for what are no milliseconds."""
    if type(given) is not int:  # what nearly all are
        check_number(given)
