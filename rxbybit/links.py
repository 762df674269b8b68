"""The links of one client on one runtime: opened, chosen, and given back with the last of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from functools import partial
from typing import Any

from rxbybit.errors import ConnectionFailed, RxBybitError
from rxbybit.protocol.base import WireProtocol
from rxbybit.runtime import Runtime
from rxbybit.session import Owner, Session, Settings
from rxbybit.transport import Answer, Transport

__all__ = ["Links"]

CANCELLED_S = 0.1
"""How long a loop whose tasks were all cancelled has to end before it counts as going on."""


class Links:
    """Sessions by endpoint, and what they share: transport, hold on the script, end of the loop."""

    def __init__(
        self,
        runtime: Runtime,
        *,
        wire: WireProtocol,
        settings: Settings,
        numbering: Iterator[int],
        new_transport: Callable[[Runtime], Transport],
        owner: Owner,
        on_close: Callable[[], None],
    ) -> None:
        self._runtime = runtime
        self._wire = wire
        self._settings = settings
        self._numbering = numbering
        self._new_transport = new_transport
        self._owner = owner
        self._on_close = on_close
        self._sessions: list[Session] = []
        self._transport: Transport | None = None
        self._tasks: set[asyncio.Task[None]] = set()  # until the last of them, one may be open
        self._errands: set[asyncio.Task[None]] = set()
        self._failures: dict[str, int] = {}
        self._taken_s: dict[Session, float] = {}  # since when the exchange has had it
        self._forget: Callable[[], None] | None = None
        self._let_go: Callable[[], None] | None = None

    def link_for(self, url: str, topic: str) -> Session:
        """The first link to ``url`` that has room for ``topic``, else a new one."""
        there = [session for session in self._sessions if session.url == url]
        for session in there:
            if session.covers(topic):
                return session
        for session in there:
            if session.fits(topic):
                return session
        session = Session(
            next(self._numbering),
            url,
            wire=self._wire,
            transport=self._ready(),
            settings=self._settings,
            owner=self._owner,
            failures=self._failures.get(url, 0),
        )
        self._sessions.append(session)
        self._watch(session.task, partial(self._cancelled, session))
        return session

    def errand(
        self,
        work: Coroutine[Any, Any, None],  # Any: what it yields to the loop and is sent by it
        on_error: Callable[[Exception], None],
    ) -> Callable[[], None]:
        """Do ``work``, which may :meth:`get`, as long as nobody calls what this gives.

        ``on_error`` hears what it raises, and when somebody else has cancelled it.
        """
        self.go()
        self._ready()
        task = self._runtime.loop.create_task(work, name="rxbybit-errand")
        self._errands.add(task)
        self._watch(task, partial(self._done, task, on_error))

        def recall() -> None:
            if task in self._errands:
                self._errands.discard(task)
                if not self._sessions:
                    self.stay()
                task.cancel()

        return recall

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to a GET, in the course of an errand or of a link."""
        return await self._ready().get(url, headers)

    def __len__(self) -> int:
        return len(self._sessions)

    def taken(self, session: Session) -> None:
        """The exchange has taken a link, and knows who asks where it must."""
        self._taken_s.setdefault(session, self._runtime.loop.time())

    def lost(self, session: Session) -> None:
        """A link has lost its connection; one that lived for long makes up for what failed."""
        taken_s = self._taken_s.pop(session, None)
        cap_s = self._settings.backoff.cap
        if taken_s is not None and self._runtime.loop.time() - taken_s >= cap_s:
            self._failures.pop(session.url, None)

    def gave_up(self, session: Session) -> None:
        """A link has failed for good; the next one to its endpoint does not begin at once."""
        if session in self._sessions:
            self._sessions.remove(session)
            self._failures[session.url] = self._failures.get(session.url, 0) + 1

    def close(self, session: Session) -> None:
        """End a link; nothing for one whose task was cancelled.

        One that the exchange has until now makes up for what failed.
        """
        if session in self._sessions:
            self._sessions.remove(session)
            if self._taken_s.pop(session, None) is not None:
                self._failures.pop(session.url, None)
            session.close()

    def close_all(self) -> None:
        """End every link."""
        errands, self._errands = self._errands, set()
        for task in errands:
            task.cancel()
        self.stay()
        while self._sessions:
            self.close(self._sessions[-1])

    async def closed(self) -> None:
        """Wait until nothing is left."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def stay(self) -> None:
        """Keep a script from ending before the last close frame is out.

        An errand needs nobody to hold the script: whoever it is for does that, if he wants.
        """
        if self._errands:
            return
        if self._let_go is None and self._tasks:  # the end of asyncio.run leaves none to wait for
            self._let_go = self._runtime.hold()

    def go(self) -> None:
        """Let the script end when its subscriptions do."""
        if self._let_go is not None:
            self._let_go()
            self._let_go = None

    def _ready(self) -> Transport:
        if self._transport is None:
            self._transport = self._new_transport(self._runtime)
        if self._forget is None:  # else an old transport is still closing
            self._forget = self._runtime.on_close(self._on_close)
        return self._transport

    def _done(self, task: asyncio.Task[None], on_error: Callable[[Exception], None]) -> None:
        wanted = task in self._errands
        self._errands.discard(task)
        if task.cancelled():
            if wanted:  # and the loop goes on: see _cancelled
                error = ConnectionFailed("the task that asks the exchange was cancelled")
                self._runtime.loop.call_later(CANCELLED_S, on_error, error)
            return
        error = task.exception()
        if isinstance(error, Exception) and wanted:
            on_error(error)
        elif error is not None and not isinstance(error, RxBybitError):
            self._runtime.report("an errand that nobody waits for any more failed", error)

    def _watch(self, task: asyncio.Task[None], then: Callable[[], None] | None = None) -> None:
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, then))

    def _ended(self, then: Callable[[], None] | None, task: asyncio.Task[None]) -> None:
        """With the last link, give back what links share."""
        self._tasks.discard(task)
        if then is not None:
            then()
        if self._tasks:
            return
        transport, self._transport = self._transport, None
        if transport is not None and not self._runtime.loop.is_closed():
            self._release(transport)
            return
        if self._forget is not None:
            self._forget()
            self._forget = None
        self.go()

    def _release(self, transport: Transport) -> None:
        """Close what links share, however often the end of the loop cancels it on the way."""
        loop = self._runtime.loop
        task = loop.create_task(transport.aclose(), name="rxbybit-release")

        def again() -> None:
            if task.cancelled() and not loop.is_closed():  # perhaps before its first step
                self._release(transport)

        self._watch(task, again)

    def _cancelled(self, session: Session) -> None:
        """Somebody has cancelled the task of a link that is wanted; on a loop that goes on,
        its streams must hear of it.
        """
        if session in self._sessions:
            self._sessions.remove(session)
            error = ConnectionFailed(f"the task of the link to {session.url} was cancelled")
            self._runtime.loop.call_later(CANCELLED_S, self._owner.failed, session, error)
