"""Asking the exchange over REST: GETs with typed answers, patience and manners."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from decimal import Decimal
from typing import ClassVar, Protocol, cast
from urllib.parse import urlencode, urlsplit

from marshmallow import fields as stock
from marshmallow.exceptions import ValidationError
from msgspec import Struct

from rxbybit.config import Backoff
from rxbybit.errors import (
    RAW_LIMIT,
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
from rxbybit.schema.fields import Integer, Milliseconds, WireSchema
from rxbybit.schema.load import complaints, loader_of, parsed
from rxbybit.transport import Answer

__all__ = ["Owner", "Query", "Reply", "RestApi", "api_of"]

ANSWER_S = 10.0
"""How long an answer may take."""
ADDRESS_LIMIT_S = 600.0
"""How long to ask nothing after HTTP 403 on an address that has been served before."""
MOST_PAGES = 1_000
"""A list with more of them has no end."""

Query = Mapping[str, str]

_HEALING = frozenset({10000, 10006, 10016})
"""V5 manual, "Error Codes": server timeout, too many requests, internal error or restarting."""
_CURSOR = re.compile(r"[!-~]+")
_TOO_FREQUENT = b"access too frequent"


class Envelope(WireSchema):
    """What surrounds every answer (V5 manual, "Integration Guidance": response)."""

    code = Integer(required=True, data_key="retCode")
    message = stock.String(data_key="retMsg", load_default="", allow_none=True)
    result = stock.Raw(load_default=None, allow_none=True)
    time_ms = Milliseconds(data_key="time", empty=True)

    ignored: ClassVar[Mapping[str, str]] = {"retExtInfo": "always empty for what is asked here"}


class Reply(Struct, frozen=True):
    """A good answer: its result, and where it comes from."""

    path: str
    result: Mapping[str, object]
    rows: list[object]
    """The list in the result, when there is one."""
    cursor: str
    """What asks for the next page; empty at the last."""
    time_ms: int | None
    """The exchange's clock."""
    received_ns: int


class Owner(Protocol):
    """Whoever an api asks for. ``let_in`` says that the exchange has ever served this address,
    ``gate`` how many requests may be under way.
    """

    let_in: bool
    gate: asyncio.Semaphore

    async def get(self, url: str) -> Answer:
        """The answer to a GET."""
        ...

    def status(self, status: Status) -> None:
        """Something went wrong that heals."""

    def outage(self, url: str) -> Outage:
        """What tells the hooks of times without an answer."""
        ...


class _Trouble(Struct):
    """An attempt that failed."""

    error: RxBybitError
    reason: str
    wait_s: float = 0.0


