"""Frames of one topic to events: compiled where that gives the same, else through marshmallow."""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from rxbybit.errors import ConfigurationError, DecodeError
from rxbybit.marking import Emitted
from rxbybit.schema.compile import compile_frames
from rxbybit.schema.load import Loader
from rxbybit.schema.spec import StreamSpec
from rxbybit.schema.written import Decode

__all__ = ["TopicDecoder"]

E = TypeVar("E", bound=Emitted)


class TopicDecoder:
    """Decodes the frames of one topic.

    ``numbers`` is ``Decimal`` or ``float``. ``report`` hears of each frame, or item of one,
    that does not fit its schema. ``RXBYBIT_DECODER=marshmallow`` in the environment turns the
    compiled path off.
    """

    decode: Decode
    """``decode(data, received_ns, connection)`` gives the events of a frame; it never raises
    for bad input."""
    compiled: bool
    """Whether frames take the compiled path first."""

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
        values = tuple(given.values())
        bind = compile_frames(wire, snapshot, delta, numbers, values) if _compiled() else None
        self.compiled = bind is not None
        self.decode = loader.load if bind is None else bind(topic, loader.load)


def _compiled() -> bool:
    wanted = os.environ.get("RXBYBIT_DECODER", "msgspec")
    if wanted not in ("msgspec", "marshmallow"):
        raise ConfigurationError(f"RXBYBIT_DECODER={wanted!r}: use msgspec or marshmallow")
    return wanted == "msgspec"
