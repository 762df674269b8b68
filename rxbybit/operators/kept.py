"""What an operator keeps of each symbol, of so many symbols at most."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

__all__ = ["MOST_SYMBOLS", "Kept"]

S = TypeVar("S")

MOST_SYMBOLS = 10_000
"""More than the exchange lists at any time; options come and go by the thousand."""


class Kept(Generic[S]):
    """A state for each symbol; beyond ``most``, that of the one silent for longest is dropped."""

    def __init__(self, new: Callable[[str], S], most: int = MOST_SYMBOLS) -> None:
        self._new = new
        self._most = most
        self._states: OrderedDict[str, S] = OrderedDict()

    def of(self, symbol: str) -> S:
        """The state of a symbol that something has happened on."""
        state = self._states.get(symbol)
        if state is None:
            state = self._states[symbol] = self._new(symbol)
            if len(self._states) > self._most:
                self._states.popitem(last=False)
        else:
            self._states.move_to_end(symbol)
        return state

    def __iter__(self) -> Iterator[S]:
        return iter(self._states.values())
