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
        "gaps",
        "hub",
        "lingering",
        "live",
        "session",
        "topic",
        "undecodable",
        "url",
        "waiting",
    )

    def __init__(self, url: str, topic: str) -> None:
        self.url = url
        self.topic = topic
        self.hub: Hub
        self.session: Session
        self.lingering: asyncio.TimerHandle | None = None
        self.live = False
        self.waiting: dict[object, Callable[[], None]] = {}  # to be called when it is
        self.undecodable = 0  # frames, or items of one
        self.gaps = 0

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
