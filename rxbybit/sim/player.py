"""Plays a recording into one link, at the recording's pace."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence

from rxbybit.sim.catchup import snapshot_at
from rxbybit.sim.recording import Frame, Recording
from rxbybit.sim.source import Listener

__all__ = ["RecordingSource"]

_BREATH = 64
"""So many frames are sent at once before the loop may look at its sockets again."""


class RecordingSource:
    """A recording as the source of one category; every link plays it by itself."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._head = _Playhead()

    @property
    def topics(self) -> frozenset[str]:
        return self._recording.topics

    def open(self, listener: Listener) -> _Channel:
        return _Channel(self._recording, self._head, listener)

    def restart(self) -> None:
        """A recording is served as it is."""


class _Channel:
    """Begins to play when all is there that the recording waits for."""

    def __init__(self, recording: Recording, head: _Playhead, listener: Listener) -> None:
        self._recording = recording
        self._head = head
        self._listener = listener
        self._player: _Player | None = None
        self._playing: asyncio.Task[None] | None = None

    async def subscribed(self, topics: Sequence[str]) -> None:
        recording, listener = self._recording, self._listener
        if self._player is None and all(map(listener.hears, recording.hold_until)):
            self._player = _Player(recording, self._head, deliver=self._play, idle=listener.idle)
            topics = listener.subscriptions
        if self._player is not None:
            await self._catch_up(topics, self._player)
            if self._playing is None and not listener.deaf:
                self._playing = asyncio.create_task(self._player.play())
        if self._playing is None or self._playing.done():
            listener.idle()

    def unsubscribed(self, topics: Sequence[str]) -> None:
        """What a link is not subscribed to is passed over when it is due."""

    def stop(self) -> None:
        if self._playing is not None and self._playing is not asyncio.current_task():
            self._playing.cancel()

    async def stopped(self) -> None:
        task = self._playing
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait([task])

    async def _catch_up(self, topics: Sequence[str], player: _Player) -> None:
        if self._recording.snapshots:
            for topic in _concrete(topics, self._recording.topics):
                raw = snapshot_at(self._recording.frames, player.place, topic)
                if raw is not None:
                    await self._play(Frame(topic, None, raw))

    async def _play(self, frame: Frame) -> bool:
        patient = self._recording.pace == "at_once"
        await self._listener.play(frame.topic, frame.raw, patient=patient)
        return not self._listener.deaf


def _concrete(topics: Sequence[str], known: Collection[str]) -> Iterator[str]:
    """The topics themselves; a wildcard is all that it lets through."""
    for topic in topics:
        kind, _, value = topic.rpartition(".")
        if value == "*":
            yield from sorted(one for one in known if one.rpartition(".")[0] == kind)
        else:
            yield topic


class _Playhead:
    """Where the links of one category have come to in their recording."""

    def __init__(self) -> None:
        self.next = 0


class _Player:
    """Hands the frames of ``recording`` to ``deliver``, one by one, until it says no.

    ``idle`` is called whenever there is nothing to hand over for now, and at the end.
    """

    def __init__(
        self,
        recording: Recording,
        head: _Playhead,
        *,
        deliver: Callable[[Frame], Awaitable[bool]],
        idle: Callable[[], None],
    ) -> None:
        self.place = head.next if recording.resume == "continue" else 0
        """How many frames of the recording are behind this player, in this pass."""
        self._recording = recording
        self._head = head
        self._deliver = deliver
        self._idle = idle

    async def play(self) -> None:
        """Play to the end, or for ever when the recording loops."""
        goes_on = await self._play_on()
        while goes_on and self._recording.loop and self._recording.frames:
            self.place = self._head.next = 0
            goes_on = await self._play_on()
        self._idle()

    async def _play_on(self) -> bool:
        frames = self._recording.frames
        timetable = _Timetable(self._recording.speed) if self._recording.pace == "ts" else None
        for place in range(self.place, len(frames)):
            frame = frames[place]
            wait_s = timetable.wait_s(frame.sent_ms) if timetable else 0.0
            if wait_s > 0:
                self._idle()
                await asyncio.sleep(wait_s)
            elif place % _BREATH == 0:
                await asyncio.sleep(0)
            self.place = self._head.next = place + 1
            if not await self._deliver(frame):
                return False
        return True


class _Timetable:
    """When a frame is due: as far from the first one as their ``ts`` are apart."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._began = asyncio.get_running_loop().time()
        self._first_ms: int | None = None

    def wait_s(self, sent_ms: int | None) -> float:
        if sent_ms is None:
            return 0.0
        if self._first_ms is None:
            self._first_ms = sent_ms
        due = self._began + (sent_ms - self._first_ms) / 1000 / self._speed
        return due - asyncio.get_running_loop().time()
