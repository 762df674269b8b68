"""The path through marshmallow: slow, and what counts.

It reads what the compiled path refuses, and says what is wrong with it; or everything, where
there is no compiled path.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, cast

from marshmallow.exceptions import ValidationError
from msgspec.structs import force_setattr

from rxbybit.errors import RAW_LIMIT, DecodeError, Messages
from rxbybit.events import Event, Meta
from rxbybit.schema import fields
from rxbybit.schema.nested import Items
from rxbybit.schema.spec import Otherwise, StreamSpec, Wire

__all__ = ["Loader", "complaints", "loader_of", "parsed"]

_Item = tuple[tuple[object, ...], object]
_LONGEST_INT = 4300  # digits that Python's int() takes


class Loader:
    """Frames of one topic, through marshmallow."""

    def __init__(
        self,
        spec: StreamSpec[Any],  # Any: the events of any stream
        wire: Wire,
        topic: str,
        given: Mapping[str, object],
        *,
        numbers: type,
        report: Callable[[DecodeError], None],
    ) -> None:
        self._spec = spec
        self._wire = wire
        self._topic = topic
        self._given = dict(given)
        self._numbers = numbers
        self._report = report
        self._envelope = loader_of(wire.envelope, Decimal)
        self._holder = None if wire.inside is None else _holder(wire.inside)

    def load(self, data: bytes, received_ns: int, connection: int | None) -> tuple[Event, ...]:
        """The good events of a frame; what is wrong is reported, an item at a time."""
        try:
            frame = cast("dict[str, object]", self._envelope.load(parsed(data)))
            kind = cast("str", frame.get("kind", "snapshot"))
            items = self._items(frame["data"], kind)
        except ValidationError as error:
            self._refuse(data, complaints(error))
            return ()
        meta = Meta(
            self._topic,
            kind,
            cast("int | None", frame.get("sent_ms")),
            cast("int | None", frame.get("matched_ms")),
            received_ns,
            connection,
        )
        schema = loader_of(self._wire.schema_of(kind), self._numbers)
        given = self._given | {n: frame[n] for n in self._wire.from_envelope if n in frame}
        events: list[Event] = []
        for where, item in self._inner(items, data):
            try:
                events.append(self._event(schema, kind, item, given, meta))
            except ValidationError as error:
                self._refuse(data, _at(where, complaints(error)))
        return tuple(events)

    def _items(self, data: object, kind: str) -> list[_Item]:
        """The items of a frame, each with where it stands."""
        key = self._wire.delta_in
        if key is not None and kind == "delta":
            held = cast("dict[str, object]", data).get(key) if isinstance(data, dict) else None
            listed = cast("list[object]", held) if isinstance(held, list) else []
            if len(listed) != 1:
                raise ValidationError({"data": cast("Any", {key: ["Not a list of one item."]})})
            return [(("data", key, 0), listed[0])]
        if not self._wire.many:
            return [(("data",), data)]
        if isinstance(data, dict):
            # the manual calls the data of some lists an object: a lone item will do
            return [(("data", 0), cast("object", data))]
        if isinstance(data, list):
            return [(("data", at), item) for at, item in enumerate(cast("list[object]", data))]
        raise ValidationError({"data": ["Not a list."]})

    def _inner(self, items: list[_Item], data: bytes) -> Iterator[_Item]:
        """What an event is made of each: the items, or those in their lists."""
        if self._holder is None:
            yield from items
            return
        key = cast("str", self._wire.inside)
        for where, item in items:
            try:
                held = cast("dict[str, list[object]]", self._holder.load(cast("Any", item)))
            except ValidationError as error:
                self._refuse(data, _at(where, complaints(error)))
            else:
                for at, inner in enumerate(held["items"]):
                    yield (*where, key, at), inner

    def _event(
        self,
        schema: fields.WireSchema,
        kind: str,
        item: object,
        given: Mapping[str, object],
        meta: Meta,
    ) -> Event:
        wire = self._wire
        item = _found(item, wire.otherwise) if wire.otherwise else item
        attributes = cast("dict[str, object]", schema.load(cast("dict[str, object]", item)))
        if wire.changed:
            declared = schema.declared
            attributes["changed"] = frozenset(n for n in attributes if not declared[n].required)
        for name, of in wire.of_symbol.items():
            attributes[name] = of(cast("str", attributes["symbol"]))
        event = cast("Callable[..., Event]", self._spec.event_of(kind))(**attributes, **given)
        force_setattr(event, "meta", meta)
        return event

    def _refuse(self, data: bytes, messages: Messages) -> None:
        # a character has at most 4 bytes
        raw = data[: 4 * RAW_LIMIT].decode("utf-8", "replace")
        self._report(DecodeError(self._topic, raw, messages))


def _found(item: object, otherwise: tuple[Otherwise, ...]) -> object:
    """``item`` with what it lacks, where that stands elsewhere in it."""
    if not isinstance(item, dict):
        return item  # which the schema refuses
    whole = dict(cast("dict[str, object]", item))
    wrong: dict[str, object] = {}
    for way in otherwise:
        if way.key not in whole and way.other in whole:
            value = whole[way.other]
            try:
                whole[way.key] = _read(way.field, value)
            except ValidationError as error:
                wrong[way.other] = complaints(error)
    if wrong:
        raise ValidationError(cast("Any", wrong))
    return whole


# Any: of whatever it gives
def _read(field: fields.WireField[Any] | None, value: object) -> object:
    return value if field is None else field.deserialize(value)  # pyright: ignore[reportUnknownMemberType]


@cache
def _holder(key: str) -> fields.WireSchema:
    """What loads an item of which nothing counts but the list under ``key``."""
    field = Items(required=True, data_key=key)
    # marshmallow does not say what its fields are generic in
    made: object = fields.WireSchema.from_dict({"items": field})  # pyright: ignore[reportUnknownMemberType]
    return cast("type[fields.WireSchema]", made)()


def _at(where: tuple[object, ...], said: Messages) -> Messages:
    for step in reversed(where):
        said = cast("Messages", {step: said})  # an index is a key too, as marshmallow has it
    return said


def complaints(error: ValidationError) -> Messages:
    """What marshmallow says is wrong."""
    # marshmallow does not say what its messages are made of
    return cast("Messages", error.messages)  # pyright: ignore[reportUnknownMemberType]


@cache
def loader_of(schema: type[fields.WireSchema], numbers: type) -> fields.WireSchema:
    """The loader of ``schema``, which is made once."""
    return schema(numbers=numbers)


def parsed(data: bytes) -> Mapping[str, object]:
    """The JSON of ``data``, numbers exact; ``ValidationError`` when it is none."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValidationError([f"Not UTF-8: {error.reason} at byte {error.start}."]) from error
    try:
        value: object = json.loads(
            text, parse_int=_whole, parse_float=_fraction, parse_constant=_constant
        )
    except ValueError as error:
        raise ValidationError([f"Not JSON: {error}."]) from error
    except RecursionError as error:
        raise ValidationError(["Not JSON that can be read: too deep."]) from error
    # whatever it is, the envelope judges it
    return cast("Mapping[str, object]", value)


def _whole(text: str) -> int | Decimal:
    return int(text) if len(text) <= _LONGEST_INT else Decimal(text)


def _fraction(text: str) -> Decimal | float:
    try:
        return Decimal(text)
    except ArithmeticError:
        return float(text)  # an exponent beyond all measure: infinite, which no field takes


def _constant(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")
