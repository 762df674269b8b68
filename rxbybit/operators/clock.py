"""Exchange time, as far as who hears trades can know it."""

from __future__ import annotations

from datetime import datetime, timedelta

from reactivex import abc

__all__ = ["ExchangeClock"]

_MS = timedelta(milliseconds=1)


class ExchangeClock:
    """The newest exchange time that was seen, carried on by a scheduler.

    What a scheduler calls now may be off by seconds or, with an exchange of its own time, by
    years; how fast it goes is all that is taken from it. Without one, time stands still between
    events.
    """

    def __init__(self, scheduler: abc.SchedulerBase | None) -> None:
        self._scheduler = scheduler
        self._newest_ms: int | None = None
        self._seen: datetime | None = None

    def saw(self, time_ms: int, *, live: bool = True) -> int:
        """Something happened at ``time_ms``; what is not ``live`` was heard long after. Gives the
        time now.
        """
        newest_ms = self._newest_ms
        if newest_ms is not None and (not live or time_ms < newest_ms):
            return self.now_ms
        self._newest_ms = time_ms
        if self._scheduler is not None:
            self._seen = self._scheduler.now
        return time_ms

    @property
    def now_ms(self) -> int:
        """The time now, rather too early: behind by as long as the newest event took to come."""
        newest_ms = self._newest_ms or 0
        if self._scheduler is None or self._seen is None:
            return newest_ms
        return newest_ms + max(0, (self._scheduler.now - self._seen) // _MS)

    def when(self, time_ms: int) -> datetime | None:
        """When it is that time, as the scheduler counts; ``None`` without one."""
        if self._seen is None or self._newest_ms is None:
            return None
        return self._seen + (time_ms - self._newest_ms) * _MS
