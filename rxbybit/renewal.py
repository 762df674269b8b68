"""Asking for a new snapshot: at once, and then ever more slowly while it does not help."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from math import inf

from rxbybit.config import Backoff

__all__ = ["PacedRenewal"]

LATE_S = 10.0
"""How long deltas may come before the snapshot that was asked for: they are of before it."""


class PacedRenewal:
    """Renews a topic when its state asks for it; see :class:`rxbybit.schema.spec.Renewal`.

    A snapshot that is no good is asked for again after a random time under a growing bound, so
    that it makes no hot loop; the bound is the first one again after ``backoff.cap`` seconds
    without asking. ``resynced`` hears of the reason once the state is well again.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        backoff: Backoff,
        *,
        renew: Callable[[], None],
        resynced: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._backoff = backoff
        self._renew = renew
        self._resynced = resynced
        self._why = ""
        self._attempt = 0
        self._last_s = -inf
        self._timer: asyncio.TimerHandle | None = None
        self._since_s: float | None = None  # when the first delta came that a snapshot must precede
        self._ended = False

    def ask(self, why: str) -> None:
        """Renew, or soon, unless that is under way."""
        if self._ended:
            return
        self._why, self._since_s = why, None
        if self._timer is not None:
            return
        now_s = self._loop.time()
        if now_s - self._last_s >= self._backoff.cap:
            self._attempt = 0
        wait_s = random.uniform(0, self._backoff.bound(self._attempt)) if self._attempt else 0.0
        self._attempt += 1
        self._last_s = now_s + wait_s
        if self._attempt == 1:
            self._renew()
        else:
            self._timer = self._loop.call_later(wait_s, self._go)

    def late(self) -> bool:
        """A delta has come in place of the snapshot; whether that cannot be of before it."""
        now_s = self._loop.time()
        if self._timer is not None:
            return False
        if self._since_s is None:
            self._since_s = now_s
        return now_s - self._since_s >= LATE_S

    def done(self) -> None:
        """The state is well again: what was asked meanwhile is not needed any more."""
        self.cancel()
        self._resynced(self._why)

    def end(self) -> None:
        """Nothing is to be renewed any more, whatever is still asked."""
        self.cancel()
        self._ended = True

    def cancel(self) -> None:
        """It is not wanted any more: the link is lost, and everything begins anew."""
        self._since_s = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _go(self) -> None:
        self._timer = self._since_s = None
        self._renew()
