"""Values that wait for who takes them: bounded, with four ways to overflow, and counted."""

from __future__ import annotations

from collections import deque
from typing import Generic, Literal, TypeVar, get_args

from rxbybit.errors import SlowConsumer
from rxbybit.marking import Owed, gap_of
from rxbybit.operators.arguments import check_whole, refused

__all__ = ["Overflow", "Waiting", "check_overflow"]

T = TypeVar("T")

Overflow = Literal["error", "drop_oldest", "drop_newest", "latest"]
_POLICIES: tuple[Overflow, ...] = get_args(Overflow)

REPORT_S = 1.0
"""Drops are reported at most once in so many seconds."""


def check_overflow(operator: str, name: str, limit: object, overflow: object) -> None:
    """``ConfigurationError`` for a limit that holds nothing, or a policy that there is not."""
    check_whole(operator, name, limit)
    if overflow not in _POLICIES:
        raise refused(operator, "overflow", overflow, f"use {', '.join(_POLICIES)}")


class Waiting(Generic[T]):
    """``limit`` values at most, of ``"latest"`` one; what ``overflow`` drops is counted.

    Where a dropped event was the first one after a hole, the next one of its topic says so.
    """

    def __init__(self, limit: int, overflow: Overflow) -> None:
        self._limit = 1 if overflow == "latest" else limit
        self._overflow = overflow
        self._values: deque[T] = deque()
        self._owed = Owed()
        self._reported_s: float | None = None
        self.dropped = 0
        """How many were dropped since the last report."""

    def __len__(self) -> int:
        return len(self._values)

    def put(self, value: T) -> None:
        """Take in a value; ``SlowConsumer`` where that is too much."""
        values = self._values
        if len(values) < self._limit:
            values.append(self._owed.pay(value))
            return
        if self._overflow == "error":
            raise SlowConsumer(len(values) + 1)
        self.dropped += 1
        if self._overflow == "drop_newest":
            self._owed.leave_out(value)
            return
        dropped = values.popleft()
        values.append(self._owed.pay(value))
        if gap_of(dropped) is not None:
            self._owed.leave_out(dropped)
            for place, waiting in enumerate(values):
                values[place] = self._owed.pay(waiting)

    def take(self) -> T:
        """The value that has waited longest."""
        return self._values.popleft()

    def clear(self) -> int:
        """Forget what waits; gives how many were dropped since the last report."""
        self._values.clear()
        count, self.dropped = self.dropped, 0
        return count

    def report(self, now_s: float, *, last: bool = False) -> int:
        """How many were dropped since the last report, if that is told now; else 0."""
        before_s = self._reported_s
        # a clock that was set back must not silence the reports for as long
        soon = before_s is not None and before_s <= now_s < before_s + REPORT_S
        if not self.dropped or (soon and not last):
            return 0
        count, self.dropped, self._reported_s = self.dropped, 0, now_s
        return count
