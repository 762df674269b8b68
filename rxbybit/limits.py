"""The exchange's limits on connecting, kept by the whole process."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable

__all__ = ["CONNECTS", "ConnectLedger"]


class ConnectLedger:
    """When connects were made, so that no more than ``limit`` fall into ``window_s`` seconds.

    Source: V5 manual, "Connect", IP limits: 500 connections in 5 minutes a domain, all paths
    together, so each host has an account of its own. One ledger
    serves every client of the process; it is the one thing here that threads share, and the
    lock is held for a few steps a connect.
    """

    def __init__(
        self,
        limit: int = 500,
        window_s: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._window_s = window_s
        self._clock = clock
        self._lock = threading.Lock()
        self._made: dict[str, deque[float]] = {}

    def reserve(self, host: str = "") -> float:
        """Book one connect to ``host``; gives the seconds to wait before making it."""
        with self._lock:
            now = self._clock()
            made = self._made.setdefault(host, deque())
            at = max(now, made[-self._limit] + self._window_s) if len(made) >= self._limit else now
            made.append(at)
            while made[0] + self._window_s <= now and len(made) > 1:
                made.popleft()
            return at - now

    def give_back(self, host: str = "") -> None:
        """Take the last booking for ``host`` back: the connect was not made."""
        with self._lock:
            self._made[host].pop()

    def after_fork(self) -> None:
        """Be usable in a forked process, whatever another thread did at that moment."""
        self._lock = threading.Lock()


CONNECTS = ConnectLedger()
"""The ledger of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=CONNECTS.after_fork)
