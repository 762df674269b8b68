"""An event with an attribute of each kind, and a schema with a field of each class."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from rxbybit.book import Level
from rxbybit.errors import DecodeError
from rxbybit.events import Event, Side, utc
from rxbybit.ladder import TextLevel
from rxbybit.schema import fields, legacy, nested
from rxbybit.schema.decoder import TopicDecoder
from rxbybit.schema.envelope import LegacyEnvelope, LegacyTimeEnvelope, PrivateEnvelope
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.spec import Otherwise, StreamSpec, Wire


class Part(Struct, frozen=True, kw_only=True):
    name: str
    amount: Decimal | None = None


class PartWire(WireSchema):
    name = fields.String(required=True, data_key="n")
    amount = fields.Decimal(empty=True)


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
    spelled_levels: list[TextLevel] = field(default_factory=list[TextLevel])
    text_or_none: str | None = None
    side_or_none: Side | None = None
    spelled_or_none: int | None = None
    moment_or_none_ms: int | None = None
    number_or_none: Decimal | None = None
    digit: bool | None = None
    amounts: tuple[tuple[str, Decimal], ...] = ()
    parts: tuple[Part, ...] = ()
    digit_or_none: bool | None = None
    amounts_or_none: tuple[tuple[str, Decimal], ...] | None = None
    parts_or_none: tuple[Part, ...] | None = None
    number_unless_zero: Decimal | None = None
    whole_unless_zero: int | None = None
    text_unless_abc: str | None = None
    side_unless_hold: Side | None = None
    scaled: Decimal | None = None
    scaled_or_none: Decimal | None = None
    second: int | None = None
    end: int | None = None
    microsecond: int | None = None
    nanosecond_unless_zero: int | None = None
    named: Side | None = None
    must_be_named: Side | None = None
    truth: bool = False
    instant: int | None = None

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
    digit = fields.Flag()
    amounts = nested.Amounts()
    parts = nested.Parts(PartWire, Part)
    digit_or_none = fields.Flag(empty=True)
    amounts_or_none = nested.Amounts(empty=True)
    parts_or_none = nested.Parts(PartWire, Part, empty=True)
    number_unless_zero = fields.Decimal(nothing=0)
    whole_unless_zero = fields.Whole(empty=True, nothing=0)
    text_unless_abc = fields.String(nothing="abc")
    side_unless_hold = fields.Choice(Side, nothing="Hold")
    scaled = legacy.Scaled(4)
    scaled_or_none = legacy.Scaled(4, empty=True)
    second = legacy.Seconds()
    end = legacy.End()
    microsecond = legacy.Microseconds()
    nanosecond_unless_zero = legacy.Nanoseconds(nothing=0)
    named = legacy.Spelled(Side, {"Hold": "Buy"}, nothing="None")
    truth = legacy.Truth()
    instant = legacy.Instant()


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
    scaled = legacy.Scaled(8)
    scaled_or_none = legacy.Scaled(8, empty=True)
    named = legacy.Spelled(Side, {"Hold": "Buy"})
    truth = legacy.Truth()


class Named(OddWire):
    must_be_named = legacy.Spelled(Side, {"Hold": "Buy"}, required=True)


class Sparse(Odd, frozen=True, kw_only=True):
    changed: frozenset[str] = frozenset()


ODD = StreamSpec("odd", Odd, v5=Wire("odd.{symbol}", OddWire, many=True), categories=("linear",))
NAMED = StreamSpec(
    "named", Odd, v5=Wire("named.{symbol}", Named, many=True), categories=("linear",)
)
SPARSE = StreamSpec(
    "sparse", Sparse, v5=Wire("sparse.{symbol}", TextsWire, changed=True), categories=("linear",)
)
INNER = StreamSpec(
    "inner",
    Odd,
    v5=Wire("inner.{symbol}", OddWire, many=True, inside="held", envelope=PrivateEnvelope),
    categories=("linear",),
)

TIMED = StreamSpec(
    "timed",
    Odd,
    v5=Wire("timed.{symbol}", OddWire, many=True, envelope=LegacyTimeEnvelope),
    categories=("linear",),
)


class Mapped(WireSchema):
    symbol = fields.String(required=True)
    time = legacy.Instant(required=True)
    price = fields.Decimal(empty=True)
    old = fields.Whole()


class Mapping(Event, frozen=True, kw_only=True):
    symbol: str
    length: int
    time: int
    price: Decimal | None = None
    old: int | None = None


ELSEWHERE = StreamSpec(
    "elsewhere",
    Mapping,
    v5=Wire(
        "elsewhere.{symbol}",
        Mapped,
        many=True,
        envelope=LegacyEnvelope,
        of_symbol={"length": len},
        otherwise=(
            Otherwise("time", "seconds", legacy.Seconds()),
            Otherwise("price", "price_e4", legacy.Scaled(4)),
            Otherwise("old", "older"),
        ),
    ),
    categories=("linear",),
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
