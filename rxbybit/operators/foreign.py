"""What operators say of events that they can do nothing with."""

from __future__ import annotations

from rxbybit.errors import ConfigurationError

__all__ = ["foreign", "told"]


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
    not as expected, if it lacks something.
    """
    if isinstance(raised, AttributeError | TypeError):
        return foreign(operator, expected, got, raised)
    return raised
