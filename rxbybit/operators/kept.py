"""What an operator keeps of each symbol, of so many symbols at most."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

__all__ = ["MOST_SYMBOLS", "Kept"]

K = TypeVar("K", bound=Hashable)
S = TypeVar("S")

MOST_SYMBOLS = 10_000
"""More than the exchange lists at any time; options come and go by the thousand."""


class Kept(Generic[K, S]):
    """A state for each symbol, or for each of whatever ``K`` is; beyond ``most``
    (:data:`MOST_SYMBOLS`), that of the one silent for longest is dropped, of which ``dropped``
    hears.
    """

    def __init__(
        self,
        new: Callable[[K], S],
        most: int | None = None,
        *,
        dropped: Callable[[S], None] = lambda state: None,
    ) -> None:
        self._new = new
        self._most = MOST_SYMBOLS if most is None else most
        self._dropped = dropped
        self._states: OrderedDict[K, S] = OrderedDict()

    def of(self, key: K) -> S:
        """The state of what something has happened on."""
        state = self._states.get(key)
        if state is None:
            state = self._new(key)
            self.put(key, state)
        else:
            self._states.move_to_end(key)
        return state

    def put(self, key: K, state: S) -> None:
        """Something has happened, and this is the state now."""
        self._states[key] = state
        self._states.move_to_end(key)
        if len(self._states) > self._most:
            self._dropped(self._states.popitem(last=False)[1])

    def get(self, key: K) -> S | None:
        """The state of what only is asked for."""
        return self._states.get(key)

    def clear(self) -> None:
        """Forget all."""
        self._states.clear()

    def __iter__(self) -> Iterator[S]:
        return iter(self._states.values())
