"""Frames of one topic to events: compiled where that gives the same, else through marshmallow."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

import msgspec
from msgspec import Raw

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
        elif wire.changed:
            self.decode = _fast_sparse(frames, topic, loader.load)
        else:
            values = tuple(given.values())
            self.decode = _fast(frames, topic, values, loader.load, many=wire.many)


def _compiled() -> bool:
    wanted = os.environ.get("RXBYBIT_DECODER", "msgspec")
    if wanted not in ("msgspec", "marshmallow"):
        raise ConfigurationError(f"RXBYBIT_DECODER={wanted!r}: use msgspec or marshmallow")
    return wanted == "msgspec"


def _fast(
    frames: Frames, topic: str, given: tuple[object, ...], slow: Decode, *, many: bool
) -> Decode:
    # closures: what is looked up on self instead costs 2 % of a small frame
    read, empties = frames.decode, frames.empties

    def decode(data: bytes, received_ns: int, connection: int | None) -> Sequence[Event]:
        try:
            try:
                frame = read(data)
            except msgspec.DecodeError:
                frame = read(_nulled(data, empties=empties))
            meta = Meta(topic, frame.kind, frame.ts, frame.cts, received_ns, connection)
            items = frame.data if many else (frame.data,)
            shape: Shape = frame.shape
            # Every spelling of NaN and of infinity has an n, which a backslash could hide. To
            # look for them pays where there are more numbers than one can check in that time.
            if shape.few or 0x6E in data or 0x4E in data or 0x5C in data:
                shape.checked(items, meta, given)
            else:
                shape.finish(items, meta, given)
        except _UNFIT:
            return slow(data, received_ns, connection)
        return items if shape.adopted else tuple(copied(item, shape.event) for item in items)

    return decode


def _fast_sparse(frames: Frames, topic: str, slow: Decode) -> Decode:
    read = frames.decode

    def decode(data: bytes, received_ns: int, connection: int | None) -> Sequence[Event]:
        try:
            frame = read(data)
            meta = Meta(topic, frame.kind, frame.ts, frame.cts, received_ns, connection)
            return (frame.build(frame.data, meta),)
        except _UNFIT:
            return slow(data, received_ns, connection)

    return decode


_UNFIT = (ValueError, ArithmeticError, RecursionError)
"""What msgspec (a UnicodeDecodeError too is a ValueError) and conversions raise."""

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
