"""What becomes of the data frames of one link by the script of faults: no socket, no waiting."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from rxbybit.sim.faults import (
    Corrupt,
    Delay,
    Duplicate,
    Faults,
    Mute,
    Reorder,
    Skip,
    SkipUpdate,
    WithholdSnapshot,
)
from rxbybit.sim.faults.kinds import OfFrame

__all__ = ["Carried", "Late", "Mishaps"]

_BOOKS = ("orderbook.", "orderBookL2_25.", "orderBook_200.")
_TICKERS = ("tickers.", "instrument_info.")
"""How the topics of both wires begin."""
_HEAD = 256
"""The ``type`` of a frame stands within so many bytes of its beginning."""

F = TypeVar("F", bound=OfFrame)


class Carried(NamedTuple):
    """What a link sends in place of a frame."""

    delay_s: float
    """To be waited first."""
    frames: tuple[bytes, ...]


@dataclass
class Late:
    """Pushed frames that wait for one that is delayed."""

    due_ms: int
    first: tuple[bytes, ...]
    behind: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])


@dataclass
class _Muted:
    fault: Mute
    left: int | None


class Mishaps:
    """The data frames of one link, counted and spoiled.

    One fault after the other: a frame is delayed, lost, spoiled, doubled, and then changes places.
    """

    def __init__(self, faults: Faults) -> None:
        self.sent = 0
        """Data frames that the link has carried, those that got lost on it included."""
        self.sent_by_topic: Counter[str] = Counter()
        self._deltas: Counter[str] = Counter()
        self._faults = faults
        self._muted: dict[str, _Muted] = {}
        self._overtaken: dict[str, tuple[bytes, ...]] = {}

    def carry(self, topic: str, raw: bytes) -> Carried:
        """What the link sends when it is handed ``raw``."""
        self.sent += 1
        self.sent_by_topic[topic] += 1
        is_delta = topic.startswith(_BOOKS) and b'"type":"delta"' in raw[:_HEAD]
        if is_delta:
            self._deltas[topic] += 1
        if not (self._faults or self._muted or self._overtaken):
            return Carried(0.0, (raw,))
        delay = self._strike(Delay, topic)
        frames: tuple[bytes, ...] = ()
        if not self._is_lost(topic, raw, is_delta=is_delta):
            corrupt = self._strike(Corrupt, topic)
            frames = (raw if corrupt is None else _spoiled(raw, corrupt),)
        if self._strike(Duplicate, topic):
            frames = (*frames, raw)
        if topic in self._overtaken:
            frames += self._overtaken.pop(topic)
        elif frames and self._strike(Reorder, topic):
            self._overtaken[topic], frames = frames, ()
        return Carried(delay.seconds if delay else 0.0, frames)

    def forget(self, topic: str) -> None:
        """The link has the topic no more, or all that its wildcard is: nothing of it waits."""
        kind = topic.removesuffix("*") if topic.endswith(".*") else None

        def gone(other: str) -> bool:
            return other == topic or bool(kind and other.rpartition(".")[0] + "." == kind)

        for waiting in filter(gone, list(self._overtaken)):
            del self._overtaken[waiting]
        for muted in filter(gone, list(self._muted)):
            if self._muted[muted].fault.until_renewed:
                del self._muted[muted]

    def _strike(self, kind: type[F], topic: str) -> F | None:
        nth = self.sent_by_topic[topic]
        return self._faults.strike(kind, lambda fault: fault.hits(topic, nth))

    def _is_lost(self, topic: str, raw: bytes, *, is_delta: bool) -> bool:
        if self._is_muted(topic) or self._strike(Skip, topic):
            return True
        if is_delta:
            nth = self._deltas[topic]
            return bool(self._faults.strike(SkipUpdate, lambda fault: fault.hits(topic, nth)))
        begins = topic.startswith((*_BOOKS, *_TICKERS)) and b'"snapshot"' in raw[:_HEAD]
        return begins and bool(
            self._faults.strike(WithholdSnapshot, lambda fault: fault.topic in (None, topic))
        )

    def _is_muted(self, topic: str) -> bool:
        muted = self._muted.get(topic)
        if muted is not None and self._faults.is_over(muted.fault):
            del self._muted[topic]
            muted = None
        if muted is None:
            fault = self._strike(Mute, topic)
            if fault is None:
                return False
            muted = self._muted[topic] = _Muted(fault, fault.frames)
        if muted.left is not None:
            muted.left -= 1
            if not muted.left:
                del self._muted[topic]
        return True


def _spoiled(raw: bytes, corrupt: Corrupt) -> bytes:
    return raw[: len(raw) // 2] if corrupt.how == "cut" else raw[::-1]
