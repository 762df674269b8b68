"""One topic's fan-out: decoded once, handed to everybody who hears it.

Everything here happens on the thread of one runtime, so nothing is locked. What is walked while
observers are called is replaced, never changed, so an observer may come or go inside the call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from msgspec.structs import replace
from reactivex import abc

from rxbybit.dedupe import is_repeated, unseen
from rxbybit.events import Event, Gap
from rxbybit.schema.spec import StreamSpec, TopicState

__all__ = ["AnySpec", "Hub"]

Send = Callable[[Event], None]
Decode = Callable[[bytes, int, "int | None"], Sequence[Event]]
AnySpec = StreamSpec[Any]  # Any: siblings on one topic give different events


class _OnGap(Protocol):
    """Makes the ``Gap`` of a topic, between two exchange times, and reports it."""

    def __call__(self, after_ms: int | None, before_ms: int | None) -> Gap: ...


class _Outlet:
    """One stream of the topic: what it makes of an event, and who hears it."""

    __slots__ = ("missed", "newcomers", "owed", "sends", "spec", "state")

    def __init__(self, spec: AnySpec, state: TopicState | None) -> None:
        self.spec = spec
        self.state = state
        self.sends: tuple[Send, ...] = ()
        self.newcomers: tuple[Send, ...] = ()  # they begin at the next snapshot
        self.missed: frozenset[Send] = frozenset()  # who was there before the last hole
        self.owed: Gap | None = None  # for the next event that is sent to them


class Hub:
    """The observers of one topic on one link.

    ``decode`` makes events of a frame, ``on_gap`` reports a hole, ``on_empty`` hears that the
    last observer has left.
    """

    def __init__(
        self,
        decode: Decode,
        *,
        snapshot_first: bool,
        on_gap: _OnGap,
        on_empty: Callable[[], None],
        once: bool = False,
    ) -> None:
        self._decode = decode
        self._snapshot_first = snapshot_first
        self._on_gap = on_gap
        self._on_empty = on_empty
        self._outlets: tuple[_Outlet, ...] = ()
        self._states: tuple[TopicState, ...] = ()
        self._observers: dict[Send, abc.ObserverBase[Any]] = {}
        self._plain: tuple[Send, ...] | None = None
        self._last: Event | None = None
        self._once = once
        self._resuming = False
        self._hole = False
        self._awaits_snapshot = snapshot_first
        self._attention = snapshot_first

    def feed(self, data: bytes, received_ns: int, connection: int | None) -> None:
        """Decode a frame and send what it holds."""
        events = self._decode(data, received_ns, connection)
        if self._once and self._last is not None and events:
            events = self._fresh(events, self._last)
        if self._attention and events:
            events = self._attend(events)
        event = self._last
        for event in events:
            plain = self._plain
            if plain is None:
                self._fold(event)
            else:
                for send in plain:
                    send(event)
        self._last = event

    def attach(
        self,
        spec: AnySpec,
        observer: abc.ObserverBase[Any],
        keep: Callable[[Any], bool] | None = None,
    ) -> tuple[Callable[[], None], bool]:
        """Let ``observer`` hear ``spec``, filtered by ``keep``.

        Gives the function that ends it, and whether the topic must be subscribed anew to give
        this observer its snapshot.
        """
        outlet = self._outlet(spec)
        send = observer.on_next if keep is None else _kept(observer, keep)
        renew = spec.renew and self._last is not None and not self._awaits_snapshot
        self._observers[send] = observer
        if renew:
            outlet.newcomers += (send,)
            self._attention = True
        else:
            outlet.sends += (send,)
        self._settle()
        if spec.late is not None and outlet.state is not None:
            held = spec.late(outlet.state)
            if held is not None:
                send(held)
        return lambda: self._detach(outlet, send), renew

    def lost(self, *, was_live: bool) -> None:
        """The link is gone; ``was_live`` says that something may now be missed.

        Whoever has had an event may miss the next, whatever a renewal is waiting for.
        """
        for state in self._states:
            state.reset()
        self._resuming = True
        if was_live or self._last is not None:
            self._hole = True
            for outlet in self._outlets:
                outlet.missed |= frozenset(outlet.sends)
        self._awaits_snapshot = self._snapshot_first
        self._attention = self._attention or self._hole or self._awaits_snapshot

    def fail(self, error: Exception) -> None:
        """End every observer with ``error``; the hub is empty before the first hears of it."""
        for observer in self._clear():
            observer.on_error(error)

    def mute(self) -> None:
        """Let every observer go without a word."""
        self._clear()

    def _clear(self) -> list[abc.ObserverBase[Any]]:
        observers = list(self._observers.values())
        self._observers.clear()
        self._outlets = ()
        self._settle()
        if observers:
            self._on_empty()
        return observers

    def _fresh(self, events: Sequence[Event], last: Event) -> Sequence[Event]:
        if self._resuming:
            events, self._resuming = unseen(events, last)
            return events
        return () if is_repeated(events, last) else events

    def _fold(self, event: Event) -> None:
        for state in self._states:
            state.apply(event)
        for outlet in self._outlets:
            emit = outlet.spec.emit
            value = event if emit is None else emit(outlet.state, event)
            if value is None:
                continue
            if outlet.owed is not None:
                self._pay(outlet, outlet.owed, value)
            else:
                for send in outlet.sends:
                    send(value)

    def _pay(self, outlet: _Outlet, gap: Gap, value: Event) -> None:
        """Send the first event after a hole, marked for those who were there before it."""
        missed = outlet.missed
        outlet.owed, outlet.missed = None, frozenset()
        self._settle()
        marked = _marked(value, gap)
        for send in outlet.sends:
            send(marked if send in missed else value)

    def _attend(self, events: Sequence[Event]) -> Sequence[Event]:
        """The first frame after a hole, or while a snapshot is awaited."""
        first = events[0]
        snapshot = first.meta.kind == "snapshot"
        if self._awaits_snapshot and not snapshot:
            return ()
        self._awaits_snapshot = False
        if snapshot:
            for outlet in self._outlets:
                outlet.sends += outlet.newcomers
                outlet.newcomers = ()
            self._settle()
        self._attention = any(outlet.newcomers for outlet in self._outlets)
        if self._hole:
            self._hole = False
            gap = self._on_gap(_exchange_ms(self._last), _exchange_ms(first))
            for outlet in self._outlets:
                outlet.missed = outlet.missed if gap.lost != 0 else frozenset()
                outlet.owed = gap if outlet.missed else None
            self._settle()
        return events

    def _outlet(self, spec: AnySpec) -> _Outlet:
        for outlet in self._outlets:
            if outlet.spec is spec:
                return outlet
        outlet = _Outlet(spec, self._state(spec))
        self._outlets += (outlet,)
        return outlet

    def _state(self, spec: AnySpec) -> TopicState | None:
        if spec.state is None:
            return None
        for outlet in self._outlets:
            if outlet.spec.state is spec.state:
                return outlet.state
        return spec.state()

    def _detach(self, outlet: _Outlet, send: Send) -> None:
        if self._observers.pop(send, None) is None:
            return
        outlet.sends = tuple(other for other in outlet.sends if other is not send)
        outlet.newcomers = tuple(other for other in outlet.newcomers if other is not send)
        if self._observers and not (outlet.sends or outlet.newcomers):
            # the last one stays, as its state must go on while the topic lingers
            self._outlets = tuple(other for other in self._outlets if other is not outlet)
        self._settle()
        if not self._observers:
            self._on_empty()

    def _settle(self) -> None:
        """Work out again what ``feed`` walks."""
        states = {id(o.state): o.state for o in self._outlets if o.state is not None}
        self._states = tuple(states.values())
        self._plain = None
        if len(self._outlets) == 1:
            (one,) = self._outlets
            if one.spec.state is None and one.spec.emit is None and one.owed is None:
                self._plain = one.sends


def _kept(observer: abc.ObserverBase[Any], keep: Callable[[Any], bool]) -> Send:
    owed: Gap | None = None

    def send(event: Event) -> None:
        nonlocal owed
        if not keep(event):
            owed = event.meta.gap or owed
            return
        if owed is not None:
            event, owed = _marked(event, owed), None
        observer.on_next(event)

    return send


def _marked(event: Event, gap: Gap) -> Event:
    """``event`` as the first one after ``gap``, unless it is that of a later one."""
    return replace(event, meta=replace(event.meta, gap=event.meta.gap or gap))


def _exchange_ms(event: Event | None) -> int | None:
    """When the exchange made an event: its own time where it has one, else its frame's."""
    if event is None:
        return None
    own: int | None = getattr(event, "time_ms", None)
    return own or event.meta.matched_ms or event.meta.sent_ms
