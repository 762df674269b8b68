"""``per_symbol()``: an operator of its own for each symbol of a stream."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import Disposable, SerialDisposable, SingleAssignmentDisposable

from rxbybit.config import shown
from rxbybit.errors import ConfigurationError
from rxbybit.operators.arguments import (
    check_callable,
    check_scheduler,
    check_seconds,
    check_whole,
)
from rxbybit.operators.foreign import told
from rxbybit.operators.sink import Sink, clock_of

__all__ = ["per_symbol"]


class HasSymbol(Protocol):
    """What the operator knows of an event."""

    @property
    def symbol(self) -> str:
        """What it is about."""
        ...


E = TypeVar("E", bound=HasSymbol)
R = TypeVar("R")


def per_symbol(
    fn: Callable[[Observable[E]], Observable[R]],
    *,
    max_symbols: int = 10_000,
    idle: float | None = None,
    scheduler: abc.SchedulerBase | None = None,
) -> Callable[[Observable[E]], Observable[R]]:
    """What ``fn`` makes of the events of each symbol, all in one stream.

    ::

        -B1-E5-B2-E9-B3-|
        per_symbol(ops.pairwise())            # B and E are symbols
        -------B--E--B--|                     # (B1, B2) (E5, E9) (B2, B3)

    ``fn`` is called at the first event of a symbol, with an Observable of that symbol's events,
    and what it returns is subscribed to at once. Results come as they are made, so of what is
    made at once they have the order of the events. What ``fn`` returns may end early
    (``ops.take(1)``): the later events of that symbol are dropped. When the source ends, each
    symbol's events end too, and the stream ends with the last result.

    A symbol is forgotten when ``max_symbols`` others were heard since, or, with ``idle``, when
    nothing came for so many seconds (it takes between one and two of them) on the clock of the
    stream or on ``scheduler``. Then its events end, what ``fn`` says to that at once is passed on,
    and it is disposed; ``fn`` is called anew when the symbol comes again. So memory is that of
    ``max_symbols`` times ``fn``.

    An error of one symbol ends the stream and with it all others: put ``ops.catch`` or
    ``ops.retry`` inside ``fn`` to keep it there.

    Errors: ``ConfigurationError`` at the call for a ``fn`` that cannot be called, bounds that
    cannot be (an ``idle`` of over a year is none), or what is no scheduler, and on the stream for
    an event without a ``symbol``, when ``fn`` returns no Observable, and for ``idle`` where there
    is no clock. What ``fn`` raises ends the stream.

    ::

        from reactivex import operators as ops
        from rxbybit import operators as rxo
        from rxbybit import trades

        def tick(pair):
            before, after = pair
            return after.symbol, after.price - before.price

        trades("BTCUSD", "ETHUSD").pipe(
            rxo.per_symbol(lambda one: one.pipe(ops.pairwise(), ops.map(tick))),
        ).subscribe(print)
    """
    check_callable("per_symbol", "fn", fn, needed=True)
    check_whole("per_symbol", "max_symbols", max_symbols)
    if idle is not None:
        check_seconds("per_symbol", "idle", idle)
    check_scheduler("per_symbol", scheduler)

    def operator(source: Observable[E]) -> Observable[R]:
        def subscribe(
            observer: abc.ObserverBase[R], clock: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            branches: _Branches[E, R] = _Branches(observer, fn, max_symbols, clock)
            if idle is not None:
                branches.forget_after(idle, clock_of("per_symbol(idle=)", scheduler, clock))
            return branches.listen(source, clock)

        return Observable(subscribe)

    return operator


class _Branches(Sink[E, R]):
    def __init__(
        self,
        observer: abc.ObserverBase[R],
        fn: Callable[[Observable[E]], Observable[R]],
        limit: int,
        scheduler: abc.SchedulerBase | None,
    ) -> None:
        super().__init__(observer)
        self._fn = fn
        self._limit = limit
        self._scheduler = scheduler
        self._branches: OrderedDict[str, _Branch[E]] = OrderedDict()  # last heard, last
        self._running: set[_Branch[E]] = set()
        self._sweep = SerialDisposable()
        self._source_ended = False

    def forget_after(self, idle: float, clock: abc.SchedulerBase) -> None:
        """Look every ``idle`` seconds for symbols that were not heard."""

        def look(_: abc.SchedulerBase, __: object = None) -> None:
            for symbol, branch in list(self._branches.items()):
                if not branch.heard:
                    self._forget(symbol)
                branch.heard = False
            arm()

        def arm() -> None:
            self._sweep.disposable = clock.schedule_relative(idle, look)

        arm()

    def on_next(self, value: E) -> None:
        if self._stopped:
            return
        try:
            symbol = value.symbol
            branch = self._branches.get(symbol)
        except Exception as raised:  # noqa: BLE001 - goes to the observer
            self.on_error(told("per_symbol(fn)", "events with a symbol", value, raised))
            return
        if branch is None:
            branch = self._open(symbol)
        else:
            self._branches.move_to_end(symbol)
        branch.send(value)

    def on_completed(self) -> None:
        self._source_ended = True
        while self._branches:
            self._branches.popitem(last=False)[1].end()
        self._look_for_end()

    def _open(self, symbol: str) -> _Branch[E]:
        branch = _Branch[E]()
        while len(self._branches) >= self._limit:
            self._forget(next(iter(self._branches)))
        if self._stopped:  # by what a forgotten one said
            return branch
        self._branches[symbol] = branch
        self._running.add(branch)
        try:
            made = self._fn(Observable(branch.attach))
            if not isinstance(made, abc.ObservableBase):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigurationError(
                    f"per_symbol: fn gave {shown(made)}, which is no Observable"
                )
        except Exception as error:  # noqa: BLE001 - the user's function, so the stream's error
            self.on_error(error)
            return branch
        branch.subscription.disposable = made.subscribe(
            self._on_result,
            self.on_error,
            lambda: self._on_branch_end(branch),
            scheduler=self._scheduler,
        )
        return branch

    def _on_result(self, result: R) -> None:
        if not self._stopped:
            self._observer.on_next(result)

    def _on_branch_end(self, branch: _Branch[E]) -> None:
        self._running.discard(branch)
        self._look_for_end()

    def _look_for_end(self) -> None:
        if self._source_ended and not self._running:
            super().on_completed()

    def _forget(self, symbol: str) -> None:
        branch = self._branches.pop(symbol, None)
        if branch is None:  # what another one said has led to it
            return
        branch.end()
        branch.subscription.dispose()
        self._running.discard(branch)

    def _let_go(self) -> None:
        self._sweep.dispose()
        self._branches.clear()
        running, self._running = self._running, set()
        for branch in running:
            branch.subscription.dispose()


class _Branch(Generic[E]):
    """The events of one symbol, for all that ``fn`` makes listen to them."""

    def __init__(self) -> None:
        self.subscription = SingleAssignmentDisposable()
        self.heard = True
        self._observers: tuple[abc.ObserverBase[E], ...] = ()
        self._ended = False

    def attach(
        self, observer: abc.ObserverBase[E], _: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        """Let ``observer`` hear what comes from now on."""
        if self._ended:
            observer.on_completed()
            return Disposable()
        self._observers += (observer,)
        return Disposable(lambda: self._detach(observer))

    def _detach(self, observer: abc.ObserverBase[E]) -> None:
        self._observers = tuple(other for other in self._observers if other is not observer)

    def send(self, value: E) -> None:
        """Tell all of ``value``."""
        self.heard = True
        for observer in self._observers:
            observer.on_next(value)

    def end(self) -> None:
        """Tell all that nothing more will come."""
        self._ended = True
        observers, self._observers = self._observers, ()
        for observer in observers:
            observer.on_completed()
