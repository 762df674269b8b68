"""One link: a connection that is opened, kept alive, lost and opened again.

The session drives and does not decide: the wire says what a frame means, the conversation what
to ask next, ``Backoff`` how long to wait. It runs on one loop; nothing here is called from
another thread.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from math import inf
from typing import Protocol

from msgspec import Struct

from rxbybit.config import Backoff
from rxbybit.conversation import Conversation
from rxbybit.dialling import book, open_connection, verdict
from rxbybit.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    HeartbeatLost,
    RetryBudgetExhausted,
)
from rxbybit.events import (
    Connected,
    Connecting,
    DecodeFailed,
    Disconnected,
    Reconnecting,
    Status,
    Subscribed,
)
from rxbybit.heartbeat import Heartbeat
from rxbybit.hooks import Hooks, Outage
from rxbybit.limits import ConnectLedger
from rxbybit.protocol.base import WireProtocol
from rxbybit.staleness import Lookout
from rxbybit.transport import Connection, Transport

__all__ = ["Owner", "Session", "Settings"]

CLOSE_S = 0.5
"""How long a peer has to answer a close frame."""
LAST_WORDS_S = 0.25
"""How long the last requests may take to leave."""


class Settings(Struct, frozen=True, kw_only=True):
    """How a session behaves; ``stale`` is for its :class:`Lookout`."""

    heartbeat: float
    backoff: Backoff
    ledger: ConnectLedger
    hooks: Hooks
    stale: float = inf


class Owner(Protocol):
    """Whoever a session works for. ``let_in`` says that some connection has ever been opened."""

    let_in: bool

    def status(self, status: Status) -> None:
        """Something happened on the connection."""

    def connected(self, session: Session) -> None:
        """The exchange has taken the connection."""

    def live(self, session: Session, topics: Sequence[str]) -> None:
        """The exchange sends these topics."""

    def lost(self, session: Session, live: Sequence[str]) -> None:
        """The connection is gone; these topics were delivering."""

    def refused(self, session: Session, refused: Mapping[str, str]) -> None:
        """The exchange does not want to send these topics, for the reasons it gives."""

    def signed_in(self, session: Session) -> None:
        """The exchange knows who asks."""

    def denied(self, session: Session, topics: Sequence[str], error: AuthenticationFailed) -> None:
        """The exchange does not want who asks for these topics."""

    def idle(self, session: Session) -> None:
        """Nothing is wanted on the connection any more."""

    def failed(self, session: Session, error: Exception) -> None:
        """The session has given up for good."""


class Session:
    """One link to ``url``, called ``number`` in every status. ``task`` is its whole life.

    ``failures`` is how many links to ``url`` have been given up in a row before this one.
    """

    def __init__(
        self,
        number: int,
        url: str,
        *,
        wire: WireProtocol,
        transport: Transport,
        settings: Settings,
        owner: Owner,
        failures: int = 0,
    ) -> None:
        self.url = url
        self.number = number
        self._wire = wire
        self._transport = transport
        self._settings = settings
        self._owner = owner
        self._failures = failures
        self._loop = asyncio.get_running_loop()
        self._talk = talk = Conversation(
            number, url, wire=wire, listener=self, hooks=settings.hooks, backoff=settings.backoff
        )
        self.lookout = Lookout(self._loop, settings.stale, self.on_unanswered)
        self._outage = Outage(url, settings.hooks, self._loop.time)
        self._ended: asyncio.Future[ConnectionFailed] | None = None  # there is one while connected
        self._stopping = False
        self._said: type[Status] | None = None
        self.want, self.drop, self.renew = talk.want, talk.drop, talk.renew
        self.cover, self.uncover, self.covers = talk.cover, talk.uncover, talk.covers
        self.fits, self.reroute = talk.fits, talk.reroute
        self.task = self._loop.create_task(self._run(), name=f"rxbybit-session-{number}")

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic wanted on it."""
        return self._talk.topics

    @property
    def private(self) -> bool:
        """Whether some of them are only for who has proven that they are his."""
        return self._talk.private

    def close(self) -> None:
        """End it: politely where there is a connection, at once where there is none."""
        self._stopping = True
        self._talk.stop()
        if self._ended is not None:
            self._end(ConnectionFailed("closed here"))
        else:
            self.task.cancel()

    async def _run(self) -> None:
        try:
            await self._stay_connected()
        except Exception as error:  # noqa: BLE001 - whatever it is, the streams must hear of it
            self._stopping = True
            self._owner.failed(self, error)
        finally:
            self._talk.stop()
            if self._said in (Connecting, Reconnecting):  # which it will not any more
                self._report(Disconnected, reason="closed here")

    async def _stay_connected(self) -> None:
        backoff, attempt, failures = self._settings.backoff, self._failures, 0
        if attempt:
            await self._pause(attempt, 0.0)
        while True:
            wait_s, lived_s = 0.0, 0.0
            try:
                connection = await self._connect(attempt + 1)
            except ConnectionFailed as error:
                last = error
                self._report(Disconnected, reason=str(error))
                wait_s = verdict(self.url, error, let_in=self._owner.let_in)
                self._outage.failed(str(error))
            else:
                began_s = self._loop.time()
                last = await self._serve(connection)
                self._outage.lost()
                lived_s = self._loop.time() - began_s
            if self._stopping:
                return
            attempt, failures = (1, 0) if lived_s >= backoff.cap else (attempt + 1, failures + 1)
            if backoff.budget is not None and failures >= backoff.budget:
                raise RetryBudgetExhausted(
                    f"{self.url}: {failures} attempts in a row have failed, the last because:"
                    f" {last}",
                    attempts=failures,
                ) from last
            await self._pause(attempt, wait_s)

    async def _pause(self, attempt: int, least_s: float) -> None:
        wait_s = max(least_s, random.uniform(0, self._settings.backoff.bound(attempt)))
        self._report(Reconnecting, attempt=attempt, delay_s=wait_s)
        await asyncio.sleep(wait_s)

    async def _connect(self, attempt: int) -> Connection:
        await book(
            self._settings.ledger,
            self.url,
            lambda wait_s: self._report(Reconnecting, attempt=attempt, delay_s=wait_s),
        )
        self._report(Connecting, url=self.url)
        connection = await open_connection(self._transport, self.url)
        self._owner.connected(self)
        self._report(Connected, url=self.url)
        self._outage.over()
        return connection

    async def _serve(self, connection: Connection) -> ConnectionFailed:
        """Use a connection until it ends; gives the reason."""
        self._ended = ended = self._loop.create_future()
        outbox: asyncio.Queue[str | None] = asyncio.Queue()
        writer = self._loop.create_task(_write(connection, outbox))
        heart = Heartbeat(
            self._loop,
            self._settings.heartbeat,
            ping=lambda: outbox.put_nowait(self._wire.ping("ping")),
            dead=lambda: self._end(HeartbeatLost("the peer fell silent: no frame, no pong")),
        )
        on_message = self._talk.opened(outbox.put_nowait, heart)
        reader = self._loop.create_task(connection.read(on_message, self._talk.slow))
        reader.add_done_callback(self._reader_done)
        reason = ConnectionFailed("cancelled")
        try:
            reason = await ended
            if self._stopping:
                outbox.put_nowait(None)
                await asyncio.wait({writer}, timeout=LAST_WORDS_S)
        finally:
            self._ended = None
            heart.stop()
            writer.cancel()
            if not self._stopping:
                reader.cancel()
            self._owner.lost(self, self._talk.closed())
            try:
                # a reader that is cancelled would not see the peer's answer to the close
                await connection.close(CLOSE_S if self._stopping else 0.0)
            finally:
                reader.cancel()
            self._report(Disconnected, reason=str(reason))
        return reason

    def _end(self, reason: ConnectionFailed) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(reason)

    def _reader_done(self, reader: asyncio.Task[str]) -> None:
        if reader.cancelled():
            return
        error = reader.exception()
        if error is None:
            self._end(ConnectionFailed(reader.result()))
        else:  # a mistake of ours: it is told, and costs a reconnect like any other fault
            context = {"message": f"reading from {self.url} failed", "exception": error}
            self._loop.call_exception_handler(context)
            self._end(ConnectionFailed(f"reading failed: {error!r}"))

    def _report(self, kind: type[Status], **facts: object) -> None:
        self._said = kind
        self._owner.status(kind(time=datetime.now(timezone.utc), connection=self.number, **facts))

    # what the conversation says

    def on_live(self, topics: Sequence[str]) -> None:
        """See ``conversation.Listener``."""
        self._report(Subscribed, topics=tuple(topics))
        self._owner.live(self, topics)

    def on_refused(self, refused: Mapping[str, str]) -> None:
        """See ``conversation.Listener``."""
        self._owner.refused(self, refused)

    def on_malformed(self, text: str, why: str) -> None:
        """See ``conversation.Listener``."""
        self._report(DecodeFailed, topic="", raw=text, messages={"_schema": [why]})

    def on_signed_in(self) -> None:
        """See ``conversation.Listener``."""
        self._owner.signed_in(self)

    def on_denied(self, topics: Sequence[str], error: AuthenticationFailed) -> None:
        """See ``conversation.Listener``."""
        self._owner.denied(self, topics, error)

    def on_unanswered(self, why: str) -> None:
        """See ``conversation.Listener``."""
        self._end(ConnectionFailed(why))

    def on_idle(self) -> None:
        """See ``conversation.Listener``."""
        if not self._stopping:
            self._owner.idle(self)


async def _write(connection: Connection, outbox: asyncio.Queue[str | None]) -> None:
    """Send what is put into the box, in order, until ``None``."""
    while (text := await outbox.get()) is not None:
        await connection.send(text)
