"""What an operator does for one subscription."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import SingleAssignmentDisposable

from rxbybit.errors import ConfigurationError

__all__ = ["Drops", "Sink", "clock_of"]

T = TypeVar("T")
R = TypeVar("R")


class Sink(abc.ObserverBase[T], abc.DisposableBase, Generic[T, R]):
    """Hears ``T`` of a source and tells ``observer`` of ``R``; lets go of all before the end.

    It is what the subscription returns: disposing it mutes it at once, at any moment.
    """

    def __init__(self, observer: abc.ObserverBase[R]) -> None:
        self._observer = observer
        self._upstream = SingleAssignmentDisposable()
        self._stopped = False

    def listen(
        self, source: Observable[T], scheduler: abc.SchedulerBase | None
    ) -> abc.DisposableBase:
        """Subscribe to ``source``, unless it has ended; gives itself."""
        if self._stopped:
            return self
        try:
            self._upstream.disposable = source.subscribe(self, scheduler=scheduler)
        except BaseException:
            self._stop()
            raise
        return self

    def on_error(self, error: Exception) -> None:
        if self._stop():
            self._observer.on_error(error)

    def on_completed(self) -> None:
        if self._stop():
            self._observer.on_completed()

    def dispose(self) -> None:
        self._stop()

    def _stop(self) -> bool:
        """End it in silence; False when it had ended."""
        if self._stopped:
            return False
        self._stopped = True
        self._upstream.dispose()
        self._let_go()
        return True

    def _let_go(self) -> None:
        """Free what it holds beside its source."""


class Drops:
    """Who is told how many values were dropped: ``on_drop``, and the client whose clock it is,
    which counts them and tells it as ``Dropped`` on its ``status()``.
    """

    def __init__(
        self, clock: abc.SchedulerBase | None, on_drop: Callable[[int], object] | None
    ) -> None:
        # Any: only the clock of a client's stream has it
        client: Any = getattr(clock, "dropped", None)
        self._client: Callable[[int], object] | None = client
        self._on_drop = on_drop

    def tell(self, count: int) -> None:
        """So many more, if any; it raises what ``on_drop`` does."""
        self.rest(count)
        if count and self._on_drop is not None:
            self._on_drop(count)

    def rest(self, count: int) -> None:
        """So many more, of a subscription that ends in silence: only the client hears of it."""
        if count and self._client is not None:
            self._client(count)


def clock_of(operator: str, *clocks: abc.SchedulerBase | None) -> abc.SchedulerBase:
    """The first of the clocks that there is; ``ConfigurationError`` where there is none."""
    for clock in clocks:
        if clock is not None:
            return clock
    raise ConfigurationError(
        f"{operator}: there is no clock here: use it on a Stream (rxbybit.lift makes one), or"
        " give scheduler="
    )
