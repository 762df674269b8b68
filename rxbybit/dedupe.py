"""Letting each event of a topic pass once, though the exchange may send the last ones again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["is_repeated", "unseen"]

ANEW_MS = 10_000
"""What is older than the last event by more than this is no repetition: a recording that is
played anew, or an exchange that began anew."""


def is_repeated(events: Sequence[Any], last: Any) -> bool:  # Any: events with id and sequence
    """Whether a frame is the one that ended with ``last``, once more."""
    return events[-1].id == last.id


def unseen(events: Sequence[Any], last: Any) -> tuple[Sequence[Any], bool]:  # Any: as above
    """What of a frame on a new connection was not seen on the one that ended with ``last``.

    A connection gives events in their order, so whatever has a lower sequence than ``last`` was
    seen; of one match, which may span frames, it was seen up to ``last`` itself. Also gives
    whether the frames to come may repeat something still.
    """
    first = events[0]
    if first.time_ms < last.time_ms - ANEW_MS:
        return events, False
    if first.sequence is not None and last.sequence is not None:
        if first.sequence > last.sequence:
            return events, False
        events = tuple(event for event in events if event.sequence >= last.sequence)
    ids = [event.id for event in events]
    if last.id in ids:
        events = events[ids.index(last.id) + 1 :]
    return events, True
