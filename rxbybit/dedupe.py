"""Letting each event of a topic pass once, though the exchange may send the last ones again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rxbybit.mending import Mark

__all__ = ["Once"]

ANEW_MS = 10_000
"""What is older than the last event by more than this is no repetition, nor is what is later: a
recording that is played anew, or an exchange that began anew, whose sequences say nothing."""


class Once:
    """Sifts the frames of a topic whose events have ``id``, ``sequence`` and ``time_ms``.

    Of the last event no more is remembered than what tells it: a kept event, freed when the
    next has pushed it out of the processor's caches, costs more than all that is done here.
    ``mixed`` says that the events are of several symbols, whose sequences say nothing of each
    other.
    """

    def __init__(self, *, mixed: bool = False) -> None:
        self._compares = not mixed
        self._id: str | None = None
        self._sequence: int | None = None
        self.time_ms: int | None = None
        """When the last event was."""
        self._resuming = False

    def resume(self) -> Mark:
        """What comes next may repeat what came on the connection before; gives the last of that."""
        self._resuming = True
        return Mark(self._id, self.time_ms)

    def new(self, events: Sequence[Any]) -> Sequence[Any]:  # Any: events with what is said above
        """What of a frame was not seen before."""
        if self._resuming and events:
            events = self._unseen(events)
        if not events:
            return events
        last = events[-1]
        if last.id == self._id:  # the same frame once more
            return ()
        self._id = last.id
        self._sequence = last.sequence
        self.time_ms = last.time_ms
        return events

    def _unseen(self, events: Sequence[Any]) -> Sequence[Any]:
        """What of a frame on a new connection was not seen on the one before.

        A connection gives events in their order, so whatever has a lower sequence than the last
        one was seen; of one match, which may span frames, it was seen up to the last itself.
        """
        first, seen = events[0], self._sequence
        if self.time_ms is None or abs(first.time_ms - self.time_ms) > ANEW_MS:
            self._id, self._resuming = None, False
            return events
        if self._compares and first.sequence is not None and seen is not None:
            if first.sequence > seen:
                self._resuming = False
                return events
            events = tuple(event for event in events if event.sequence >= seen)
        ids = [event.id for event in events]
        return events[ids.index(self._id) + 1 :] if self._id in ids else events
