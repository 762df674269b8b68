"""The present state of a topic out of REST, each time that the topic begins to come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, cast

from marshmallow.exceptions import ValidationError
from msgspec.structs import force_setattr
from reactivex import abc
from reactivex.disposable import Disposable

from rxbybit.config import Category
from rxbybit.errors import RequestRefused
from rxbybit.events import Event, Meta
from rxbybit.held import Held
from rxbybit.outlet import AnySpec, Hearer
from rxbybit.pool import Pool
from rxbybit.present import Present
from rxbybit.rest.api import Reply, RestApi
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.load import loader_of
from rxbybit.schema.standing import Query, Row, Standing
from rxbybit.signin import Clock

__all__ = ["hear_standing"]

MARGIN_MS = 250
"""How wrong our idea of the exchange's clock may be."""

Keep = Callable[[Any], bool]  # Any: the events of any stream


def hear_standing(
    pool: Pool,
    api: Callable[[], RestApi],
    spec: AnySpec,
    place: tuple[str, str],
    hearer: Hearer,
    categories: Sequence[Category],
    keep: Keep | None = None,
) -> abc.DisposableBase:
    """Let ``hearer`` hear what there is now of a private topic, and then the topic.

    ``place`` is its URL and topic. What is held already is not asked for; what is not is read
    for all who hear the topic, as soon as the exchange sends it, and again after an outage.
    """
    with ExitStack() as ends:
        ends.callback(pool.subscribe(spec, [place], hearer, keep).dispose)
        held = pool.heard(*place)
        if held is not None:  # else the client was closed, by who was told what is held already
            reading = held.beside.get(spec.reading)
            if not isinstance(reading, _Reading):
                reading = held.beside[spec.reading] = _Reading(pool, api(), spec, held)
            end = Disposable(ends.pop_all().close)
            return Disposable(reading.join(_Wanted(tuple(categories), hearer, end)))
        return Disposable(ends.pop_all().close)


@dataclass(frozen=True, eq=False)
class _Wanted:
    """What somebody wants, and what ends that he hears the topic."""

    categories: tuple[Category, ...]
    hearer: Hearer
    end: abc.DisposableBase


