"""Where a client's exchange is: known at once, read when it is first needed, or lent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from rxbybit.config import SIM, Category, Environment, environment_of

__all__ = ["Named", "Whereabouts"]


class Whereabouts(Protocol):
    """Where to connect."""

    def check(self, categories: Iterable[Category] = (), *, rest: bool = False) -> None:
        """``ConfigurationError`` when it is known already that one of these is not there."""
        ...

    def now(self) -> Environment:
        """The environment, with URLs to connect to; an exchange of our own runs then.

        Errors: ``ConfigurationError`` for a wrong ``RXBYBIT_ENVIRONMENT``.
        """
        ...

    def close(self) -> None:
        """Nobody connects any more."""
        ...


class Named:
    """The environment called ``wanted``; ``None`` reads the variable when it is first needed."""

    def __init__(self, wanted: str | Environment | None) -> None:
        self._wanted = wanted
        self._known = None if wanted is None else environment_of(wanted)
        self._loan: object | None = None

    def check(self, categories: Iterable[Category] = (), *, rest: bool = False) -> None:
        if self._known is not None:
            for category in categories:
                self._known.url(category)
            if rest:
                self._known.rest_url()

    def now(self) -> Environment:
        if self._known is None:
            self._known = environment_of(self._wanted)
        if self._known is not SIM:
            return self._known
        from rxbybit.sim.shared import lend  # who needs no exchange does not load one

        self._loan = self._loan or object()
        return lend(self._loan)

    def close(self) -> None:
        if self._loan is not None:
            from rxbybit.sim.shared import give_back

            give_back(self._loan)
