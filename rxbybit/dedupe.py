"""Letting each event of a topic pass once, though the exchange may send it twice."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

__all__ = ["Once"]

FRAMES = 8
"""How many frames are remembered. What the exchange repeats, around a cut or by mistake, is the
last it has sent; a recording that begins anew is no repetition."""


class Once:
    """Passes on the events whose ``id`` is not among those of the last ``FRAMES`` frames.

    Sequences grow from frame to frame, so a frame that begins beyond the last one holds nothing
    known, and costs one comparison. Only a frame that does not (a repetition, a match that
    spans frames, a wire without sequences) has its ids looked at.
    """

    def __init__(self) -> None:
        self._last = -1
        self._frames: deque[Sequence[Any]] = deque(maxlen=FRAMES)  # Any: events with an id

    def fresh(self, events: Sequence[Any]) -> Sequence[Any]:
        """The events of a frame that are new."""
        if not events:
            return events
        first: int | None = events[0].sequence
        if first is None or first <= self._last:
            known = {event.id for frame in self._frames for event in frame}
            # a frame may repeat itself, too
            events = tuple({e.id: e for e in reversed(events) if e.id not in known}.values())[::-1]
            if not events:
                return events
        self._frames.append(events)
        self._last = max(self._last, events[-1].sequence or 0)
        return events
