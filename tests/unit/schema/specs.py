"""An event with an attribute of each kind, and a schema with a field of each class."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from rxbybit.book import Level
from rxbybit.errors import DecodeError
from rxbybit.events import Event, Side, utc
from rxbybit.ladder import TextLevel
from rxbybit.schema import fields
from rxbybit.schema.decoder import TopicDecoder
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.spec import StreamSpec, Wire


class Odd(Event, frozen=True, kw_only=True):
    text: str = ""
    side: Side | None = None
    flag: bool = False
    whole: int | None = None
    at_ms: int | None = None
    spelled: int | None = None
    moment_ms: int | None = None
    number: Decimal | None = None
    names: tuple[str, ...] = ()
    levels: tuple[Level, ...] = ()
    spelled_levels: tuple[TextLevel, ...] = ()
    text_or_none: str | None = None
    side_or_none: Side | None = None
    spelled_or_none: int | None = None
    moment_or_none_ms: int | None = None
    number_or_none: Decimal | None = None

    at = utc[datetime | None]("at_ms")
    moment = utc[datetime | None]("moment_ms")
    moment_or_none = utc[datetime | None]("moment_or_none_ms")


class OddWire(WireSchema):
    text = fields.String(data_key="t")
    side = fields.Choice(Side)
    flag = fields.Boolean()
    whole = fields.Integer()
    at_ms = fields.Milliseconds(data_key="at")
    spelled = fields.Whole()
    moment_ms = fields.Moment(data_key="moment")
    number = fields.Decimal()
    names = fields.Names()
    levels = fields.Levels()
    spelled_levels = fields.TextLevels()
    text_or_none = fields.String(empty=True)
    side_or_none = fields.Choice(Side, empty=True)
    spelled_or_none = fields.Whole(empty=True)
    moment_or_none_ms = fields.Moment(data_key="moment_or_none", empty=True)
    number_or_none = fields.Decimal(empty=True)


class TextsWire(WireSchema):
    """Only what is text on the wire, as a sparse event needs it."""

    text = fields.String(required=True, data_key="t")
    side = fields.Choice(Side)
    spelled = fields.Whole()
    moment_ms = fields.Moment(data_key="moment")
    number = fields.Decimal()
    names = fields.Names()
    text_or_none = fields.String(empty=True)
    side_or_none = fields.Choice(Side, empty=True)
    spelled_or_none = fields.Whole(empty=True)
    moment_or_none_ms = fields.Moment(data_key="moment_or_none", empty=True)
    number_or_none = fields.Decimal(empty=True)


class Sparse(Odd, frozen=True, kw_only=True):
    changed: frozenset[str] = frozenset()


ODD = StreamSpec("odd", Odd, v5=Wire("odd.{symbol}", OddWire, many=True), categories=("linear",))
SPARSE = StreamSpec(
    "sparse", Sparse, v5=Wire("sparse.{symbol}", TextsWire, changed=True), categories=("linear",)
)

Outcome = tuple[list[tuple[str, object]], list[tuple[object, str]]]


def outcome(
    spec: StreamSpec[Any],
    data: bytes,
    numbers: type = Decimal,  # Any: one of the two above
) -> Outcome:
    """All that can be told from a decoding: every attribute with its type, and every report."""
    reports: list[DecodeError] = []
    topic = f"{spec.name}.X"
    events = TopicDecoder(spec, "v5", topic, numbers=numbers, report=reports.append).decode(
        data, 1, 2
    )
    shown: list[tuple[str, object]] = [
        (name, (type(getattr(event, name)), repr(getattr(event, name))))
        for event in events
        for name in ("__class__", *event.__struct_fields__)
        if name != "changed"
    ]
    shown += [("changed", sorted(getattr(event, "changed", ()))) for event in events]
    return shown, [(error.messages, error.raw) for error in reports]
