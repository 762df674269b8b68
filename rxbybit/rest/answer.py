"""What stands in an answer of the exchange over REST, and around it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar, cast

from marshmallow import fields as stock
from marshmallow.exceptions import ValidationError
from msgspec import Struct

from rxbybit.errors import RequestRefused
from rxbybit.schema.fields import Integer, Milliseconds, WireSchema
from rxbybit.schema.load import loader_of, parsed

__all__ = ["Envelope", "Reply", "read_reply"]

_HEALING = frozenset({10000, 10006, 10016})
"""V5 manual, "Error Codes": server timeout, too many requests, internal error or restarting."""
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
