"""Which link carries which topics, for one client on one runtime.

A pool opens a link when its first topic is wanted and closes it with the last one; a topic goes
to the first link of its endpoint that has room. Everything happens on the runtime's thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timezone
from typing import Any

from msgspec.structs import replace
from reactivex import abc
from reactivex.disposable import Disposable

from rxbybit.counting import Counters, Ended, Frames, Tally, TallyingHooks
from rxbybit.cover import Covers, OnError, OnTopics
from rxbybit.errors import AuthenticationFailed, SubscriptionRejected
from rxbybit.events import Rejected, Status
from rxbybit.held import Held
from rxbybit.hooks import Outage
from rxbybit.links import Links
from rxbybit.outlet import AnySpec, Hearer
from rxbybit.runtime import Runtime
from rxbybit.session import Session
from rxbybit.settings import PoolSettings
from rxbybit.signin import Identity

__all__ = ["Pool"]

REQUESTS_AT_ONCE = 8
"""How many REST requests may wait for their answers; each needs a socket."""

Keep = Callable[[Any], bool]  # Any: whatever the stream's events are


class Pool:
    """The links and topics of one client on one runtime."""

    def __init__(self, runtime: Runtime, settings: PoolSettings) -> None:
        self.let_in = False
        self.identity: Identity | None = None
        """Who asks for private topics; whoever subscribes to one says so first."""
        self.heal: Callable[[AnySpec, Held], None] = lambda spec, held: None
        """Sees to it that the holes of a topic are filled, if anybody does."""
        self._runtime = runtime
        self._settings = settings
        self._held: dict[tuple[str, str], Held] = {}
        self._covers = Covers()
        self._let_go: Ended[Frames, Held] = Ended(Frames())
        self._tally = Tally()
        self._hooks = TallyingHooks(settings.session.hooks, self._tally)
        self._listeners: tuple[abc.ObserverBase[Status], ...] = ()
        self._links = Links(
            runtime,
            wire=settings.wire,
            settings=replace(settings.session, hooks=self._hooks),
            numbering=settings.numbering,
            new_transport=settings.new_transport,
            owner=self,
            on_close=self.close,
        )
        self.errand, self.get = self._links.errand, self._links.get
        self.gate = asyncio.Semaphore(REQUESTS_AT_ONCE)
        self._outages: dict[str, Outage] = {}

    def subscribe(
        self,
        spec: AnySpec,
        topics: Sequence[tuple[str, str]],
        hearer: Hearer,
        keep: Keep | None = None,
        *,
        late: bool = True,
    ) -> abc.DisposableBase:
        """Let ``hearer`` hear ``spec`` on these topics, each given with its endpoint's URL.

        ``late``: as :meth:`Hub.attach` has it.
        """
        with ExitStack() as ends:
            for url, topic in topics:
                held = self._hold(spec, url, topic)
                detach, renew = held.hub_of(spec).attach(spec, hearer, keep, late=late)
                ends.callback(detach)
                if renew:
                    held.session.renew(topic)
            return Disposable(ends.pop_all().close)

    def cover(
        self, url: str, topic: str, on_topics: OnTopics, on_error: OnError
    ) -> abc.DisposableBase:
        """Ask for a topic of every symbol; ``on_topics`` hears which topics come of it.

        Whoever then subscribes to one of those has nothing sent for it.
        """
        if (cover := self._covers.get(url, topic)) is None:
            cover = self._covers.begin(self._links.link_for(url, topic), topic)
            for _, heard in self._held:  # the wire that has such topics has one endpoint
                if self._settings.wire.covering(heard) == topic:
                    cover.seen(heard)
        token = cover.join(on_topics, on_error)

        def leave() -> None:
            if cover.leave(token):
                self._covers.drop(cover)
                self._stay_if_empty()
                for held in [self._held[url, alone] for alone in cover.session.uncover(topic)]:
                    if held is not self.heard(url, held.topic):
                        continue  # let go, by who was told of another one
                    if held.lingering is not None:  # for nobody
                        self._release(held)
                    else:  # it is subscribed only now
                        held.lost(was_live=True)

        return Disposable(leave)

    def when_live(self, url: str, topic: str, then: Callable[[], None]) -> Callable[[], None]:
        """Call ``then`` once, when the exchange sends a topic that is heard, or now if it does.

        Gives what calls it off.
        """
        return self._held[url, topic].life.when_live(then)

    def heard(self, url: str, topic: str) -> Held | None:
        """A topic that somebody hears, for as long as somebody does."""
        return self._held.get((url, topic))

    def listen(self, listener: abc.ObserverBase[Status]) -> abc.DisposableBase:
        """Let ``listener`` hear every status from now on."""
        self._listeners += (listener,)

        def leave() -> None:
            self._listeners = tuple(other for other in self._listeners if other is not listener)

        return Disposable(leave)

    @property
    def settings(self) -> PoolSettings:
        """What the client wants."""
        return self._settings

    def outage(self, url: str) -> Outage:
        """What tells the hooks that ``url`` cannot be asked, once for all that ask there."""
        if url not in self._outages:
            self._outages[url] = Outage(url, self._settings.session.hooks, self._runtime.loop.time)
        return self._outages[url]

    def close(self) -> None:
        """Let every observer go without a word and end every link."""
        every = list(self._held.values())
        for held in every:
            self._let_fall(held)
        for held in every:
            held.mute()
        self._covers.mute()
        self._listeners = ()
        self._links.close_all()

    async def closed(self) -> None:
        """Wait until nothing of the pool is left."""
        await self._links.closed()

    def counters(self) -> Counters:
        """What was counted; on any thread."""
        gone, held = self._let_go.read(lambda: list(self._held.values()))
        topics = tuple(one.counters() for one in held)
        return self._tally.shown(gone, topics, links=len(self._links))

    # What a session says: session.Owner

    def status(self, status: Status) -> None:
        """Tell the hooks and whoever listens."""
        self._hooks.status(status)
        for listener in self._listeners:
            listener.on_next(status)

    def live(self, session: Session, topics: Sequence[str]) -> None:
        """Let those know who wait for it."""
        if covers := self._covers.begun(session, topics):
            mine = session.topics
            topics = (*topics, *(t for t in mine if self._settings.wire.covering(t) in covers))
        for topic in topics:
            if held := self._held.get((session.url, topic)):
                held.live()

    def lost(self, session: Session, live: Sequence[str]) -> None:
        """Every topic of the link begins anew."""
        self._tally.lost()
        self._covers.lost(session)
        self._links.lost(session)
        for topic in session.topics:
            if held := self._held.get((session.url, topic)):
                held.lost(was_live=topic in live)

    def refused(self, session: Session, refused: Mapping[str, str]) -> None:
        """End the streams that named the topics; all are let go before anybody hears of one."""
        fallen = [h for t in refused if (h := self._held.get((session.url, t))) is not None]
        covers = self._covers.fall(session, *refused)
        self._let_all_fall(fallen)
        now = datetime.now(timezone.utc)
        for topic, message in refused.items():
            told = Rejected(time=now, connection=session.number, topic=topic, message=message)
            self.status(told)
        for held in fallen:
            held.fail(SubscriptionRejected(held.topic, refused[held.topic]))
        for topic, on_error in covers:
            on_error(SubscriptionRejected(topic, refused[topic]))

    def signed_in(self, session: Session) -> None:
        """The link is good."""
        self._links.taken(session)

    def denied(self, session: Session, topics: Sequence[str], error: AuthenticationFailed) -> None:
        """End the private streams of a link; where it has others, those go on."""
        lost = [h for t in topics if (h := self._held.get((session.url, t))) is not None]
        self._let_all_fall(lost)
        if not session.topics:  # the next one to its endpoint does not begin at once
            self._links.gave_up(session)
            session.close()
        for held in lost:
            held.fail(error)

    def idle(self, session: Session) -> None:
        """Close a link on which nothing is wanted."""
        self._links.close(session)

    def connected(self, session: Session) -> None:
        """The exchange lets this address in."""
        if not session.private:  # else once it is known who asks
            self._links.taken(session)
        self._tally.connected(session)
        self.let_in = True

    def failed(self, session: Session, error: Exception) -> None:
        """End the streams of a link that will not come back; what follows opens a new one."""
        self._links.gave_up(session)
        lost = [h for h in self._held.values() if h.session is session]
        covers = self._covers.fall(session)
        self._let_all_fall(lost)
        for held in lost:
            held.fail(error)
        for _, on_error in covers:
            on_error(error)

    # What a topic says: held.Owner

    def delay(self, sent_ms: int | None, received_ns: int) -> None:
        """Count how long a frame was under way."""
        self._tally.delay(sent_ms, received_ns)

    def unheard(self, held: Held) -> None:
        """Let the topic go, or let it linger."""
        if self._held.get((held.url, held.topic)) is not held:
            return  # refused, failed or closed: it is not wanted any more
        if (linger_s := self._settings.linger) > 0 and not held.spent:
            held.lingering = self._runtime.loop.call_later(linger_s, self._release, held)
        else:
            self._release(held)

    # Topics

    def _hold(self, spec: AnySpec, url: str, topic: str) -> Held:
        held = self._held.get((url, topic))
        if held is None:
            self._links.go()
            held = Held(url, topic, self._settings, self)
            held.hub_of(spec)  # before it is known: this may raise
            held.session = self._links.link_for(url, topic)
            self._held[url, topic] = held
            private = spec.wire(self._settings.wire.name).private
            held.session.want(topic, held.feed, self.identity if private else None)
            self.heal(spec, held)
            if self._covers.seen(url, self._settings.wire.covering(topic), topic):
                held.live()
        elif held.lingering is not None:
            held.lingering.cancel()
            held.lingering = None
        return held

    def _release(self, held: Held) -> None:
        self._let_all_fall([held])
        held.session.drop(held.topic)

    def _let_all_fall(self, every: Sequence[Held]) -> None:
        """Let go of topics that nobody hears any more, or whose observers are to hear of an end."""
        for held in every:
            self._let_fall(held)
        self._stay_if_empty()  # now: subscriptions that end hold no longer

    def _let_fall(self, held: Held) -> None:
        self._let_go.add(self._let_go.sum + held.heard(), held)
        del self._held[held.url, held.topic]
        held.let_go()

    def _stay_if_empty(self) -> None:
        if not self._held:  # whoever wants every symbol holds the script himself
            self._links.stay()
