"""What is not known to equal marshmallow is not compiled, and decodes all the same."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import pytest
from marshmallow import RAISE, post_load, validate
from marshmallow import fields as stock
from msgspec import field

from rxbybit.book import Level
from rxbybit.errors import DecodeError
from rxbybit.events import Event
from rxbybit.schema import fields
from rxbybit.schema.compile import compile_frames
from rxbybit.schema.decoder import TopicDecoder
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.spec import StreamSpec, Wire


class Thing(Event, frozen=True, kw_only=True):
    number: Decimal


class Plain(WireSchema):
    number = fields.Decimal(required=True)


class Hooked(WireSchema):
    number = fields.Decimal(required=True)

    @post_load
    def negate(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:  # Any: see marshmallow
        return {"number": -data["number"]}


class Strict(WireSchema):
    number = fields.Decimal(required=True)

    class Meta:
        unknown = RAISE


class Validated(WireSchema):
    number = stock.Decimal(required=True, validate=validate.Range(max=5))


class Stock(WireSchema):
    number = stock.Decimal(required=True)


class Halves(fields.Decimal):
    def read(self, value: object) -> Decimal:
        return super().read(value) / 2


class Subclassed(WireSchema):
    number = Halves(required=True)


def decode(schema: type[WireSchema], data: bytes) -> tuple[list[Event], list[DecodeError]]:
    reports: list[DecodeError] = []
    spec = StreamSpec("things", Thing, v5=Wire("things", schema), categories=("linear",))
    events = TopicDecoder(spec, "v5", "things", report=reports.append).decode(data, 1, 2)
    return list(events), reports


FRAME = b'{"type":"snapshot","ts":1,"data":{"number":"3","more":1}}'


def compiled(schema: type[WireSchema]) -> bool:
    return compile_frames(Wire("things", schema), Thing, Thing, Decimal) is not None


def test_what_is_compiled() -> None:
    assert compiled(Plain)
    for schema in (Hooked, Strict, Validated, Stock, Subclassed):
        assert not compiled(schema), schema


@pytest.mark.parametrize(
    ("schema", "value"),
    [(Plain, 3), (Hooked, -3), (Validated, 3), (Stock, 3), (Subclassed, Decimal("1.5"))],
)
def test_all_decode(schema: type[WireSchema], value: object) -> None:
    events, reports = decode(schema, FRAME)
    assert events == [Thing(number=Decimal(str(value)))]
    assert not reports


def test_what_a_schema_asks_for_beside_is_done() -> None:
    assert decode(Strict, FRAME)[1][0].messages == {"data": {"more": ["Unknown field."]}}
    assert "less than or equal to 5" in str(decode(Validated, FRAME.replace(b"3", b"6"))[1][0])


def test_a_wire_is_compiled_once() -> None:
    wire = Wire("things", Plain)
    assert compile_frames(wire, Thing, Thing, Decimal) is compile_frames(
        wire, Thing, Thing, Decimal
    )
    assert compile_frames(wire, Thing, Thing, float) is not compile_frames(
        wire, Thing, Thing, Decimal
    )


class Changing(Event, frozen=True, kw_only=True):
    number: Decimal = Decimal(7)
    flag: bool | None = True
    sizes: tuple[Level, ...] = ()
    names: tuple[str, ...] = field(default_factory=lambda: ())
    changed: frozenset[str] = frozenset()


def changing(**declared: fields.WireField[Any]) -> Wire:  # Any: of any kind
    schema = WireSchema.from_dict(dict(declared))
    return Wire("changing", cast("type[WireSchema]", schema), changed=True)


@pytest.mark.parametrize("path", ["msgspec", "marshmallow"])
def test_what_a_frame_does_not_give_is_as_the_event_has_it(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RXBYBIT_DECODER", path)
    wire = changing(number=fields.Decimal(), flag=fields.Boolean(empty=True))
    spec = StreamSpec("changing", Changing, v5=wire, categories=("linear",))
    decoder = TopicDecoder(spec, "v5", "changing", report=lambda error: pytest.fail(str(error)))
    assert decoder.compiled == (path == "msgspec")

    def given(data: bytes) -> tuple[object, ...]:
        [event] = decoder.decode(b'{"type":"delta","ts":5,"data":{%s}}' % data, 1, 2)
        assert isinstance(event, Changing)
        return event.number, event.flag, event.changed

    assert given(b"") == (Decimal(7), True, frozenset())
    assert given(b'"number":"1"') == (Decimal(1), True, {"number"})
    assert given(b'"flag":""') == (Decimal(7), None, {"flag"})
    assert given(b'"flag":null') == (Decimal(7), None, {"flag"})
    assert given(b'"flag":"","number":"0"') == (Decimal(0), None, {"flag", "number"})
    assert given(b'"flag":false') == (Decimal(7), False, {"flag"})


def test_an_event_that_says_what_changed_has_single_values() -> None:
    for declared in ({"sizes": fields.Levels()}, {"names": fields.Names()}):
        assert compile_frames(changing(**declared), Changing, Changing, Decimal) is None
