"""Turns a schema into an msgspec decoder that gives the same events, only faster.

A frame is decoded into *wire twins* of the event: structs with exactly the event's attributes,
declared in the order of the wire and renamed to its keys. A twin has the slots of the event,
so it can become one (``adoption.py``). Attributes that the wire does not give stand in the
twin too, under names no key equals.

Only what is known to equal marshmallow is compiled: the field classes of ``fields.py``, and
nothing with a hook or a validator. ``compile_frames`` gives ``None`` for all else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from itertools import chain
from typing import Annotated, Any, Literal, cast

import msgspec
from marshmallow import EXCLUDE
from marshmallow import fields as stock
from msgspec import NODEFAULT, Struct
from msgspec.structs import fields as fields_of

from rxbybit.events import Event
from rxbybit.schema import fields, text
from rxbybit.schema.adoption import adopts
from rxbybit.schema.spec import Wire

__all__ = ["Frames", "Shape", "compile_frames"]

Convert = Callable[[Any], object]  # Any: whatever the wire's type decodes to
Fast = tuple[object, Convert | None]

# Any: pyright takes an annotated type for no class, so would not let it be in a union
_Ms: Any = Annotated[int, msgspec.Meta(ge=0, le=text.LAST_MS)]
_Text = Annotated[str, msgspec.Meta(min_length=1)]
# Begins the keys of attributes that a wire does not give. A frame that holds such a key gains
# nothing: null is all that fits there, and meta is written anew.
_UNREACHABLE = "rxbybit "


@dataclass(frozen=True)
class Shape:
    """What is still to be done to the items of one kind of frame."""

    event: type[Event]
    adopted: bool
    """Whether the items can become events; else they are copied."""
    converts: tuple[tuple[str, Convert], ...]
    """Attributes that arrive as text and are to be something else."""
    check: Callable[[Sequence[Any]], None]  # Any: wire twins, whose classes are made at run time
    """Raises ``ValueError`` for a NaN or an infinity, which msgspec would let pass."""
    optional: Mapping[str, str]
    """The attributes that need not be there, by key."""
    seen: dict[tuple[str, ...], frozenset[str]] = field(
        default_factory=dict[tuple[str, ...], frozenset[str]]
    )
    """What sets of keys have meant so far: the same few come again and again."""


@dataclass(frozen=True)
class Frames:
    """The compiled decoder of a wire's frames."""

    # Any: frames are structs made below, with kind, ts, cts, data, and their Shape as shape
    decode: Callable[[bytes], Any]
    empties: bool
    """Whether some attribute may be ``""`` on the wire."""


@cache
def compile_frames(
    wire: Wire, snapshot: type[Event], delta: type[Event], numbers: type
) -> Frames | None:
    """The decoder for ``wire``, whose frames hold these events, with ``numbers`` as numbers.

    ``None`` when something in a schema is not known to equal marshmallow.
    """
    kinds = {"snapshot": snapshot, "delta": delta}
    # one schema and one event take frames of both kinds; else the kind chooses
    single = wire.schema is not None and snapshot is delta
    chosen = ["snapshot"] if single else list(kinds)
    structs = [_frame(wire, kind, kinds[kind], numbers, single=single) for kind in chosen]
    if None in structs:
        return None
    # Any: pyright cannot know a union of classes made at run time
    union: Any = structs[0]
    for other in structs[1:]:
        union = union | other
    declared = [f for kind in kinds for f in wire.schema_of(kind)().declared.values()]
    empties = any(isinstance(f, fields.WireField) and f.empty for f in declared)
    return Frames(msgspec.json.Decoder(union).decode, empties)


def _frame(
    wire: Wire, kind: str, event: type[Event], numbers: type, *, single: bool
) -> type[Struct] | None:
    made = _twin(event, wire.schema_of(kind), numbers)
    if made is None:
        return None
    twin, shape = made
    # Any: msgspec wants tuples of name, type and default, in any mixture
    first: list[Any] = [("kind", Literal["snapshot", "delta"])] if single else []
    data: object = tuple[twin, ...] if wire.many else twin  # type: ignore[valid-type]
    return msgspec.defstruct(
        f"{twin.__name__}Frame",
        [*first, ("ts", _Ms), ("data", data), ("cts", _Ms | None, None)],
        namespace={"shape": shape} if single else {"shape": shape, "kind": kind},
        rename={"kind": "type"} if single else None,
        tag_field=None if single else "type",
        tag=None if single else kind,
        frozen=True,
        gc=False,
    )


