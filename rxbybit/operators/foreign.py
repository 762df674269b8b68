"""What operators say of events that they can do nothing with."""

from __future__ import annotations

from decimal import DecimalException

from rxbybit.errors import ConfigurationError

__all__ = ["foreign", "told"]

_UNFIT = AttributeError, TypeError, ValueError, OverflowError, DecimalException
"""What is raised at an event that lacks something, or has something else in its place."""


def foreign(
    operator: str, expected: str, got: object, why: Exception | None = None
) -> ConfigurationError:
    """The error of an operator, written as it is called, at an event that is not as expected."""
    reason = "" if why is None else f" ({why})"
    error = ConfigurationError(
        f"{operator} expects {expected}, and got a {type(got).__name__}{reason}"
    )
    error.__cause__ = why
    return error


def told(operator: str, expected: str, got: object, raised: Exception) -> Exception:
    """What an operator tells its observer of what it ``raised`` at an event: that the event is
    not as expected, if that is why.
    """
    if isinstance(raised, ConfigurationError) or not isinstance(raised, _UNFIT):
        return raised
    return foreign(operator, expected, got, raised)