class _Reading:
    """Reads it for everybody who hears a topic."""

    def __init__(self, pool: Pool, api: RestApi, spec: AnySpec, held: Held) -> None:
        assert spec.standing is not None
        assert pool.identity is not None
        self._pool = pool
        self._api = api
        self._spec = spec
        self._held = held
        self._standing: Standing[Any] = spec.standing
        self._clock: Clock = pool.identity.clock
        self._loop = asyncio.get_running_loop()
        self._wanted: dict[_Wanted, Callable[[], None]] = {}
        self._read: set[Category] = set()  # or being read, on this connection
        self._recalls: dict[object, Callable[[], None]] = {}  # of each reading under way
        self._unwatch = held.life.each_live(self._on_live)

    def join(self, wanted: _Wanted) -> Callable[[], None]:
        """Read this as well; gives what ends it."""
        self._wanted[wanted] = lambda: None
        self._wanted[wanted] = self._held.life.when_live(self._ask)
        return lambda: self._leave(wanted)

    def _leave(self, wanted: _Wanted) -> None:
        wanted.end.dispose()
        call_off = self._wanted.pop(wanted, None)
        if call_off is None:
            return
        call_off()
        if not self._wanted:
            self._unwatch()
            self._recall()
            del self._held.beside[self._spec.reading]

    def _on_live(self) -> None:
        self._recall()
        self._read.clear()
        self._ask()

    def _recall(self) -> None:
        recalls, self._recalls = self._recalls, {}
        for recall in recalls.values():
            recall()

    def _ask(self) -> None:
        fresh: dict[Category, None] = {}
        for wanted in self._wanted:
            for category in wanted.categories:
                if category not in self._read:
                    fresh[category] = None
        if fresh:
            self._read.update(fresh)
            one = object()
            self._recalls[one] = self._pool.errand(self._read_once(one, tuple(fresh)), self._fail)

    def _fail(self, error: Exception, category: str | None = None) -> None:
        """End those who want ``category``, or all; they are let go before the first hears of it."""
        fallen = [w for w in self._wanted if category is None or category in w.categories]
        for wanted in fallen:
            self._leave(wanted)
        for wanted in fallen:
            wanted.hearer.on_error(error)

    async def _read_once(self, one: object, categories: Iterable[Category]) -> None:
        try:
            await self._fill(categories)
        finally:
            self._recalls.pop(one, None)

    async def _fill(self, categories: Iterable[Category]) -> None:
        queries = [q for category in categories for q in self._standing.queries(category)]
        found: list[Event] = []
        for query in {tuple(query.items()): query for query in queries}.values():
            found += await self._had(query)
        if not self._wanted:  # the last one has left, at what was just told
            return
        # Any: things of the stream, whatever they are
        state = cast("Present[Any]", self._held.hub_of(self._spec).state_of(self._spec))
        listed = {state.key(event) for event in found}
        missing = [event for event in state.held if state.key(event) not in listed]
        read = self._read.intersection(categories)
        for query in self._standing.gone([e for e in missing if _within(e, read)]):
            await self._had(query)

    async def _had(self, query: Query) -> list[Event]:
        """The events of one list; of one that is refused there are none, and those who want its
        category hear of that.
        """
        if not self._wanted:  # since a moment ago
            return []
        try:
            return await self._list(query)
        except RequestRefused as error:
            category = query.get("category")
            self._read = {one for one in self._read if one != category}
            self._fail(_of_category(error, category), category)
            return []

    async def _list(self, query: Query) -> list[Event]:
        """The events of one list; they have been told of."""
        await self._clock.look()
        asked_ms, before_s = self._clock.now_ms(), self._loop.time()
        replies = await self._api.pages(self._standing.path, query, signed=True)
        first_ms, last_ms = replies[0].time_ms, replies[-1].time_ms
        if first_ms is not None and last_ms is not None:  # the clock may be this machine's
            took_ms = int((self._loop.time() - before_s) * 1000)
            asked_ms = max(last_ms - took_ms, min(asked_ms, first_ms))
        events: list[Event] = []
        for reply in replies:
            events += self._events(reply, query, asked_ms - MARGIN_MS)
        self._held.hub_of(self._spec).take(events)
        return events

    def _events(self, reply: Reply, query: Query, asked_ms: int) -> list[Event]:
        schema = loader_of(self._standing.schema, self._api.numbers)
        make = cast("Callable[..., Event]", self._spec.event_of("snapshot"))
        meta = Meta(
            topic=self._held.topic,
            sent_ms=reply.time_ms,
            matched_ms=asked_ms,
            received_ns=reply.received_ns,
            backfilled=True,
        )
        events: list[Event] = []
        for row in reply.rows:
            try:
                made = [
                    make(**_loaded(schema, r)) for r in self._standing.rows(_object(row), query)
                ]
            except ValidationError as error:
                self._api.undecodable(self._held.topic, row, error)
            else:
                events += made
        for event in events:
            force_setattr(event, "meta", meta)
        return events


def _of_category(error: RequestRefused, category: str | None) -> RequestRefused:
    """The refusal, which says what was refused: others of the same path may have been granted."""
    if category is None:
        return error
    url = f"{error.url}?category={category}"
    return RequestRefused(error.code, error.message, url=url, permanent=error.permanent)


def _within(event: Any, categories: Iterable[Category]) -> bool:  # Any: as above
    return getattr(event, "category", None) in (None, *categories)


def _object(row: object) -> Row:
    if not isinstance(row, dict):
        raise ValidationError(["Not an object."])
    return cast("Row", row)


def _loaded(schema: WireSchema, row: Row) -> dict[str, object]:
    return cast("dict[str, object]", schema.load(row))
