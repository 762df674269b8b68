"""Numbers in events of whatever make: one that nothing can be made of is refused when it comes,
as a single one that is not finite would spoil all that is worked out after it.
"""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from numbers import Real

__all__ = ["as_given", "check_number", "check_time", "coins", "exact"]

_FIRST_MS, _LAST_MS = -62_135_596_800_000, 253_402_300_799_999
"""As far as the calendar of Python goes."""


def exact(given: object) -> Decimal:
    """A number, whole or not, as the ``Decimal`` that is equal to it.

    Errors: as :func:`check_number`.
    """
    if isinstance(given, Decimal) and given.is_finite():  # what nearly all are
        return given
    check_number(given)
    return Decimal(given)  # pyright: ignore[reportArgumentType]


def as_given(number: Decimal, given: object) -> Decimal:
    """``number`` as what was ``given``: floats stay floats, all others are ``Decimal``.

    A whole number is no kind of its own: an average of such is seldom one.
    """
    return float(number) if isinstance(given, float) else number  # pyright: ignore[reportReturnType] - as with numbers=float


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
        raise ValueError(f"{given!r} is no finite number")


def coins(size: Decimal, price: Decimal) -> Decimal:
    """How much ``size`` contracts of 1 USD are in coins.

    Errors: ``ValueError`` for a price of 0.
    """
    if not price:
        raise ValueError("at a price of 0 there are no coins")
    return size / price


def check_time(given: float) -> None:
    """Errors: as :func:`check_number`, and ``ValueError`` for milliseconds of no year from 1 to
    9999.
    """
    if type(given) is not int:  # what nearly all are
        check_number(given)
    if not _FIRST_MS <= given <= _LAST_MS:
        raise ValueError(f"{given!r} is no time in milliseconds")
