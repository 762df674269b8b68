"""What stands in an answer of the exchange over REST, and around it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar, cast

from marshmallow import fields as stock
from marshmallow.exceptions import ValidationError
from msgspec import Struct

from rxbybit.errors import RequestRefused, RxBybitError
from rxbybit.schema.fields import Integer, Milliseconds, WireSchema
from rxbybit.schema.load import loader_of, parsed
from rxbybit.transport import Answer

__all__ = ["ADDRESS_LIMIT_S", "Envelope", "Reply", "Trouble", "not_ok", "read_reply"]

ADDRESS_LIMIT_S = 600.0
"""How long to ask nothing after HTTP 403 on an address that has been served before."""

_HEALING = frozenset({10000, 10006, 10016})
"""V5 manual, "Error Codes": server timeout, too many requests, internal error or restarting."""
_TOO_FREQUENT = b"access too frequent"
_CURSOR = re.compile(r"[!-~]+")


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


class Trouble(Struct):
    """An attempt that failed."""

    error: RxBybitError
    reason: str
    wait_s: float = 0.0
    """How long the host asks to be let alone."""


def read_reply(base_url: str, path: str, body: bytes, received_ns: int, *, rows: bool) -> Reply:
    """The reply that ``body`` is; ``rows`` says that its result must hold a list.

    Errors: ``RequestRefused`` for one that says no, ``ValidationError`` for what is none.
    """
    envelope = cast("dict[str, object]", loader_of(Envelope, Decimal).load(parsed(body)))
    code = cast("int", envelope["code"])
    if code != 0:
        message = cast("str | None", envelope["message"]) or "no reason given"
        raise RequestRefused(code, message, url=base_url + path, permanent=code not in _HEALING)
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


def not_ok(url: str, answer: Answer, *, let_in: bool) -> Trouble:
    """What an HTTP status other than 200 means (V5 manual, "Error Codes": HTTP code).

    ``let_in`` says that the exchange has ever served this address.
    """
    status, wait_s = answer.status, 0.0
    after = answer.headers.get("retry-after", "")
    if status in (429, 503) and after.isdecimal():
        wait_s = min(float(after), ADDRESS_LIMIT_S)
    if status == 403 and (let_in or _TOO_FREQUENT in answer.body.lower()):
        wait_s = ADDRESS_LIMIT_S
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
    return Trouble(error, f"{said} (HTTP {status})", wait_s)
