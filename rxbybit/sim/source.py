"""Where the data of a public socket comes from: what a source and a link know of each other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

__all__ = ["Channel", "Listener", "Source"]


class Listener(Protocol):
    """A link, as a source sees it."""

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """Its topics, in the order they came."""
        ...

    def hears(self, topic: str) -> bool:
        """Whether a subscription of it lets the data of a topic through."""
        ...

    @property
    def deaf(self) -> bool:
        """Nothing reaches it any more."""
        ...

    async def play(self, topic: str, raw: bytes, *, patient: bool) -> None:
        """Send a frame, and wait until there is room for it (``patient``: however long)."""
        ...

    def push(self, topic: str, raw: bytes) -> None:
        """Send a frame without waiting: it leaves with the next :meth:`flush`."""
        ...

    def flush(self) -> None:
        """Let out what was pushed; a link that reads too slowly is dropped."""
        ...

    def idle(self) -> None:
        """There is nothing more to send for now."""
        ...


class Channel(Protocol):
    """What one link gets of a source."""

    async def subscribed(self, topics: Sequence[str]) -> None:
        """The link has these topics from now on: send what they begin with."""
        ...

    def unsubscribed(self, topics: Sequence[str]) -> None:
        """It has them no more."""
        ...

    def stop(self) -> None:
        """The link hears nothing any more."""
        ...

    async def stopped(self) -> None:
        """Stop, and wait until nothing runs any more."""
        ...


class Source(Protocol):
    """The data of one public socket: a recording, or the market."""

    @property
    def topics(self) -> Collection[str]:
        """What can be subscribed to now."""
        ...

    def open(self, listener: Listener) -> Channel:
        """What a new link will get."""
        ...

    def restart(self) -> None:
        """Let the update numbers of its books begin anew, if it makes them itself."""
        ...
