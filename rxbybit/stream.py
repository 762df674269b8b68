"""``Stream``: an Observable that carries its clock and its thread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, TypeVar, overload

import reactivex
from reactivex import ConnectableObservable, Observable, abc

from rxbybit.errors import RuntimeMisuse
from rxbybit.iteration import Iteration, Overflow
from rxbybit.origin import Origin
from rxbybit.runtime import Runtime, RuntimeScheduler
from rxbybit.subscription import Connect, Subscription
from rxbybit.waiting import block_for_last, wait_for_last

__all__ = ["Origin", "Stream", "lift"]

T_co = TypeVar("T_co", covariant=True)
S = TypeVar("S")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")
G = TypeVar("G")

Op: TypeAlias = Callable[[A], B]
Obs: TypeAlias = Observable[A]
Connectable: TypeAlias = ConnectableObservable[A]
Source: TypeAlias = Callable[[Runtime, Subscription[A]], abc.DisposableBase]
_Seconds: TypeAlias = timedelta | float


class Stream(Observable[T_co]):
    """A cold observable whose every call happens on the thread of one event loop.

    Subscribing binds the runtime: that of the running loop, else the background thread. From
    there on the source, ``on_next``, timers and the teardown run on that thread, one at a time.
    ``pipe`` and the fluent methods give a ``Stream`` again, so a timed operator such as
    ``ops.buffer_with_time(1)`` ticks on the same loop. A ``scheduler=`` given to ``subscribe``
    or to an operator wins.

    ``source`` is called on the runtime's thread for each subscription; it returns quickly, and
    calls the observer on that thread only. ``origin`` is the client that it belongs to.
    """

    def __init__(self, source: Source[T_co], *, origin: Origin | None = None) -> None:
        super().__init__()
        self._origin = origin
        self._connect: Connect[T_co] = lambda runtime, observer, _: source(runtime, observer)

    def subscribe(
        self,
        on_next: abc.ObserverBase[T_co] | abc.OnNext[T_co] | None = None,
        on_error: abc.OnError | None = None,
        on_completed: abc.OnCompleted | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        """Begin to listen, with callbacks or with an observer; dispose what it returns to end.

        Returns at once, from any thread. ``scheduler`` is the clock of the timed operators
        before it, when they were not given their own.

        Errors: ``ClosedError`` when the client is closed. What goes wrong later goes to
        ``on_error``, and without one to the loop's exception handler.
        """
        listen: Any = on_next  # Any: what merely looks like an observer counts, as in reactivex
        if hasattr(listen, "on_next"):
            on_error, on_completed = listen.on_error, listen.on_completed
            listen = listen.on_next
        return self._listen(listen, on_error, on_completed, scheduler=scheduler)

    def _listen(
        self,
        on_next: abc.OnNext[T_co] | None,
        on_error: abc.OnError | None,
        on_completed: abc.OnCompleted | None,
        on_cut: abc.OnError | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> Subscription[T_co]:
        if self._origin is not None:
            self._origin.check()
        runtime = self._choose(scheduler)
        subscription = Subscription(runtime, on_next, on_error, on_completed, on_cut)
        subscription.start(self._connect, self._origin, scheduler)
        return subscription

    def _choose(self, scheduler: abc.SchedulerBase | None = None) -> Runtime:
        if self._origin is not None and self._origin.runtime is not None:
            return self._origin.runtime
        if isinstance(scheduler, RuntimeScheduler):
            return scheduler.runtime
        return Runtime.current()

    def iterate(self, buffer: int = 1000, overflow: Overflow = "error") -> Iteration[T_co]:
        """The events as an asynchronous iterator, through a buffer of ``buffer`` events.

        It subscribes at the first step and disposes when the loop over it is left. When the
        buffer is full, ``overflow`` decides: ``"error"`` ends it with ``SlowConsumer``,
        ``"drop_oldest"`` and ``"drop_newest"`` drop, ``"latest"`` keeps the newest event only.
        What is dropped is counted by the client, or each that is behind a lifted stream.

        Errors, raised out of the loop: the stream's own, ``SlowConsumer``, ``ClosedError``;
        ``ConfigurationError`` at the call for a buffer below 1 or an unknown policy.
        """
        return Iteration(self._listen, self._choose, buffer=buffer, overflow=overflow)

    def __aiter__(self) -> AsyncIterator[T_co]:
        return self.iterate()

    def __iter__(self) -> NoReturn:  # reactivex would give slices of it, for ever
        raise RuntimeMisuse("a stream is no list: use 'async for', subscribe() or run()")

    def __await__(self) -> Generator[Any, None, T_co]:  # Any: what a future yields to its loop
        """Wait for the end; gives the last event.

        Errors: the stream's own, ``ClosedError``, and reactivex's
        ``SequenceContainsNoElementsError`` when there was no event.
        """
        return wait_for_last(self._listen).__await__()

    def run(self, scheduler: abc.SchedulerBase | None = None) -> T_co:
        """Block a plain thread until the end; gives the last event. Ctrl-C ends it, disposed.

        Errors: those of ``await``, and ``RuntimeMisuse`` inside a running event loop.
        """
        return block_for_last(self._listen, scheduler)

    if TYPE_CHECKING:
        # fmt: off
        @overload
        def pipe(self) -> Stream[T_co]: ...
        @overload  # A connectable is an Observable too, but the one that does not become a Stream.
        def pipe(  # pyright: ignore[reportOverlappingOverload]
            self, a: Op[Obs[T_co], Connectable[A]], /
        ) -> Connectable[A]: ...
        @overload
        def pipe(self, a: Op[Obs[T_co], Obs[A]], /) -> Stream[A]: ...
        @overload
        def pipe(self, a: Op[Obs[T_co], A], /) -> A: ...
        @overload
        def pipe(self, a: Op[Obs[T_co], A], b: Op[A, Connectable[B]], /) -> Connectable[B]: ...
        @overload
        def pipe(self, a: Op[Obs[T_co], A], b: Op[A, Obs[B]], /) -> Stream[B]: ...
        @overload
        def pipe(self, a: Op[Obs[T_co], A], b: Op[A, B], /) -> B: ...
        @overload
        def pipe(self, a: Op[Obs[T_co], A], b: Op[A, B], c: Op[B, Obs[C]], /) -> Stream[C]: ...
        @overload
        def pipe(self, a: Op[Obs[T_co], A], b: Op[A, B], c: Op[B, C], /) -> C: ...
        @overload
        def pipe(
            self, a: Op[Obs[T_co], A], b: Op[A, B], c: Op[B, C], d: Op[C, Obs[D]], /
        ) -> Stream[D]: ...
        @overload
        def pipe(self, a: Op[Obs[T_co], A], b: Op[A, B], c: Op[B, C], d: Op[C, D], /) -> D: ...
        @overload
        def pipe(
            self, a: Op[Obs[T_co], A], b: Op[A, B], c: Op[B, C], d: Op[C, D], e: Op[D, Obs[E]], /
        ) -> Stream[E]: ...
        @overload
        def pipe(
            self, a: Op[Obs[T_co], A], b: Op[A, B], c: Op[B, C], d: Op[C, D], e: Op[D, E], /
        ) -> E: ...
        @overload
        def pipe(
            self, a: Op[Obs[T_co], A], b: Op[A, B], c: Op[B, C], d: Op[C, D], e: Op[D, E],
            f: Op[E, Obs[F]], /
        ) -> Stream[F]: ...
        @overload
        def pipe(
            self, a: Op[Obs[T_co], A], b: Op[A, B], c: Op[B, C], d: Op[C, D], e: Op[D, E],
            f: Op[E, F], /
        ) -> F: ...
        @overload
        def pipe(
            self, a: Op[Obs[T_co], A], b: Op[A, B], c: Op[B, C], d: Op[C, D], e: Op[D, E],
            f: Op[E, F], g: Op[F, Obs[G]], /
        ) -> Stream[G]: ...
        @overload
        def pipe(
            self, a: Op[Obs[T_co], A], b: Op[A, B], c: Op[B, C], d: Op[C, D], e: Op[D, E],
            f: Op[E, F], g: Op[F, G], /
        ) -> G: ...
        # fmt: on

    # Any: what the last operator gives. A Stream where the base promises an Observable.
    def pipe(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, *operators: Callable[[Any], Any]
    ) -> Any:
        """Put operators behind the stream; gives a ``Stream``, or what is no plain Observable.

        A connectable observable, a future or an iterable that an operator makes comes out as is.
        """
        out: Any = self  # Any: see above
        for operator in operators:
            out = operator(_Clocked(out) if _is_plain(out) else out)
        return _Derived(out, self._origin) if _is_plain(out) else out

    if TYPE_CHECKING:
        # At run time reactivex's own methods do: each of them goes through pipe.
        # fmt: off
        def map(self, mapper: Callable[[T_co], A] | None = None) -> Stream[A]: ...
        def filter(self, predicate: Callable[[T_co], bool]) -> Stream[T_co]: ...
        def take(self, count: int) -> Stream[T_co]: ...
        def skip(self, count: int) -> Stream[T_co]: ...
        def take_while(
            self, predicate: Callable[[T_co], bool], inclusive: bool = False
        ) -> Stream[T_co]: ...
        def scan(self, accumulator: Callable[[A, T_co], A], seed: A = ...) -> Stream[A]: ...
        def distinct_until_changed(
            self,
            key_mapper: Callable[[T_co], A] | None = None,
            comparer: Callable[[A, A], bool] | None = None,
        ) -> Stream[T_co]: ...
        def pairwise(self) -> Stream[tuple[T_co, T_co]]: ...
        def do_action(
            self,
            on_next: abc.OnNext[T_co] | None = None,
            on_error: abc.OnError | None = None,
            on_completed: abc.OnCompleted | None = None,
        ) -> Stream[T_co]: ...
        def merge(
            self, *sources: Observable[A], max_concurrent: int | None = None
        ) -> Stream[T_co | A]: ...
        def buffer_with_count(self, count: int, skip: int | None = None) -> Stream[list[T_co]]: ...
        def buffer_with_time(
            self,
            timespan: _Seconds,
            timeshift: _Seconds | None = None,
            scheduler: abc.SchedulerBase | None = None,
        ) -> Stream[list[T_co]]: ...
        def throttle_first(
            self, window_duration: _Seconds, scheduler: abc.SchedulerBase | None = None
        ) -> Stream[T_co]: ...
        def debounce(
            self, duetime: _Seconds, scheduler: abc.SchedulerBase | None = None
        ) -> Stream[T_co]: ...
        def sample(
            self, sampler: Observable[Any] | _Seconds, scheduler: abc.SchedulerBase | None = None
        ) -> Stream[T_co]: ...
        # fmt: on


class _Derived(Stream[T_co]):
    """A stream over another observable, which hears the stream's clock."""

    def __init__(self, source: abc.ObservableBase[T_co], origin: Origin | None) -> None:
        super().__init__(_unreachable, origin=origin)
        self._connect = lambda _, observer, clock: source.subscribe(observer, scheduler=clock)


