"""A topic that has those of every symbol in it, and who wants to know which these are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rxbybit.session import Session

__all__ = ["Cover", "Covers", "OnError", "OnTopics"]

OnTopics = Callable[[Sequence[str]], None]
"""Hears of all topics that have come, each time that there is a new one."""
OnError = Callable[[Exception], None]


class Cover:
    """A topic of every symbol, asked for on ``session``."""

    def __init__(self, session: Session, topic: str) -> None:
        self.session = session
        self.topic = topic
        self.live = False
        """Whether the exchange sends it."""
        self._seen: dict[str, None] = {}
        self._listeners: dict[object, tuple[OnTopics, OnError]] = {}

    def join(self, on_topics: OnTopics, on_error: OnError) -> object:
        """Tell what has come, now and whenever there is more; gives what :meth:`leave` takes."""
        token = object()
        self._listeners[token] = on_topics, on_error
        if self._seen:
            on_topics(tuple(self._seen))
        return token

    def leave(self, token: object) -> bool:
        """Tell somebody no more; whether nobody is left, of whom there was one."""
        return self._listeners.pop(token, None) is not None and not self._listeners

    def seen(self, topic: str) -> None:
        """There is a topic that has a part in it."""
        if topic not in self._seen:
            self._seen[topic] = None
            for on_topics, _ in list(self._listeners.values()):
                on_topics(tuple(self._seen))

    def mute(self) -> list[OnError]:
        """Let everybody go without a word; gives who would hear of an error."""
        listeners, self._listeners = list(self._listeners.values()), {}
        return [on_error for _, on_error in listeners]


class Covers:
    """Those of one pool, by endpoint and topic."""

    def __init__(self) -> None:
        self._covers: dict[tuple[str, str], Cover] = {}

    def get(self, url: str, topic: str | None) -> Cover | None:
        """That of ``topic``, if it is asked for."""
        return None if topic is None else self._covers.get((url, topic))

    def begin(self, session: Session, topic: str) -> Cover:
        """Ask for ``topic`` on a link."""
        cover = self._covers[session.url, topic] = Cover(session, topic)
        session.cover(topic, cover.seen)
        return cover

    def seen(self, url: str, cover: str | None, topic: str) -> bool:
        """Somebody hears ``topic``, which has a part in ``cover``, if that is asked for.

        Gives whether it comes already by that.
        """
        if known := self.get(url, cover):
            known.seen(topic)
        return known is not None and known.live

    def begun(self, session: Session, topics: Sequence[str]) -> frozenset[str]:
        """The exchange sends these topics of ``session``; gives those that cover others."""
        mine = [c for topic in topics if (c := self.get(session.url, topic)) is not None]
        for cover in mine:
            cover.live = True
        return frozenset(cover.topic for cover in mine)

    def lost(self, session: Session) -> None:
        """The link is gone."""
        for cover in self._covers.values():
            if cover.session is session:
                cover.live = False

    def drop(self, cover: Cover) -> None:
        """It is not wanted any more."""
        del self._covers[cover.session.url, cover.topic]

    def fall(self, session: Session, *topics: str) -> list[tuple[str, OnError]]:
        """Drop these of ``session``, or all of them; gives who would hear of an error of each."""
        mine = [c for c in self._covers.values() if c.session is session]
        lost = [cover for cover in mine if not topics or cover.topic in topics]
        for cover in lost:
            self.drop(cover)
        return [(cover.topic, on_error) for cover in lost for on_error in cover.mute()]

    def mute(self) -> None:
        """Let everybody go without a word."""
        covers, self._covers = list(self._covers.values()), {}
        for cover in covers:
            cover.mute()
