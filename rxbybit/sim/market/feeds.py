"""What a topic is to the market: something that is asked for a frame when one may be due."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import IntEnum
from typing import Any, NamedTuple, Protocol

from rxbybit.config import Category

__all__ = ["Cause", "Closes", "Content", "Feed", "Phase", "Push", "Restarts", "Schedule"]

# Any: what stands in JSON, nested as the topic has it.
Content = dict[str, Any]
"""A frame, its keys in the order of the wire."""


class Push(NamedTuple):
    """A frame that leaves the exchange."""

    ms: int
    """When, on the clock of the exchange."""
    category: Category
    """On which socket."""
    topic: str
    content: Content
    """The frame, its keys in the order of the wire."""


class Phase(IntEnum):
    """What comes first of all that happens in one millisecond."""

    SCRIPT = 0
    MINUTE = 1
    INDEX = 2
    MARKS = 3
    TURN = 4
    FRAMES = 5


Schedule = Callable[[int, Phase, int, Callable[[int], list[Content]]], None]
"""Have something called at an exchange time, in a phase of it, by a rank within the phase."""


class Cause(IntEnum):
    """What may give a topic something to say."""

    BOOK = 0
    TRADE = 1
    MARK = 2
    MINUTE = 3
    FORCE = 4


class Feed(Protocol):
    """One topic of one instrument, while somebody wants it."""

    @property
    def causes(self) -> tuple[Cause, ...]:
        """After these it is asked."""
        ...

    every_ms: int
    """Its frames leave at multiples of this."""
    quiet_ms: int | None
    """After so long without a frame, ``repeat`` is asked; ``None`` for never."""

    def flush(self, ms: int) -> list[Content]:
        """What is to be said at ``ms`` after something has happened, if anything."""
        ...

    def repeat(self, ms: int) -> list[Content]:
        """What is to be said at ``ms`` because nothing was for so long."""
        ...

    def snapshot(self, ms: int) -> Content | None:
        """What a subscriber gets first; ``None`` where the topic has no such thing."""
        ...


class Closes(ABC):
    """A feed that hears of changes by itself, until it is closed."""

    @abstractmethod
    def close(self) -> None:
        """Hear of no more changes."""


class Restarts(ABC):
    """A feed of a book, which begins anew when the books do."""

    @abstractmethod
    def restart(self, ms: int) -> Content:
        """The snapshot that says so."""
