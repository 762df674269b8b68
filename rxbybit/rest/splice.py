"""The past of a topic and what came live meanwhile, put together: no hole, nothing twice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Generic, TypeVar

from msgspec.structs import replace

from rxbybit.events import Event
from rxbybit.schema.history import History

__all__ = ["MOST_HELD", "Hole", "Splice"]

E = TypeVar("E", bound=Event)
Hole = tuple[int, int]
"""Something is missing that begins after the one and before the other, in milliseconds."""

MOST_HELD = 1_000
"""How many live events are held; the oldest leave first, and are asked for with the past."""


class Splice(Generic[E]):
    """Holds live events and the past, until there is no hole between them that can be filled.

    Events are told apart by when they begin. Of a live event that comes again, as it grows, the
    newest counts; one that also stands in the past counts as the past has it.
    """

    def __init__(self, history: History[E]) -> None:
        self._begins = history.begins
        self._ends = history.ends
        self._over = history.over
        self._live: dict[int, E] = {}
        self._past: dict[int, E] = {}
        self._last: E | None = None
        self._tried: set[Hole] = set()
        self.settled = False
        """Whether what comes live now follows what was taken."""

    @property
    def held(self) -> int:
        """How many live events are held."""
        return len(self._live)

    @property
    def first(self) -> int | None:
        """When the oldest live event that is held begins."""
        return min(self._live, default=None)

    def hold(self, event: E) -> None:
        """Keep a live event."""
        at = self._begins(event)
        if self._last is not None and at <= self._begins(self._last):
            return
        before = self._live.get(at)
        if before is not None and before.meta.gap is not None and event.meta.gap is None:
            event = replace(event, meta=replace(event.meta, gap=before.meta.gap))
        self._live[at] = event
        if len(self._live) > MOST_HELD:
            del self._live[min(self._live)]

    def add(self, past: Sequence[E]) -> None:
        """Take in events of the past."""
        for event in past:
            self._past[self._begins(event)] = event

    def hole(self) -> Hole | None:
        """The first hole before a live event that nobody has tried to fill."""
        for before, after in pairwise(self._all()):
            # what did not come to its end is missing as well
            hole = self._begins(before) - (not self._over(before)), self._begins(after)
            live = hole[1] not in self._past
            if live and hole not in self._tried and not self._follows(before, after):
                return hole
        return None

    def leave(self, hole: Hole) -> None:
        """What there is to fill it with is here."""
        self._tried.add(hole)

    def try_again(self) -> None:
        """What could not be filled may be by now."""
        self._tried.clear()

    def take(self) -> list[E]:
        """All of it in order, for good. A gap that was filled, or lies before it, is none."""
        events = self._all()
        taken = [] if self._last is None else [self._last]
        for event in events[len(taken) :]:
            filled = not taken or self._follows(taken[-1], event)
            taken.append(_without_gap(event) if filled else event)
        self.settled = not events or self._begins(events[-1]) not in self._past
        out = taken if self._last is None else taken[1:]
        self._last = events[-1] if events else None
        self._live.clear()
        self._past.clear()
        self._tried.clear()
        return out

    def next(self, event: E) -> bool | None:
        """Whether a live event follows what was taken; ``None`` when it is old news."""
        if self.settled or self._last is None:
            return True
        if self._begins(event) <= self._begins(self._last):
            return None
        self.settled = self._follows(self._last, event)
        return self.settled

    def _follows(self, before: E, after: E) -> bool:
        return self._over(before) and self._begins(after) == self._ends(before) + 1

    def _all(self) -> list[E]:
        known = {**self._live, **self._past}
        rest = [known[at] for at in sorted(known)]
        return rest if self._last is None else [self._last, *rest]


def _without_gap(event: E) -> E:
    if event.meta.gap is None:
        return event
    return replace(event, meta=replace(event.meta, gap=None))
