"""What operators are given when they are built, looked at before anything is subscribed."""

from __future__ import annotations

from reactivex import Observable, abc

from rxbybit.config import is_number
from rxbybit.errors import ConfigurationError

__all__ = ["check_callable", "check_observable", "check_scheduler", "check_seconds"]

MOST_S = 366 * 86_400
"""Times of more seconds than a year has are mistaken for another unit, or for no end."""


def check_callable(operator: str, name: str, given: object, *, needed: bool = False) -> None:
    """``ConfigurationError`` for what cannot be called; ``None`` is right unless ``needed``."""
    if not callable(given) and (needed or given is not None):
        raise ConfigurationError(f"{operator}: {name}={given!r}: give a function")


def check_observable(operator: str, name: str, given: object) -> None:
    """``ConfigurationError`` for what cannot be subscribed to."""
    if not isinstance(given, Observable):
        raise ConfigurationError(f"{operator}: {name}={given!r}: give an Observable")


def check_scheduler(operator: str, given: object, *, needed: bool = False) -> None:
    """``ConfigurationError`` for what is no scheduler; ``None`` is right unless ``needed``."""
    if not isinstance(given, abc.SchedulerBase) and (needed or given is not None):
        raise ConfigurationError(
            f"{operator}: scheduler={given!r}: give a scheduler of reactivex, such as"
            " EventLoopScheduler(), one thread"
        )


def check_seconds(operator: str, name: str, given: object) -> None:
    """``ConfigurationError`` for what is no length of time in seconds."""
    if not (is_number(given) and 0 < given <= MOST_S):
        raise ConfigurationError(
            f"{operator}: {name}={given!r}: seconds, more than 0 and a year at most"
        )
