"""Where a client's exchange is: known at once, read when it is first needed, or lent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from rxbybit.config import SIM, Environment, environment_of
from rxbybit.credentials import Credentials
from rxbybit.errors import ClosedError
from rxbybit.resolver import no_thread

__all__ = ["Named", "Whereabouts", "demo_credentials"]


class Whereabouts(Protocol):
    """Where to connect."""

    def check(self, need: Callable[[Environment], object]) -> None:
        """``ConfigurationError`` when it is known already that what is needed is not there."""
        ...

    def credentials(self) -> Credentials | None:
        """Those of the account that an exchange of our own has for everybody, if it is one."""
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

    def check(self, need: Callable[[Environment], object]) -> None:
        if self._known is not None:
            need(self._known)

    def credentials(self) -> Credentials | None:
        known = environment_of(self._wanted) if self._known is None else self._known
        return demo_credentials() if known is SIM else None

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


def demo_credentials() -> Credentials:
    """Those of the account that every embedded exchange has: worthless anywhere else."""
    from rxbybit.sim import DEMO_KEY, DEMO_SECRET

    return Credentials.hmac(DEMO_KEY, DEMO_SECRET)
