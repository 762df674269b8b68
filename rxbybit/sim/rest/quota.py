"""How often one address may ask."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

__all__ = ["Quota"]


class Quota:
    """At most ``most`` requests in any ``window_s`` seconds; after one more, none for ``rest_s``.

    V5 manual, "Rate Limit": 600 in 5 seconds, and 10 minutes after an answer of 403. ``clock``
    counts seconds.

    >>> quota = Quota(2, clock=lambda: 100.0)
    >>> quota.allows(), quota.allows(), quota.allows()
    (True, True, False)
    """

    def __init__(
        self,
        most: int = 600,
        *,
        window_s: float = 5.0,
        rest_s: float = 600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if most < 1 or window_s <= 0 or rest_s < 0:
            raise ValueError(f"{most} requests in {window_s} s, then none for {rest_s} s")
        self._most = most
        self._window_s = window_s
        self._rest_s = rest_s
        self._clock = clock
        self._times: deque[float] = deque()
        self._until: float | None = None

    def allows(self) -> bool:
        """Whether a request that comes now is answered; one that is not counts for nothing."""
        now, times = self._clock(), self._times
        if self._until is not None and now < self._until:
            return False
        while times and times[0] <= now - self._window_s:
            times.popleft()
        if len(times) < self._most:
            times.append(now)
            return True
        self._until = now + self._rest_s
        return False
