"""The market behind the public sockets: its clock, and who hears what."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Sequence
from math import ceil

from rxbybit.config import Category
from rxbybit.sim.accounts.signed import Times
from rxbybit.sim.market import Market, Push
from rxbybit.sim.pulse import STEP_MS
from rxbybit.sim.source import Listener

__all__ = ["Floor", "MarketSource", "steady_clock"]


def steady_clock() -> Callable[[], int]:
    """Milliseconds since 1970 that go on evenly, whatever is done to the computer's date."""
    ahead_ns = time.time_ns() - time.monotonic_ns()
    return lambda: (ahead_ns + time.monotonic_ns()) // 1_000_000


class Floor:
    """Moves ``market`` by ``clock`` (milliseconds), ``speed`` times as fast, and tells who hears.

    It begins at the market's own time; with ``on_time`` the market first makes up for what the
    clock is ahead of it. What is late is caught up with step by step: nothing is
    left out, and between two steps the loop may look at its sockets.

    Errors: ``ValueError`` for a speed that is not above 0.
    """

    def __init__(
        self,
        market: Market,
        *,
        clock: Callable[[], int],
        speed: float = 1.0,
        on_time: bool = False,
    ) -> None:
        if not speed > 0:
            raise ValueError(f"speed {speed!r}: use a number above 0")
        self.market = market
        self._clock = clock
        self._speed = speed
        self._on_time = on_time
        self._step_ms = ceil(STEP_MS * speed)
        self._began_ms = clock()
        self._opened_ms = market.now_ms
        self._hearers: dict[tuple[Category, str], dict[Listener, None]] = {}
        self._listeners: dict[Listener, None] = {}
        self._restarting: set[Category] = set()

    def start(self) -> None:
        """It is now: the market moves on from where it is."""
        if self._on_time:
            self._step(max(self.market.now_ms, self._clock()))
        self._began_ms = self._clock()
        self._opened_ms = self.market.now_ms

    @property
    def due_ms(self) -> int:
        """The market's time by the clock: where it should be by now."""
        return self._opened_ms + int((self._clock() - self._began_ms) * self._speed)

    def times(self) -> Times:
        """What clients of the market may believe that the time is."""
        even_ms = self._opened_ms + self._clock() - self._began_ms
        believed = (even_ms, self.market.now_ms, self.due_ms)
        return Times(min(believed), max(believed))

    def tell(self, pushes: Iterable[Push]) -> None:
        """Let the market's hearers know at once, without waiting for the end of a step."""
        for push in pushes:
            self._tell(push)
        for listener in tuple(self._listeners):
            listener.flush()

    async def catch_up(self) -> None:
        """Move the market to where it should be; links are told at the end of each step."""
        due_ms = self.due_ms
        while True:
            self._step(min(self.market.now_ms + self._step_ms, due_ms))
            if self.market.now_ms >= due_ms:
                return
            await asyncio.sleep(0)

    def enter(self, listener: Listener) -> None:
        """A link has come."""
        self._listeners[listener] = None

    def leave(self, listener: Listener) -> None:
        """A link has gone."""
        self._listeners.pop(listener, None)

    def hear(self, category: Category, topic: str, listener: Listener) -> None:
        """Send it the snapshot of a topic, if there is such a thing, then whatever follows.

        A topic that has been delisted just now stays silent.
        """
        if topic not in self.market.topics(category):
            return
        self.market.want(category, topic)
        self.join(category, topic, listener)
        snapshot = self.market.snapshot(category, topic)
        if snapshot is not None:
            listener.push(topic, _text(snapshot))

    def miss(self, category: Category, topic: str, listener: Listener) -> None:
        """Send it no more of a topic; the last one to leave lets the market forget it."""
        if self.part(category, topic, listener):
            self.market.forget(category, topic)

    def join(self, category: Category, topic: str, listener: Listener) -> None:
        """Send it what the market says under a topic from now on."""
        self._hearers.setdefault((category, topic), {})[listener] = None

    def part(self, category: Category, topic: str, listener: Listener) -> bool:
        """Send it no more of that; gives whether it was the last one."""
        hearers = self._hearers.get((category, topic), {})
        last = hearers.pop(listener, self) is None and not hearers
        if last:
            del self._hearers[category, topic]
        return last

    def restart(self, category: Category) -> None:
        """Let the books of a category begin anew, at the end of the step."""
        self._restarting.add(category)

    def _step(self, to_ms: int) -> None:
        for push in self.market.advance(to_ms):
            self._tell(push)
        # A link may have asked for it in the middle of the step, with others still to be told.
        while self._restarting:
            for push in self.market.restart(self._restarting.pop()):
                self._tell(push)
        for listener in tuple(self._listeners):
            listener.flush()
            listener.idle()

    def _tell(self, push: Push) -> None:
        hearers = self._hearers.get((push.category, push.topic))
        if hearers:
            raw = _text(push.content)
            # A link that breaks at its frame leaves while the others are told.
            for listener in tuple(hearers):
                listener.push(push.topic, raw)


class MarketSource:
    """The market as the source of one category."""

    def __init__(self, floor: Floor, category: Category) -> None:
        self._floor = floor
        self._category: Category = category

    @property
    def topics(self) -> frozenset[str]:
        return self._floor.market.topics(self._category)

    def open(self, listener: Listener) -> _Channel:
        return _Channel(self._floor, self._category, listener)

    def restart(self) -> None:
        self._floor.restart(self._category)


class _Channel:
    """The topics of one link, as long as it lives."""

    def __init__(self, floor: Floor, category: Category, listener: Listener) -> None:
        self._floor = floor
        self._category: Category = category
        self._listener = listener
        self._topics: set[str] = set()
        self._open = True
        floor.enter(listener)

    async def subscribed(self, topics: Sequence[str]) -> None:
        for topic in topics:
            # The snapshot of the one before may have broken the link.
            if self._open:
                self._topics.add(topic)
                self._floor.hear(self._category, topic, self._listener)
        self._listener.flush()

    def unsubscribed(self, topics: Sequence[str]) -> None:
        for topic in topics:
            self._topics.discard(topic)
            self._floor.miss(self._category, topic, self._listener)

    def stop(self) -> None:
        self._open = False
        self.unsubscribed(tuple(self._topics))
        self._floor.leave(self._listener)

    async def stopped(self) -> None:
        self.stop()


def _text(content: dict[str, object]) -> bytes:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
