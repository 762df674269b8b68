"""Messages taken inside aiohttp's own reader, without an ``await`` for each of them.

At live rates waking a task costs more than decoding what woke it. aiohttp parses frames in a
callback of its transport and hands them to a queue; here the queue hands data on at once and
keeps only control frames for ``receive()``. That needs names which aiohttp does not promise, so
everything that touches them is in this module, :func:`works` proves them once a process, and
where they fail :func:`queue_of` gives ``None`` and the public way is taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aiohttp

__all__ = ["DirectQueue", "queue_of", "works"]

# Any, here and below: classes and attributes that aiohttp does not declare as public
WebSocketReader: Any
if TYPE_CHECKING:

    class _Queue:
        def __init__(self, protocol: Any, limit: int, *, loop: Any) -> None: ...
        def feed_data(self, data: Any, size: int) -> None: ...

else:
    try:
        from aiohttp._websocket.reader import WebSocketDataQueue as _Queue
        from aiohttp._websocket.reader import WebSocketReader
    except ImportError:  # another aiohttp: `works` finds out
        _Queue, WebSocketReader = object, None

_LIMIT = 2**16
_TEXT, _BINARY = aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY


class DirectQueue(_Queue):
    """A queue of aiohttp that gives data to ``start``'s function instead of keeping it."""

    def __init__(self, protocol: Any, limit: int, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(protocol, limit, loop=loop)
        self.error: Exception | None = None
        self._held: list[bytes] = []
        self._sink: Callable[[bytes], None] = self._held.append

    def start(self, sink: Callable[[bytes], None]) -> None:
        """Give ``sink`` what has come and what comes."""
        while self._held:
            sink(self._held.pop(0))
        self._sink = sink

    def stop(self) -> None:
        """Let go of what comes."""
        self._sink = _ignore

    def feed_data(self, data: Any, size: int) -> None:
        """Called by aiohttp's reader for every whole message and every control frame."""
        kind = data[0]
        if kind is _TEXT or kind is _BINARY:
            try:
                self._sink(data[1])
            except Exception as error:
                self.error = error  # aiohttp would take it for a fault of the peer
                raise
        else:
            super().feed_data(data, size)


def queue_of(opened: Any, max_message: int) -> DirectQueue | None:
    """Put a direct queue into a websocket that was opened this very moment.

    ``None`` where it cannot be: nothing has been changed then.
    """
    if not works():
        return None
    protocol = opened._response.connection.protocol
    if opened.early:
        return None  # aiohttp's parser may hold the beginning of a frame
    queue = DirectQueue(protocol, _LIMIT, loop=opened._loop)
    parser = WebSocketReader(queue, max_message, compress=False, decode_text=False)
    opened._reader, opened._parser = queue, parser
    protocol.set_parser(parser, queue)
    return queue


def came_early(response: Any) -> bool:
    """Whether the peer sent data right behind the answer to the upgrade."""
    return bool(getattr(response.connection.protocol, "_tail", True))


@cache
def works() -> bool:
    """Whether this aiohttp is put together as this module needs it."""
    got: list[bytes] = []
    try:
        loop = asyncio.get_running_loop()
        queue = DirectQueue(SimpleNamespace(_reading_paused=False), _LIMIT, loop=loop)
        reader = WebSocketReader(queue, 1024, compress=False, decode_text=False)
        reader.feed_data(b"\x81\x02hi\x81\x01")
        queue.start(got.append)
        reader.feed_data(b"!")
    except Exception:  # noqa: BLE001 - whatever fails, the public way is there
        return False
    return got == [b"hi", b"!"]


def _ignore(_: bytes) -> None:
    """Hear nothing."""
