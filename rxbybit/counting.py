"""What a client has counted: the numbers it shows, and how they are added up on any thread."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from itertools import accumulate
from math import ceil, inf
from typing import Generic, TypeVar
from weakref import WeakSet

import msgspec
from msgspec import Struct

from rxbybit.config import is_number
from rxbybit.errors import ConfigurationError
from rxbybit.events import DecodeFailed, Dropped, Gap, Status, utc
from rxbybit.hooks import Hooks

__all__ = [
    "BETWEEN",
    "Counters",
    "Ended",
    "Frames",
    "Latency",
    "Tally",
    "TallyingHooks",
    "TopicCounters",
    "added",
]

S = TypeVar("S")
T = TypeVar("T")


BETWEEN = 15
"""So many frames of a topic lie between two that are timed; one less than a power of two."""
BOUNDS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)


class Latency(Struct, frozen=True, kw_only=True):
    """How long frames were under way, from the exchange's time in them to their arrival here.

    Of each topic every 16th frame is timed. ``counts`` has one number for each bound of
    ``bounds_ms``, of the frames that took so many milliseconds at most and more than the bound
    before, and a last one for all that took longer. Two clocks are compared, that of the exchange
    and that of this machine: ``rxbybit doctor`` shows how far they are apart, and a frame that
    seems to come before it was sent counts under the first bound.
    """

    counts: tuple[int, ...] = (0,) * (len(BOUNDS_MS) + 1)
    sum_ms: float = 0.0
    """Of all that were timed."""
    bounds_ms: tuple[int, ...] = BOUNDS_MS

    @property
    def count(self) -> int:
        """How many frames were timed."""
        return sum(self.counts)

    def quantile(self, share: float) -> float | None:
        """The bound in milliseconds that ``share`` of the timed frames, 0 to 1, did not exceed.

        It is one of ``bounds_ms``, ``inf`` where even the last was exceeded, and ``None`` before
        the first frame was timed. Errors: ``ConfigurationError`` for another share.
        """
        if not (is_number(share) and 0 <= share <= 1):
            raise ConfigurationError(f"quantile {share!r}: a share from 0 to 1, such as 0.99")
        count = self.count
        if not count:
            return None
        rank = max(1, ceil(share * count - 1e-9))  # 0.1 * 30 is a little more than 3
        reached = bisect_left(tuple(accumulate(self.counts)), rank)
        return (*self.bounds_ms, inf)[reached]

    def __repr__(self) -> str:
        if not self.count:
            return "Latency(count=0)"
        p50, p99 = self.quantile(0.5), self.quantile(0.99)
        return f"Latency(count={self.count}, p50<={p50} ms, p99<={p99} ms)"


class TopicCounters(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of one topic since it was subscribed; it is gone when the last one leaves."""

    topic: str
    connection: int
    """The number of its link, as in ``Status.connection``."""
    url: str
    """The endpoint of its link."""
    frames: int
    events: int
    """What the frames held, repetitions left out, each event once for all who hear it."""
    decode_failures: int
    gaps: int
    last_frame_ms: int | None = None
    """When its last frame came, in milliseconds since 1970; ``None`` before the first."""

    last_frame = utc["datetime | None"]("last_frame_ms")


class Counters(Struct, frozen=True, kw_only=True, tag_field="event", tag=True):
    """What a client has counted since it was made: a snapshot of that moment.

    The totals cover all its runtimes, those that have ended too, and only ever grow; ``links``,
    ``connected`` and ``topics`` are of now.
    """

    time: datetime
    """When the snapshot was taken."""
    frames: int = 0
    """Messages with data of a topic."""
    events: int = 0
    """What they held, repetitions left out, each event once for all who hear it."""
    decode_failures: int = 0
    """Frames, or items of one, that do not fit their schema: the statuses ``DecodeFailed``."""
    reconnects: int = 0
    """Connections that took the place of one that was lost."""
    gaps: int = 0
    """Holes that reconnects have left: the statuses ``Gap``."""
    drops: int = 0
    """Events that ``iterate`` and operators have dropped, as ``Dropped`` reports them."""
    slow_callbacks: int = 0
    """How often subscribers have held the event loop for more than 100 ms."""
    links: int = 0
    """Links to the exchange, open or being opened."""
    connected: int = 0
    """Those of them that are open."""
    latency: Latency = Latency()
    topics: tuple[TopicCounters, ...] = ()
    """One each topic that is held now, a link; what topics had that are gone is in the totals."""

    def to_json(self) -> bytes:
        """One JSON object with ``event`` first; times as text in UTC."""
        return msgspec.json.encode(self)

    def __repr__(self) -> str:
        named = ", ".join(f"{name}={getattr(self, name)!r}" for name in _NUMBERS)
        held = f"topics=({len(self.topics)} of them)"
        return f"Counters(time={self.time:%Y-%m-%dT%H:%M:%S}Z, {named}, {self.latency!r}, {held})"


