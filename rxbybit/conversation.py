"""What is said and heard on one link about its topics: requests, answers, and the way of data.

It outlives the connection: what was wanted is asked for again on the next one.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Sequence

from rxbybit.config import Backoff
from rxbybit.errors import AuthenticationFailed
from rxbybit.heartbeat import Heartbeat
from rxbybit.hooks import Hooks
from rxbybit.listener import Feed, Listener, OnMessage, Post
from rxbybit.protocol.base import Authenticated, Malformed, Reply, Unknown, WireProtocol
from rxbybit.protocol.subscriptions import Subscriptions
from rxbybit.signin import Identity, SignIn

__all__ = ["Conversation"]

ANSWER_S = 10.0
"""How long a request waits for its answer before its topics are asked for again."""


class Conversation:
    """The topics of link ``number``, wanted, asked for, delivered."""

    def __init__(
        self,
        number: int,
        url: str,
        *,
        wire: WireProtocol,
        listener: Listener,
        hooks: Hooks,
        backoff: Backoff,
    ) -> None:
        self._number = number
        self._url = url
        self._wire = wire
        self._listener = listener
        self._hooks = hooks
        self._backoff = backoff
        self._loop = asyncio.get_running_loop()
        self._wanted = Subscriptions(wire)
        self._feeds: dict[str, Feed] = {}
        self._routes: dict[bytes, Feed] = {}
        self._covers: dict[str, Callable[[str], None]] = {}
        self._parts = Counter[str]()  # of each topic that covers others: how many are wanted
        self._private: set[str] = set()
        self._sign_in: SignIn | None = None
        self._post: Post | None = None
        self._flushing: asyncio.Handle | None = None
        self._answers: asyncio.TimerHandle | None = None

    @property
    def topics(self) -> tuple[str, ...]:
        """Every wanted topic."""
        return (*self._feeds, *self._covers)

    @property
    def private(self) -> bool:
        """Whether some of them are private."""
        return bool(self._private)

    def fits(self, topic: str) -> bool:
        """Whether the link has room for one topic more.

        One that covers others has none where those were asked for: they would come twice.
        """
        return not self._parts[topic] and self._wanted.fits(topic)

    def covers(self, topic: str) -> str | None:
        """The wanted topic that has the frames of ``topic`` as well."""
        cover = self._wire.covering(topic)
        return cover if cover in self._covers else None

    def want(self, topic: str, feed: Feed, identity: Identity | None = None) -> None:
        """Subscribe ``topic``; its frames go to ``feed``, on every connection to come.

        With an ``identity`` it is a private topic, asked for once that was proven.
        """
        if topic not in self._feeds and (cover := self._wire.covering(topic)):
            self._parts[cover] += 1
        self._feeds[topic] = feed
        if identity is not None:
            self._private.add(topic)
            if self._sign_in is None:
                self._sign_in = SignIn(identity, self._wire, self._backoff, self)
        if self.covers(topic) is None:
            self._wanted.want(topic)
        self._await_first(topic)
        self._flush_soon()

    def cover(self, topic: str, on_seen: Callable[[str], None]) -> None:
        """Subscribe a topic of every symbol; ``on_seen`` hears of each whose frames come.

        Whoever wants those frames says so, by their own topic, and has nothing sent for it.
        """
        self._covers[topic] = on_seen
        self._wanted.want(topic)
        self._flush_soon()

    def uncover(self, topic: str) -> tuple[str, ...]:
        """Unsubscribe a topic of every symbol; gives what it covered and is still wanted."""
        del self._covers[topic]
        self._wanted.drop(topic)
        alone = tuple(other for other in self._feeds if self._wire.covering(other) == topic)
        for other in alone:
            self._wanted.want(other)
            self._await_first(other)
        self._flush_soon()
        return alone

    def reroute(self, topic: str, feed: Feed) -> None:
        """Send the frames of ``topic``, if it is wanted, to ``feed`` from now on."""
        if (before := self._feeds.get(topic)) is not None:
            self._feeds[topic] = feed
            if self._routes[_key(topic)] is before:
                self._routes[_key(topic)] = feed

    def drop(self, topic: str) -> None:
        """Unsubscribe ``topic``."""
        self._forget(topic)
        self._wanted.drop(topic)
        self._flush_soon()

    def renew(self, topic: str) -> None:
        """Subscribe ``topic`` anew, for a snapshot."""
        self._wanted.renew(self.covers(topic) or topic)
        self._flush_soon()

    def opened(self, post: Post, heart: Heartbeat) -> OnMessage:
        """A connection is there: ``post`` sends on it, ``heart`` wants to know of frames.

        Gives what takes in its messages. That is the hot path, hence a closure: an attribute
        looked up for every message costs more than a variable.
        """
        route, other, number = self._routes.get, self._on_other, self._number
        self._post = post
        self.flush()

        def on_message(data: bytes, received_ns: int) -> None:
            heart.heard = True
            # the head of a data frame is {"topic":"NAME": the name, key included, is the route
            feed = route(data[2 : data.find(b'"', 10)])
            if feed is None:
                other(data, received_ns)
            else:
                feed(data, received_ns, number)

        return on_message

    def slow(self, last: bytes, count: int, seconds: float) -> None:
        """What came at once, ``last`` at the end of it, kept the loop for so long."""
        topic = self._wire.topic_of(last) if count == 1 else f"{count} messages read at once"
        self._hooks.slow_callback(topic or "an answer", seconds)

    def closed(self) -> tuple[str, ...]:
        """The connection is gone; gives the topics that were delivering."""
        self._post = None
        if self._sign_in is not None:
            self._sign_in.closed()
        if self._answers is not None:
            self._answers.cancel()
            self._answers = None
        live = self._wanted.closed()
        for topic in self._feeds:
            self._await_first(topic)
        return (*live, *(topic for topic in self._feeds if self.covers(topic) in live))

    def stop(self) -> None:
        """Say nothing on its own accord from now on."""
        if self._sign_in is not None:
            self._sign_in.closed()
        for timer in (self._flushing, self._answers):
            if timer is not None:
                timer.cancel()
        self._flushing = self._answers = None

    def flush(self) -> None:
        """Send what is to be asked, if there is a connection to send it on."""
        self._flushing = None
        if self._post is not None:
            for request in self._wanted.requests(self._loop.time(), self._locked(self._post)):
                self._post(self._wire.request(request.operation, request.topics, request.id))
            since_s = self._wanted.waiting_since(self._loop.time())
            if self._answers is None and since_s is not None:
                # a little later than what it looks for, which rounding could hide from it
                self._answers = self._loop.call_at(since_s + ANSWER_S * 1.001, self._ask_again)
        if not self.topics:
            self._listener.on_idle()

    def _locked(self, post: Post) -> Collection[str]:
        """What may not be asked for yet: private topics, until it is proven who asks."""
        sign_in = self._sign_in
        if not self._private or sign_in is None or sign_in.done:
            return ()
        sign_in.begin(post)
        return self._private

    def on_signed_in(self) -> None:
        """See :class:`rxbybit.signin.Listener`."""
        self._listener.on_signed_in()
        self.flush()

    def on_denied(self, error: AuthenticationFailed) -> None:
        """See :class:`rxbybit.signin.Listener`."""
        topics = tuple(topic for topic in self._feeds if topic in self._private)
        for topic in topics:
            self._forget(topic)
            self._wanted.drop(topic)
        self._listener.on_denied(topics, error)
        self._flush_soon()

    def on_unanswered(self, why: str) -> None:
        """See :class:`rxbybit.signin.Listener`."""
        self._listener.on_unanswered(why)

    def _on_other(self, data: bytes, received_ns: int) -> None:
        topic = self._wire.topic_of(data)
        if topic is not None:
            feed = self._routes.get(_key(topic)) or self._revealed(topic)
            if feed is not None:  # else it has just been unsubscribed
                feed(data, received_ns, self._number)
            return
        control = self._wire.read(data)
        if isinstance(control, Reply):
            self._on_reply(control)
        elif isinstance(control, Authenticated):
            if self._sign_in is not None:
                self._sign_in.answered(control)
        elif isinstance(control, Malformed):
            self._listener.on_malformed(control.text, control.why)
        elif isinstance(control, Unknown):
            self._hooks.unhandled_frame(self._url, control.text)

    def _revealed(self, topic: str) -> Feed | None:
        """Who hears a topic of which the first frame has come, though nobody named it."""
        if (cover := self.covers(topic)) is None:
            return None
        self._covers[cover](topic)
        return self._routes.get(_key(topic))

    def _on_reply(self, reply: Reply) -> None:
        answer = self._wanted.reply(reply)
        self._live(answer.live)
        for topic in answer.refused:
            if topic in self._covers:
                self.uncover(topic)
            else:
                self._forget(topic)
        if answer.refused:
            self._listener.on_refused(answer.refused)
        self._flush_soon()

    def _forget(self, topic: str) -> None:
        del self._feeds[topic]
        if cover := self._wire.covering(topic):
            self._parts[cover] -= 1
        del self._routes[_key(topic)]
        self._private.discard(topic)

    def _ask_again(self) -> None:
        self._answers = None
        self._wanted.overdue(self._loop.time() - ANSWER_S)
        self.flush()

    def _flush_soon(self) -> None:
        if self._flushing is None:
            self._flushing = self._loop.call_soon(self.flush)

    def _live(self, topics: Sequence[str]) -> None:
        for topic in topics:
            if topic in self._feeds:
                self._routes[_key(topic)] = self._feeds[topic]
        if topics:
            self._listener.on_live(topics)

    def _await_first(self, topic: str) -> None:
        """Route the first frame of a subscription so that it counts as its acknowledgement."""

        def first(data: bytes, received_ns: int, connection: int | None) -> None:
            feed = self._feeds[topic]
            cover = self.covers(topic)
            if cover is not None:
                self._routes[_key(topic)] = feed
            elif self._wanted.early(topic):  # of before a hole that is still to come
                return
            if self._wanted.data(cover or topic):
                self._live((cover or topic,))
            feed(data, received_ns, connection)

        self._routes[_key(topic)] = first


def _key(topic: str) -> bytes:
    return b'topic":"' + topic.encode()
