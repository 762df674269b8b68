"""A hole of a topic whose events have ids, looked up in the list of the newest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

from marshmallow.exceptions import ValidationError

from rxbybit.config import Category
from rxbybit.events import Event
from rxbybit.mending import LATE_MS, MOST_HELD, Listing, Mark, Mending, Run, Seen, Step
from rxbybit.outlet import AnySpec
from rxbybit.rest.api import Reply, RestApi
from rxbybit.rest.rows import events_of
from rxbybit.schema.load import loader_of
from rxbybit.schema.recent import Asked, Recent
from rxbybit.schema.spec import TopicState
from rxbybit.signin import Clock

__all__ = ["Newest"]

UNNOTICED_MS = 86_400_000
"""For how long at most a link was dead before it counted as lost."""


class Newest:
    """What was missed of ``topic`` of ``spec``, in these ``categories``.

    ``age_ms`` tells how long ago it was first sent; ``clock`` is needed where a list is asked for
    by time. See :class:`rxbybit.rest.healing.Cure`.
    """

    _lost_s: float
    """When the link was lost, by the loop's clock."""

    def __init__(
        self,
        spec: AnySpec,
        topic: str,
        categories: Sequence[Category],
        *,
        age_ms: Callable[[], int],
        clock: Clock | None,
    ) -> None:
        wire = spec.wire("v5").at(topic)
        assert wire is not None
        given = wire.read(topic)
        assert given is not None
        assert spec.recent is not None
        self._recent: Recent[Any] = spec.recent
        self._make = cast("Callable[..., Event]", spec.event_of("snapshot"))
        self._topic = topic
        self._categories = categories
        self._age_ms = age_ms
        self._clock = clock
        self._given = given
        self._seen = Seen(self._recent.key) if wire.mixed else None
        self._since_ms = 0
        self._loop = asyncio.get_running_loop()
        self._mending: Mending[Any] | None = None

    @property
    def watch(self) -> TopicState | None:
        """What must hear of every event; where events have one order, the last one is enough."""
        return self._seen

    def lost(self, mark: Mark | None) -> None:
        """There may be a hole after what was delivered, or another one."""
        if self._mending is not None:
            self._mending.cut()
            return
        if self._seen is not None:
            mark = self._seen.mark
        mark = mark or Mark(None, None)
        self._lost_s = self._loop.time()
        self._mending = Mending(self._recent.key, mark, self._seen, self._since_ms)

    def hold(self, events: Sequence[Any]) -> Step:
        """Keep what came live after the hole."""
        assert self._mending is not None
        step = self._mending.hold(events)
        return "give" if self._mending.held > MOST_HELD else step

    async def look(self, api: RestApi) -> bool:
        """Ask for the list; gives whether another look can tell no more."""
        assert self._mending is not None
        since_ms = await self._asked_ms(self._mending.mark)
        events: list[Any] = []
        reaches_ms: int | None = None
        answered_ms = 0
        for category in self._categories:
            asked = Asked(category, self._given, since_ms)
            for reply in await self._replies(api, asked):
                found = await self._events(api, reply, asked)
                answered_ms = reply.time_ms or reply.received_ns // 1_000_000
                events += found[::-1]
        events.sort(key=_when)
        if self._recent.reach_ms is not None:
            reaches_ms = max(since_ms, answered_ms - self._recent.reach_ms)
        elif events:  # it may have begun within that millisecond
            reaches_ms = events[0].time_ms + 1
        heard_ms = int((self._loop.time() - self._lost_s) * 1000) + UNNOTICED_MS
        floor_ms = answered_ms - min(self._age_ms(), heard_ms)
        return self._mending.listed(Listing(events, floor_ms, reaches_ms))

    async def _asked_ms(self, mark: Mark) -> int:
        """How old what is asked for may be."""
        reach_ms = self._recent.reach_ms
        if reach_ms is None:  # its list has no times to ask for
            return 0
        assert self._clock is not None
        await self._clock.look()
        now_ms, since_ms = self._clock.now_ms(), mark.time_ms
        if since_ms is None:
            since_ms = now_ms - self._age_ms()
        # asked for more it would give the oldest of it, and not what was now
        return max(since_ms - LATE_MS, now_ms - reach_ms + LATE_MS)

    def take(self) -> tuple[list[Run], bool]:
        """What is to be delivered, and whether the hole is over with it."""
        assert self._mending is not None
        runs, over = self._mending.take()
        if over:
            self._since_ms = self._mending.since_ms
            self._mending = None
        return runs, over

    async def _replies(self, api: RestApi, asked: Asked) -> list[Reply]:
        recent = self._recent
        query = recent.query(asked)
        if recent.paged:
            return await api.pages(recent.path, query, signed=recent.signed)
        return [await api.ask(recent.path, query, signed=recent.signed)]

    async def _events(self, api: RestApi, reply: Reply, asked: Asked) -> list[Any]:
        schema = loader_of(self._recent.schema, api.numbers)

        def make(row: object) -> Event:
            if not isinstance(row, dict):
                raise ValidationError(["Not an object."])
            item = self._recent.row(cast("dict[str, object]", row), asked)
            return self._make(**cast("dict[str, object]", schema.load(item)))

        return await events_of(api, self._topic, reply, make)


def _when(event: Any) -> tuple[int, int]:  # Any: events of a stream that has such a list
    return event.time_ms, event.sequence or 0
