"""Turns a schema into an msgspec decoder that gives the same events, only faster.

A frame is decoded into *wire twins* of the event: structs with exactly the event's attributes,
declared in the order of the wire and renamed to its keys. A twin has the slots of the event,
so it can become one (``adoption.py``). Attributes that the wire does not give stand in the
twin too, under names no key equals. Sparse events take another way (``sparse.py``).

Only what is known to equal marshmallow is compiled: the field classes of ``table.py``, and
nothing with a hook or a validator. ``compile_frames`` gives ``None`` for all else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Literal, cast

import msgspec
from marshmallow import EXCLUDE
from msgspec import NODEFAULT, Struct
from msgspec.structs import fields as fields_of

from rxbybit.events import Event
from rxbybit.schema.adoption import adopts
from rxbybit.schema.fields import WireField, WireSchema
from rxbybit.schema.finish import Finish, Work, written
from rxbybit.schema.sparse import sparse_builder
from rxbybit.schema.spec import Wire
from rxbybit.schema.table import MILLISECONDS, Entry, entry_of

__all__ = ["Frames", "Shape", "compile_frames"]

# Begins the keys of attributes that a wire does not give. A frame that holds such a key gains
# nothing: null is all that fits there, and meta is written anew.
_UNREACHABLE = "rxbybit "


@dataclass(frozen=True, slots=True)
class Shape:
    """What makes events of the wire twins of one kind of frame."""

    event: type[Event]
    adopted: bool
    """Whether twins become events when they are finished; else they are copied."""
    finish: Finish
    checked: Finish
    """The same, for frames in which a number may not be finite."""
    few: bool
    """Whether there are so few numbers that to check them takes less than to look whether one
    could be wrong."""


@dataclass(frozen=True)
class Frames:
    """The compiled decoder of a wire's frames."""

    # Any: frames are structs made below, with kind, ts, cts, data, and with what makes events
    # of the data: a Shape as shape, or a Build as build
    decode: Callable[[bytes], Any]
    empties: bool
    """Whether ``""`` stands for null somewhere, which wire twins cannot know."""


@cache
def compile_frames(
    wire: Wire, snapshot: type[Event], delta: type[Event], numbers: type
) -> Frames | None:
    """The decoder for ``wire``, whose frames hold these events, with ``numbers`` as numbers.

    ``None`` when something in a schema is not known to equal marshmallow.
    """
    kinds = {"snapshot": snapshot, "delta": delta}
    schemas = {wire.schema_of(kind) for kind in kinds}
    if not all(map(_plain, schemas)):
        return None
    # one schema and one event take frames of both kinds; else the kind chooses
    single = len(schemas) == 1 and snapshot is delta
    frames = [
        _frame(wire, kind, kinds[kind], numbers, single=single)
        for kind in (["snapshot"] if single else kinds)
    ]
    if None in frames:
        return None
    # Any: pyright cannot know a union of classes made at run time
    union: Any = frames[0]
    for other in frames[1:]:
        union = union | other
    declared = [field for schema in schemas for field in schema().declared.values()]
    empties = any(isinstance(field, WireField) and field.empty for field in declared)
    return Frames(msgspec.json.Decoder(union).decode, empties and not wire.changed)


def _plain(schema: type[WireSchema]) -> bool:
    loader = schema()
    # the only place where marshmallow keeps them
    hooks: object = loader._hooks  # pyright: ignore[reportPrivateUsage, reportUnknownMemberType, reportUnknownVariableType]
    hooked = any(cast("dict[str, list[object]]", hooks).values())
    return not hooked and loader.unknown == EXCLUDE


def _frame(
    wire: Wire, kind: str, event: type[Event], numbers: type, *, single: bool
) -> type[Struct] | None:
    schema = wire.schema_of(kind)
    data: object = dict[str, str]
    maker: dict[str, object]
    if wire.changed:
        build = sparse_builder(event, schema, numbers)
        if build is None:
            return None
        maker = {"build": staticmethod(build)}
    else:
        made = _twin(event, schema, wire.from_topic, numbers)
        if made is None:
            return None
        twin, shape = made
        maker = {"shape": shape}
        data = tuple[twin, ...] if wire.many else twin  # type: ignore[valid-type]
    # Any: msgspec wants tuples of name, type and default, in any mixture
    first: list[Any] = [("kind", Literal["snapshot", "delta"])] if single else []
    return msgspec.defstruct(
        f"{event.__name__}Frame",
        [*first, ("ts", MILLISECONDS), ("data", data), ("cts", MILLISECONDS | None, None)],
        namespace=maker if single else {**maker, "kind": kind},
        rename={"kind": "type"} if single else None,
        tag_field=None if single else "type",
        tag=None if single else kind,
        frozen=True,
        gc=False,
    )


def _twin(
    event: type[Event], schema: type[WireSchema], given: tuple[str, ...], numbers: type
) -> tuple[type[Struct], Shape] | None:
    # Any: msgspec wants tuples of name, type and default, in any mixture
    defs: list[Any] = []
    rename = {"meta": f"{_UNREACHABLE}meta"}
    entries: dict[str, Entry] = {}
    known = {f.name: f for f in fields_of(event) if f.name != "meta"}
    for name, field in schema().declared.items():
        entry = entry_of(field, numbers)
        if entry is None:
            return None
        entries[name] = entry
        wanted = entry.wire | None if field.allow_none else entry.wire
        defs.append((name, wanted) if field.required else (name, wanted, _default(known[name])))
        rename[name] = field.data_key or name
    for name in known.keys() - entries.keys():
        defs.append((name, None, _default(known[name])))
        rename[name] = _UNREACHABLE + name
    twin = msgspec.defstruct(
        f"{event.__name__}From{schema.__name__}",
        defs,
        bases=event.__bases__,
        rename=rename,
        frozen=True,
        gc=False,
        kw_only=True,
    )
    special = [name for name, entry in entries.items() if entry.special]
    levels = tuple(name for name in special if entries[name].wire is not Decimal)
    work = Work(
        event=event,
        adopted=adopts(twin, event),
        given=given,
        converts={n: (e.wire, e.convert) for n, e in entries.items() if e.convert is not None},
        numbers=tuple(name for name in special if name not in levels),
        levels=levels,
    )
    shape = Shape(
        event,
        adopted=work.adopted,
        finish=written(work, check=False),
        checked=written(work, check=True),
        few=not levels,
    )
    return twin, shape


# Any: a FieldInfo of msgspec, whose default is whatever the event's is
def _default(attribute: Any) -> Any:
    if attribute.default_factory is not NODEFAULT:
        return msgspec.field(default_factory=attribute.default_factory)
    return None if attribute.default is NODEFAULT else attribute.default
