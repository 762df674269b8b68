"""The function that decodes the frames of a wire, written out for its events.

Written out, because it runs for every frame: CPython reads ``x.price`` ten times faster than
``getattr(x, "price")``, and remembers for each place in a function which class it met there, so
that a function shared by several classes of events is slower than one for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType
from msgspec.structs import force_setattr

from rxbybit.events import Event, Meta
from rxbybit.schema.adoption import copied
from rxbybit.schema.levels import dotted_lists, plain_lists, plain_texts

__all__ = ["UNFIT", "Bind", "Changed", "Decode", "Work", "nulled", "written"]

Decode = Callable[[bytes, int, "int | None"], Sequence[Event]]
"""``decode(data, received_ns, connection)`` gives the events of a frame."""
Bind = Callable[[str, Decode], Decode]
"""Makes the decoder of a topic, of its name and what takes a frame that the compiled way does
not."""

UNFIT = (ValueError, ArithmeticError, RecursionError)
"""What msgspec (a UnicodeDecodeError too is a ValueError) and conversions raise."""

# what is remembered of the sets of attributes that frames gave: so many
_HELD = 1024


class Changed(dict[int, frozenset[str]]):
    """The ``changed`` of events, by the attributes that a frame gave: ``1 << place`` for each.

    ``names`` are those that it can give, each at its place.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)

    def __missing__(self, given: int) -> frozenset[str]:
        # the same few come again and again
        if len(self) >= _HELD:
            self.clear()
        found = frozenset(name for place, name in enumerate(self.names) if given >> place & 1)
        self[given] = found
        return found


@dataclass(frozen=True)
class Work:
    """What there is to do to the decoded wire twins of one kind of frame."""

    event: type[Event]
    is_event: bool
    """Whether a twin is an event from the beginning."""
    adopted: bool
    """Whether a twin can become the event, which is done last; else it is copied."""
    converts: Mapping[str, tuple[type, Callable[[Any], object]]]  # Any: one of that type
    """Attributes that are something else on the wire: what they are there, and what makes them
    of it. Where the wire gave nothing stands the event's default, which is left alone."""
    numbers: Mapping[str, bool]
    """Attributes that could be a NaN or an infinity, and whether they may be ``None``."""
    levels: tuple[str, ...]
    """Attributes whose levels could hold one."""
    texts: tuple[str, ...]
    """Attributes whose levels are texts, and could be no numbers."""
    nothings: Mapping[str, str | int]
    """Values that stand for ``None``."""
    of_symbol: Mapping[str, Callable[[str], object]] = field(
        default_factory=dict[str, Callable[[str], object]]
    )
    """Attributes that follow from the symbol."""
    changed: Changed | None = None
    """Of events that say what a frame gave."""
    absent: UnsetType | None = None
    """What the attributes of ``changed`` are in a twin, where the frame did not give them."""
    defaults: Mapping[str, object] = field(default_factory=dict[str, object])
    """What they are then in the event, of those to which it is something else."""


def written(
    read: Callable[[bytes], Any],  # Any: frames are structs made at run time
    works: Mapping[str | None, tuple[type, Work]],
    *,
    many: bool,
    empties: bool,
    inside: bool = False,
    sent: Callable[[Any], object] | None = None,  # Any: of what the wire's time is
    without: tuple[bytes, ...] = (),
) -> Bind:
    """What binds the decoder of the frames that ``read`` reads.

    ``works`` has, for each kind of frame or for ``None``, which is any, its class and what to
    do. ``many`` says that a frame holds several items, ``inside`` that these hold the items that
    count, ``empties`` that ``""`` may stand for null. ``sent`` makes the time of the sending of
    what the wire has for it. What holds one of ``without`` is not for the compiled way.
    """
    names: dict[str, Any] = {"read": read, "nulled": nulled, "sent": sent, **_NAMES}
    lines = ["def bind(topic, slow):", " def decode(data, received_ns, connection):"]
    lines += ["  try:"]
    if without:
        # a key may be spelled with a backslash, too
        held = " or ".join(f"{key!r} in data" for key in without)
        lines += [f"   if 0x5C in data or {held}: raise ValueError('spelled in another way')"]
    if empties:
        lines += ["   try: frame = read(data)"]
        lines += ["   except DecodeError: frame = read(nulled(data))"]
    else:
        lines += ["   frame = read(data)"]
    for number, (kind, (frame, work)) in enumerate(works.items()):
        names |= {f"frame{number}": frame, f"event{number}": work.event}
        for name, (wire, convert) in work.converts.items():
            names |= {f"{name}_wire{number}": wire, f"{name}_of{number}": convert}
        names |= {f"{name}_else{number}": value for name, value in work.defaults.items()}
        names[f"changed{number}"] = work.changed
        if kind is not None:
            lines += [f"   if type(frame) is frame{number}:"]
        names |= {f"{name}_by{number}": of for name, of in work.of_symbol.items()}
        kind_of = "frame.kind" if kind is None else repr(kind)
        ts = "frame.ts" if sent is None else "sent(frame.ts)"
        body = [f"meta = Meta(topic, {kind_of}, {ts}, frame.cts, received_ns, connection)"]
        body += _finished(work, number, many=many, inside=inside)
        lines += [("   " if kind is None else "    ") + line for line in body]
    lines += ["  except UNFIT: return slow(data, received_ns, connection)", " return decode"]
    exec("\n".join(lines), names)
    return names["bind"]


