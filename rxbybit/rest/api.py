"""Asking the exchange over REST: GETs with typed answers, patience and manners."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from decimal import Decimal
from typing import Protocol
from urllib.parse import urlencode, urlsplit

from marshmallow.exceptions import ValidationError

from rxbybit.config import Backoff
from rxbybit.errors import (
    RAW_LIMIT,
    AuthenticationFailed,
    ConnectionFailed,
    DecodeError,
    RequestRefused,
    RetryBudgetExhausted,
    RxBybitError,
)
from rxbybit.events import DecodeFailed, RequestFailed, Status
from rxbybit.hooks import Outage
from rxbybit.limits import REQUESTS, RequestLedger
from rxbybit.pool import Pool
from rxbybit.protocol.message import redacted
from rxbybit.protocol.signing import SignedHeaders, rest_headers
from rxbybit.rest.answer import Reply, Trouble, not_ok, read_reply
from rxbybit.schema.load import complaints
from rxbybit.signin import Identity
from rxbybit.transport import Answer

__all__ = ["Owner", "Query", "Reply", "RestApi", "api_of"]

ANSWER_S = 10.0
"""How long an answer may take."""
MOST_PAGES = 1_000
"""A list with more of them has no end."""

Query = Mapping[str, str]

_CLOCK = 10002
_DENIED = frozenset({401, _CLOCK, 10003, 10004, 10007, 33004})
"""V5 manual, "Error Codes": HTTP code of a wrong key; clock, key, signature, authentication, a
key that has expired."""


class Owner(Protocol):
    """Whoever an api asks for. ``let_in`` says that the exchange has ever served this address,
    ``gate`` how many requests may be under way.
    """

    let_in: bool
    gate: asyncio.Semaphore

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to a GET."""
        ...

    def status(self, status: Status) -> None:
        """Something went wrong that heals."""

    def outage(self, url: str) -> Outage:
        """What tells the hooks of times without an answer."""
        ...


class _Signing:
    """Who asks, on each attempt; when the exchange takes the clock for wrong, by a fresh one."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._fresh = False

    async def ready(self) -> None:
        """Know the exchange's time."""
        await self._identity.clock.look(fresh=self._fresh)

    def headers(self, text: str) -> SignedHeaders:
        """What proves it, for a request with the query ``text``."""
        now_ms = self._identity.clock.now_ms()
        return rest_headers(self._identity.credentials, text, timestamp_ms=now_ms)

    def again(self, error: RxBybitError) -> bool:
        """Whether a fresh look at the clock may heal it."""
        wrong = isinstance(error, RequestRefused) and error.code == _CLOCK and not self._fresh
        self._fresh = self._fresh or wrong
        return wrong

    def redacted(self, error: RequestRefused) -> RequestRefused:
        """The refusal without what was sent: the exchange repeats what it thinks was signed."""
        said = redacted(error.message, (self._identity.credentials.key,))
        return RequestRefused(error.code, said, url=error.url, permanent=error.permanent)


