"""A topic that somebody hears, with all that belongs to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rxbybit.counting import TopicCounters
from rxbybit.hub import Hub
from rxbybit.session import Session

__all__ = ["Held"]


class Held:
    """A topic that somebody hears, or has heard until a moment ago."""

    __slots__ = (
        "_live",
        "_waiting",
        "gaps",
        "hub",
        "lingering",
        "session",
        "topic",
        "undecodable",
        "url",
    )

    def __init__(self, url: str, topic: str) -> None:
        self.url = url
        self.topic = topic
        self.hub: Hub
        self.session: Session
        self.lingering: asyncio.TimerHandle | None = None
        self.undecodable = 0  # frames, or items of one
        self.gaps = 0
        self._live = False
        self._waiting: dict[object, Callable[[], None]] = {}

    def when_live(self, then: Callable[[], None]) -> Callable[[], None]:
        """Call ``then`` once, when the exchange sends the topic, or now if it does.

        Gives what calls it off.
        """
        token = object()
        if self._live:
            then()
        else:
            self._waiting[token] = then
        return lambda: self._waiting.pop(token, None) and None

    def live(self) -> None:
        """The exchange sends the topic."""
        self._live = True
        waiting, self._waiting = self._waiting, {}
        for then in waiting.values():
            then()

    def lost(self, *, was_live: bool) -> None:
        """The link is gone."""
        self._live = False
        self.hub.lost(was_live=was_live)

    def counters(self) -> TopicCounters:
        """What came of it."""
        heard = self.hub.heard()
        return TopicCounters(
            topic=self.topic,
            connection=self.session.number,
            url=self.url,
            frames=heard.frames,
            events=heard.events,
            decode_failures=self.undecodable,
            gaps=self.gaps,
            last_frame_ms=heard.received_ns // 1_000_000 or None,
        )
