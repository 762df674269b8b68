"""Frames of one topic to events: compiled where that gives the same, else through marshmallow."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import force_setattr

from rxbybit.errors import ConfigurationError, DecodeError
from rxbybit.events import Event, Meta
from rxbybit.schema.adoption import copied
from rxbybit.schema.compile import Frames, Shape, compile_frames
from rxbybit.schema.load import Loader
from rxbybit.schema.spec import StreamSpec

__all__ = ["TopicDecoder"]

Decode = Callable[[bytes, int, "int | None"], Sequence[Event]]
E = TypeVar("E", bound=Event)


class TopicDecoder:
    """Decodes the frames of one topic.

    ``numbers`` is ``Decimal`` or ``float``. ``report`` hears of each frame, or item of one,
    that does not fit its schema. ``RXBYBIT_DECODER=marshmallow`` in the environment turns the
    compiled path off.
    """

    decode: Decode
    """``decode(data, received_ns, connection)`` gives the events of a frame; it never raises
    for bad input."""

    def __init__(
        self,
        spec: StreamSpec[E],
        wire_name: str,
        topic: str,
        *,
        numbers: type = Decimal,
        report: Callable[[DecodeError], None],
    ) -> None:
        if numbers not in (Decimal, float):
            raise ConfigurationError("numbers: Decimal or float")
        wire = spec.wire(wire_name).at(topic)
        places = wire and wire.read(topic)
        if wire is None or places is None:
            raise ConfigurationError(f"{spec.name}: {topic!r} is no topic of it")
        given = {name: places[name] for name in wire.from_topic}
        loader = Loader(spec, wire, topic, given, numbers=numbers, report=report)
        snapshot, delta = spec.event_of("snapshot"), spec.event_of("delta")
        frames = compile_frames(wire, snapshot, delta, numbers) if _compiled() else None
        if frames is None:
            self.decode = loader.load
        else:
            self.decode = _fast(
                frames, topic, given, loader.load, many=wire.many, changed=wire.changed
            )


def _compiled() -> bool:
    wanted = os.environ.get("RXBYBIT_DECODER", "msgspec")
    if wanted not in ("msgspec", "marshmallow"):
        raise ConfigurationError(f"RXBYBIT_DECODER={wanted!r}: use msgspec or marshmallow")
    return wanted == "msgspec"


def _fast(
    frames: Frames,
    topic: str,
    given: Mapping[str, object],
    slow: Decode,
    *,
    many: bool,
    changed: bool,
) -> Decode:
    # a closure: what is looked up on self instead costs 2 % of a small frame
    read, empties, force, constants = frames.decode, frames.empties, force_setattr, [*given.items()]

    def decode(data: bytes, received_ns: int, connection: int | None) -> Sequence[Event]:
        text = data
        try:
            try:
                frame = read(text)
            except msgspec.DecodeError:
                text = _nulled(text, empties=empties)
                frame = read(text)
            shape: Shape = frame.shape
            items = frame.data if many else (frame.data,)
            meta = Meta(topic, frame.kind, frame.ts, frame.cts, received_ns, connection)
            if changed:
                force(frame.data, "changed", _changed(text, shape))
            # every spelling of NaN and of infinity has an n, which a backslash could hide
            if 0x6E in text or 0x4E in text or 0x5C in text:
                shape.check(items)
            if constants or shape.converts:
                _complete(items, constants, shape.converts)
            event = shape.event
            if not shape.adopted:
                items = tuple(copied(item, event) for item in items)
            for item in items:
                force(item, "__class__", event)
                force(item, "meta", meta)
        except (ValueError, RecursionError):
            return slow(data, received_ns, connection)
        return items

    return decode


# Any: wire twins, whose classes are made at run time
def _complete(
    items: Sequence[Any],
    constants: Sequence[tuple[str, object]],
    converts: Sequence[tuple[str, Callable[[Any], object]]],
) -> None:
    for item in items:
        for name, value in constants:
            force_setattr(item, name, value)
        for name, convert in converts:
            value = getattr(item, name)
            if value is not None:
                force_setattr(item, name, convert(value))


_EMPTY = b':""'
_scan = msgspec.json.Decoder(Raw).decode


def _nulled(data: bytes, *, empties: bool) -> bytes:
    """``data`` with null for every ``""``; ``ValueError`` when that is no use.

    In valid JSON, and only there, each ``:""`` is an empty value.
    """
    if not empties or _EMPTY not in data:
        raise ValueError("nothing is empty")
    _scan(data)
    return data.replace(_EMPTY, b":null")


class _Keys(Struct, gc=False):
    data: dict[str, Any]  # Any: only the keys are looked at


_keys = msgspec.json.Decoder(_Keys).decode
_SEEN_LIMIT = 4096


def _changed(data: bytes, shape: Shape) -> frozenset[str]:
    """The attributes whose keys are in the frame."""
    keys = tuple(_keys(data).data)
    names = shape.seen.get(keys)
    if names is None:
        names = frozenset(shape.optional[key] for key in keys if key in shape.optional)
        if len(shape.seen) >= _SEEN_LIMIT:
            shape.seen.clear()
        shape.seen[keys] = names
    return names
