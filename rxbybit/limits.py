"""The exchange's limits on connects and requests, kept by the whole process."""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable

__all__ = ["CONNECTS", "REQUESTS", "UNDER_WAY_S", "ConnectLedger", "RequestLedger"]

UNDER_WAY_S = 10.0
"""How long a connect may take to get there: two of them may arrive closer by as much."""
TURN_S = 0.1
"""Connects that had to wait are made so far apart: what was done at once, such as by those who
were all cut, would else be done at once again when the window has passed."""


class _Ledger:
    """When things were done, so that no more than ``limit`` fall into ``window_s`` seconds.

    Who has to wait comes in turn, ``turn_s`` after the one before.

    One ledger serves every client of the process; it is the one thing here that threads share,
    and the lock is held for a few steps a booking. It remembers ``limit`` times an account, and
    those of who waits; an account of which all is over is forgotten when another is opened.
    """

    def __init__(
        self, limit: int, window_s: float, clock: Callable[[], float], turn_s: float = 0.0
    ) -> None:
        self._limit = limit
        self._window_s = window_s
        self._turn_s = turn_s
        self._clock = clock
        self._lock = threading.Lock()
        self._made: dict[str, deque[float]] = {}

    def _book(self, account: str) -> float:
        with self._lock:
            now = self._clock()
            made = self._made.get(account)
            if made is None:
                self._forget(now)
                made = self._made[account] = deque()
            at = max(now, made[-self._limit] + self._window_s) if len(made) >= self._limit else now
            if made and max(at, made[-1]) > now:
                at = max(at, made[-1] + self._turn_s)
            made.append(at)
            while made[0] + self._window_s <= now and len(made) > 1:
                made.popleft()
            return at - now

    def _unbook(self, account: str) -> None:
        """Take back one that is to come: the next, as it may have been that of who asks.

        What is left is no earlier than what will be done, so the limit is kept all the same.
        """
        with self._lock:
            made = self._made[account]
            next_one = bisect_right(made, self._clock())
            del made[min(next_one, len(made) - 1)]

    def _forget(self, now: float) -> None:
        over = [account for account, made in self._made.items() if self._is_over(made, now)]
        for account in over:
            del self._made[account]

    def _is_over(self, made: deque[float], now: float) -> bool:
        return not made or made[-1] + self._window_s <= now

    def after_fork(self) -> None:
        """Be usable in a forked process, whatever another thread did at that moment."""
        self._lock = threading.Lock()


class ConnectLedger(_Ledger):
    """When connects were made: an account a host.

    Source: V5 manual, "Connect", IP limits: 500 connections in 5 minutes a domain, all paths
    together. What counts there is when they arrive, and here when they are begun, so the window
    is longer by :data:`UNDER_WAY_S`.
    """

    def __init__(
        self,
        limit: int = 500,
        window_s: float = 300.0 + UNDER_WAY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(limit, window_s, clock, TURN_S)

    def reserve(self, host: str = "") -> float:
        """Book one connect to ``host``; gives the seconds to wait before making it."""
        return self._book(host)

    def give_back(self, host: str = "") -> None:
        """Take a booking for ``host`` back: the connect was not made."""
        self._unbook(host)


class RequestLedger(_Ledger):
    """When REST requests were made: one account for all hosts.

    Source: V5 manual, "Rate Limit Rules", IP limit: 600 requests in 5 seconds over all hosts. A
    host that has said so is let alone for a while.
    """

    def __init__(
        self,
        limit: int = 600,
        window_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(limit, window_s, clock)
        self._barred: dict[str, float] = {}

    def reserve(self) -> float:
        """Book one request; gives the seconds to wait before making it."""
        return self._book("")

    def give_back(self) -> None:
        """Take a booking back: the request was not made."""
        self._unbook("")

    def bar(self, host: str, seconds: float) -> None:
        """Let nobody ask ``host`` for so long."""
        now = self._clock()
        self._barred = {one: until for one, until in self._barred.items() if until > now}
        self._barred[host] = max(now + seconds, self._barred.get(host, 0.0))

    def barred_s(self, host: str) -> float:
        """The seconds until ``host`` may be asked; who waits for that has booked nothing yet."""
        return max(0.0, self._barred.get(host, 0.0) - self._clock())


CONNECTS = ConnectLedger()
"""The connects of this process."""
REQUESTS = RequestLedger()
"""The requests of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=CONNECTS.after_fork)
    os.register_at_fork(after_in_child=REQUESTS.after_fork)
