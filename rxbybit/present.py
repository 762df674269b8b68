"""What is known of each thing that a topic tells of: the newest, whichever way it came.

A thing (an order, a position, a coin) is told of live, and read over REST; each may overtake the
other. Of two states of a thing the newer is the one with the higher sequence, else the one that
was updated later. Where they do not say, a live one is newer than what was read, unless it was
sent before anybody asked: whatever changes after that comes live as well.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from rxbybit.events import Event

__all__ = ["Present"]

E = TypeVar("E", bound=Event)

_HELD = 10_000
"""How many things are held; beyond it the one that was told of longest ago leaves. Of an order
whose end fell into an outage nothing comes any more, unless the list is read again."""
_REMEMBERED = 1_000
"""How many things that are over are remembered, in case that something old comes of them."""


class Present(Generic[E]):
    """The newest state of each thing; pure.

    ``key`` tells things apart, ``over`` which have come to their end and are none any more.
    """

    def __init__(
        self, key: Callable[[E], Hashable], over: Callable[[E], bool] = lambda event: False
    ) -> None:
        self.key = key
        self._over = over
        self._held: dict[Hashable, E] = {}
        self._ended: dict[Hashable, E] = {}
        self.news: E | None = None
        """The last event, if it says something new."""

    @property
    def held(self) -> tuple[E, ...]:
        """The newest state of each thing that is not over."""
        return tuple(self._held.values())

    def apply(self, event: E) -> None:
        """Takes in the next event of the topic."""
        self.news = event if self._is_news(event) else None

    def reset(self) -> None:
        """The link was lost: what is known is still the newest that is known."""

    def spoil(self, why: str, *, silent: bool = False) -> bool:
        """A frame could not be read: the next one of the thing tells, nothing is asked for."""
        return False

    def content(self) -> None:
        """Nothing that could be compared: a topic of these may be quiet for as long as it likes."""

    def _is_news(self, event: E) -> bool:
        key, read, over = self.key(event), event.meta.backfilled, self._over(event)
        known = self._held.get(key) or self._ended.get(key)
        if known is None:
            if read and over:  # of before anybody listened
                return False
        elif _older(event, known):
            return False
        self._held.pop(key, None)
        if over:
            _put(self._ended, key, event, _REMEMBERED)
        else:
            _put(self._held, key, event, _HELD)
        return not (read and event == known)


def _put(events: dict[Hashable, E], key: Hashable, event: E, most: int) -> None:
    """Keep the newest event of a thing, in the order of what was told of last."""
    events.pop(key, None)
    if len(events) >= most:
        del events[next(iter(events))]
    events[key] = event


def _older(event: Event, known: Event) -> bool:
    """Whether ``event`` is of before ``known``."""
    for name in ("sequence", "updated_ms"):
        new: Any = getattr(event, name, None)  # Any: an integer where the class has it
        old: Any = getattr(known, name, None)
        if new is not None and old is not None and new != old:
            return new < old
    if event.meta.backfilled != known.meta.backfilled:
        live, read = (known, event) if event.meta.backfilled else (event, known)
        early = _before(live.meta.sent_ms, read.meta.matched_ms)
        return early != event.meta.backfilled
    return event.meta.backfilled and _before(event.meta.matched_ms, known.meta.matched_ms)


def _before(one_ms: int | None, other_ms: int | None) -> bool:
    return one_ms is not None and other_ms is not None and one_ms < other_ms
