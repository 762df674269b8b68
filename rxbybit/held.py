"""A topic that somebody hears, with all that belongs to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from datetime import datetime, timezone
from functools import partial
from typing import Protocol, TypeVar

from rxbybit.counting import Frames, TopicCounters
from rxbybit.dedupe import Once
from rxbybit.errors import DecodeError
from rxbybit.events import DecodeFailed, Event, Gap, Resynced, Stale, Status
from rxbybit.hub import Hub
from rxbybit.life import Life
from rxbybit.outlet import AnySpec, Feed
from rxbybit.renewal import PacedRenewal
from rxbybit.schema.decoder import TopicDecoder
from rxbybit.session import Session
from rxbybit.settings import PoolSettings

__all__ = ["Held", "Owner"]

S = TypeVar("S", bound=Status)
_Reading = tuple[type[Event], type[Event]]


class Owner(Protocol):
    """Whoever holds the topic."""

    def status(self, status: Status) -> None:
        """Something happened to it."""

    def delay(self, sent_ms: int | None, received_ns: int) -> None:
        """A frame was sent then, and came then."""

    def unheard(self, held: Held) -> None:
        """Its last observer has left."""


class Held:
    """A topic that somebody hears, or has heard until a moment ago.

    It has a hub for each way in which its frames are read: mostly one. With two of them each
    frame is read twice, what is wrong with it is told once, and so is a hole.
    """

    session: Session

    def __init__(self, url: str, topic: str, settings: PoolSettings, owner: Owner) -> None:
        self.url = url
        self.topic = topic
        self.lingering: asyncio.TimerHandle | None = None
        self.spent = False
        """Its last observers were ended by an error: nobody can go on from what it knows."""
        self.life = Life()
        self.beside: dict[object, object] = {}
        """What others keep for as long as it is heard."""
        self.goes_stale = False
        """Whether it may be dead when it says nothing."""
        self._settings = settings
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._hubs: dict[_Reading, Hub] = {}
        self._renewals: dict[_Reading, PacedRenewal] = {}
        self._specs: dict[_Reading, AnySpec] = {}  # the first of each
        self._counted: tuple[Frames, Hub]  # at once, as another thread may read it
        self._undecodable = 0  # frames, or items of one
        self._gaps = 0
        self._gap: Gap | None = None  # of the last hole, once it is known
        self._complained: _Reading | None = None  # who has told of what is wrong with a frame
        self._feeding = False
        self._told = False  # that a frame, read twice, is what was asked for

    def hub_of(self, spec: AnySpec) -> Hub:
        """The hub that reads frames as ``spec`` wants; a new one needs a snapshot of its own."""
        hub = self._hubs.get(spec.reading)
        if hub is None:
            begun = any(other.begun for other in self._hubs.values())
            hub = self._made(spec)
            if not self._hubs:
                self._counted = Frames(), hub
            for reading in [one for one, other in self._hubs.items() if other.deserted]:
                self._forget(reading)  # it stayed as the last one, and is that no more
            self._hubs[spec.reading] = hub
            self._hand_on()
            self._reroute()
            if begun and not hub.begun:
                self.session.renew(self.topic)
        return hub

    @property
    def hubs(self) -> tuple[Hub, ...]:
        """Each of them has observers, or is the last one."""
        return tuple(self._hubs.values())

    @property
    def feed(self) -> Feed:
        """What takes its frames, as things stand."""
        feeds = tuple(hub.feed for hub in self._hubs.values())
        if len(feeds) == 1:
            return feeds[0]

        def feed(data: bytes, received_ns: int, connection: int | None) -> None:
            self._complained, self._told, self._feeding = None, False, True
            try:
                for one in feeds:
                    one(data, received_ns, connection)
            finally:
                self._feeding = False
                self._hand_on()

        return feed

    def live(self) -> None:
        """The exchange sends the topic."""
        self.session.lookout.begin(self)
        self.life.live()

    def lost(self, *, was_live: bool) -> None:
        """The link is gone."""
        self.life.lost()
        self._gap = None
        self.session.lookout.pause(self)
        for renewal in self._renewals.values():
            renewal.cancel()
        for hub in self.hubs:
            hub.lost(was_live=was_live)

    def fail(self, error: Exception) -> None:
        """End every observer with ``error``."""
        for hub in self.hubs:
            hub.fail(error)

    def mute(self) -> None:
        """Let every observer go without a word."""
        for hub in self.hubs:
            hub.mute()

    def let_go(self) -> None:
        """It is not held any more: nothing of it is left to happen."""
        self.life.end()
        self.session.lookout.forget(self)
        for renewal in self._renewals.values():
            renewal.end()
        if self.lingering is not None:
            self.lingering.cancel()

    def stale(self, why: str) -> None:
        """Nothing has come of it for too long, as ``why`` tells: have it subscribed anew."""
        self._report(Stale)
        for hub in self.hubs:
            hub.spoil(why, silent=True)

    def content(self) -> Hashable:
        """What is known by it, to be compared with what is known later; ``None`` for nothing."""
        states = (hub.state_of(self._specs[reading]) for reading, hub in self._hubs.items())
        return next((state.content() for state in states if state is not None), None)

    def frames(self) -> int:
        """How many have come; the number never falls."""
        before, hub = self._counted
        return before.frames + hub.heard().frames

    def heard(self) -> Frames:
        """What has come; on any thread."""
        before, hub = self._counted
        return before + hub.heard()

    def counters(self) -> TopicCounters:
        """What came of it; on any thread."""
        heard = self.heard()
        return TopicCounters(
            topic=self.topic,
            connection=self.session.number,
            url=self.url,
            frames=heard.frames,
            events=heard.events,
            decode_failures=self._undecodable,
            gaps=self._gaps,
            last_frame_ms=heard.received_ns // 1_000_000 or None,
        )

    def _made(self, spec: AnySpec) -> Hub:
        settings, reading = self._settings, spec.reading
        self._specs[reading] = spec
        wire = spec.wire(settings.wire.name).at(self.topic)
        decoder = TopicDecoder(
            spec,
            settings.wire.name,
            self.topic,
            numbers=settings.numbers,
            report=partial(self._on_undecodable, reading),
        )
        self.goes_stale = wire is not None and wire.goes_stale
        renewal = self._renewals[reading] = PacedRenewal(
            self._loop,
            settings.session.backoff,
            renew=lambda: self.session.renew(self.topic),
            resynced=self._on_resynced,
        )
        return Hub(
            decoder.decode,
            snapshot_first=wire is not None and wire.snapshot_first,
            on_gap=self._on_gap,
            on_empty=partial(self._on_empty, reading),
            once=Once(mixed=wire is not None and wire.mixed) if spec.once else None,
            timed=hasattr(reading[0], "time_ms"),
            on_delay=self._owner.delay,
            renewal=renewal,
            numbers=settings.numbers,
        )

    def _reroute(self) -> None:
        self._complained, self._told = None, False
        if hasattr(self, "session"):
            self.session.reroute(self.topic, self.feed)

    def _on_empty(self, reading: _Reading) -> None:
        """The last hub stays, as its state must go on while the topic lingers."""
        if len(self._hubs) == 1:
            self._owner.unheard(self)
            return
        self._forget(reading)
        self._hand_on()
        self._reroute()

    def _forget(self, reading: _Reading) -> None:
        del self._hubs[reading]
        self._renewals.pop(reading).end()

    def _hand_on(self) -> None:
        """Let another hub count if the one that did is gone; not before both have the frame."""
        before, counting = self._counted
        if not self._feeding and counting not in self._hubs.values():
            heir = self.hubs[0]
            self._counted = before + counting.heard() - heir.heard(), heir

    def _on_undecodable(self, reading: _Reading, error: DecodeError) -> None:
        if self._complained in (None, reading):
            self._complained = reading
            self._undecodable += 1
            self._report(DecodeFailed, raw=error.raw, messages=error.messages)
        hub = self._hubs.get(reading)
        if hub is not None and self._settings.strict:
            self.spent = len(self._hubs) == 1
            hub.fail(error)
        elif hub is not None:
            hub.spoil("a frame could not be read")

    def _on_resynced(self, why: str) -> None:
        if self._told:
            return
        self._told = len(self._hubs) > 1
        self._report(Resynced, reason=why)

    def _report(self, kind: Callable[..., S], **facts: object) -> S:
        now, number = datetime.now(timezone.utc), self.session.number
        status = kind(time=now, connection=number, topic=self.topic, **facts)
        self._owner.status(status)
        return status

    def _on_gap(
        self,
        after_ms: int | None,
        before_ms: int | None,
        filled: int = 0,
        lost: int | None = None,
    ) -> Gap:
        """The same one for each of several hubs; who fills its holes has no other beside it."""
        if self._gap is None or len(self._hubs) == 1:
            self._gaps += 1
            self._gap = self._report(
                Gap, after_ms=after_ms, before_ms=before_ms, filled=filled, lost=lost
            )
        return self._gap
