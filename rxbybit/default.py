"""The client behind the module-level functions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Concatenate, ParamSpec, TypeVar

from rxbybit.client import Bybit

__all__ = ["of_default", "use"]

P = ParamSpec("P")
R = TypeVar("R")

_default: Bybit | None = None
_default_lock = threading.Lock()


def use(client: Bybit | None) -> None:
    """Let the module-level functions use ``client``; ``None`` goes back to a client of theirs."""
    global _default
    _default = client


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
    global _default
    with _default_lock:
        if _default is None:
            _default = Bybit()
        return _default
