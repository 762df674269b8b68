"""A connection that lets only so many bytes a second through."""

from __future__ import annotations

import asyncio

__all__ = ["Drip"]

_TICK_S = 0.05


class Drip:
    """Holds what is written to ``transport`` and lets it out at ``bytes_per_s``."""

    def __init__(self, transport: asyncio.Transport, bytes_per_s: int) -> None:
        self._transport = transport
        self._tick_s = max(_TICK_S, 1 / bytes_per_s)
        self._portion = max(1, int(bytes_per_s * self._tick_s))
        self._held = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self._drained = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Bytes that are held."""
        return len(self._held)

    def write(self, data: bytes) -> None:
        """Let it out behind the rest."""
        self._held += data
        self._drained.clear()
        if self._timer is None:
            self._fall()

    async def wait_below(self, limit: int) -> None:
        """Wait until no more than ``limit`` bytes are held, or the connection has ended."""
        while len(self._held) > limit and not self._transport.is_closing():
            self._drained.clear()
            await self._drained.wait()

    def run_out(self) -> None:
        """Let out all there is, and hold nothing any more."""
        if not self._transport.is_closing():
            self._transport.write(bytes(self._held))
        self.stop()

    def stop(self) -> None:
        """Let out nothing any more: what is held is lost."""
        self._held.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._drained.set()

    def _fall(self) -> None:
        self._timer = None
        if self._transport.is_closing():
            self.stop()
        elif self._held:
            self._transport.write(bytes(self._held[: self._portion]))
            del self._held[: self._portion]
            self._drained.set()
            self._timer = asyncio.get_running_loop().call_later(self._tick_s, self._fall)
