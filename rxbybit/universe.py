"""One subscriber of a stream of every symbol: its topics come and go with the listings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from reactivex import abc

from rxbybit.errors import RequestRefused, SubscriptionRejected
from rxbybit.outlet import Hearer

__all__ = ["Everything", "Follow", "Hear"]

Hear = Callable[[str, Hearer], abc.DisposableBase]
"""Lets somebody hear a topic, and ends that."""
Follow = Callable[
    [Callable[[Sequence[str]], None], Callable[[Exception], None]], abc.DisposableBase
]
"""Tells the first of every symbol that trades, each time in full, until it is disposed of; the
second hears of what cannot heal, and then nothing follows."""


class Everything(abc.DisposableBase):
    """Lets ``hearer`` hear the topic of each symbol that ``follow`` tells of.

    ``topic_of`` names the topic of a symbol; several symbols may share one. A topic that the
    exchange refuses is left out, and asked for again only after its symbols have been away.
    """

    def __init__(
        self, hear: Hear, topic_of: Callable[[str], str], hearer: Hearer, follow: Follow
    ) -> None:
        self._hear = hear
        self._topic_of = topic_of
        self._hearer = hearer
        self._heard: dict[str, _Heard] = {}
        self._ended = False
        self._following: abc.DisposableBase | None = None
        following = follow(self._on_symbols, self.fail)
        if self._ended:  # the first list was there at once, and with it an end
            following.dispose()
        else:
            self._following = following

    def dispose(self) -> None:
        """Hear nothing more, and follow no listing."""
        self._ended = True
        heard, self._heard = list(self._heard.values()), {}
        for one in heard:
            one.dispose()
        if self._following is not None:
            self._following.dispose()

    def fail(self, error: Exception) -> None:
        """End the stream, once; everything is given back before anybody hears of it."""
        if not self._ended:
            self.dispose()
            self._hearer.on_error(error)

    def _on_symbols(self, symbols: Iterable[str]) -> None:
        wanted = dict.fromkeys(self._topic_of(symbol) for symbol in symbols)
        for topic in [topic for topic in self._heard if topic not in wanted]:
            self._heard.pop(topic).dispose()
        for topic in wanted:
            if self._ended:  # by a subscriber, in the middle of it
                return
            if topic not in self._heard:
                heard = self._heard[topic] = _Heard(self._hearer, self.fail)
                heard.begin(self._hear(topic, heard))


class _Heard(abc.DisposableBase):
    """One topic of them; what ends it ends no other, unless it is no refusal."""

    __slots__ = ("_ended", "_fail", "_hearer", "_hearing")

    def __init__(self, hearer: Hearer, fail: Callable[[Exception], None]) -> None:
        self._hearer = hearer
        self._fail = fail
        self._ended = False
        self._hearing: abc.DisposableBase | None = None

    def on_each(self, values: Sequence[Any], /) -> None:  # Any: as Hearer's own
        self._hearer.on_each(values)

    def begin(self, hearing: abc.DisposableBase) -> None:
        """What ends the hearing; it may have come to its end meanwhile."""
        self._hearing = hearing
        if self._ended:
            hearing.dispose()

    def dispose(self) -> None:
        self._ended = True
        if self._hearing is not None:
            self._hearing.dispose()

    def on_error(self, error: Exception) -> None:
        """A refusal is told on ``status()``, by whoever was refused."""
        if not isinstance(error, SubscriptionRejected | RequestRefused):
            self._fail(error)
