"""A hole between candles, filled with those that closed meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from rxbybit.mending import Mark, Run, Step
from rxbybit.rest.api import RestApi
from rxbybit.rest.backfill import MOST, Past, fetch
from rxbybit.rest.splice import Splice
from rxbybit.schema.spec import TopicState

__all__ = ["Candles"]


class _Last:
    """The last candle that was delivered: a state of the topic, beside others."""

    def __init__(self) -> None:
        self.event: Any = None  # Any: a candle, of whatever class

    def apply(self, event: Any) -> None:  # Any: as above
        """One more was delivered."""
        self.event = event

    def reset(self) -> None:
        """It was delivered, whatever happens to the link."""

    def spoil(self, why: str, *, silent: bool = False) -> bool:
        """It was delivered, whatever cannot be read."""
        return False

    def content(self) -> None:
        """It is never compared."""


class Candles:
    """What was missed of a topic of candles. See :class:`rxbybit.rest.healing.Cure`."""

    _live: bool
    """Whether one came live since the link was lost."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._last = _Last()
        self._before: Any = None  # Any: as above
        self._splice: Splice[Any] | None = None

    @property
    def watch(self) -> TopicState | None:
        """What must hear of every candle."""
        return self._last

    def lost(self, mark: Mark | None) -> None:
        """There may be a hole after what was delivered, or another one."""
        self._live = False
        if self._splice is None:
            self._splice = self._after(self._last.event)

    def hold(self, events: Sequence[Any]) -> Step:
        """Keep what came live after the hole."""
        splice = self._splice
        assert splice is not None
        self._live = True
        for event in events:
            splice.hold(event)
        if not splice.held:  # a closed candle once more
            return "wait"
        return "ask" if splice.hole() else "give"

    async def look(self, api: RestApi) -> bool:
        """Ask for what is missing before what came live, if anything is; gives whether another
        look can tell no more.
        """
        splice = self._splice
        assert splice is not None
        while (hole := splice.hole()) is not None:
            after, before = hole
            splice.add(await fetch(api, self._past, MOST, before=before, after=after))
            splice.leave(hole)
        splice.try_again()
        return splice.hole() is None

    def take(self) -> tuple[list[Run], bool]:
        """What is to be delivered, and whether the hole is over with it."""
        splice = self._splice
        assert splice is not None
        events, over = splice.take(), self._live
        runs: list[Run] = []
        for event in events:
            lost = self._missing(self._before, event)
            if lost != 0 or not runs:
                runs.append(Run([], lost))
            runs[-1].events.append(event)
            self._before = event
        if over:
            self._splice = None
        elif events:  # the last of them may go on growing
            self._splice = self._after(events[-1])
        return runs, over

    def _after(self, last: Any) -> Splice[Any]:  # Any: as above
        """What puts together what comes after ``last`` was delivered."""
        splice: Splice[Any] = Splice(self._past.history)
        self._before = self._whole_before(last)
        if self._before is not None:
            splice.hold(self._before)
            splice.take()
        return splice

    def _whole_before(self, last: Any) -> Any:  # Any: as above
        """``last``, or where it may have grown, what stands for the candle before it."""
        if last is None or self._past.history.over(last):
            return last
        end_ms = self._past.history.begins(last) - 1
        return replace(last, start_ms=end_ms, end_ms=end_ms, closed=True)

    def _missing(self, before: Any, after: Any) -> int | None:  # Any: as above
        """How many candles are missing in between."""
        if before is None:
            return None
        history = self._past.history
        begin = history.begins(after)
        if not history.over(before):
            return max(1, round((begin - history.begins(before)) / self._length(after)))
        return round((begin - history.ends(before)) / self._length(after))

    def _length(self, candle: Any) -> int:  # Any: as above
        return self._past.history.ends(candle) + 1 - self._past.history.begins(candle)
