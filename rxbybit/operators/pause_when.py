"""``pause_when()``: drop what comes while a connection is down."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable, abc
from reactivex.disposable import SingleAssignmentDisposable

from rxbybit.errors import ConfigurationError
from rxbybit.events import Disconnected, Reconnecting, Status, Subscribed
from rxbybit.marking import Owed
from rxbybit.operators.arguments import check_callable, check_observable
from rxbybit.operators.sink import Drops, Sink

__all__ = ["pause_when"]

T = TypeVar("T")


def pause_when(
    status: Observable[Status] | Observable[bool],
    *,
    on_drop: Callable[[int], object] | None = None,
) -> Callable[[Observable[T]], Observable[T]]:
    """What comes while no connection is down; the rest is dropped, and counted.

    ::

        -a-b--c-d-e---f--|
        ----R------S-----|                    # Reconnecting, then Subscribed
        pause_when(status)
        -a-b----------f--|

    For what goes on while the market cannot be seen: signals with a timer in them, or made of
    several streams. ``status`` is the ``status()`` of a client, or an Observable of truth values:
    true pauses. A link that reports ``Reconnecting`` is down, until it reports ``Subscribed`` (the
    exchange sends again; ``Connected`` alone shows no market) or is given up, which is a
    ``Disconnected`` with no ``Reconnecting`` right after it: the next status or value shows it.
    While any link is down all values are dropped, of whatever topic; choose links with
    ``ops.filter`` on ``status.connection``. Other statuses say nothing here. Before the first
    status nothing is dropped, and ``status()`` tells only what happens from the subscription on.
    When ``status`` ends, it stays as it is.

    ``on_drop(count)`` is called once for each pause in which something was dropped, when it ends:
    inside the call that ends it, or before the end of the source; on a client's stream
    ``status()`` tells it too (``Dropped``). Where a dropped event was the first one after a hole,
    the next one of its topic that passes has its ``meta.gap``, unless it is not ours.

    Errors: those of the source and of ``status``; ``ConfigurationError`` at the call for a
    ``status`` that is no Observable or an ``on_drop`` that cannot be called, and on the stream
    when ``status`` gives something else. What ``on_drop`` raises ends the stream.

    ::

        from reactivex import operators as ops
        from rxbybit import operators as rxo
        from rxbybit import status, tickers

        tickers("BTCUSD").pipe(
            ops.sample(0.5),
            rxo.pause_when(status(), on_drop=lambda count: print(count, "dropped")),
        ).subscribe(lambda ticker: print(ticker.bid_price, ticker.ask_price))
    """
    check_observable("pause_when", "status", status, "status()")
    check_callable("pause_when", "on_drop", on_drop)

    def operator(source: Observable[T]) -> Observable[T]:
        def subscribe(
            observer: abc.ObserverBase[T], clock: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            gate = _Gate(observer, Drops(clock, on_drop))
            gate.watch(status, clock)
            return gate.listen(source, clock)

        return Observable(subscribe)

    return operator


class _Gate(Sink[T, T]):
    def __init__(self, observer: abc.ObserverBase[T], drops: Drops) -> None:
        super().__init__(observer)
        self._drops = drops
        self._status = SingleAssignmentDisposable()
        self._down: set[int | None] = set()
        self._ended: set[int | None] = set()  # given up, unless a Reconnecting follows
        self._closed = False
        self._dropped = 0
        self._owed = Owed()

    def watch(
        self,
        status: Observable[Status] | Observable[bool],
        scheduler: abc.SchedulerBase | None,
    ) -> None:
        """Begin with what opens and closes it."""
        said: Observable[Status | bool] = status  # pyright: ignore[reportAssignmentType] - invariant
        self._status.disposable = said.subscribe(
            self._on_status, self.on_error, scheduler=scheduler
        )

    def on_next(self, value: T) -> None:
        if self._ended and not self._stopped:
            self._give_up()
            self._turn(closed=bool(self._down))
        if self._stopped:
            return
        if self._closed:
            self._dropped += 1
            self._owed.leave_out(value)
        else:
            self._observer.on_next(self._owed.pay(value))

    def on_error(self, error: Exception) -> None:
        self._report()
        super().on_error(error)

    def on_completed(self) -> None:
        self._report()
        super().on_completed()

    def _on_status(self, status: Status | bool) -> None:
        if self._stopped:
            return
        if isinstance(status, bool):
            closed = status
        elif isinstance(status, Status):  # pyright: ignore[reportUnnecessaryIsInstance]
            closed = self._any_down(status)
        else:
            super().on_error(
                ConfigurationError(
                    f"pause_when: status gave {status!r}: it takes statuses, such as those of"
                    " status(), or truth values"
                )
            )
            return
        self._turn(closed=closed)

    def _any_down(self, status: Status) -> bool:
        """Whether any link is down, after ``status``."""
        link = status.connection
        if isinstance(status, Reconnecting):
            self._ended.discard(link)
            self._down.add(link)
        self._give_up()
        if isinstance(status, Subscribed):
            self._down.discard(link)
        elif isinstance(status, Disconnected) and link in self._down:
            self._ended.add(link)
        return bool(self._down)

    def _give_up(self) -> None:
        """Nobody waits any more for what has ended: no ``Reconnecting`` came after it."""
        self._down -= self._ended
        self._ended.clear()

    def _turn(self, *, closed: bool) -> None:
        self._closed = closed
        if not closed:
            self._report()

    def _report(self) -> None:
        """Tell what was dropped."""
        count, self._dropped = self._dropped, 0
        if not self._stopped:
            try:
                self._drops.tell(count)
            except Exception as error:  # noqa: BLE001 - the user's function, so the stream's error
                super().on_error(error)

    def _let_go(self) -> None:
        self._status.dispose()
        self._drops.rest(self._dropped)
