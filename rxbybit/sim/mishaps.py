"""What becomes of the data frames of one link by the script of faults: no socket, no waiting."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from rxbybit.sim.faults import Delay, Duplicate, Faults, Skip

__all__ = ["Carried", "Mishaps"]


class Carried(NamedTuple):
    """What a link sends in place of a frame."""

    delay_s: float
    """To be waited first."""
    frames: tuple[bytes, ...]


class Mishaps:
    """The data frames of one link, counted and spoiled."""

    def __init__(self, faults: Faults) -> None:
        self.sent = 0
        """Data frames that the link has carried, those that got lost on it included."""
        self.sent_by_topic: Counter[str] = Counter()
        self._faults = faults

    def carry(self, topic: str, raw: bytes) -> Carried:
        """What the link sends when it is handed ``raw``."""
        self.sent += 1
        self.sent_by_topic[topic] += 1
        faults = self._faults
        if not faults.pending:
            return Carried(0.0, (raw,))
        nth = self.sent_by_topic[topic]
        delay = faults.strike(Delay, lambda fault: (fault.topic, fault.nth) == (topic, nth))
        lost = faults.strike(Skip, lambda fault: (fault.topic, fault.nth) == (topic, nth))
        frames = () if lost else (raw,)
        if faults.strike(Duplicate, lambda fault: (fault.topic, fault.nth) == (topic, nth)):
            frames = (*frames, raw)
        return Carried(delay.seconds if delay else 0.0, frames)
