"""One topic's fan-out: decoded once, handed to everybody who hears it.

Everything here happens on the thread of one runtime, so nothing is locked. What is walked while
observers are called is replaced, never changed, so an observer may come or go inside the call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rxbybit.counting import BETWEEN, Frames
from rxbybit.dedupe import Once
from rxbybit.events import Event
from rxbybit.mending import Run
from rxbybit.outlet import (
    AnySpec,
    Feed,
    Hearer,
    Mender,
    OnDelay,
    OnGap,
    Outlet,
    Send,
    exchange_ms,
    filtered,
    folded,
    folding,
    gap_of,
    lapse,
    owe,
    paid,
    send_after,
    states_of,
    straight,
)
from rxbybit.schema.spec import NO_SNAPSHOT, Renewal, TopicState
from rxbybit.schema.written import Decode

__all__ = ["Hub"]


class Hub:
    """The observers of one topic on one link.

    ``decode`` makes events of a frame, ``on_gap`` reports a hole, ``on_empty`` hears that the
    last observer has left. ``once`` leaves out what was sent already, ``timed``: events have a
    time of their own. ``on_delay`` hears of one frame in 16. States get a snapshot by ``renewal``,
    and make numbers of ``numbers``. ``feed`` takes the frames, ``heard`` tells how many they were.
    """

    def __init__(
        self,
        decode: Decode,
        *,
        snapshot_first: bool,
        on_gap: OnGap,
        on_empty: Callable[[], None],
        once: Once | None = None,
        timed: bool = False,
        on_delay: OnDelay = lambda sent_ms, received_ns: None,
        renewal: Renewal,
        numbers: type,
    ) -> None:
        self._snapshot_first = snapshot_first
        self._renewal, self._numbers = renewal, numbers
        self._on_gap, self._on_empty = on_gap, on_empty
        self._once = once
        self.feed, self.heard = self._feeding(decode, once, timed, on_delay)
        self._outlets: tuple[Outlet, ...] = ()
        self._states: tuple[TopicState, ...] = ()
        self._hearers: dict[Send, Hearer] = {}
        self._deliver: Send = self._fold
        self._last_ms: int | None = None
        self._hole, self._asking, self._fetched = False, False, 0  # asking: for a snapshot
        self._mender: Mender | None = None
        self._awaits_snapshot = self._attention = snapshot_first

    def _feeding(
        self, decode: Decode, once: Once | None, timed: bool, on_delay: OnDelay
    ) -> tuple[Feed, Callable[[], Frames]]:
        """What takes the frames, and what tells how many: a closure, as a variable is quick."""
        new = None if once is None else once.new
        frames = more = last_ns = 0  # more: events than frames

        def feed(data: bytes, received_ns: int, connection: int | None) -> None:
            nonlocal frames, more, last_ns
            # Any: the time of an event is where `timed` says
            events: Sequence[Any] = decode(data, received_ns, connection)
            if new is not None:
                events = new(events)
            if self._attention:
                events = self._attend(events)
            # together, as another thread may read them, and nothing where a frame is one event
            count = len(events)
            if count != 1:
                more += count - 1
            frames += 1
            last_ns = received_ns
            if events:
                last = events[count - 1]  # CPython has no quick way for [-1]
                # not the event: freed later than in this call, it would cost more (see dedupe.py)
                if timed:
                    self._last_ms = last.time_ms
                else:
                    meta = last.meta
                    self._last_ms = meta.matched_ms or meta.sent_ms
                if not frames & BETWEEN:
                    on_delay(last.meta.sent_ms, received_ns)
                deliver = self._deliver  # which has no method of that name to be looked for
                deliver(events)

        return feed, lambda: Frames(frames, frames + more + self._fetched, last_ns)

    def attach(
        self,
        spec: AnySpec,
        hearer: Hearer,
        keep: Callable[[Any], bool] | None = None,
        *,
        late: bool = True,
    ) -> tuple[Callable[[], None], bool]:
        """Let ``hearer`` hear ``spec`` from the next frame on, filtered by ``keep``.

        ``late`` gives it at once what the state holds, if the stream does that. Gives what ends
        it, and whether the topic must be subscribed anew for a snapshot.
        """
        outlet = self._outlet(spec)
        send = hearer.on_each if keep is None else filtered(hearer, keep)
        renew = spec.renew and self.begun
        self._hearers[send] = hearer
        if renew:
            outlet.newcomers += (send,)
            self._attention = True
        else:
            outlet.sends += (send,)
        self._settle()
        if late and spec.late and (held := spec.late(outlet.state)):
            send(held)
        return lambda: self._detach(outlet, send), renew

    def take(self, events: Sequence[Event]) -> None:
        """Events that came another way, such as over REST, in their place among the frames."""
        if self._attention:
            events = self._attend(events)
        self._fetched += len(events)
        if events:
            self._deliver(events)

    def mend_with(self, mender: Mender) -> None:
        """Let ``mender`` have what comes after a hole, until it gives that to :meth:`mended`."""
        self._mender = mender
        self._settle()

    def mended(self, runs: Sequence[Run], *, over: bool) -> None:
        """Deliver what is known of a hole, and whether it is ``over``: what comes next follows.

        What was fetched is for those who were there before the hole.
        """
        for run in runs:
            if (gap := gap_of(run, self._last_ms, self._on_gap)) is not None:
                owe(self._outlets, gap)
            self._fetched += len(run.events)  # and held, when nothing came of its frame
            send_after(self._outlets, self._states, run.events)
            self._last_ms = exchange_ms(run.events[-1])
        if over:
            self._hole = False
            for outlet in self._outlets:
                if outlet.owed is None:
                    outlet.missed = frozenset()
            self._settle()
            self._attention = any(outlet.newcomers for outlet in self._outlets)

    def state_of(self, spec: AnySpec) -> TopicState | None:
        """What the subscribers of ``spec`` share, if there are any."""
        return next((o.state for o in self._outlets if o.spec.state is spec.state), None)

    def lost(self, *, was_live: bool) -> None:
        """The link is gone; ``was_live`` says that something may now be missed.

        Whoever has had an event may miss the next, whatever a renewal is waiting for.
        """
        for state in self._states:
            state.reset()
        mark = None if self._once is None else self._once.resume()
        if was_live or self._hole or self._last_ms is not None:
            self._hole = True
            for outlet in self._outlets:
                outlet.missed |= frozenset(outlet.sends)
            if self._mender is not None:
                self._mender.lost(mark)
        self._awaits_snapshot, self._asking = self._snapshot_first, False
        self._attention = self._hole or self._awaits_snapshot
        lapse(self._outlets)

    @property
    def begun(self) -> bool:
        """Whether a new observer of any stream may begin with the next frame."""
        return not self._awaits_snapshot

    @property
    def deserted(self) -> bool:
        """Whether nobody hears it, or nobody yet."""
        return not self._hearers

    def spoil(self, why: str, *, silent: bool = False) -> None:
        """A frame could not be read, or (``silent``) none has come for too long; ``why`` tells."""
        asked = sum([state.spoil(why, silent=silent) for state in self._states])
        if silent:
            self._awaits_snapshot = self._attention = True
        if self._awaits_snapshot and not asked:
            self._asking = True
            self._renewal.ask(why)
        lapse(self._outlets)

    def fail(self, error: Exception) -> None:
        """End every observer with ``error``; the hub is empty before the first hears of it."""
        for observer in self.mute():
            observer.on_error(error)

    def mute(self) -> list[Hearer]:
        """Let every observer go without a word; gives them."""
        observers = list(self._hearers.values())
        self._hearers, self._outlets = {}, ()
        self._settle()
        if observers:
            self._on_empty()
        return observers

    def _fold(self, events: Sequence[Event]) -> None:
        """Send each outlet what it makes of the events, and nobody who comes meanwhile."""
        for outlet, sends, values in folded(self._outlets, self._states, events):
            missed, told = outlet.missed, paid(outlet, values)
            if told is not values:
                outlet.missed = frozenset()
                self._settle()
            for send in sends:
                send(told if send in missed else values)

    def _attend(self, events: Sequence[Event]) -> Sequence[Event]:
        """The first frame after a hole, or while a snapshot is awaited."""
        if not events:
            return events
        first = events[0]
        snapshot = first.meta.kind == "snapshot"
        if self._awaits_snapshot and not snapshot:
            if self._renewal.late():
                self.spoil(NO_SNAPSHOT)
            return ()
        self._awaits_snapshot = False
        if self._asking:
            self._asking = False
            self._renewal.done()
        if snapshot:
            for outlet in self._outlets:
                outlet.begin()
            self._settle()
        self._attention = any(outlet.newcomers for outlet in self._outlets)
        if self._hole:
            if self._mender is not None:
                self._attention = True
                self._mender.hold(events)
                return ()
            self._hole = False
            owe(self._outlets, self._on_gap(self._last_ms, exchange_ms(first)))
            self._settle()
        return events

    def _outlet(self, spec: AnySpec) -> Outlet:
        for outlet in self._outlets:
            if outlet.spec is spec:
                return outlet
        state = self.state_of(spec)
        if state is None and spec.state is not None:
            state = spec.state(self._renewal, self._numbers)
        outlet = Outlet(spec, state)
        self._outlets += (outlet,)
        return outlet

    def _detach(self, outlet: Outlet, send: Send) -> None:
        if self._hearers.pop(send, None) is None:
            return
        outlet.leave(send)
        if self._hearers and not (outlet.sends or outlet.newcomers):
            # the last one stays, as its state must go on while the topic lingers
            self._outlets = tuple(other for other in self._outlets if other is not outlet)
        self._settle()
        if not self._hearers:
            self._on_empty()

    def _settle(self) -> None:
        """Work out again what takes the events of a frame."""
        watch = None if self._mender is None else self._mender.watch
        self._states = states_of(self._outlets, watch)
        self._deliver = self._fold
        if len(self._outlets) == 1 and watch is None:
            (one,) = self._outlets
            if one.owed is None:
                self._deliver = straight(one) if one.spec.emit is None else folding(one)