_NUMBERS = tuple(n for n in Counters.__struct_fields__ if n not in ("time", "latency", "topics"))


def added(parts: Iterable[Counters]) -> Counters:
    """One snapshot of several, taken now."""
    every = tuple(parts)
    return Counters(
        time=datetime.now(timezone.utc),
        latency=Latency(
            counts=tuple(
                sum(p.latency.counts[i] for p in every) for i in range(len(BOUNDS_MS) + 1)
            ),
            sum_ms=round(sum(p.latency.sum_ms for p in every), 3),
        ),
        topics=tuple(topic for p in every for topic in p.topics),
        **{name: sum(getattr(p, name) for p in every) for name in _NUMBERS},
    )


class Frames(Struct, frozen=True):
    """How many frames there were of something, the events in them, and when the last came."""

    frames: int = 0
    events: int = 0
    received_ns: int = 0

    def __add__(self, other: Frames) -> Frames:
        return Frames(
            self.frames + other.frames,
            self.events + other.events,
            max(self.received_ns, other.received_ns),
        )

    def __sub__(self, other: Frames) -> Frames:
        return Frames(self.frames - other.frames, self.events - other.events)


class Tally:
    """The counters of a client on one runtime, whose thread alone writes them."""

    def __init__(self) -> None:
        self.failures = self.gaps = self.drops = self.slow = 0
        self._connected = self._reconnects = 0
        self._delays = [0] * (len(BOUNDS_MS) + 1)
        self._sum_ms = 0.0
        self._seen: WeakSet[object] = WeakSet()

    def delay(self, sent_ms: int | None, received_ns: int) -> None:
        """A frame with the exchange's time ``sent_ms`` came at ``received_ns``."""
        if sent_ms is not None:
            took_ms = received_ns / 1e6 - sent_ms
            self._delays[bisect_left(BOUNDS_MS, took_ms)] += 1
            self._sum_ms += took_ms

    def connected(self, link: object) -> None:
        """``link`` has a connection, its first or another one."""
        self._connected += 1
        self._reconnects += link in self._seen
        self._seen.add(link)

    def lost(self) -> None:
        """A link has its connection no longer."""
        self._connected -= 1

    def shown(self, gone: Frames, topics: tuple[TopicCounters, ...], *, links: int) -> Counters:
        """As it is now, with ``topics``, and ``gone`` of those that are no more."""
        return Counters(
            time=datetime.now(timezone.utc),
            frames=gone.frames + sum(t.frames for t in topics),
            events=gone.events + sum(t.events for t in topics),
            decode_failures=self.failures,
            reconnects=self._reconnects,
            gaps=self.gaps,
            drops=self.drops,
            slow_callbacks=self.slow,
            links=links,
            connected=self._connected,
            latency=Latency(counts=tuple(self._delays), sum_ms=round(self._sum_ms, 3)),
            topics=topics,
        )


class TallyingHooks:
    """Counts what ``hooks`` hear of, and passes it on."""

    def __init__(self, hooks: Hooks, tally: Tally) -> None:
        self._hooks = hooks
        self._tally = tally
        self.unreachable, self.reached = hooks.unreachable, hooks.reached
        self.own_clock = hooks.own_clock
        self.unhandled_frame = hooks.unhandled_frame

    def status(self, status: Status) -> None:
        if isinstance(status, Gap):
            self._tally.gaps += 1
        elif isinstance(status, DecodeFailed):
            self._tally.failures += 1
        elif isinstance(status, Dropped):
            self._tally.drops += status.count
        self._hooks.status(status)

    def slow_callback(self, topic: str, seconds: float) -> None:
        self._tally.slow += 1
        self._hooks.slow_callback(topic, seconds)


class Ended(Generic[S, T]):
    """The sum of what has ended, for readers on any thread who add what has not, without a lock.

    What ends is added first and taken out of the living afterwards, one at a time. So a reader who
    sees the same sum before and after looking at the living knows all but one thing about them:
    whether the last to be added is still there, and that one the sum names.
    """

    def __init__(self, nothing: S) -> None:
        self._sum: tuple[S, T | None] = (nothing, None)

    @property
    def sum(self) -> S:
        """Of all that has ended."""
        return self._sum[0]

    def add(self, total: S, last: T) -> None:
        """The sum is ``total`` from now on, ``last`` in it; then take ``last`` out."""
        self._sum = (total, last)

    def read(self, living: Callable[[], Iterable[T]]) -> tuple[S, tuple[T, ...]]:
        """The sum, and the living that are not in it."""
        while True:
            before = self._sum
            found = tuple(living())
            if self._sum is before:
                total, last = before
                return total, tuple(one for one in found if one is not last)
