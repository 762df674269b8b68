"""Calls that make several events: what comes inside of one waits until all of them are told."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

__all__ = ["Turns"]


class Turns:
    """One call after the other, where a call may lead to the next one before it has returned."""

    def __init__(self) -> None:
        self._calls: deque[Callable[[], object]] = deque()
        self._busy = False

    def take(self, call: Callable[[], object]) -> None:
        """Call now, or, from inside of such a call, when that one and all before are done."""
        self._calls.append(call)
        if self._busy:
            return
        self._busy = True
        try:
            while self._calls:
                self._calls.popleft()()
        finally:
            self._busy = False
