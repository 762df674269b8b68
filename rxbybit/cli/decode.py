"""Raw frames in, JSON events out: one line at a time, without memory of the lines before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from rxbybit.errors import ConfigurationError, DecodeError
from rxbybit.events import Event
from rxbybit.protocol.base import Malformed, WireProtocol
from rxbybit.protocol.legacy import Legacy
from rxbybit.protocol.v5 import V5
from rxbybit.schema.decoder import TopicDecoder
from rxbybit.schema.spec import StreamSpec
from rxbybit.streams import find_specs

__all__ = ["LineDecoder", "Tally"]

# Any: streams have events of their own, and an order may be of two classes
_Decode = Callable[[bytes], Sequence[Any]]

_WIRES: dict[str, Callable[[], WireProtocol]] = {"v5": V5, "legacy": Legacy}


class _Times(msgspec.Struct):
    """What every frame of V5 has one of at its top, and no legacy frame has."""

    ts: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    created: msgspec.Raw | msgspec.UnsetType = msgspec.field(
        default=msgspec.UNSET, name="creationTime"
    )


_times = msgspec.json.Decoder(_Times).decode


def _only_wire_of(topic: str) -> str | None:
    """The wire that has ``topic``, or ``None`` when both have it."""
    if not find_specs(topic, "legacy"):
        return "v5"
    return None if find_specs(topic, "v5") else "legacy"


def _wire_of(frame: bytes) -> str:
    """The wire of a frame, by what stands beside its topic."""
    try:
        times = _times(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "v5"
    dated = times.ts is not msgspec.UNSET or times.created is not msgspec.UNSET
    return "v5" if dated else "legacy"


@dataclass(slots=True)
class Tally:
    """What became of the lines so far."""

    frames: int = 0
    events: int = 0
    control: int = 0
    """Answers to requests, and whatever other JSON object names no topic."""
    undecodable: int = 0
    not_offered: Counter[str] = field(default_factory=Counter[str])
    """Frames a family of topics that rxbybit does not offer (yet)."""

    def __str__(self) -> str:
        passed_over = f"{self.not_offered.total()} of topics not offered"
        if self.not_offered:
            passed_over += f" ({', '.join(sorted(self.not_offered))})"
        return (
            f"{self.frames} frames: {self.events} events, {self.control} control frames,"
            f" {passed_over}, {self.undecodable} undecodable"
        )


class LineDecoder:
    """Turns frames, a line each, into events as the exchange sent them.

    ``complain`` gets one line of text for each frame or item that cannot be decoded, with the
    number of its line. ``wire`` is theirs, ``"v5"`` or ``"legacy"``; ``None`` looks at each frame.
    Errors: ``ConfigurationError`` for another wire.
    """

    def __init__(self, complain: Callable[[str], None], wire: str | None = None) -> None:
        if wire is not None and wire not in _WIRES:
            raise ConfigurationError(f"wire {wire!r}: use {', '.join(_WIRES)}")
        self.tally = Tally()
        self._complain = complain
        self._named = wire
        self._wire = _WIRES[wire or "v5"]()  # answers are told from what is no frame by either
        self._number = 0
        self._said: set[str] = set()
        self._wires: dict[str, str | None] = {}
        self._decoders: dict[tuple[str, str], tuple[_Decode, ...]] = {}

    def lines(self, lines: Iterable[bytes]) -> Iterable[Sequence[Event]]:
        """The events of each line; blank lines count as none."""
        for self._number, line in enumerate(lines, 1):
            frame = line.strip()
            if frame:
                yield self._frame(frame)

    def _frame(self, frame: bytes) -> Sequence[Event]:
        self.tally.frames += 1
        self._said.clear()
        events = self._decoded(frame)
        self.tally.events += len(events)
        self.tally.undecodable += bool(self._said)
        return events

    def _decoded(self, frame: bytes) -> Sequence[Event]:
        topic = self._wire.topic_of(frame)
        if topic is None:
            control = self._wire.read(frame)
            if isinstance(control, Malformed):
                self._fail(f"no frame: {control.why}")
            else:
                self.tally.control += 1
            return ()
        if topic not in self._wires:
            self._wires[topic] = self._named or _only_wire_of(topic)
        wire = self._wires[topic] or _wire_of(frame)
        decoders = self._decoders.get((wire, topic))
        if decoders is None:
            specs = find_specs(topic, wire)
            decoders = tuple(self._decoder(spec, wire, topic) for spec in specs)
            self._decoders[wire, topic] = decoders
        if not decoders:
            self.tally.not_offered[topic.partition(".")[0]] += 1
            return ()
        return [event for decode in decoders for event in decode(frame)]

    def _decoder(self, spec: StreamSpec[Any], wire: str, topic: str) -> _Decode:
        decode = TopicDecoder(spec, wire, topic, report=self._report).decode
        emit = spec.emit
        if emit is None:
            return lambda frame: decode(frame, 0, None)
        return lambda frame: [emit(None, event) for event in decode(frame, 0, None)]

    def _report(self, error: DecodeError) -> None:
        self._fail(str(error))

    def _fail(self, why: str) -> None:
        if why not in self._said:  # streams that share a topic say the same about its frames
            self._said.add(why)
            self._complain(f"line {self._number}: {_printable(why)}")


def _printable(text: str) -> str:
    # A frame is anybody's text: it must not move the cursor of the terminal it is shown on.
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
