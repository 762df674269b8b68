"""Messages taken inside aiohttp's own callback, without an ``await`` for each of them.

At live rates waking a task costs more than decoding what woke it. aiohttp parses frames in a
callback of its transport and hands them to a queue. Here whole text frames, which is what an
exchange sends, are handed on at once; all else aiohttp's parser gets to see, and the queue
keeps control frames for ``receive()``. That needs names which aiohttp does not promise, so
everything that touches them is in this module, :func:`works` proves them once a process, and
where they fail :func:`queue_of` gives ``None`` and the public way is taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache
from struct import Struct
from time import time_ns
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aiohttp

__all__ = ["DirectParser", "DirectQueue", "OnMessage", "OnSlow", "queue_of", "works"]

# Any, here and below: classes and attributes that aiohttp does not declare as public
WebSocketReader: Any
if TYPE_CHECKING:

    class _Queue:
        def __init__(self, protocol: Any, limit: int, *, loop: Any) -> None: ...
        def feed_data(self, data: Any, size: int) -> None: ...
        def set_exception(self, exc: BaseException) -> None: ...

else:
    try:
        from aiohttp._websocket.reader import WebSocketDataQueue as _Queue
        from aiohttp._websocket.reader import WebSocketReader
    except ImportError:  # another aiohttp: `works` finds out
        _Queue, WebSocketReader = object, None

_LIMIT = 2**16
_TEXT, _BINARY = aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY
_WHOLE_TEXT = 0x81
_LONG = 126  # in the place of a length: two bytes behind it hold that
_LONG_TEXT = _WHOLE_TEXT << 8 | _LONG
_REST_OF_A_FRAME = 4096  # mostly; it may be more
_long_head = Struct(">HH").unpack_from
SLOW_NS = 100_000_000

OnMessage = Callable[[bytes, int], None]
"""Takes a message, and when it was read: ``time.time_ns()``."""
OnSlow = Callable[[bytes, int, float], None]
"""Hears that what was read at once took long: the last message, how many they were, seconds."""


class DirectQueue(_Queue):
    """A queue of aiohttp that gives data to ``start``'s function instead of keeping it."""

    def __init__(self, protocol: Any, limit: int, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(protocol, limit, loop=loop)
        self.error: Exception | None = None
        self.on_slow: OnSlow = _ignore
        self._held: list[tuple[bytes, int]] = []
        self.take: OnMessage = self._hold

    def start(self, on_message: OnMessage, on_slow: OnSlow) -> None:
        """Give ``on_message`` what has come and what comes."""
        while self._held:
            on_message(*self._held.pop(0))
        self.take, self.on_slow = on_message, on_slow

    def stop(self) -> None:
        """Let go of what comes."""
        self.take = self.on_slow = _ignore

    def feed_data(self, data: Any, size: int) -> None:
        """Called by aiohttp's parser for every message and control frame that it has seen."""
        kind = data[0]
        if kind is not _TEXT and kind is not _BINARY:
            super().feed_data(data, size)
            return
        try:
            self.take(data[1], time_ns())
        except Exception as error:
            self.error = error  # aiohttp would take it for a fault of the peer
            raise

    def _hold(self, data: bytes, received_ns: int) -> None:
        self._held.append((data, received_ns))


class DirectParser:
    """Hands over whole text frames of up to 64 kB; ``other`` parses all the rest.

    Such a frame is a byte 0x81, one for its length or, if that is 126, two more for it, and the
    text. Source: RFC 6455, section 5.2.
    """

    def __init__(self, queue: DirectQueue, other: Any) -> None:
        self._queue = queue
        self._other = other
        self._rest = b""
        self._owed = 0  # how much of a frame the other parser has yet to get
        self._broken = False
        self._in_parts = False  # such a message goes on in frames that are not all texts
        self._last, self._count = b"", 0  # what was handed over at once

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Called by aiohttp's protocol with what was read; gives whether it cannot go on."""
        received_ns = time_ns()
        queue, self._count = self._queue, 0
        try:
            data, at = self._joined(bytes(data), received_ns)
            at = self._take(data, at, received_ns)
        except Exception as error:  # noqa: BLE001 - whoever reads the queue raises it
            queue.error = error
            queue.set_exception(error)
            return True, b""
        self._rest = data[at:]
        took_ns = time_ns() - received_ns
        if took_ns > SLOW_NS and self._count:
            queue.on_slow(self._last, self._count, took_ns / 1e9)
        return self._broken, b""

    def feed_eof(self) -> None:
        """Called by aiohttp's protocol at the end."""
        self._other.feed_eof()

    def _joined(self, data: bytes, received_ns: int) -> tuple[bytes, int]:
        """What is to be taken, and from where on, with what the reads before have left.

        Up to 256 kB are read at once. To copy all of it behind the beginning of a frame costs
        memory that the system has to find anew each time, so as a rule only that frame is
        put together.
        """
        rest = self._rest
        if rest and len(data) > _REST_OF_A_FRAME:
            at = self._take(rest + data[:_REST_OF_A_FRAME], 0, received_ns) - len(rest)
            if at >= 0:
                return data, at
        return rest + data if rest else data, 0

    def _take(self, data: bytes, at: int, received_ns: int) -> int:
        """Take the frames from ``at`` on, as far as they are there; gives their end."""
        if self._owed:
            at = self._pass_on(data, at)
        while len(data) - at > 1 and not self._broken:
            if data[at] == _WHOLE_TEXT and data[at + 1] <= _LONG and not self._in_parts:
                stop = self._hand_over(data, at, received_ns)
            elif self._know_size(data, at):
                stop = self._pass_on(data, at)
            else:
                break
            if stop == at:
                break
            at = stop
        return at

    def _hand_over(self, data: bytes, at: int, received_ns: int) -> int:
        """Hand over the texts that begin at ``at``, as far as they are there; gives their end.

        Nearly all that an exchange sends are texts of some hundred bytes, so this is a loop of
        its own, where one call reads a whole head: bytes taken one by one cost a third more.
        """
        queue, count, end, head_of = self._queue, 0, len(data), _long_head
        message, start = self._last, at + 4
        while start <= end:
            head, length = head_of(data, at)
            stop = start + length
            if head != _LONG_TEXT or stop > end:
                break
            message = data[start:stop]
            take = queue.take  # may be another one by now; queue.take() looks for a method first
            take(message, received_ns)
            at, start = stop, stop + 4
            count += 1
        if not count and data[at + 1] < _LONG:
            stop = at + 2 + data[at + 1]
            if stop <= end:
                message = data[at + 2 : stop]
                queue.take(message, received_ns)
                at = stop
                count = 1
        self._last, self._count = message, self._count + count
        return at

    def _know_size(self, data: bytes, at: int) -> bool:
        """Whether the head of the frame at ``at`` is there, and what it is owed then."""
        first, length = data[at], data[at + 1] & 0x7F
        extra = {126: 2, 127: 8}.get(length, 0)
        mask = 4 if data[at + 1] & 0x80 else 0
        if len(data) - at < 2 + extra:
            return False
        if extra:
            length = int.from_bytes(data[at + 2 : at + 2 + extra])
        self._owed = 2 + extra + mask + length
        if first & 0x0F < 8:  # a control frame may come between the parts of a message
            self._in_parts = not first & 0x80
        return True

    def _pass_on(self, data: bytes, at: int) -> int:
        """Give the other parser what of its frame there is, and give the end of that."""
        part = data[at : at + self._owed]
        self._owed -= len(part)
        self._broken, _ = self._other.feed_data(part)
        return at + len(part)


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
    protocol.set_parser(DirectParser(queue, parser), queue)
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
        parser = DirectParser(queue, reader)
        parser.feed_data(b"\x81\x02hi\x01\x01")
        queue.start(lambda data, _: got.append(data), _ignore)
        parser.feed_data(b"!\x80\x01?")
    except Exception:  # noqa: BLE001 - whatever fails, the public way is there
        return False
    return got == [b"hi", b"!?"]


def _ignore(*_: object) -> None:
    """Hear nothing."""
