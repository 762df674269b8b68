"""Noticing that a topic has died, and not mistaking a quiet market or a busy loop for it.

Nobody is told of a frame: a lookout compares, now and then, how many have come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from math import inf
from typing import Protocol

__all__ = ["LOOKS", "MOST", "Lookout", "Silence", "Topic"]

MOST = 64
"""How many times ``stale`` the patience with a topic may grow to that was merely quiet."""
LOOKS = 5
"""So many looks at each topic fall into ``stale`` seconds: silence shows that much later."""
LEAST_S = 0.02
"""Looks are no closer, however short ``stale`` is."""
LATE_S = 0.02
"""A look that is later than this was held up by the loop: reads are still pending."""


class Topic(Protocol):
    """A topic of a link, as its lookout sees it."""

    @property
    def goes_stale(self) -> bool:
        """Whether it may be dead when it says nothing; of others it only counts that they live."""
        ...

    def frames(self) -> int:
        """How many have come; the number never falls."""
        ...

    def content(self) -> Hashable:
        """What is known by it, to be compared with what is known later; ``None`` where nobody
        keeps anything.
        """
        ...

    def stale(self, why: str) -> None:
        """It has said nothing for too long, as ``why`` tells: it is to be subscribed anew."""
        ...


class Silence:
    """How long a topic has said nothing, and how long it may; pure.

    Whoever looks tells the time. ``patience_s`` is ``stale_s`` at first. Each time that the topic
    was asked for anew, and said nothing but what was known, or nothing at all, it doubles, up to
    ``MOST`` times ``stale_s``; it is ``stale_s`` again once the topic has said something else.
    """

    __slots__ = ("_frames", "_frames_then", "_stale_s", "_then", "asked_s", "patience_s", "since_s")

    def __init__(self, stale_s: float, frames: int) -> None:
        self.patience_s = self._stale_s = stale_s
        self.since_s: float | None = None
        """Since when nothing has come, as far as looks tell; ``None`` while there is no link."""
        self.asked_s: float | None = None
        """When it was asked for anew, if nothing has come since."""
        self._frames = self._frames_then = frames
        self._then: Hashable = None  # what was known when it was asked for

    def begin(self, now_s: float) -> None:
        """The exchange sends it from now on."""
        self.since_s = now_s

    def pause(self) -> None:
        """The link is gone."""
        self.since_s = self.asked_s = None

    def broken(self, now_s: float, frames: int) -> bool:
        """Whether anything has come since the last look."""
        if frames == self._frames:
            return False
        self._frames, self.since_s = frames, now_s
        return True

    @property
    def doubtful(self) -> bool:
        """Whether what comes must be compared with what was known: see :meth:`told`."""
        return self.asked_s is not None or self.patience_s > self._stale_s

    def told(self, content: Hashable) -> None:
        """Something has come, and this is what is known now."""
        news = content != self._then
        if content is None:  # nobody knows: a snapshot comes first, and then what is new
            news = self._frames > self._frames_then + 1
        if news:
            self.patience_s = self._stale_s
        elif self.asked_s is not None:
            self._lengthen()
        self.asked_s = None

    def too_long(self, now_s: float) -> bool:
        """Whether it has lasted too long."""
        return self.since_s is not None and now_s - self.since_s >= self.patience_s

    def ask(self, now_s: float, content: Hashable) -> None:
        """The topic is asked for anew, while this is known."""
        self.since_s = self.asked_s = now_s
        self._frames_then, self._then = self._frames, content

    def asked_in_vain(self) -> None:
        """Nothing came of the last time that it was asked for, if it was."""
        if self.asked_s is not None:
            self._lengthen()

    def _lengthen(self) -> None:
        self.patience_s = min(2 * self.patience_s, MOST * self._stale_s)


class Lookout:
    """Looks at the topics of one link; ``replace`` wants another connection, for a reason.

    A topic that goes stale and has said nothing for ``stale_s`` seconds is subscribed anew. When
    nothing comes of that either, and no topic of the link has said anything since, all others that
    go stale are asked for too; if nothing comes even then, the connection is replaced. With
    ``inf`` nothing is ever asked for.

    Time in which the loop was held up does not count, and a look that comes late judges nothing:
    what lies unread is read first.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, stale_s: float, replace: Callable[[str], None]
    ) -> None:
        self._loop = loop
        self._stale_s = stale_s
        self._replace = replace
        self._every_s = max(LEAST_S, stale_s / LOOKS)
        self._topics: dict[Topic, Silence] = {}
        self._watched = 0  # those of them that go stale
        self._timer: asyncio.TimerHandle | None = None
        self._held_up_s = 0.0  # in all
        self._put_off = False
        self._heard_s = -inf  # when something came of any topic, as far as looks tell

    def begin(self, topic: Topic) -> None:
        """The exchange sends ``topic`` from now on; it may be said once more."""
        if self._stale_s == inf:
            return
        silence = self._topics.get(topic)
        if silence is None:
            silence = self._topics[topic] = Silence(self._stale_s, topic.frames())
            self._watched += topic.goes_stale
        silence.begin(self._now())
        if topic.goes_stale and self._timer is None:
            self._arm()

    def pause(self, topic: Topic) -> None:
        """The link is gone: nothing comes of ``topic`` until it begins."""
        if topic in self._topics:
            self._topics[topic].pause()

    def forget(self, topic: Topic) -> None:
        """Nobody wants ``topic`` any more."""
        if self._topics.pop(topic, None) is not None:
            self._watched -= topic.goes_stale
            if not self._watched and self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _now(self) -> float:
        return self._loop.time() - self._held_up_s

    def _arm(self) -> None:
        due = self._loop.time() + self._every_s
        self._timer = self._loop.call_at(due, self._look, due)

    def _look(self, due: float) -> None:
        """Look at every topic; the timer goes on while there is one that may go stale."""
        self._timer = None
        judges, now_s = self._on_time(due), self._now()
        silent: list[Topic] = []
        watching = False
        for topic, silence in self._topics.items():
            if silence.since_s is None:
                continue
            watching = watching or topic.goes_stale
            if silence.broken(now_s, topic.frames()):
                self._heard_s = now_s
                if silence.doubtful:
                    silence.told(topic.content())
            elif topic.goes_stale and silence.too_long(now_s):
                silent.append(topic)
        if watching:
            self._arm()
        if silent and judges:
            self._judge(silent, now_s)

    def _on_time(self, due: float) -> bool:
        """Whether a look may judge; one that comes late takes the time off the clock.

        A loop that is a little late each time puts it off once.
        """
        late_s = self._loop.time() - due
        before, self._put_off = self._put_off, late_s > LATE_S
        if not self._put_off:
            return True
        self._held_up_s += late_s
        return before and late_s < self._every_s

    def _judge(self, silent: list[Topic], now_s: float) -> None:
        """Ask for what is silent anew, or replace the connection if that was in vain."""
        vain = [s.asked_s for t in silent if (s := self._topics[t]).asked_s is not None]
        if vain and self._heard_s <= max(vain):  # of any topic
            others = [t for t, s in self._topics.items() if _unasked(t, s)]
            if not others:
                for silence in self._topics.values():
                    silence.asked_in_vain()
                self._replace("no topic had data, not even when it was subscribed anew")
                return
            silent = list(dict.fromkeys((*silent, *others)))
        for topic in silent:  # somebody hears of each, and may leave another
            silence = self._topics.get(topic)
            if silence is not None and silence.since_s is not None:
                silent_s = now_s - silence.since_s
                silence.asked_in_vain()
                silence.ask(now_s, topic.content())
                topic.stale(f"no data for {silent_s:.1f} s")


def _unasked(topic: Topic, silence: Silence) -> bool:
    """Whether a topic may have something to say if it were asked for."""
    return topic.goes_stale and silence.since_s is not None and silence.asked_s is None