class RestApi:
    """REST under ``base_url``, asked for ``owner``.

    What can heal is asked again, with ``backoff`` between attempts, and told on ``status()``;
    ``numbers`` is what answers have for numbers, ``strict`` makes an item that does not decode an
    error. An instance belongs to one event loop.
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
    ) -> None:
        self.numbers = numbers
        self._strict = strict
        self._base_url = base_url
        self._host = urlsplit(base_url).netloc
        self._owner = owner
        self._backoff = backoff or Backoff()
        self._ledger = ledger
        self._outage = owner.outage(base_url)

    async def ask(self, path: str, query: Query, cursor: str = "", *, rows: bool = True) -> Reply:
        """The answer to one GET; ``rows`` says that its result must hold a list.

        ``cursor`` goes into the query as it came, as the exchange sends it encoded already.
        Errors: ``RequestRefused`` and ``ConnectionFailed`` when they are permanent,
        ``RetryBudgetExhausted``.
        """
        failures = 0
        while isinstance(trouble := await self._attempt(path, query, cursor, rows=rows), _Trouble):
            if trouble.error.permanent:
                raise trouble.error
            failures += 1
            url, reason = self._base_url + path, trouble.reason
            budget = self._backoff.budget
            if budget is not None and failures >= budget:
                raise RetryBudgetExhausted(
                    f"{url}: {failures} attempts in a row have failed, the last because: {reason}",
                    attempts=failures,
                ) from trouble.error
            delay_s = max(trouble.wait_s, random.uniform(0, self._backoff.bound(failures)))
            self._outage.failed(reason)
            now = datetime.now(timezone.utc)
            self._owner.status(
                RequestFailed(time=now, url=url, reason=reason, attempt=failures, delay_s=delay_s)
            )
            await asyncio.sleep(delay_s)
        self._owner.let_in = True
        self._outage.over()
        return trouble

    async def pages(self, path: str, query: Query) -> list[Reply]:
        """Every page of a list. Errors: as :meth:`ask`."""
        replies = [await self.ask(path, query)]
        while cursor := replies[-1].cursor:
            if len(replies) >= MOST_PAGES or cursor in [reply.cursor for reply in replies[:-1]]:
                raise ConnectionFailed(f"{self._base_url}{path}: the pages of the list do not end")
            replies.append(await self.ask(path, query, cursor))
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

    async def _attempt(
        self, path: str, query: Query, cursor: str, *, rows: bool
    ) -> Reply | _Trouble:
        url = self._base_url + path
        text = _query_text(query, cursor)
        try:
            async with self._owner.gate:
                await self._book()
                async with asyncio.timeout(ANSWER_S):
                    answer = await self._owner.get(f"{url}?{text}" if text else url)
        except TimeoutError:
            return _Trouble(ConnectionFailed("no answer"), f"no answer in {ANSWER_S:.0f} s")
        except ConnectionFailed as error:
            if not error.permanent:
                return _Trouble(error, str(error))
            failed = ConnectionFailed(f"{url}: {error}")
            failed.permanent = True
            return _Trouble(failed, str(error))
        received_ns = time.time_ns()
        if answer.status != 200:
            return self._not_ok(url, answer)
        try:
            return self._read(path, answer.body, received_ns, rows=rows)
        except ValidationError as error:
            raw = answer.body[: 4 * RAW_LIMIT].decode("utf-8", "replace")
            broken = DecodeError(path, raw, complaints(error))
            broken.permanent = False
            return _Trouble(broken, f"the answer is not what it should be: {broken.messages}")
        except RequestRefused as error:
            return _Trouble(error, f"{error.message} (code {error.code})")

    async def _book(self) -> None:
        """Wait until the exchange's limit on requests allows another one."""
        # again: another answer may have barred it for longer meanwhile
        while (barred_s := self._ledger.barred_s(self._host)) > 0:  # noqa: ASYNC110
            await asyncio.sleep(barred_s)
        wait_s = self._ledger.reserve()
        if wait_s > 0:
            try:
                await asyncio.sleep(wait_s)
            except asyncio.CancelledError:
                self._ledger.give_back()
                raise

    def _read(self, path: str, body: bytes, received_ns: int, *, rows: bool) -> Reply:
        envelope = cast("dict[str, object]", loader_of(Envelope, Decimal).load(parsed(body)))
        code = cast("int", envelope["code"])
        if code != 0:
            message = cast("str | None", envelope["message"]) or "no reason given"
            url, permanent = self._base_url + path, code not in _HEALING
            raise RequestRefused(code, message, url=url, permanent=permanent)
        result = envelope["result"]
        if not isinstance(result, dict):
            raise ValidationError({"result": ["Not an object."]})
        held = cast("dict[str, object]", result)
        listed, cursor = held.get("list"), held.get("nextPageCursor") or ""
        if rows and not isinstance(listed, list):
            raise ValidationError({"result": {"list": ["Not a list."]}})
        if cursor and not (isinstance(cursor, str) and _CURSOR.fullmatch(cursor)):
            raise ValidationError({"result": {"nextPageCursor": ["Not a cursor."]}})
        return Reply(
            path=path,
            result=held,
            rows=cast("list[object]", listed) if rows else [],
            cursor=cast("str", cursor),
            time_ms=cast("int | None", envelope.get("time_ms")),
            received_ns=received_ns,
        )

    def _not_ok(self, url: str, answer: Answer) -> _Trouble:
        """What an HTTP status other than 200 means (V5 manual, "Error Codes": HTTP code)."""
        status, wait_s = answer.status, 0.0
        after = answer.headers.get("retry-after", "")
        if status in (429, 503) and after.isdecimal():
            wait_s = min(float(after), ADDRESS_LIMIT_S)
            self._ledger.bar(self._host, wait_s)
        too_frequent = _TOO_FREQUENT in answer.body.lower()
        if status == 403 and (self._owner.let_in or too_frequent):
            wait_s = ADDRESS_LIMIT_S
            self._ledger.bar(self._host, wait_s)
            said, permanent = "this address asks too often: waiting for 10 minutes", False
        elif status == 403:
            said = "the exchange does not serve this address"
            said, permanent = f"{said} (a blocked region, or a host for another one)", True
        elif 300 <= status < 400:
            said, permanent = "a redirect, which is not followed: check the URL", True
        elif status == 404:
            said, permanent = "there is no such path: check the URL", True
        else:
            said, permanent = f"HTTP {status}", status < 500 and status not in (408, 425, 429)
        error = RequestRefused(status, said, url=url, permanent=permanent)
        return _Trouble(error, f"{said} (HTTP {status})", wait_s)


def api_of(pool: Pool, base_url: str) -> RestApi:
    """REST under ``base_url`` for the streams of ``pool``, as its client wants it."""
    settings = pool.settings
    return RestApi(
        base_url,
        pool,
        backoff=settings.session.backoff,
        ledger=settings.requests,
        numbers=settings.numbers,
        strict=settings.strict,
    )


def _query_text(query: Query, cursor: str) -> str:
    """The query of a URL, in one place: what is signed must be what is sent."""
    text = urlencode(query)
    return f"{text}&cursor={cursor}" if cursor else text
