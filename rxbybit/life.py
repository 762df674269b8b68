"""The moments of a topic: when the exchange begins to send it, when nobody hears it any more."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Life"]

Then = Callable[[], None]


class Life:
    """Who wants to know of them."""

    def __init__(self) -> None:
        self._live = False
        self._waiting: dict[object, Then] = {}
        self._always: dict[object, Then] = {}
        self._ends: list[Then] = []

    def when_live(self, then: Then) -> Then:
        """Call ``then`` once, when the exchange sends the topic, or now if it does.

        Gives what calls it off.
        """
        token = object()
        if self._live:
            then()
        else:
            self._waiting[token] = then
        return lambda: self._waiting.pop(token, None) and None

    def each_live(self, then: Then) -> Then:
        """Call ``then`` each time that the exchange begins to send the topic, from now on.

        Gives what calls it off.
        """
        token = object()
        self._always[token] = then
        return lambda: self._always.pop(token, None) and None

    def at_end(self, then: Then) -> None:
        """Call ``then`` when nobody hears it any more."""
        self._ends.append(then)

    def live(self) -> None:
        """The exchange sends the topic."""
        self._live = True
        for then in list(self._always.values()):
            then()
        waiting, self._waiting = self._waiting, {}
        for then in waiting.values():
            then()

    def lost(self) -> None:
        """It does not any more."""
        self._live = False

    def end(self) -> None:
        """Nobody hears it."""
        for then in self._ends:
            then()
