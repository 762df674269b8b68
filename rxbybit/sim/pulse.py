"""What happens by the clock alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

__all__ = ["STEP_MS", "Pulse"]

STEP_MS = 15
"""How often it happens, in milliseconds."""


class Pulse:
    """Awaits ``beat()`` again and again, from :meth:`start` on, but not while ``rests()``."""

    def __init__(self, beat: Callable[[], Awaitable[None]], rests: Callable[[], bool]) -> None:
        self._beat = beat
        self._rests = rests
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._beating: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._beating = asyncio.create_task(self._go_on())
        self._beating.add_done_callback(_tell)

    def wake(self) -> None:
        """Ask ``rests()`` again; may be called from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._woken.set)

    async def aclose(self) -> None:
        """End. Errors: what ``beat()`` raised, if it did."""
        if self._beating is not None:
            self._beating.cancel()
            with suppress(asyncio.CancelledError):
                await self._beating

    async def _go_on(self) -> None:
        while True:
            while self._rests():
                self._woken.clear()
                await self._woken.wait()
            await asyncio.sleep(STEP_MS / 1000)
            await self._beat()


def _tell(ended: asyncio.Task[None]) -> None:
    """Nobody awaits the task before the exchange is closed."""
    error = None if ended.cancelled() else ended.exception()
    if error is not None:
        context = {"message": "the market of the embedded exchange has ended", "exception": error}
        ended.get_loop().call_exception_handler(context)
