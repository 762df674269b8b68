"""The client behind the module-level functions."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Concatenate, ParamSpec, TypeVar

from rxbybit.client import Bybit

__all__ = ["of_default", "use"]

P = ParamSpec("P")
R = TypeVar("R")

_used: Bybit | None = None
_own: Bybit | None = None
_lock = threading.Lock()


def use(client: Bybit | None) -> None:
    """Let the module-level functions use ``client``; ``None`` goes back to a client of theirs.

    It concerns streams made from now on; whoever was used before is neither closed nor changed.

    ::

        use(Bybit(linger=5))
        trades("BTCUSD").subscribe(print)
    """
    global _used
    _used = client


def of_default(method: Callable[Concatenate[Bybit, P], R]) -> Callable[P, R]:
    """``method`` as a function on the default client, which is made when it is first needed."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        # by its name: a client of another class may do it in another way
        of_client: Callable[P, R] = getattr(_default_client(), method.__name__)
        return of_client(*args, **kwargs)

    shown = signature(method)
    without_client = shown.replace(parameters=[*shown.parameters.values()][1:])
    setattr(call, "__signature__", without_client)  # noqa: B010 - no attribute that types know
    call.__module__, call.__qualname__ = "rxbybit", method.__name__
    return call


def _default_client() -> Bybit:
    global _own
    if _used is not None:
        return _used
    with _lock:
        if _own is None:
            _own = Bybit()
        return _own


def _forget_after_fork() -> None:
    # A client belongs to its process; the one nobody has chosen is simply made anew.
    global _lock, _own
    _lock = threading.Lock()
    _own = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
