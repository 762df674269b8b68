"""How a wire carries a stream: its topic, and what a frame of it holds where."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rxbybit.config import Category
from rxbybit.schema.envelope import PublicEnvelope
from rxbybit.schema.fields import WireField, WireSchema

__all__ = ["Kind", "Otherwise", "Place", "Wire"]

Kind = str
"""``"snapshot"`` or ``"delta"``."""


@dataclass(frozen=True)
class Place:
    """A place of a topic beside the symbol, such as the depth of a book."""

    write: Callable[[object, Category], str]
    """The wire's code for what a user asked for (``None``: nothing in particular);
    ``ConfigurationError`` naming what is legal."""
    read: Callable[[str], object]
    """The event's attribute for the wire's code; ``ValueError`` for an unknown code."""
    pattern: str = r"[^.]+"
    """What the wire's codes look like."""


@dataclass(frozen=True)
class Otherwise:
    """Where the value of a key is in an item that lacks it, as older frames do."""

    key: str
    other: str
    field: WireField[Any] | None = None  # Any: of whatever it gives
    """Reads what stands under ``other``; ``None`` where it is spelled as under ``key``."""


@dataclass(frozen=True, eq=False)
class Wire:
    """How one wire carries a stream.

    ``schema`` for every kind of frame, or ``snapshot`` and ``delta``, one for each kind.
    """

    template: str
    """The topic, such as ``"kline.{interval}.{symbol}"``."""
    schema: type[WireSchema] | None = None
    snapshot: type[WireSchema] | None = None
    delta: type[WireSchema] | None = None
    many: bool = False
    """Whether ``data`` is a list of items."""
    from_topic: tuple[str, ...] = ()
    """Attributes that the topic gives, under the names of its places."""
    places: Mapping[str, Place] = field(default_factory=dict[str, Place])
    """What stands in the places of the template beside ``{symbol}``."""
    changed: bool = False
    """Whether the event's ``changed`` names the attributes whose keys were in the data."""
    snapshot_first: bool = False
    """Whether deltas before the first snapshot of a subscription mean nothing."""
    goes_stale: bool = False
    """Whether a topic that says nothing for a while may be dead, and is subscribed anew: its
    snapshot tells whether it was."""
    mixed: bool = False
    """Whether a topic holds several symbols, so that the sequences of its events do not compare."""
    also: tuple[Wire, ...] = ()
    """Other spellings of the same events, under topics of their own."""
    envelope: type[WireSchema] = PublicEnvelope
    """What surrounds the data; where it tells no kind, every frame is a snapshot."""
    private: bool = False
    """Whether it is only sent to who has proven that it is his."""
    inside: str | None = None
    """The key of a list in each item, where it is that list's items which are events."""
    delta_in: str | None = None
    """The key of a list in the data of deltas, where it is that list's one item which counts."""
    from_envelope: tuple[str, ...] = ()
    """Attributes that the envelope gives, beside those of ``meta``."""
    of_symbol: Mapping[str, Callable[[str], object]] = field(
        default_factory=dict[str, Callable[[str], object]]
    )
    """Attributes that follow from the symbol."""
    otherwise: tuple[Otherwise, ...] = ()
    """Where what an item lacks may be found."""
    categories: tuple[Category, ...] = ()
    """The categories that it carries; none: those of the stream."""

    def __post_init__(self) -> None:
        if (self.schema is None) == (self.snapshot is None or self.delta is None):
            raise TypeError(f"{self.template}: give schema, or both snapshot and delta")
        if self.goes_stale and not self.snapshot_first:
            raise TypeError(f"{self.template}: goes_stale goes with snapshot_first")
        if self.inside is not None and not self.many:
            raise TypeError(f"{self.template}: inside goes with many")
        if self.delta_in is not None and self.many:
            raise TypeError(f"{self.template}: delta_in goes with one item")
        if self.changed and (self.many or self.from_topic):
            raise TypeError(f"{self.template}: changed goes with one item that holds everything")

    def schema_of(self, kind: Kind) -> type[WireSchema]:
        """The schema of the frames of this kind."""
        chosen = self.schema or (self.snapshot if kind == "snapshot" else self.delta)
        assert chosen is not None
        return chosen

    def at(self, topic: str) -> Wire | None:
        """The wire that spells ``topic``, itself or one in ``also``; ``None`` when none does."""
        fitting = (wire for wire in (*self.also, self) if wire.read(topic) is not None)
        return next(fitting, None)

    def read(self, topic: str) -> dict[str, object] | None:
        """What stands in the places of ``topic``; ``None`` when it is no topic of this wire."""
        found = self._pattern.fullmatch(topic)
        if found is None:
            return None
        values: dict[str, object] = dict(found.groupdict())
        try:
            for name, place in self.places.items():
                values[name] = place.read(found[name])
        except ValueError:
            return None
        return values

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        def group(named: re.Match[str]) -> str:
            place = self.places.get(named[1])
            return f"(?P<{named[1]}>{Place.pattern if place is None else place.pattern})"

        return re.compile(re.sub(r"\\\{(\w+)\\\}", group, re.escape(self.template)))
