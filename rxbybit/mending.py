"""What a topic sent during an outage: a list of the newest, and what came live, put together."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from math import inf
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar

__all__ = ["MOST_HELD", "Listing", "Mark", "Mending", "Run", "Seen", "Step", "Timed"]

MOST_HELD = 1_000
"""How many live events may wait for the list: as many as a list has."""
REMEMBERED = 1_000
"""How many ids are remembered where the order of events does not tell which are new."""
LATE_MS = 10_000
"""By how much the order of such events may differ from that of their times."""


class Timed(Protocol):
    """What must be known of an event."""

    @property
    def time_ms(self) -> int:
        """When it was, in milliseconds of the exchange."""
        ...


E = TypeVar("E", bound=Timed)
Step = Literal["wait", "ask", "give"]
"""What is to be done with what is held: nothing yet, ask for the list, or deliver it."""


class Mark(NamedTuple):
    """The last event that was delivered; ``None`` when there was none."""

    id: str | None
    time_ms: int | None


class Listing(NamedTuple):
    """What the exchange lists, the oldest first."""

    events: Sequence[Any]  # Any: of the topic's stream
    floor_ms: int
    """When the topic was first heard, or was heard for certain: before it nothing was missed."""
    reaches_ms: int | None
    """Since when nothing is left out; ``None`` when it has all there is."""


class Run(NamedTuple):
    """Events that follow one another without a hole."""

    events: list[Any]  # Any: as above
    lost: int | None
    """How many are missing before them: 0 for none, ``None`` when it cannot be known."""


class Seen:
    """The ids of the newest events that were delivered: a state of the topic, beside others."""

    def __init__(self, key: Callable[[Any], str]) -> None:
        self._key = key
        self._ids: dict[str, None] = {}
        self.mark = Mark(None, None)
        """The last of them."""

    def __contains__(self, id_: object) -> bool:
        return id_ in self._ids

    def apply(self, event: Timed) -> None:
        """One more was delivered."""
        id_ = self._key(event)
        self._ids[id_] = None
        self.mark = Mark(id_, event.time_ms)
        if len(self._ids) > REMEMBERED:
            del self._ids[next(iter(self._ids))]

    def reset(self) -> None:
        """It was seen, whatever happens to the link."""

    def spoil(self, why: str, *, silent: bool = False) -> bool:
        """It was seen, whatever cannot be read."""
        return False

    def content(self) -> None:
        """It is never compared."""


class _Stretch(Generic[E]):
    """What came live on one connection."""

    def __init__(self) -> None:
        self.events: list[E] = []
        self.joined = False
        """Whether it follows what was delivered."""


class Mending(Generic[E]):
    """One hole of a topic, until it is known what it was.

    ``key`` gives the id of an event, which no two share. A list is joined to what was delivered
    by the last of that, and what comes live to a list by an event that is in both: only then
    nothing can be missing in between. ``seen``, what was delivered, is given where events have
    no order of their own that both ways agree in: what is not in it is new, unless it is of
    before ``since_ms``.
    """

    def __init__(
        self,
        key: Callable[[E], str],
        mark: Mark,
        seen: Container[str] | None = None,
        since_ms: int = 0,
    ) -> None:
        self._key = key
        self._mark = mark
        self._seen = seen
        self.since_ms = since_ms
        """What was before is not looked for: it is known to be lost."""
        self._told: dict[str, None] = {}  # one list may be older than the one before
        self._ahead: set[str] = set()  # fetched where the order says nothing: may come live yet
        self._ahead_ms = 0
        self._stretches: list[_Stretch[E]] = []
        self._open = False
        self._reached = False
        self._follows = False  # what comes live, on what was delivered
        self._listing: Listing | None = None

    @property
    def held(self) -> int:
        """How many live events wait."""
        return sum(len(one.events) for one in self._stretches)

    @property
    def mark(self) -> Mark:
        """The last event that was delivered."""
        return self._mark

    def cut(self) -> None:
        """The link was lost once more."""
        self._open = self._reached = self._follows = False
        self._ahead.clear()

    def hold(self, events: Sequence[E]) -> Step:
        """Keep what came live; gives what is to be done."""
        if not self._open:
            self._open = True
            self._stretches.append(_Stretch())
        here = self._stretches[-1]
        ids = [self._key(event) for event in events]
        known = self._seen or ()
        fresh = [
            event
            for event, id_ in zip(events, ids, strict=True)
            if id_ not in self._told and id_ not in known
        ]
        again = not here.events and len(fresh) < len(events)
        here.joined = here.joined or self._follows or again
        here.events += fresh
        self._ahead.difference_update(ids)
        if any(event.time_ms > self._ahead_ms + LATE_MS for event in events):
            self._ahead.clear()
        if not here.joined:
            return "ask" if fresh else "wait"
        # all that was listed has come, or what follows it
        last = self._mark.id in ids if self._seen is None else not self._ahead
        self._reached = self._reached or bool(fresh) or last
        return "give" if self._reached else "wait"

    def listed(self, listing: Listing) -> bool:
        """Take in a list, instead of one before; gives whether another one can tell no more."""
        events = {self._key(event): event for event in listing.events}
        self._listing = listing = listing._replace(events=list(events.values()))
        ids = events.keys()
        return all(one.joined or self._shared(one, ids) is not None for one in self._stretches)

    def take(self) -> tuple[list[Run], bool]:
        """All that is to be delivered now, and whether the hole is over with it.

        It is not where nothing has come live since: what comes next may follow, or not.
        """
        runs = self._runs()
        over = self._open and (self._reached or bool(self._stretches[-1].events))
        self._follows = self._follows or over or (self._open and self._stretches[-1].joined)
        for run in runs:
            last = run.events[-1]
            self._mark = Mark(self._key(last), last.time_ms)
            if run.lost != 0:
                self.since_ms = max(self.since_ms, run.events[0].time_ms)
        if self._listing is not None:
            ids = (*self._told, *map(self._key, self._listing.events))
            self._told = dict.fromkeys(list(dict.fromkeys(ids))[-REMEMBERED:])
            self._look_out(runs)
        self._listing, self._stretches = None, []
        self._open = self._reached = False
        return runs, over if self._seen is None else self._follows and not self._ahead

    def _look_out(self, runs: Sequence[Run]) -> None:
        """Where the order says nothing, any of what was fetched may come live yet."""
        if self._seen is None:
            return
        live = {self._key(event) for one in self._stretches for event in one.events}
        given = {self._key(event): event.time_ms for run in runs for event in run.events}
        self._ahead_ms = max(given.values(), default=0)
        newest_ms = max((e.time_ms for one in self._stretches[-1:] for e in one.events), default=0)
        if newest_ms <= self._ahead_ms + LATE_MS:
            self._ahead |= given.keys() - live

    def _runs(self) -> list[Run]:
        putting = _Putting(self._key)
        listing = self._listing
        if listing is None:
            for one in self._stretches:
                putting.put(one.events, joined=one.joined)
            return putting.runs
        ids = {self._key(event) for event in listing.events}
        news, whole = self._news(listing)
        news = self._as_live(news, ids)
        if whole:
            putting.put(news, joined=True)
        for one in self._stretches:
            at = self._shared(one, ids)
            if not whole and at:  # the list begins within what came live
                putting.put(one.events[:at], joined=one.joined)
            if not whole and (at is not None or not _before(one.events, news)):
                putting.put(news, joined=bool(at))
            putting.put(one.events, joined=one.joined or at is not None)
        if not whole:
            putting.put(news, joined=False)
        return putting.runs

    def _news(self, listing: Listing) -> tuple[Sequence[E], bool]:
        """What of a list was not delivered, and whether it is all since."""
        mark, events = self._mark, listing.events
        ids = [self._key(event) for event in events]
        reaches = listing.reaches_ms is None or listing.reaches_ms <= listing.floor_ms
        known = reaches if mark.id is None else mark.id in ids
        if self._seen is not None and mark.time_ms is not None and mark.time_ms < listing.floor_ms:
            known = known or reaches  # the last one is long ago
        if mark.id is not None and known and self._seen is None:
            return events[ids.index(mark.id) + 1 :], True
        since_ms = listing.floor_ms
        if mark.time_ms is not None:
            least_ms = mark.time_ms - LATE_MS
            since_ms = max(min(since_ms, mark.time_ms), least_ms) if known else mark.time_ms + 1
        since_ms = max(since_ms, self.since_ms)
        new = [
            event
            for event, id_ in zip(events, ids, strict=True)
            if event.time_ms >= since_ms and id_ not in (self._seen or ())
        ]
        return new, known

    def _as_live(self, news: Sequence[E], ids: Container[str]) -> Sequence[E]:
        """What came live counts as it came; what is newer than that will come live as well."""
        live = {self._key(event): event for one in self._stretches for event in one.events}
        mixed = [live.get(self._key(event), event) for event in news]
        if not self._open or self._seen is not None:
            return mixed
        here = self._stretches[-1]
        if self._shared(here, ids) is None:
            first_ms = here.events[0].time_ms if here.events else inf
            return [event for event in mixed if event.time_ms < first_ms]
        last = max((at for at, event in enumerate(news) if self._key(event) in live), default=-1)
        return mixed[: last + 1]

    def _shared(self, one: _Stretch[E], ids: Container[str]) -> int | None:
        """Where in it the list has it as well."""
        return next((at for at, event in enumerate(one.events) if self._key(event) in ids), None)


class _Putting:
    """Puts one after another, each event once."""

    def __init__(self, key: Callable[[Any], str]) -> None:  # Any: as above
        self.runs: list[Run] = []
        self._key = key
        self._known: set[str] = set()
        self._torn = False

    def put(self, events: Sequence[Any], *, joined: bool) -> None:
        """These come next, but what was put; ``joined``: nothing is missing before them."""
        fresh = [event for event in events if self._key(event) not in self._known]
        if events and not fresh:  # they stand where they are
            return
        self._torn = self._torn or not joined
        if not fresh:
            return
        self._known.update(map(self._key, fresh))
        if self._torn or not self.runs:
            self.runs.append(Run([], None if self._torn else 0))
        self.runs[-1].events.extend(fresh)
        self._torn = False


def _before(events: Sequence[Timed], news: Sequence[Timed]) -> bool:
    return bool(events and news) and events[-1].time_ms <= news[0].time_ms