def _is_plain(thing: object) -> bool:
    # Its subclasses (a connectable, a group) have methods that a wrapper would hide.
    return type(thing) is Observable  # pyright: ignore[reportUnknownVariableType] - any item


def _unreachable(runtime: Runtime, observer: abc.ObserverBase[Any]) -> abc.DisposableBase:
    raise NotImplementedError


class _Clocked(Observable[T_co]):
    """What stands between two operators, so that each hears the clock.

    An operator that forgets to pass on the ``scheduler`` of its subscription (``auto_connect``,
    and many that users write) would let the one before it tick on a thread of its own.
    """

    def __init__(self, source: Observable[T_co]) -> None:
        super().__init__()
        self._subscribe_source = source.subscribe

    def subscribe(
        self,
        on_next: abc.ObserverBase[T_co] | abc.OnNext[T_co] | None = None,
        on_error: abc.OnError | None = None,
        on_completed: abc.OnCompleted | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        clock = scheduler or Runtime.current().scheduler
        return self._subscribe_source(on_next, on_error, on_completed, scheduler=clock)


def lift(observable: reactivex.Observable[S], *, origin: Origin | None = None) -> Stream[S]:
    """Make any observable a :class:`Stream`: its timers take the clock of the subscription.

    For what loses it: ``reactivex.merge``, ``+``, ``switch_latest``. A stream comes back as is.
    It belongs to the client ``origin``, else to all those whose streams it listens to: it ends
    when the last of them is closed, unless ``subscribe`` was given a ``scheduler`` of another kind.
    """
    return observable if isinstance(observable, Stream) else _Derived(observable, origin)
