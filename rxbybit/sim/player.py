"""Plays a recording into one link, at the recording's pace."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from rxbybit.sim.recording import Frame, Recording

__all__ = ["Player", "Playhead"]

_BREATH = 64
"""So many frames are sent at once before the loop may look at its sockets again."""


class Playhead:
    """Where the links of one category have come to in their recording."""

    def __init__(self) -> None:
        self.next = 0


class Player:
    """Hands the frames of ``recording`` to ``deliver``, one by one, until it says no.

    ``idle`` is called whenever there is nothing to hand over for now, and at the end.
    """

    def __init__(
        self,
        recording: Recording,
        head: Playhead,
        *,
        deliver: Callable[[Frame], Awaitable[bool]],
        idle: Callable[[], Awaitable[None]],
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
        await self._idle()

    async def _play_on(self) -> bool:
        frames = self._recording.frames
        timetable = _Timetable(self._recording.speed) if self._recording.pace == "ts" else None
        for place in range(self.place, len(frames)):
            frame = frames[place]
            wait_s = timetable.wait_s(frame.sent_ms) if timetable else 0.0
            if wait_s > 0:
                await self._idle()
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