def _finished(work: Work, number: int, *, many: bool, inside: bool) -> list[str]:
    """What makes the events of a frame and returns them."""
    if many:
        found = "tuple([x for holder in frame.data for x in holder.items])"
        lines = [f"items = {found if inside else 'frame.data'}", "for x in items:"]
        lines += [" " + line for line in _finish(work, number)]
        copies = f"tuple(copied(x, event{number}) for x in items)"
        return [*lines, f"return {'items' if work.adopted else copies}"]
    lines = ["x = frame.data", *_finish(work, number)]
    return [*lines, f"return ({'x' if work.adopted else f'copied(x, event{number})'},)"]


def _finish(work: Work, number: int) -> list[str]:
    noted = work.changed.names if work.changed is not None else ()
    lines: list[str] = []
    checks = [_infinite(work, name) for name in work.numbers if name not in noted]
    if checks:
        lines += [f"if {' or '.join(checks)}: raise ValueError('not finite')"]
    if work.levels:
        # Every spelling of NaN and of infinity has an n, which a backslash could hide. To look
        # for them takes less time than to check more than a few numbers.
        lines += ["if 0x6E in data or 0x4E in data or 0x5C in data:"]
    for name in work.levels:
        lines += [f" for price, size in x.{name}:"]
        lines += ["  if not (price.is_finite() and size.is_finite()):"]
        lines += ["   raise ValueError('not finite')"]
    if work.texts:
        checks = [f"plain_texts(x.{name} or ())" for name in work.texts]
        plain = f"dotted_lists(data) or plain_lists(data) or {' and '.join(checks)}"
        lines += [f"if not ({plain}): raise ValueError('levels that are spelled in another way')"]
    for name in work.converts:
        if name not in noted:
            lines += _convert(name, number)
    for name in work.of_symbol:
        lines += [f"force(x, {name!r}, {name}_by{number}(x.symbol))"]
    for name, nothing in work.nothings.items():
        lines += [f"if x.{name} == {nothing!r}: force(x, {name!r}, None)"]
    if noted:
        lines += _note(work, number, noted)
    if work.adopted and not work.is_event:
        lines += [f"force(x, '__class__', event{number})"]
    return [*lines, "force(x, 'meta', meta)"]


def _note(work: Work, number: int, names: tuple[str, ...]) -> list[str]:
    """What notes which of ``names`` the frame gave, and does to them what there is to do."""
    lines = ["given = 0"]
    for place, name in enumerate(names):
        lines += [f"if x.{name} is not {work.absent}:", f" given += {1 << place}"]
        if name in work.numbers:
            lines += [f" if {_infinite(work, name)}: raise ValueError('not finite')"]
        if name in work.converts:
            lines += [" " + line for line in _convert(name, number)]
        if name in work.defaults:
            lines += [f"else: force(x, {name!r}, {name}_else{number})"]
    return [*lines, f"force(x, 'changed', changed{number}[given])"]


def _infinite(work: Work, name: str) -> str:
    """Whether the attribute is a NaN or an infinity."""
    may_be_none = f"x.{name} is not None and " if work.numbers[name] else ""
    return f"{may_be_none}not x.{name}.is_finite()"


def _convert(name: str, number: int) -> list[str]:
    return [
        f"if isinstance(x.{name}, {name}_wire{number}):",
        f" force(x, {name!r}, {name}_of{number}(x.{name}))",
    ]


_NAMES = {
    "UNSET": UNSET,
    "Meta": Meta,
    "DecodeError": msgspec.DecodeError,
    "UNFIT": UNFIT,
    "copied": copied,
    "force": force_setattr,
    "dotted_lists": dotted_lists,
    "plain_lists": plain_lists,
    "plain_texts": plain_texts,
}
_EMPTY = b':""'
_scan = msgspec.json.Decoder(Raw).decode


def nulled(data: bytes) -> bytes:
    """``data`` with null for every ``""``; ``ValueError`` when that is no use.

    In valid JSON, and only there, each ``:""`` is an empty value.
    """
    if _EMPTY not in data:
        raise ValueError("nothing is empty")
    _scan(data)
    return data.replace(_EMPTY, b":null")
