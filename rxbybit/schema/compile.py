"""Turns a schema into an msgspec decoder that gives the same events, only faster.

A frame is decoded into *wire twins* of the event: structs with exactly the event's attributes,
declared in the order of the wire and renamed to its keys. A twin has the slots of the event, so
it can become one (``adoption.py``); that of an ``Interim`` is one from the beginning. Attributes
that the wire does not give stand in the twin too, under names no key equals. What is left to do
to twins is ``written.py``'s.

Only what is known to equal marshmallow is compiled: the field classes of ``table.py``, and
nothing with a hook or a validator. ``compile_frames`` gives ``None`` for all else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any, Literal, cast

import msgspec
from marshmallow import EXCLUDE
from msgspec import NODEFAULT, UNSET, Struct
from msgspec.structs import fields as fields_of

from rxbybit.events import Event
from rxbybit.schema.adoption import adopts
from rxbybit.schema.fields import WireField, WireSchema
from rxbybit.schema.spec import Interim, Wire
from rxbybit.schema.table import MILLISECONDS, Entry, entry_of
from rxbybit.schema.written import Bind, Changed, Decode, Work, nulled, written

__all__ = ["compile_frames"]

# Begins the keys of attributes that a wire does not give. A frame that holds such a key gains
# nothing: null is all that fits there, and meta is written anew.
_UNREACHABLE = "rxbybit "


@cache
def compile_frames(
    wire: Wire,
    snapshot: type[Event],
    delta: type[Event],
    numbers: type,
    given: tuple[object, ...] = (),
) -> Bind | None:
    """What decodes ``wire``, whose frames hold these events, with ``numbers`` as numbers.

    ``given`` has the values of ``wire.from_topic``: the few that there are have decoders of
    their own. ``None`` when something in a schema is not known to equal marshmallow.
    """
    kinds = {"snapshot": snapshot, "delta": delta}
    schemas = {wire.schema_of(kind) for kind in kinds}
    if not all(map(_plain, schemas)) or not _enveloped(wire):
        return None
    # one schema and one event take frames of both kinds; else the kind chooses
    single = len(schemas) == 1 and snapshot is delta
    if wire.changed:
        return _noting(wire, snapshot, numbers) if single else None
    # Any: pyright cannot know a union of classes made at run time
    union = cast("Any", None)
    works: dict[str | None, tuple[type[Struct], Work]] = {}
    for kind in (None,) if single else kinds:
        event = kinds[kind or "snapshot"]
        made = _twin(
            event,
            wire.schema_of(kind or "snapshot"),
            dict(zip(wire.from_topic, given, strict=True)),
            numbers,
        )
        if made is None:
            return None
        twin, work = made
        work = replace(work, of_symbol=wire.of_symbol)
        frame = _frame(event, kind, _data(twin, wire), wire.envelope)
        union = frame if union is None else union | frame
        works[kind] = frame, work
    declared = [field for schema in schemas for field in schema().declared.values()]
    empties = any(isinstance(field, WireField) and field.empty for field in declared)
    return written(
        msgspec.json.Decoder(union).decode,
        works,
        many=wire.many,
        inside=wire.inside is not None,
        empties=empties,
        sent=_sent(wire.envelope).convert,
        without=_elsewhere(wire, schemas),
    )


def _noting(wire: Wire, event: type[Event], numbers: type) -> Bind | None:
    """What decodes frames of which the event says what they gave, mostly a few out of many.

    In most frames all that is given has a value. Of those the first decoder makes twins whose
    ``None`` means absent, which is so in the event, too, so that what is absent costs nearly
    nothing. The other frames it refuses, and they go to a second one, which tells the two apart.
    """
    schema = wire.schema_of("snapshot")
    known = {f.name: f for f in fields_of(event)}
    noted = [name for name, field in schema().declared.items() if not field.required]
    if any(known[name].default is NODEFAULT for name in noted):  # it needs a call, or a value
        return None
    ways: list[Bind] = []
    for absent in (None, UNSET):
        made = _twin(event, schema, {}, numbers, absent)
        if made is None or made[1].levels or made[1].texts or made[1].nothings:
            return None
        twin, work = made
        work = replace(
            work,
            changed=Changed(noted),
            absent=absent,
            defaults={n: known[n].default for n in noted if known[n].default is not absent},
        )
        frame = _frame(event, None, twin, wire.envelope)
        read = msgspec.json.Decoder(frame).decode
        if absent is UNSET:
            read = _nulling(read)
        ways.append(written(read, {None: (frame, work)}, many=False, empties=False))
    first, second = ways

    def bind(topic: str, slow: Decode) -> Decode:
        return first(topic, second(topic, slow))

    return bind


# Any: frames are structs made at run time
def _nulling(read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    return lambda data: read(nulled(data))


def _enveloped(wire: Wire) -> bool:
    """Whether what stands around the data is what frames made here have around it."""
    known = {"kind", "sent_ms", "matched_ms", "data"}
    return wire.delta_in is None and wire.envelope().declared.keys() <= known


def _sent(envelope: type[WireSchema]) -> Entry:
    """How the time of the sending is read; that of a frame that does not say it is ``None``."""
    field = envelope().declared.get("sent_ms")
    entry = Entry(None) if field is None else entry_of(field, Decimal)
    assert entry is not None
    return entry


def _elsewhere(wire: Wire, schemas: set[type[WireSchema]]) -> tuple[bytes, ...]:
    """The keys, as they are spelled, of what only marshmallow's way looks for elsewhere.

    A frame without any of them has nothing to be found elsewhere, nor has an item that has all it
    must have.
    """
    declared = [field for schema in schemas for field in schema().declared.values()]
    must = {field.data_key for field in declared if field.required}
    return tuple(f'"{way.other}"'.encode() for way in wire.otherwise if way.key not in must)


def _plain(schema: type[WireSchema]) -> bool:
    loader = schema()
    # the only place where marshmallow keeps them
    hooks: object = loader._hooks  # pyright: ignore[reportPrivateUsage, reportUnknownMemberType, reportUnknownVariableType]
    hooked = any(cast("dict[str, list[object]]", hooks).values())
    return not hooked and loader.unknown == EXCLUDE


# Any: see _frame
def _data(twin: type[Struct], wire: Wire) -> Any:
    """What the data of a frame decode to."""
    if not wire.many:
        return twin
    items = tuple[twin, ...]  # type: ignore[valid-type]
    if wire.inside is None:
        return items
    holder = msgspec.defstruct(
        f"{twin.__name__}Holder",
        [("items", items)],
        rename={"items": wire.inside},
        frozen=True,
        gc=False,
    )
    return tuple[holder, ...]  # type: ignore[valid-type]


def _frame(
    event: type[Event], kind: str | None, data: object, envelope: type[WireSchema]
) -> type[Struct]:
    """What a whole frame decodes to, of one kind or (``None``) of both."""
    declared = envelope().declared
    keys = {name: field.data_key or name for name, field in declared.items()}
    # Any: msgspec wants tuples of name, type and default, in any mixture
    kinds: list[Any] = [("kind", Literal["snapshot", "delta"])]
    if kind:
        kinds = []
    elif "kind" not in keys:
        kinds = [("kind", Literal["snapshot"], "snapshot")]
    rename = {
        "ts": keys.get("sent_ms", f"{_UNREACHABLE}sent"),
        "cts": keys.get("matched_ms", f"{_UNREACHABLE}matched"),
        "data": keys["data"],
    }
    cts: Any = MILLISECONDS | None if "matched_ms" in keys else None
    ts = ("ts", _sent(envelope).wire) if "sent_ms" in keys else ("ts", None, None)
    return msgspec.defstruct(
        f"{event.__name__}Frame",
        [*kinds, ts, ("data", data), ("cts", cts, None)],
        rename=rename if kind else {**rename, "kind": keys.get("kind", f"{_UNREACHABLE}kind")},
        tag_field=keys.get("kind") if kind else None,
        tag=kind,
        frozen=True,
        gc=False,
        kw_only=True,
    )


def _twin(
    event: type[Event],
    schema: type[WireSchema],
    given: dict[str, object],
    numbers: type,
    absent: object = NODEFAULT,
) -> tuple[type[Struct], Work] | None:
    """The wire twin of an event, and what there is to do to it.

    ``absent`` is what an attribute that a frame did not give is in the twin, of events that say
    which they are; of others it is what the event has for it.
    """
    # Any: msgspec wants tuples of name, type and default, in any mixture
    defs: list[Any] = []
    rename = {"meta": f"{_UNREACHABLE}meta"}
    entries: dict[str, Entry] = {}
    nones: set[str] = set()
    known = {f.name: f for f in fields_of(event) if f.name != "meta"}
    for name, field in schema(numbers=numbers).declared.items():
        if (entry := entry_of(field, numbers)) is None:
            return None
        entries[name] = entry
        nullable = field.allow_none and absent is not None  # where None means absent it is no value
        nullable = nullable and entry.wire is not msgspec.Raw  # which takes null as it is
        wanted = entry.wire | None if nullable else entry.wire
        default = _default(known[name]) if absent is NODEFAULT else absent
        defs.append((name, wanted) if field.required else (name, wanted, default))
        rename[name] = field.data_key or name
        if nullable or not (field.required or default is absent):
            nones.add(name)
    for name in known.keys() - entries.keys():
        defs.append((name, None, given[name] if name in given else _default(known[name])))
        rename[name] = _UNREACHABLE + name
    twin = msgspec.defstruct(
        f"{event.__name__}From{schema.__name__}",
        defs,
        bases=(event,) if issubclass(event, Interim) else event.__bases__,
        rename=rename,
        frozen=True,
        gc=False,
        kw_only=True,
    )
    special = [name for name, entry in entries.items() if entry.special]
    levels = tuple(name for name in special if entries[name].wire is not Decimal)
    work = Work(
        event=event,
        is_event=issubclass(twin, event),
        adopted=adopts(twin, event),
        converts={n: (e.of or e.wire, e.convert) for n, e in entries.items() if e.convert},
        numbers={n: n in nones for n in special if n not in levels},
        levels=levels,
        texts=tuple(name for name, entry in entries.items() if entry.texts),
        nothings=_nothings(schema),
    )
    return twin, work


def _nothings(schema: type[WireSchema]) -> dict[str, str | int]:
    declared = schema().declared.items()
    named = {name: field.nothing for name, field in declared if isinstance(field, WireField)}
    return {name: nothing for name, nothing in named.items() if nothing is not None}


# Any: a FieldInfo of msgspec, whose default is whatever the event's is
def _default(attribute: Any) -> Any:
    if attribute.default_factory is not NODEFAULT:
        return msgspec.field(default_factory=attribute.default_factory)
    return None if attribute.default is NODEFAULT else attribute.default