class RestApi:
    """REST under ``base_url``, asked for ``owner``.

    What can heal is asked again, with ``backoff`` between attempts, and told on ``status()``;
    ``numbers`` is what answers have for numbers, ``strict`` makes an item that does not decode an
    error, ``identity`` is who asks for what is not public. ``tells_all`` has what is not asked
    again told on ``status()`` as well: where no stream ends of it. An instance belongs to one
    event loop.
    """

    def __init__(
        self,
        base_url: str,
        owner: Owner,
        *,
        backoff: Backoff | None = None,
        ledger: RequestLedger = REQUESTS,
        numbers: type = Decimal,
        strict: bool = False,
        identity: Identity | None = None,
        tells_all: bool = False,
    ) -> None:
        self.numbers = numbers
        self._tells_all = tells_all
        self._strict = strict
        self._identity = identity
        self._base_url = base_url
        self._host = urlsplit(base_url).netloc
        self._owner = owner
        self._backoff = backoff or Backoff()
        self._ledger = ledger
        self._outage = owner.outage(base_url)

    async def ask(
        self,
        path: str,
        query: Query,
        cursor: str = "",
        *,
        rows: bool = True,
        signed: bool = False,
    ) -> Reply:
        """The answer to one GET; ``rows`` says that its result must hold a list.

        ``cursor`` goes into the query as it came, as the exchange sends it encoded already.
        ``signed`` proves who asks.
        Errors: ``RequestRefused`` and ``ConnectionFailed`` when they are permanent,
        ``AuthenticationFailed``, ``RetryBudgetExhausted``.
        """
        failures, url = 0, self._base_url + path
        sign = _Signing(self._identity) if signed and self._identity is not None else None
        text = _query_text(query, cursor)
        while isinstance(trouble := await self._attempt(path, text, sign, rows=rows), Trouble):
            again = sign is not None and sign.again(trouble.error)
            failures, reason = failures + 1, trouble.reason
            if trouble.error.permanent and not again:
                self._given_up(url, reason, failures)
                raise _denied(trouble.error) if sign else trouble.error
            budget = self._backoff.budget
            if budget is not None and failures >= budget and not again:
                self._given_up(url, reason, failures)
                raise RetryBudgetExhausted(
                    f"{url}: {failures} attempts in a row have failed, the last because: {reason}",
                    attempts=failures,
                ) from trouble.error
            delay_s = max(trouble.wait_s, random.uniform(0, self._backoff.bound(failures)))
            self._outage.failed(reason)
            self._failed(url, reason, failures, delay_s)
            await asyncio.sleep(delay_s)
        self._owner.let_in = True
        self._outage.over()
        return trouble

    @property
    def barred_s(self) -> float:
        """The seconds for which nobody may ask, as this address has asked too often."""
        return self._ledger.barred_s(self._host)

    async def pages(self, path: str, query: Query, *, signed: bool = False) -> list[Reply]:
        """Every page of a list. Errors: as :meth:`ask`."""
        replies = [await self.ask(path, query, signed=signed)]
        while cursor := replies[-1].cursor:
            if len(replies) >= MOST_PAGES or cursor in [reply.cursor for reply in replies[:-1]]:
                url, reason = self._base_url + path, "the pages of the list do not end"
                self._given_up(url, reason, 1)
                raise ConnectionFailed(f"{url}: {reason}")
            replies.append(await self.ask(path, query, cursor, signed=signed))
        return replies

    def undecodable(self, path: str, item: object, error: ValidationError) -> None:
        """Tell of one item of a list that does not fit its schema; ``path`` may be a topic.

        Errors: ``DecodeError`` where the client is strict.
        """
        now, raw = datetime.now(timezone.utc), str(item)[:RAW_LIMIT]
        messages = complaints(error)
        self._owner.status(DecodeFailed(time=now, topic=path, raw=raw, messages=messages))
        if self._strict:
            raise DecodeError(path, raw, messages)

    def _failed(self, url: str, reason: str, attempt: int, delay_s: float | None) -> None:
        now = datetime.now(timezone.utc)
        self._owner.status(
            RequestFailed(time=now, url=url, reason=reason, attempt=attempt, delay_s=delay_s)
        )

    def _given_up(self, url: str, reason: str, attempt: int) -> None:
        if self._tells_all:
            self._failed(url, reason, attempt, None)

    async def _attempt(
        self, path: str, text: str, sign: _Signing | None, *, rows: bool
    ) -> Reply | Trouble:
        url = self._base_url + path
        if sign is not None:
            await sign.ready()  # not at the gate, where it would wait for itself
        try:
            async with self._owner.gate:
                await self._book()
                headers = None if sign is None else sign.headers(text)
                async with asyncio.timeout(ANSWER_S):
                    answer = await self._owner.get(f"{url}?{text}" if text else url, headers)
        except TimeoutError:
            return Trouble(ConnectionFailed("no answer"), f"no answer in {ANSWER_S:.0f} s")
        except ConnectionFailed as error:
            if not error.permanent:
                return Trouble(error, str(error))
            failed = ConnectionFailed(f"{url}: {error}")
            failed.permanent = True
            return Trouble(failed, str(error))
        received_ns = time.time_ns()
        if answer.status != 200:
            trouble = not_ok(url, answer, let_in=self._owner.let_in)
            if trouble.wait_s:
                self._ledger.bar(self._host, trouble.wait_s)
            return trouble
        try:
            return read_reply(self._base_url, path, answer.body, received_ns, rows=rows)
        except ValidationError as error:
            raw = answer.body[: 4 * RAW_LIMIT].decode("utf-8", "replace")
            broken = DecodeError(path, raw, complaints(error))
            broken.permanent = False
            return Trouble(broken, f"the answer is not what it should be: {broken.messages}")
        except RequestRefused as error:
            told = error if sign is None else sign.redacted(error)
            return Trouble(told, f"{told.message} (code {told.code})")

    async def _book(self) -> None:
        """Wait until the exchange's limit on requests allows another one."""
        # again: another answer may have barred it for longer meanwhile
        while (barred_s := self.barred_s) > 0:  # noqa: ASYNC110
            await asyncio.sleep(barred_s)
        wait_s = self._ledger.reserve()
        if wait_s > 0:
            try:
                await asyncio.sleep(wait_s)
            except asyncio.CancelledError:
                self._ledger.give_back()
                raise


def api_of(pool: Pool, base_url: str, *, tells_all: bool = False) -> RestApi:
    """REST under ``base_url`` for the streams of ``pool``, as its client wants it."""
    settings = pool.settings
    return RestApi(
        base_url,
        pool,
        backoff=settings.session.backoff,
        ledger=settings.requests,
        numbers=settings.numbers,
        strict=settings.strict,
        identity=pool.identity,
        tells_all=tells_all,
    )


def _denied(error: RxBybitError) -> RxBybitError:
    """What is wrong with a signed request, where it is the signature."""
    if isinstance(error, RequestRefused) and error.code in _DENIED:
        return AuthenticationFailed(f"{error.message}, code {error.code}")
    return error


def _query_text(query: Query, cursor: str) -> str:
    """The query of a URL, in one place: what is signed must be what is sent."""
    text = urlencode(query)
    return f"{text}&cursor={cursor}" if cursor else text
