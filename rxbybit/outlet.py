"""What one stream makes of the events of a topic, and how they reach who hears it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from rxbybit.events import Event, Gap
from rxbybit.marking import Emitted, marked
from rxbybit.schema.spec import StreamSpec, TopicState

__all__ = [
    "AnySpec",
    "Hearer",
    "Outlet",
    "Send",
    "exchange_ms",
    "filtered",
    "folded",
    "folding",
    "straight",
]

Send = Callable[[Sequence[Any]], None]  # Any: siblings on one topic give different events
AnySpec = StreamSpec[Any]


class Hearer(Protocol):
    """Who hears a topic."""

    def on_each(self, values: Sequence[Any], /) -> None:
        """What a frame holds for it, in order."""

    def on_error(self, error: Exception) -> None:
        """The end of the topic."""


class Outlet:
    """One stream of the topic: what it makes of an event, and who hears it."""

    __slots__ = ("missed", "newcomers", "owed", "sends", "spec", "state")

    def __init__(self, spec: AnySpec, state: TopicState | None) -> None:
        self.spec = spec
        self.state = state
        self.sends: tuple[Send, ...] = ()
        self.newcomers: tuple[Send, ...] = ()  # they begin at the next snapshot
        self.missed: frozenset[Send] = frozenset()  # who was there before the last hole
        self.owed: Gap | None = None  # for the next event that is sent to them


def straight(outlet: Outlet) -> Send:
    """What sends events as they are: much less than folding, and mostly all there is to do."""
    sends, state = outlet.sends, outlet.state
    if state is None and len(sends) == 1:
        return sends[0]

    def deliver(events: Sequence[Event]) -> None:
        if state is not None:
            for event in events:
                state.apply(event)
        for send in sends:
            send(events)

    return deliver


def folding(outlet: Outlet) -> Send:
    """What sends what a stream makes of each event, where nobody else hears the topic."""
    sends, state, emit = outlet.sends, outlet.state, outlet.spec.emit
    assert state is not None
    assert emit is not None
    apply = state.apply

    def deliver(events: Sequence[Event]) -> None:
        values: list[Any] = []  # Any: as Send's
        for event in events:
            apply(event)
            value = emit(state, event)
            if value is not None:
                values.append(value)
        if values:
            for send in sends:
                send(values)

    return deliver


def folded(
    outlets: Sequence[Outlet], states: Sequence[TopicState], events: Sequence[Event]
) -> list[tuple[Outlet, tuple[Send, ...], list[Emitted]]]:
    """What each of several streams makes of the events, and who hears it; nothing for nothing."""
    made = [(outlet, outlet.sends, list[Emitted]()) for outlet in outlets]
    for event in events:
        for state in states:
            state.apply(event)
        for outlet, _, values in made:
            emit = outlet.spec.emit
            value = event if emit is None else emit(outlet.state, event)
            if value is not None:
                values.append(value)
    return [one for one in made if one[2]]


def exchange_ms(event: Event) -> int | None:
    """When the exchange made an event: its own time where it has one, else its frame's."""
    own: int | None = getattr(event, "time_ms", None)
    return own or event.meta.matched_ms or event.meta.sent_ms


def filtered(hearer: Hearer, keep: Callable[[Any], bool]) -> Send:
    """What sends ``hearer`` the events that ``keep`` says; a gap goes to the next of them."""
    owed: Gap | None = None

    def send(events: Sequence[Event]) -> None:
        nonlocal owed
        kept: list[Event] = []
        for event in events:
            if not keep(event):
                owed = event.meta.gap or owed
            elif owed is None:
                kept.append(event)
            else:
                kept.append(marked(event, owed))
                owed = None
        hearer.on_each(kept)

    return send
