"""The exchange's limits on connects and requests, kept by the whole process."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable

__all__ = ["CONNECTS", "REQUESTS", "ConnectLedger", "RequestLedger"]


class _Ledger:
    """When things were done, so that no more than ``limit`` fall into ``window_s`` seconds.

    One ledger serves every client of the process; it is the one thing here that threads share,
    and the lock is held for a few steps a booking.
    """

    def __init__(self, limit: int, window_s: float, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._window_s = window_s
        self._clock = clock
        self._lock = threading.Lock()
        self._made: dict[str, deque[float]] = {}

    def _book(self, account: str) -> float:
        with self._lock:
            now = self._clock()
            made = self._made.setdefault(account, deque())
            at = max(now, made[-self._limit] + self._window_s) if len(made) >= self._limit else now
            made.append(at)
            while made[0] + self._window_s <= now and len(made) > 1:
                made.popleft()
            return at - now

    def _unbook(self, account: str) -> None:
        with self._lock:
            self._made[account].pop()

    def after_fork(self) -> None:
        """Be usable in a forked process, whatever another thread did at that moment."""
        self._lock = threading.Lock()


class ConnectLedger(_Ledger):
    """When connects were made: an account a host.

    Source: V5 manual, "Connect", IP limits: 500 connections in 5 minutes a domain, all paths
    together.
    """

    def __init__(
        self,
        limit: int = 500,
        window_s: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(limit, window_s, clock)

    def reserve(self, host: str = "") -> float:
        """Book one connect to ``host``; gives the seconds to wait before making it."""
        return self._book(host)

    def give_back(self, host: str = "") -> None:
        """Take the last booking for ``host`` back: the connect was not made."""
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
        """Take the last booking back: the request was not made."""
        self._unbook("")

    def bar(self, host: str, seconds: float) -> None:
        """Let nobody ask ``host`` for so long."""
        until = self._clock() + seconds
        self._barred[host] = max(until, self._barred.get(host, 0.0))

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
