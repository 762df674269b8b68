"""The exchange's clock, asked over REST: what is signed is signed by it."""

from __future__ import annotations

import asyncio
import time

from rxbybit.config import Backoff
from rxbybit.errors import RxBybitError
from rxbybit.hooks import Hooks
from rxbybit.pool import Pool
from rxbybit.rest.api import RestApi

__all__ = ["ExchangeClock", "clock_of"]

PATH = "/v5/market/time"
PATIENCE_S = 15.0
"""How long who signs waits for it; a host that was asked too often answers nobody for longer."""
AGAIN_S = 60.0
"""How long our own clock counts where nobody tells the exchange's."""


class ExchangeClock:
    """The exchange's clock, asked for once, and anew when it seems wrong.

    From then on the loop's clock counts, which nobody sets. Where the exchange does not tell,
    it is this machine's clock, and ``hooks`` hear of that.
    Source: V5 manual, "Get Bybit Server Time".
    """

    def __init__(self, api: RestApi | None, hooks: Hooks) -> None:
        self._api = api
        self._hooks = hooks
        self._loop = asyncio.get_running_loop()
        self._began_s: float | None = None
        """What its time was, in seconds since 1970, when the loop's was 0."""
        self._again_s = 0.0
        """When to ask once more, by the loop's clock."""

    def now_ms(self) -> int:
        """What it shows, in milliseconds, as far as we know."""
        if self._began_s is None:
            return time.time_ns() // 1_000_000
        return int((self._began_s + self._loop.time()) * 1000)

    async def look(self, *, fresh: bool = False) -> None:
        """Look at it, unless that was done before; ``fresh``: also then."""
        known = self._began_s is not None or self._loop.time() < self._again_s
        if known and not fresh:
            return
        before_s = self._loop.time()
        now_ms = await self._asked()
        if now_ms is None:
            self._again_s = self._loop.time() + AGAIN_S
        else:
            self._began_s = now_ms / 1000 - (before_s + self._loop.time()) / 2

    async def _asked(self) -> int | None:
        if self._api is None:
            self._hooks.own_clock("the environment has no REST")
            return None
        try:
            async with asyncio.timeout(PATIENCE_S):
                reply = await self._api.ask(PATH, {}, rows=False)
        except TimeoutError:  # it may not be asked for longer than that
            self._hooks.own_clock(f"no answer in {PATIENCE_S:.0f} s")
            return None
        except RxBybitError as error:
            self._hooks.own_clock(str(error))
            return None
        if reply.time_ms is None:
            self._hooks.own_clock("its answer tells no time")
        return reply.time_ms


def clock_of(pool: Pool, base_url: str | None) -> ExchangeClock:
    """The clock of the exchange whose REST is under ``base_url``; asked once, not patiently."""
    hooks = pool.settings.session.hooks
    if base_url is None:
        return ExchangeClock(None, hooks)
    api = RestApi(base_url, pool, backoff=Backoff(budget=1), ledger=pool.settings.requests)
    return ExchangeClock(api, hooks)
