"""Noticing that a peer has died, and not mistaking a quiet market or a busy loop for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["Heartbeat"]

LATE_S = 0.02
"""A deadline that fires later than this was held up by the loop: reads are still pending."""


class Heartbeat:
    """A ping every ``interval_s``; ``dead`` is called when half of it passes without a frame.

    A peer that dies is noticed within 1.5 intervals. Whoever reads frames sets ``heard``: any
    frame will do, a pong is just one that comes for certain. A deadline that the loop reached
    late is put off once, by a tenth of the interval, so that what lies unread is read first.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        interval_s: float,
        *,
        ping: Callable[[], None],
        dead: Callable[[], None],
    ) -> None:
        self.heard = True
        self._loop = loop
        self._interval_s = interval_s
        self._ping = ping
        self._dead = dead
        self._timer = loop.call_later(interval_s, self._beat)

    def stop(self) -> None:
        """No ping and no verdict from now on."""
        self._timer.cancel()

    def _beat(self) -> None:
        self.heard = False
        self._ping()
        self._arm(self._interval_s / 2, put_off=False)

    def _arm(self, delay_s: float, *, put_off: bool) -> None:
        due = self._loop.time() + delay_s
        self._timer = self._loop.call_at(due, self._judge, due, put_off)

    def _judge(self, due: float, put_off: bool) -> None:
        if self.heard:
            self._timer = self._loop.call_later(self._interval_s / 2, self._beat)
        elif self._loop.time() - due > LATE_S and not put_off:
            self._arm(self._interval_s / 10, put_off=True)
        else:
            self._dead()
