"""What one stream makes of the events of a topic, and how they reach who hears it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, Protocol

from rxbybit.events import Event, Gap
from rxbybit.marking import Emitted, marked
from rxbybit.mending import Mark, Run
from rxbybit.schema.spec import StreamSpec, TopicState

__all__ = [
    "AnySpec",
    "Feed",
    "Hearer",
    "Mender",
    "OnDelay",
    "OnGap",
    "Outlet",
    "Send",
    "exchange_ms",
    "filtered",
    "folded",
    "folding",
    "gap_of",
    "lapse",
    "owe",
    "paid",
    "send_after",
    "states_of",
    "straight",
]

Send = Callable[[Sequence[Any]], None]  # Any: siblings on one topic give different events
AnySpec = StreamSpec[Any]
Feed = Callable[[bytes, int, "int | None"], None]
"""Takes a frame: its bytes, ``time.time_ns()`` when it came, and the number of its link."""
OnDelay = Callable[["int | None", int], None]
"""Hears of some frames: the exchange's time in it, and when it came."""


class OnGap(Protocol):
    """Makes the ``Gap`` of a topic, between two exchange times, and reports it."""

    def __call__(
        self, after_ms: int | None, before_ms: int | None, filled: int = 0, lost: int | None = None
    ) -> Gap: ...


class Mender(Protocol):
    """Whoever fills the holes of a topic."""

    @property
    def watch(self) -> TopicState | None:
        """What must hear of every event that is delivered, if anything."""
        ...

    def lost(self, mark: Mark | None) -> None:
        """The link was lost, after what ``mark`` says was delivered, where that is known."""

    def hold(self, events: Sequence[Any], /) -> None:  # Any: as Send's
        """These came after a hole: they are delivered by :meth:`rxbybit.hub.Hub.mended`."""


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

    def begin(self) -> None:
        """A snapshot has come."""
        self.sends += self.newcomers
        self.newcomers = ()

    def leave(self, send: Send) -> None:
        """One of them hears it no more."""
        self.sends = tuple(other for other in self.sends if other is not send)
        self.newcomers = tuple(other for other in self.newcomers if other is not send)


def states_of(outlets: Sequence[Outlet], watch: TopicState | None) -> tuple[TopicState, ...]:
    """What must hear of every event, each once."""
    states = [outlet.state for outlet in outlets] + [watch]
    return tuple({id(state): state for state in states if state is not None}.values())


def lapse(outlets: Sequence[Outlet]) -> None:
    """What is known to be incomplete from now on is told at once."""
    lapsed = [
        (outlet.sends, value)
        for outlet in outlets
        if outlet.spec.lapse and (value := outlet.spec.lapse(outlet.state)) is not None
    ]
    for sends, value in lapsed:
        for send in sends:
            send((value,))


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

    def to_all(events: Sequence[Event]) -> None:
        values: list[Any] = []  # Any: as Send's
        for event in events:
            apply(event)
            value = emit(state, event)
            if value is not None:
                values.append(value)
        if values:
            for send in sends:
                send(values)

    if len(sends) != 1:
        return to_all
    (only,) = sends

    def to_one(events: Sequence[Event]) -> None:
        """Without a list, for one event, which is what most frames hold, and one subscriber."""
        if len(events) != 1:
            to_all(events)
            return
        (event,) = events
        apply(event)
        value = emit(state, event)
        if value is not None:
            only((value,))

    return to_one


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


def owe(outlets: Sequence[Outlet], gap: Gap) -> None:
    """Those who were there before a hole are to hear of it with their next event."""
    for outlet in outlets:
        if gap.lost != 0 and outlet.missed:  # else what an earlier one has lost is still missing
            outlet.owed = gap


def paid(outlet: Outlet, values: list[Emitted]) -> list[Emitted]:
    """The first values after a hole, as those get them who were there before it."""
    gap, outlet.owed = outlet.owed, None
    return values if gap is None else [marked(values[0], gap), *values[1:]]


def gap_of(run: Run, last_ms: int | None, on_gap: OnGap) -> Gap | None:
    """What is told of the hole before ``run``, and of what in it was fetched; perhaps nothing."""
    events = run.events
    live = [event for event in events if not event.meta.backfilled]
    if run.lost == 0 and len(live) == len(events):
        return None
    before = events[0] if run.lost != 0 or not live else live[0]
    return on_gap(last_ms, exchange_ms(before), len(events) - len(live), run.lost)


def send_after(
    outlets: Sequence[Outlet], states: Sequence[TopicState], events: Sequence[Event]
) -> None:
    """Send events after a hole; what was fetched is for those who were there before it."""
    for backfilled, some in groupby(events, lambda event: event.meta.backfilled):
        for outlet, sends, values in folded(outlets, states, list(some)):
            missed, told = outlet.missed, paid(outlet, values)
            for send in sends:
                if send in missed:
                    send(told)
                elif not backfilled:
                    send(values)


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
