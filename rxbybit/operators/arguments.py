"""What operators are given when they are built, looked at before anything is subscribed."""

from __future__ import annotations

import sys

from reactivex import abc

from rxbybit.config import is_number, shown
from rxbybit.errors import ConfigurationError

__all__ = [
    "MOST_S",
    "check_callable",
    "check_observable",
    "check_scheduler",
    "check_seconds",
    "check_whole",
    "refused",
]

MOST_S = 366 * 86_400
"""Times of more seconds than a year has are mistaken for another unit, or for no end."""


def refused(operator: str, name: str, given: object, needs: str) -> ConfigurationError:
    """The error of an operator whose parameter ``name`` is none of what it ``needs``."""
    text = f"{operator}: {name}={shown(given)}: {needs}"
    if isinstance(given, abc.ObservableBase):  # most often by pipe: an operator without its call
        text += f"; pipe takes rxo.{operator}(...), and not rxo.{operator}"
    return ConfigurationError(text)


def check_callable(operator: str, name: str, given: object, *, needed: bool = False) -> None:
    """``ConfigurationError`` for what cannot be called; ``None`` is right unless ``needed``."""
    if not callable(given) and (needed or given is not None):
        raise refused(operator, name, given, "give a function")


def check_observable(operator: str, name: str, given: object, such_as: str) -> None:
    """``ConfigurationError`` for what cannot be subscribed to."""
    if not isinstance(given, abc.ObservableBase):
        raise refused(operator, name, given, f"give an Observable, such as {such_as}")


def check_scheduler(operator: str, given: object, *, needed: bool = False) -> None:
    """``ConfigurationError`` for what is no scheduler; ``None`` is right unless ``needed``."""
    if not isinstance(given, abc.SchedulerBase) and (needed or given is not None):
        needs = "give a scheduler of reactivex, such as EventLoopScheduler(), one thread"
        raise refused(operator, "scheduler", given, needs)


def check_seconds(operator: str, name: str, given: object, *, none_at_all: bool = False) -> None:
    """``ConfigurationError`` for what is no length of time in seconds; 0 is one with
    ``none_at_all``.
    """
    least = "0 or more" if none_at_all else "more than 0"
    if not (is_number(given) and 0 <= given <= MOST_S and (given or none_at_all)):
        raise refused(operator, name, given, f"seconds, {least} and a year at most")


def check_whole(operator: str, name: str, given: object) -> None:
    """``ConfigurationError`` for what is no whole number above 0."""
    if type(given) is not int or given < 1:
        raise refused(operator, name, given, "a whole number, at least 1")
    if given > sys.maxsize:  # neither a float nor a slice of a book knows what to do with it
        raise refused(operator, name, given, f"a whole number, at most {sys.maxsize}")
