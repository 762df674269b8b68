"""What a stream is: its event, how each wire spells it, and what its subscribers get."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar, cast, get_args, get_type_hints

from msgspec import NODEFAULT
from msgspec.structs import fields as fields_of

from rxbybit.config import Category
from rxbybit.errors import ConfigurationError
from rxbybit.events import Event
from rxbybit.marking import Emitted
from rxbybit.schema.envelope import PublicEnvelope
from rxbybit.schema.fields import Choice, WireField, WireSchema
from rxbybit.schema.history import History
from rxbybit.schema.standing import Standing

__all__ = ["NO_SNAPSHOT", "MakeState", "Place", "Renewal", "StreamSpec", "TopicState", "Wire"]


E = TypeVar("E", bound=Emitted)
Kind = str
"""``"snapshot"`` or ``"delta"``."""
NO_SNAPSHOT = "deltas came and no snapshot"
"""Why a topic is subscribed anew whose first frame was lost."""


class Renewal(Protocol):
    """How a state gets a new snapshot."""

    def ask(self, why: str) -> None:
        """Have the topic subscribed anew, for the reason given."""

    def late(self) -> bool:
        """A delta has come in place of the snapshot: whether the snapshot is not coming."""
        ...

    def done(self) -> None:
        """What was asked for has come."""


class TopicState(Protocol):
    """What a topic's subscribers share beside its events; pure."""

    def apply(self, event: Any, /) -> None:  # Any: each state takes the events of its own stream
        """Takes in the next event of the topic."""

    def reset(self) -> None:
        """The link was lost."""

    def spoil(self, why: str) -> bool:
        """A frame could not be read, or is missing; whether a new snapshot was asked for."""
        ...


MakeState = Callable[[Renewal, type], TopicState]
"""Makes the state of a topic, of what renews it and what numbers are: ``Decimal`` or ``float``."""


@dataclass(frozen=True)
class Place:
    """A place of a topic beside the symbol, such as the depth of a book."""

    write: Callable[[object, Category], str]
    """The wire's code for what a user asked for (``None``: nothing in particular);
    ``ConfigurationError`` naming what is legal."""
    read: Callable[[str], object]
    """The event's attribute for the wire's code; ``ValueError`` for an unknown code."""


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

    def __post_init__(self) -> None:
        if (self.schema is None) == (self.snapshot is None or self.delta is None):
            raise TypeError(f"{self.template}: give schema, or both snapshot and delta")
        if self.inside is not None and not self.many:
            raise TypeError(f"{self.template}: inside goes with many")
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
        named = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^.]+)", re.escape(self.template))
        return re.compile(named)


