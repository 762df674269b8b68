"""Raw frames in, JSON events out: one line at a time, without memory of the lines before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from rxbybit.errors import DecodeError
from rxbybit.events import Event
from rxbybit.protocol.base import Malformed
from rxbybit.protocol.v5 import V5
from rxbybit.schema.decoder import TopicDecoder
from rxbybit.streams import find_spec

__all__ = ["LineDecoder", "Tally"]


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
    """Turns frames of the V5 wire, a line each, into events as the exchange sent them.

    ``complain`` gets one line of text for each frame or item that cannot be decoded, with the
    number of its line.
    """

    def __init__(self, complain: Callable[[str], None]) -> None:
        self.tally = Tally()
        self._complain = complain
        self._wire = V5()
        self._number = 0
        self._failed = False
        self._decoders: dict[str, TopicDecoder | None] = {}

    def lines(self, lines: Iterable[bytes]) -> Iterable[Sequence[Event]]:
        """The events of each line; blank lines count as none."""
        for self._number, line in enumerate(lines, 1):
            frame = line.strip()
            if frame:
                yield self._frame(frame)

    def _frame(self, frame: bytes) -> Sequence[Event]:
        self.tally.frames += 1
        self._failed = False
        events = self._decoded(frame)
        self.tally.events += len(events)
        self.tally.undecodable += self._failed
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
        decoder = self._decoder(topic)
        if decoder is None:
            self.tally.not_offered[topic.partition(".")[0]] += 1
            return ()
        return decoder.decode(frame, 0, None)

    def _decoder(self, topic: str) -> TopicDecoder | None:
        if topic not in self._decoders:
            wire = self._wire.name
            spec = find_spec(topic, wire)
            self._decoders[topic] = (
                None if spec is None else TopicDecoder(spec, wire, topic, report=self._report)
            )
        return self._decoders[topic]

    def _report(self, error: DecodeError) -> None:
        self._fail(str(error))

    def _fail(self, why: str) -> None:
        self._failed = True
        self._complain(f"line {self._number}: {_printable(why)}")


def _printable(text: str) -> str:
    # A frame is anybody's text: it must not move the cursor of the terminal it is shown on.
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
