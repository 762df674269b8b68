"""Calls that make several events: what comes inside of one waits until all of them are told."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TypeVarTuple

__all__ = ["Turns"]

Ts = TypeVarTuple("Ts")


class Turns:
    """One call after the other, where a call may lead to the next one before it has returned."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], object]] = deque()
        self._busy = False

    def take(self, call: Callable[[*Ts], object], *given: *Ts) -> None:
        """Call now, or, from inside of such a call, when that one and all before are done."""
        if self._busy:
            self._waiting.append(partial(call, *given))
            return
        self._busy = True
        try:
            while self._waiting:  # for one that has raised
                self._waiting.popleft()()
            call(*given)
            while self._waiting:
                self._waiting.popleft()()
        finally:
            self._busy = False
