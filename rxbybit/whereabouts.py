"""Where a client's exchange is: known at once, read when it is first needed, or lent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from rxbybit.config import SIM, Category, Environment, environment_of
from rxbybit.errors import ClosedError
from rxbybit.resolver import no_thread

__all__ = ["Named", "Whereabouts"]


class Whereabouts(Protocol):
    """Where to connect."""

    def check(self, categories: Iterable[Category] = (), *, rest: bool = False) -> None:
        """``ConfigurationError`` when it is known already that one of these is not there."""
        ...

    def now(self) -> Environment:
        """The environment, with URLs to connect to; an exchange of our own runs then.

        Errors: ``ConfigurationError`` for a wrong ``RXBYBIT_ENVIRONMENT``, ``ClosedError`` for an
        exchange of our own after :meth:`close`, ``RuntimeMisuse`` where no thread starts for it.
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
        self._closed = False

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

        if self._closed:
            raise ClosedError
        self._loan = self._loan or object()
        try:
            lent = lend(self._loan)
        except RuntimeError as error:
            raise no_thread(error) from None
        if self._closed:  # on another thread, meanwhile, where the loan may not have been seen
            self.close()
            raise ClosedError
        return lent

    def close(self) -> None:
        self._closed = True
        if self._loan is not None:
            from rxbybit.sim.shared import give_back

            give_back(self._loan)
