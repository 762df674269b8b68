"""The private half of an exchange as its server sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from rxbybit.sim.accounts.account import Account
from rxbybit.sim.accounts.agent import set_off
from rxbybit.sim.accounts.desk import Desk
from rxbybit.sim.accounts.http import add_private_rest
from rxbybit.sim.accounts.keys import DEMO, ApiKey
from rxbybit.sim.accounts.session import PrivateSession
from rxbybit.sim.endpoints import PATHS
from rxbybit.sim.faults import Faults
from rxbybit.sim.floor import Floor

__all__ = ["PrivateHalf"]


class PrivateHalf:
    """Accounts that trade on the market of ``floor``; with ``demo`` one of them by itself.

    Errors: ``ValueError`` for a key that is there twice.
    """

    def __init__(
        self, floor: Floor, faults: Faults, keys: Iterable[ApiKey], *, seed: int, demo: bool
    ) -> None:
        self._floor = floor
        self._faults = faults
        self.desk = Desk(floor.market, seed)
        of_demo = self.desk.open_account(DEMO)
        if demo:
            set_off(self.desk, of_demo, seed)
        for key in keys:
            self.desk.open_account(key)

    def open_account(self, key: ApiKey) -> Account:
        """One more. Errors: ``ValueError`` for a key that there is."""
        return self.desk.open_account(key)

    def add_to(
        self,
        routes: web.UrlDispatcher,
        upgrade: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> None:
        """Let ``routes`` serve it; ``upgrade`` is who makes websockets of requests."""
        routes.add_get(PATHS["private"], upgrade)
        add_private_rest(routes, self.desk, times=self._floor.times, tell=self._floor.tell)

    def session(self, conn_id: str) -> PrivateSession:
        """For a new private link."""
        floor = self._floor
        return PrivateSession(
            self.desk,
            self._faults,
            seed=conn_id,
            times=floor.times,
            enter=floor.enter,
            leave=floor.leave,
        )
