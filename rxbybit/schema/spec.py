"""What a stream is: its event, how each wire spells it, and what its subscribers get."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cache
from typing import Any, Generic, Protocol, TypeVar, cast, get_args, get_type_hints

from msgspec import NODEFAULT
from msgspec.structs import FieldInfo
from msgspec.structs import fields as fields_of

from rxbybit.config import Category
from rxbybit.errors import ConfigurationError
from rxbybit.events import Event
from rxbybit.marking import Emitted
from rxbybit.schema.fields import Choice, WireField, WireSchema
from rxbybit.schema.history import History
from rxbybit.schema.recent import Recent
from rxbybit.schema.standing import Standing
from rxbybit.schema.wire import Kind, Otherwise, Place, Wire

__all__ = [
    "NO_SNAPSHOT",
    "Interim",
    "MakeState",
    "Otherwise",
    "Place",
    "Renewal",
    "StreamSpec",
    "TopicState",
    "Wire",
]


E = TypeVar("E", bound=Emitted)
NO_SNAPSHOT = "deltas came and no snapshot"
"""Why a topic is subscribed anew whose first frame was lost."""


class Interim(Event, frozen=True, kw_only=True):
    """What frames decode to for a state alone: as no user sees it, its class may be derived from
    the one that is named, which it would take time to become. Nothing may compare or store such.
    """


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

    def spoil(self, why: str, *, silent: bool = False) -> bool:
        """A frame could not be read or is missing, or (``silent``) none has come for too long;
        whether a new snapshot was asked for.
        """
        ...

    def content(self) -> Hashable:
        """What is known, to be compared with what is known later; ``None`` for nothing."""
        ...


MakeState = Callable[[Renewal, type], TopicState]
"""Makes the state of a topic, of what renews it and what numbers are: ``Decimal`` or ``float``."""


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
        recent: Recent[E] | None = None,
    ) -> None:
        self.name, self.event = name, event
        self.delta_event = delta_event
        """The class for frames of the kind ``"delta"``, where it is another one."""
        self.decoded = decoded
        """The class that frames decode to, where ``emit`` makes the events out of another."""
        self.v5, self.legacy, self.categories = v5, legacy, categories
        self.state = state
        """Makes what subscribers of a topic share; streams that name the same callable share it."""
        self.emit = emit
        """What this stream sends for an event that the state, if any, has taken in, else itself."""
        self.late = late
        """What a later subscriber of a topic gets at once, out of the state; perhaps nothing."""
        self.lapse = lapse
        """What everybody gets out of the state when it was reset or spoilt."""
        self.renew = renew
        """Whether a later subscriber needs the topic subscribed anew."""
        self.once = once
        """Whether events have ``id``, ``sequence`` and ``time_ms``, and each is sent once."""
        self.history = history
        """Where REST has what came before, by time."""
        self.standing = standing
        """Where REST has what is now."""
        self.recent = recent
        """Where REST has what was sent last, each with an id."""
        self.subject = subject
        """What stands in the topic for a symbol of a category: symbols that share it share the
        topic, and events tell by their ``symbol``."""
        self._check()

    def _check(self) -> None:
        for given in (self.v5, self.legacy):
            for wire in (given, *given.also) if given is not None else ():
                # mostly one pair: both kinds of frame have the same event and schema
                pairs = {(self.event_of(k), wire.schema_of(k)): None for k in ("snapshot", "delta")}
                for event, schema in pairs:
                    _agree(event, schema, wire)

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

        ``"*"`` is every symbol, on the wire that has topics for all of them: the legacy one.
        Errors: ``ConfigurationError`` for a category that has no such stream, and for a
        parameter that cannot be.
        """
        if category not in self.categories:
            legal = ", ".join(self.categories)
            raise ConfigurationError(f"{self.name}: {category} has none; there is {legal}")
        wire = self.wire(wire_name)
        if wire.categories and category not in wire.categories:
            legal = ", ".join(wire.categories)
            raise ConfigurationError(
                f"{self.name}: the wire {wire_name!r} has no {category}; there is {legal}"
            )
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
    known, hints = _shape(event)
    given = {*wire.from_topic, *wire.from_envelope, *wire.of_symbol}
    given |= {"changed"} if wire.changed else set()
    declared = schema().declared
    for name in (*declared, *given):
        if name not in known or name == "meta":
            raise TypeError(f"{schema.__name__}: {event.__name__} has no attribute {name!r}")
    if given & set(declared):
        raise TypeError(f"{schema.__name__}: {wire.template} gives {sorted(given)} already")
    if wire.of_symbol and not ("symbol" in declared and declared["symbol"].required):
        raise TypeError(f"{schema.__name__}: {wire.template} needs the symbol of each item")
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


# Any: annotations. Kept, as several wires share an event, and to look at one takes a millisecond.
@cache
def _shape(event: type[Event]) -> tuple[dict[str, FieldInfo], dict[str, Any]]:
    return {f.name: f for f in fields_of(event)}, get_type_hints(event)


def _optional(hint: object) -> bool:
    return type(None) in get_args(hint)