def _twin(
    event: type[Event], schema: type[fields.WireSchema], numbers: type
) -> tuple[type[Struct], Shape] | None:
    loader = schema()
    if _hooked(loader) or loader.unknown != EXCLUDE:
        return None
    # Any: msgspec wants tuples of name, type and default, in any mixture
    defs: list[Any] = []
    rename = {"meta": f"{_UNREACHABLE}meta"}
    fast: dict[str, Fast] = {}
    known = {f.name: f for f in fields_of(event) if f.name != "meta"}
    for name, declared in loader.declared.items():
        found = _fast(declared, numbers)
        if found is None:
            return None
        fast[name] = found
        wanted = cast("Any", found[0]) | None if declared.allow_none else found[0]
        defs.append((name, wanted) if declared.required else (name, wanted, _default(known[name])))
        rename[name] = declared.data_key or name
    for name in known.keys() - fast.keys():
        defs.append((name, None, _default(known[name])))
        rename[name] = _UNREACHABLE + name
    title = f"{event.__name__}From{schema.__name__}"
    twin = msgspec.defstruct(
        title, defs, bases=event.__bases__, rename=rename, frozen=True, gc=False, kw_only=True
    )
    shape = Shape(
        event=event,
        adopted=adopts(twin, event),
        converts=tuple((name, f[1]) for name, f in fast.items() if f[1] is not None),
        check=_finite_check(
            numbers=[n for n, f in fast.items() if f[0] is Decimal],
            levels=[n for n, f in fast.items() if f[0] == _levels_of(Decimal)],
        ),
        optional={
            f.data_key or name: name for name, f in loader.declared.items() if not f.required
        },
    )
    return twin, shape


def _hooked(loader: fields.WireSchema) -> bool:
    # the only place where marshmallow keeps them
    hooks: object = loader._hooks  # pyright: ignore[reportPrivateUsage, reportUnknownMemberType, reportUnknownVariableType]
    return any(cast("dict[str, list[object]]", hooks).values())


# Any: a FieldInfo of msgspec, whose default is whatever the event's is
def _default(attribute: Any) -> Any:
    if attribute.default_factory is not NODEFAULT:
        return msgspec.field(default_factory=attribute.default_factory)
    return None if attribute.default is NODEFAULT else attribute.default


_PLAIN: dict[type, Fast] = {
    fields.String: (_Text, None),
    fields.Boolean: (bool, None),
    fields.Integer: (int, None),
    fields.Milliseconds: (_Ms, None),
    fields.Whole: (str, text.whole_of),
    fields.Moment: (str, text.milliseconds_of),
    fields.Names: (str, text.names_of),
}


# Any: marshmallow's fields are generic in a type that only they know
def _fast(field: stock.Field[Any], numbers: type) -> Fast | None:
    """The type that msgspec decodes for ``field``, and what makes the attribute of it."""
    processors = ("validators", "pre_load", "post_load")
    if any(getattr(field, name) for name in processors):
        return None
    # exactly these classes: a subclass may do anything
    if type(field) is fields.Choice:
        return field.enum, None
    if type(field) is fields.Decimal:
        return (Decimal, None) if numbers is Decimal else (str, _float)
    if type(field) is fields.Levels:
        return (_levels_of(Decimal), None) if numbers is Decimal else (_levels_of(str), _floats)
    return _PLAIN.get(type(field))


def _finite_check(numbers: Sequence[str], levels: Sequence[str]) -> Callable[..., None]:
    """A function that refuses items with a number that is not finite.

    It is written out and compiled: CPython reads ``x.price`` ten times faster than
    ``getattr(x, "price")``, and this is done for every item.
    """
    # the line that raises is there for an event without any number too
    tests = [f"(x.{name} is not None and not x.{name}.is_finite())" for name in numbers]
    lines = ["def check(items):", " for x in items:", f"  if {' or '.join(tests) or 'False'}:"]
    lines += ["   raise ValueError('a number that is not finite')"]
    for name in levels:
        lines += [f"  for price, size in x.{name}:"]
        lines += ["   if not (price.is_finite() and size.is_finite()):"]
        lines += [f"    raise ValueError('{name} that are not finite')"]
    made: dict[str, Callable[..., None]] = {}
    exec("\n".join(lines), made)
    return made["check"]


def _levels_of(number: type) -> object:
    return tuple[tuple[number, number], ...]  # type: ignore[valid-type]


def _float(spelled: str) -> float:
    number = float(spelled)
    if not math.isfinite(number):
        raise ValueError(f"not a finite number: {spelled!r}")
    return number


def _floats(levels: tuple[tuple[str, str], ...]) -> tuple[tuple[float, float], ...]:
    flat = [*map(float, chain.from_iterable(levels))]
    if not all(map(math.isfinite, flat)):
        raise ValueError("a level that is not finite")
    turn = iter(flat)
    return tuple(zip(turn, turn, strict=True))