class StreamSpec(Generic[E]):
    """A stream of events ``E``, as the engine needs to know it.

    Refuses at import (``TypeError``) what does not fit together: a schema that names an
    attribute the event lacks, an attribute that must be given and that nothing gives, a value
    that may be absent where the event's annotation has no ``None``.
    """

    def __init__(
        self,
        name: str,
        event: type[E],
        *,
        delta_event: type[E] | None = None,
        decoded: type[Event] | None = None,
        v5: Wire | None = None,
        legacy: Wire | None = None,
        categories: tuple[Category, ...],
        state: MakeState | None = None,
        # Any: state and event of one stream belong together, which no type here can say
        emit: Callable[[Any, Any], E | None] | None = None,
        late: Callable[[Any], Sequence[E]] | None = None,
        lapse: Callable[[Any], E | None] | None = None,
        renew: bool = False,
        once: bool = False,
        subject: Callable[[Category, str], str] = lambda _, symbol: symbol,
        history: History[E] | None = None,
        standing: Standing[E] | None = None,
    ) -> None:
        self.name, self.event = name, event
        self.delta_event = delta_event
        """The class for frames of the kind ``"delta"``, where it is another one."""
        self.decoded = decoded
        """The class that frames decode to, where ``emit`` makes the events out of another."""
        self.v5 = v5
        self.legacy = legacy
        self.categories = categories
        self.state = state
        """Makes what the subscribers of a topic share; streams that name the same callable
        share it on the same topic."""
        self.emit = emit
        """What this stream sends for an event that the state, if any, has taken in, else itself."""
        self.late = late
        """What a later subscriber of a topic gets at once, out of the state; perhaps nothing."""
        self.lapse = lapse
        """What everybody gets out of the state when the link is lost, or a frame was not read."""
        self.renew = renew
        """Whether a later subscriber needs the topic subscribed anew."""
        self.once = once
        """Whether events have ``id``, ``sequence`` and ``time_ms``, and each is sent once."""
        self.history = history
        """Where REST has what came before."""
        self.standing = standing
        """Where REST has what is now."""
        self.subject = subject
        """What stands in the topic for a symbol of a category: symbols that share it share the
        topic, and events tell by their ``symbol``."""
        self._check()

    def _check(self) -> None:
        for given in (self.v5, self.legacy):
            for wire in (given, *given.also) if given is not None else ():
                for kind in ("snapshot", "delta"):
                    _agree(self.event_of(kind), wire.schema_of(kind), wire)

    def __repr__(self) -> str:
        return f"<StreamSpec {self.name}>"

    def event_of(self, kind: Kind) -> type[Event]:
        """The class that frames of this kind decode to."""
        if self.decoded is not None:
            return self.decoded
        event = self.delta_event if kind == "delta" and self.delta_event else self.event
        return cast("type[Event]", event)  # what is no Event has a ``decoded``

    @property
    def reading(self) -> tuple[type[Event], type[Event]]:
        """What frames decode to: streams of a topic that agree in it share the decoding."""
        return self.event_of("snapshot"), self.event_of("delta")

    def wire(self, wire_name: str) -> Wire:
        """How ``"v5"`` or ``"legacy"`` carries this stream."""
        wires = {"v5": self.v5, "legacy": self.legacy}
        wire = wires.get(wire_name)
        if wire is None:
            legal = ", ".join(name for name, known in wires.items() if known is not None)
            raise ConfigurationError(f"{self.name}: no wire {wire_name!r}; there is {legal}")
        return wire

    def topic(self, wire_name: str, category: Category, symbol: str, **params: object) -> str:
        """The topic of ``symbol`` (or of whatever else the template asks for).

        Errors: ``ConfigurationError`` for a category that has no such stream, and for a
        parameter that cannot be.
        """
        if category not in self.categories:
            legal = ", ".join(self.categories)
            raise ConfigurationError(f"{self.name}: {category} has none; there is {legal}")
        wire = self.wire(wire_name)
        unknown = [name for name in params if name not in wire.places]
        if unknown:
            legal = ", ".join(wire.places) or "none"
            raise ConfigurationError(
                f"{self.name}: no parameter {', '.join(unknown)}; there is {legal}"
            )
        codes = {n: p.write(params.get(n), category) for n, p in wire.places.items()}
        topic = wire.template.format(symbol=self.subject(category, symbol), **codes)
        if wire.at(topic) is None:
            raise ConfigurationError(f"{self.name}: there is no symbol {symbol!r}")
        return topic

    # Any: events of a stream whose topics hold several symbols have a symbol
    def keep(self, pairs: Sequence[tuple[Category, str]]) -> Callable[[Any], bool] | None:
        """What picks the events of these symbols out of their topics; ``None`` when all are."""
        if all(self.subject(category, symbol) == symbol for category, symbol in pairs):
            return None
        wanted = frozenset(symbol for _, symbol in pairs)
        return lambda event: event.symbol in wanted


def _agree(event: type[Event], schema: type[WireSchema], wire: Wire) -> None:
    known = {f.name: f for f in fields_of(event)}
    given = {*wire.from_topic, *(("changed",) if wire.changed else ())}
    declared = schema().declared
    for name in (*declared, *given):
        if name not in known or name == "meta":
            raise TypeError(f"{schema.__name__}: {event.__name__} has no attribute {name!r}")
    if given & set(declared):
        raise TypeError(f"{schema.__name__}: {wire.template} gives {sorted(given)} already")
    hints = get_type_hints(event)
    for name, stock in declared.items():
        if not isinstance(stock, WireField):
            continue  # a field of marshmallow's own says nothing about what it gives
        kept = set(get_args(hints[name])) - {type(None)} if _optional(hints[name]) else None
        types = kept or {hints[name]}
        gives = stock.enum if isinstance(stock, Choice) else stock.gives
        none = stock.empty or stock.nothing is not None
        if types != {gives} or (none and not _optional(hints[name])):
            raise TypeError(f"{schema.__name__}.{name} does not give {hints[name]}")
    for name, attribute in known.items():
        must = attribute.default is NODEFAULT and attribute.default_factory is NODEFAULT
        if must and name not in given and not (name in declared and declared[name].required):
            raise TypeError(f"{schema.__name__}: nothing always gives {event.__name__}.{name}")


def _optional(hint: object) -> bool:
    return type(None) in get_args(hint)
