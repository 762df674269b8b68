"""What a subscription knows of the client that its stream belongs to, or of several."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rxbybit.runtime import Runtime, RuntimeScheduler

__all__ = ["ClientClock", "ClientOrigin", "Clients", "Origin", "ServingClock"]


class Origin(Protocol):
    """What a stream of a client knows of its client."""

    @property
    def keep_alive(self) -> bool:
        """Whether a subscription keeps a script from ending."""
        ...

    @property
    def runtime(self) -> Runtime | None:
        """The runtime that the client was given; ``None`` leaves the choice to the subscribe."""
        ...

    def check(self) -> None:
        """Raise ``ClosedError`` when the client is closed."""
        ...

    def dropped(self, count: int, /) -> None:
        """Hear that an ``iterate`` or an operator dropped so many since its last report."""
        ...

    def when_closed(self, callback: Callable[[], None], /) -> Callable[[], None]:
        """Have ``callback`` called when the client closes; from any thread.

        Gives the function that takes the callback back.
        """
        ...


@dataclass(frozen=True)
class ClientOrigin:
    """The :class:`Origin` of a client, made of what it can do."""

    keep_alive: bool
    runtime: Runtime | None
    check: Callable[[], None]
    dropped: Callable[[int], None]
    when_closed: Callable[[Callable[[], None]], Callable[[], None]]


class Clients:
    """The clients behind a subscription that belongs to none, such as that of a lifted merge.

    It is cut off with the last of them: all that it has listened to are closed, and at least one
    was muted by that, which its operators wait for in vain.
    """

    def __init__(self, cut_off: Callable[[], None]) -> None:
        self._cut_off = cut_off
        self._open: set[Origin] = set()
        self._removers: dict[Origin, Callable[[], None]] = {}
        self._muted = False
        self._left = False

    def join(self, origin: Origin) -> None:
        """Hear of the close of ``origin``, to which the subscription listens now."""
        if origin not in self._open:
            self._open.add(origin)
            self._removers[origin] = origin.when_closed(lambda: self._on_close(origin))
            if origin not in self._open:  # it has closed meanwhile, or had before
                self._forget(origin)
            if self._left:  # an operator on a thread of its own may be late
                self.leave()

    def mute(self) -> None:
        """A close has ended one of the inner subscriptions, in silence."""
        self._muted = True
        self._look()

    def dropped(self, count: int) -> None:
        """So many values were dropped of what may have come from any of them: each counts them."""
        for origin in list(self._open):
            origin.dropped(count)

    def leave(self) -> None:
        """Hear of no client any more."""
        self._left = True
        for origin in list(self._removers):
            self._forget(origin)

    def _on_close(self, origin: Origin) -> None:
        self._open.discard(origin)
        self._forget(origin)
        self._look()

    def _forget(self, origin: Origin) -> None:
        remove = self._removers.pop(origin, None)
        if remove is not None:
            remove()

    def _look(self) -> None:
        # Both are told in either order and on any thread: whoever comes last finds both true.
        if self._muted and not self._open:
            self._cut_off()


class _Clock(RuntimeScheduler):
    """The clock of one subscription."""

    @property
    def now(self) -> datetime:
        """The time of the runtime's own clock: all of them are to agree."""
        return self.runtime.scheduler.now


class ServingClock(_Clock):
    """That of a subscription that belongs to no client; inner ones find it by this."""

    def __init__(self, runtime: Runtime, clients: Clients, origin: Origin | None = None) -> None:
        super().__init__(runtime)
        self.clients = clients
        self._origin = origin

    def dropped(self, count: int) -> None:
        """As :meth:`ClientClock.dropped`: for the client whose stream it is, else for each that
        is behind it.
        """
        who = self.clients if self._origin is None else self._origin
        self.runtime.call(lambda: who.dropped(count))


class ClientClock(_Clock):
    """That of a subscription of a client; operators tell it what they drop."""

    def __init__(self, runtime: Runtime, origin: Origin) -> None:
        super().__init__(runtime)
        self._origin = origin

    def dropped(self, count: int) -> None:
        """So many values were dropped since the last report; on any thread."""
        self.runtime.call(lambda: self._origin.dropped(count))
