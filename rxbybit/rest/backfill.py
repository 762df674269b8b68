"""The past of a topic out of REST, and a subscription that begins with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timezone
from typing import Any, cast

from marshmallow.exceptions import ValidationError
from msgspec import Struct
from reactivex import abc
from reactivex.disposable import Disposable

from rxbybit.config import Category
from rxbybit.errors import ConfigurationError, RequestRefused
from rxbybit.events import Event, Rejected
from rxbybit.outlet import AnySpec, Hearer
from rxbybit.pool import Pool
from rxbybit.rest.api import Reply, RestApi
from rxbybit.rest.rows import events_of
from rxbybit.rest.splice import Splice
from rxbybit.schema.history import Given, History
from rxbybit.schema.load import loader_of

__all__ = ["MOST", "Past", "check_history", "fetch", "hear", "past_of"]

MOST = 10_000
"""How many events of the past may be asked for."""
LATE_MS = 5_000
"""How long after its end the newest event of an answer may still change."""

# Any: the events of any stream, in this whole module
Keep = Callable[[Any], bool]


class Past(Struct, frozen=True):
    """Where the past of one topic is."""

    history: History[Any]
    category: Category
    topic: str
    given: Given


def past_of(spec: AnySpec, wire_name: str, category: Category, topic: str) -> Past:
    """Where the past of ``topic`` is, for a stream that has any."""
    wire = spec.wire(wire_name).at(topic)
    places = wire and wire.read(topic)
    assert spec.history is not None
    assert places is not None
    return Past(spec.history, category, topic, places)


def check_history(spec: AnySpec, history: object) -> None:
    """``ConfigurationError`` for a number of past events that cannot be asked for."""
    if not (type(history) is int and 0 <= history <= MOST):
        raise ConfigurationError(f"history={history!r}: a whole number from 0 to {MOST}")
    if history and spec.history is None:
        raise ConfigurationError(f"{spec.name}: the exchange keeps no history of it")


async def fetch(
    api: RestApi, past: Past, count: int, *, before: int | None = None, after: int = -1
) -> list[Any]:
    """The newest ``count`` events that are over, oldest first; fewer where there are no more.

    ``before`` and ``after`` say when they may begin, both exclusive, in milliseconds. Without
    ``before``, what may still change is left out: the newest, unless its end is a while ago. With
    it, that is waited for.
    Errors: those of :meth:`RestApi.ask`. A row that does not decode is reported and left out.
    """
    history, begins = past.history, past.history.begins
    asked = dict(history.query(past.category, past.given))
    if after >= 0:
        asked["start"] = str(after + 1)
    found: dict[int, Any] = {}
    waited = False
    while len(found) < count:
        limit = min(history.page, count - len(found) + (before is None))
        end = {} if before is None else {"end": str(before - 1)}
        reply = await api.ask(history.path, {**asked, **end, "limit": str(limit)})
        events = sorted(await _events(api, past, reply), key=begins)
        fresh = [e for e in events if after < begins(e) and (before is None or begins(e) < before)]
        if fresh and not found and (late_s := _unfinished_s(history, fresh[-1], reply)) > 0:
            if before is None:
                del fresh[-1]
            elif not waited:  # once: its clock may stand still
                waited = True
                await asyncio.sleep(late_s)
                continue
        if not fresh:
            break
        found |= {begins(event): event for event in fresh}
        if len(reply.rows) < limit:
            break
        before = begins(fresh[0])
    return [found[at] for at in sorted(found)[-count:]]


def hear(
    pool: Pool,
    api: Callable[[], RestApi],
    spec: AnySpec,
    placed: Sequence[tuple[Category, str, str]],
    hearer: Hearer,
    count: int = 0,
    keep: Keep | None = None,
) -> abc.DisposableBase:
    """Let ``hearer`` hear ``count`` events of the past of each topic, and then the topic.

    ``placed`` has category, URL and topic. ``keep`` filters both. Without a past it is what
    :meth:`Pool.subscribe` does, and ``api`` is not called.
    """
    if not count:
        return pool.subscribe(spec, [(url, topic) for _, url, topic in placed], hearer, keep)
    with ExitStack() as ends:
        for category, url, topic in placed:
            past = past_of(spec, pool.settings.wire.name, category, topic)
            one = _Backfilled(pool, api(), past, hearer, keep)
            ends.callback(one.dispose)
            one.begin(spec, url, count)
        return Disposable(ends.pop_all().close)


class _Backfilled(abc.DisposableBase):
    """One topic of them: live events are held until the past is there."""

    def __init__(
        self, pool: Pool, api: RestApi, past: Past, hearer: Hearer, keep: Keep | None
    ) -> None:
        self._pool = pool
        self._api = api
        self._past = past
        self._hearer = hearer
        self._keep = keep
        self._splice = Splice[Any](past.history)
        self._holding = True
        self._ends = ExitStack()

    def begin(self, spec: AnySpec, url: str, count: int) -> None:
        """Subscribe first, as the exchange wants it: what happens in between is not lost."""
        place = url, self._past.topic
        self._ends.callback(self._pool.subscribe(spec, [place], self, self._keep).dispose)
        self._ends.callback(self._pool.when_live(*place, lambda: self._ask(count)))

    def dispose(self) -> None:
        """Hear nothing more, and ask for nothing."""
        self._ends.close()

    def on_each(self, values: Sequence[Any]) -> None:
        """A frame of the topic."""
        splice = self._splice
        if self._holding:
            for event in values:
                splice.hold(event)
            return
        if splice.settled:
            self._hearer.on_each(values)
            return
        for index, event in enumerate(values):
            follows = splice.next(event)
            if follows:
                self._hearer.on_each(values[index:])
                return
            if follows is False:  # the exchange closed something before its list had it
                self._holding = True
                self.on_each(values[index:])
                self._ask(0)
                return

    def on_error(self, error: Exception) -> None:
        """The end of the topic, or of asking for its past."""
        if isinstance(error, RequestRefused):
            now, topic = datetime.now(timezone.utc), self._past.topic
            self._pool.status(Rejected(time=now, topic=topic, message=error.message))
        self.dispose()
        self._hearer.on_error(error)

    def _ask(self, count: int) -> None:
        self._ends.callback(self._pool.errand(self._fill(count), self.on_error))

    async def _fill(self, count: int) -> None:
        api, past, splice = self._api, self._past, self._splice
        if count:
            await self._before_live(count)
        while (hole := splice.hole()) is not None:
            after, before = hole
            splice.add(self._kept(await fetch(api, past, MOST, before=before, after=after)))
            splice.leave(hole)
        self._holding = False  # nothing can come between the last look for a hole and this
        self._hearer.on_each(splice.take())

    async def _before_live(self, count: int) -> None:
        """So many as began before the first live one; asking may take long, and others begin."""
        api, past, begins = self._api, self._past, self._past.history.begins
        found = await fetch(api, past, count, before=self._splice.first)
        first = self._splice.first
        if first is not None and len(found) == count:
            missing = count - sum(begins(event) < first for event in found)
            before = min(first, begins(found[0]))
            found = await fetch(api, past, missing, before=before) + found
        self._splice.add(self._kept(found))

    def _kept(self, events: list[Any]) -> list[Any]:
        return events if self._keep is None else list(filter(self._keep, events))


def _unfinished_s(history: History[Any], newest: Event, reply: Reply) -> float:
    """For how many seconds the newest event of a list may still change."""
    now_ms = reply.time_ms or reply.received_ns // 1_000_000
    return max(0, history.ends(newest) + LATE_MS + 1 - now_ms) / 1000


async def _events(api: RestApi, past: Past, reply: Reply) -> list[Event]:
    history = past.history
    loader = loader_of(history.schema, api.numbers)

    def make(row: object) -> Event:
        item = cast("Mapping[str, object]", loader.load(_named(history.columns, row)))
        return history.event(item, past.given)

    return await events_of(api, past.topic, reply, make)


def _named(columns: Sequence[str], row: object) -> Mapping[str, object]:
    if not isinstance(row, list):
        raise ValidationError(["Not a list."])
    values = cast("list[object]", row)
    return dict(zip(columns, values, strict=False))
