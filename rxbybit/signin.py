"""Proving on a connection who asks: the auth message, its answer, and one more try.

Sources: V5 manual, "Connect" (authentication); legacy manual, inverse perpetual websocket
(authentication). What a refusal says is reported by users.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from rxbybit.config import Backoff
from rxbybit.credentials import Credentials
from rxbybit.errors import AuthenticationFailed
from rxbybit.protocol.base import Authenticated, WireProtocol

__all__ = ["Clock", "Identity", "Listener", "SignIn"]

EXPIRES_MS = 10_000
"""How late an auth message may arrive: a slow link needs more than the second of the manual."""
ANSWER_S = 10.0
"""How long the exchange has to answer it."""
TRIES = 2
"""A refusal may be the clock's fault, and is tried once more with a fresh one."""

_LONG = re.compile(r"[0-9A-Za-z+/=_-]{20,}")


class Clock(Protocol):
    """The exchange's clock."""

    async def look(self, *, fresh: bool = False) -> None:
        """Look at it, unless that was done before; ``fresh``: also then."""

    def now_ms(self) -> int:
        """What it shows, in milliseconds."""
        ...


class Identity(Struct, frozen=True):
    """Who asks, and by which clock."""

    credentials: Credentials
    clock: Clock


class Listener(Protocol):
    """Whoever is signed in."""

    def on_signed_in(self) -> None:
        """The exchange knows who asks."""

    def on_denied(self, error: AuthenticationFailed) -> None:
        """It does not want him."""

    def on_unanswered(self, why: str) -> None:
        """It said nothing, or asking failed: the connection is no good."""


class SignIn:
    """Signs in on one connection after the other, as the one of ``identity``.

    Who was denied for good and asks again waits first, longer each time.
    """

    def __init__(
        self, identity: Identity, wire: WireProtocol, backoff: Backoff, listener: Listener
    ) -> None:
        self._identity = identity
        self._wire = wire
        self._backoff = backoff
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[Authenticated] | None = None
        self._refusals = 0  # in a row, also on connections that the exchange then closed
        self._denials = 0
        self.done = False
        """Whether the exchange knows who asks on this connection."""

    def begin(self, post: Callable[[str], None]) -> None:
        """Sign in by what ``post`` sends; nothing if that has begun."""
        if self._task is None:
            self._task = self._loop.create_task(self._run(post), name="rxbybit-signin")
            self._task.add_done_callback(self._ended)

    def answered(self, answer: Authenticated) -> None:
        """What the exchange says."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    def closed(self) -> None:
        """The connection is gone, or nobody wants to be signed in any more."""
        task, self._task = self._task, None
        self.done = False
        if task is not None:
            task.cancel()

    async def _run(self, post: Callable[[str], None]) -> None:
        if self._denials:
            await asyncio.sleep(random.uniform(0.5, 1.0) * self._backoff.bound(self._denials))
        while True:
            identity = self._identity
            await identity.clock.look(fresh=self._refusals > 0)
            self._answer = self._loop.create_future()
            expires_ms = identity.clock.now_ms() + EXPIRES_MS
            post(self._wire.auth(identity.credentials, expires_ms, "auth"))
            try:
                async with asyncio.timeout(ANSWER_S):
                    answer = await self._answer
            except TimeoutError:
                said = f"no answer to the auth message in {ANSWER_S:.0f} s"
                self._listener.on_unanswered(said)
                return
            if answer.success:
                self._refusals = self._denials = 0
                self.done = True
                self._listener.on_signed_in()
                return
            self._refusals += 1
            if self._refusals >= TRIES:
                self._refusals, self._task = 0, None
                self._denials += 1
                self._listener.on_denied(AuthenticationFailed(self._clean(answer.message)))
                return

    def _clean(self, message: str) -> str:
        """The exchange's words without anything that was sent."""
        return _LONG.sub("...", message.replace(self._identity.credentials.key, "..."))

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:  # a mistake of ours, which costs a reconnect like any other fault
            context = {"message": "signing in failed", "exception": error}
            self._loop.call_exception_handler(context)
            self._listener.on_unanswered(f"signing in failed: {type(error).__name__}")
