"""The one exchange of the process, behind ``Bybit("sim")``: there while somebody uses it."""

from __future__ import annotations

import atexit
import os
import threading
import time

from rxbybit.config import Environment
from rxbybit.sim.market import Market
from rxbybit.sim.thread import ServedExchange, serve_in_thread

__all__ = ["give_back", "lend"]

SEED = 0

_lock = threading.RLock()  # reentrant: the garbage collector may give back inside of it
_users: set[object] = set()
_served: ServedExchange | None = None


def lend(user: object) -> Environment:
    """Where the exchange is; it is started for the first user. Errors: ``OSError``."""
    global _served
    with _lock:
        if _served is None:
            market = Market(seed=SEED, start_ms=time.time_ns() // 1_000_000)
            _served = serve_in_thread(market=market, on_time=True).start()
        _users.add(user)
        return _served.environment


def give_back(user: object) -> None:
    """``user`` needs it no more; with the last one it ends, as soon as links have closed."""
    global _served
    with _lock:
        _users.discard(user)
        if not _users and _served is not None:
            _served.retire()
            _served = None


def _end() -> None:
    with _lock:
        served = _served
        _users.clear()
        give_back(None)
    if served is not None:
        served.join()


def _forget_after_fork() -> None:
    # Its thread stayed with the parent.
    global _lock, _served
    _lock = threading.RLock()
    _served = None
    _users.clear()


atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
