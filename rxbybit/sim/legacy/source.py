"""The market as the source of ``/realtime``."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rxbybit.sim.floor import Floor
from rxbybit.sim.legacy.board import Board, topics_of
from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.pit import Pit
from rxbybit.sim.source import Listener

__all__ = ["LegacySource"]


class LegacySource:
    """Hands each link what its filters let through; what is listed later is among it."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._board = Board(floor.market)
        self._channels: dict[_Channel, None] = {}
        floor.market.on_listing = self._listed

    @property
    def topics(self) -> frozenset[str]:
        return self._board.topics

    def open(self, listener: Listener) -> _Channel:
        channel = _Channel(self._floor, self._board, listener, self._channels)
        self._channels[channel] = None
        return channel

    def restart(self) -> None:
        """The books of both wires are the same: let them begin anew."""
        self._floor.restart("inverse")

    def _listed(self, pit: Pit, _: int) -> list[Content]:
        frames: list[Content] = []
        for topic in topics_of(pit):
            fresh = [channel for channel in self._channels if channel.takes_up(topic)]
            snapshot = self._board.snapshot(topic) if fresh else None
            if snapshot is not None:
                frames.append(snapshot)
        return frames


class _Channel:
    """The topics of one link, as long as it lives."""

    def __init__(
        self, floor: Floor, board: Board, listener: Listener, others: dict[_Channel, None]
    ) -> None:
        self._floor = floor
        self._board = board
        self._listener = listener
        self._others = others
        self._topics: dict[str, None] = {}
        floor.enter(listener)

    async def subscribed(self, topics: Sequence[str]) -> None:
        for held in topics:
            for topic in self._board.matching(held):
                # The snapshot of the one before may have broken the link.
                if self._listener.hears(topic):
                    self._begin(topic)
        self._listener.flush()

    def takes_up(self, topic: str) -> bool:
        """Hear a topic that is new, if a filter of the link lets it through."""
        new = topic not in self._topics and self._listener.hears(topic)
        if new:
            self._join(topic)
        return new

    def unsubscribed(self, topics: Sequence[str]) -> None:
        for topic in [topic for topic in self._topics if not self._listener.hears(topic)]:
            self._leave(topic)

    def stop(self) -> None:
        for topic in tuple(self._topics):
            self._leave(topic)
        self._floor.leave(self._listener)
        self._others.pop(self, None)

    async def stopped(self) -> None:
        self.stop()

    def _begin(self, topic: str) -> None:
        """The first frame comes after every subscription, also of what was heard before."""
        self._join(topic)
        snapshot = self._board.snapshot(topic)
        if snapshot is not None:
            raw = json.dumps(snapshot, separators=(",", ":"), ensure_ascii=False)
            self._listener.push(topic, raw.encode())

    def _join(self, topic: str) -> None:
        self._topics[topic] = None
        self._board.want(topic)
        self._floor.join("inverse", topic, self._listener)

    def _leave(self, topic: str) -> None:
        del self._topics[topic]
        if self._floor.part("inverse", topic, self._listener):
            self._board.forget(topic)
