"""The way out of one connection: text frames in, bytes out."""

from __future__ import annotations

import asyncio
import socket
import struct

from aiohttp import WSMsgType, web

from rxbybit.sim.drip import Drip
from rxbybit.sim.faults import How

__all__ = ["BUFFER_LIMIT", "PATIENCE_S", "Outlet"]

BUFFER_LIMIT = 4 * 1024 * 1024
"""Bytes that may wait for a client that reads slowly; a recording played at once waits too."""

PATIENCE_S = 1.0
"""Seconds that anything else that is played or pushed by hand waits for room in a full buffer
before the link is dropped. The market does not wait at all."""


class Outlet:
    """What leaves on one websocket, whose upgrade is done.

    All methods belong to the thread of the exchange's loop.
    """

    def __init__(self, websocket: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        self._websocket = websocket
        self._transport = transport
        self._pending: list[bytes] = []
        self._drip: Drip | None = None
        transport.set_write_buffer_limits(high=BUFFER_LIMIT)

    @property
    def waiting(self) -> int:
        """Bytes that the client has not made room for yet."""
        held = 0 if self._drip is None else self._drip.waiting
        return held + self._transport.get_write_buffer_size()

    async def write(self, raw: bytes, *, patient: bool) -> None:
        """Send a text frame, and wait while the buffer is full: ``patient`` without an end.

        Errors: ``TimeoutError`` when there was no room in time, ``ConnectionError`` when the
        client has left.
        """
        self.flush()
        async with asyncio.timeout(None if patient else PATIENCE_S):
            if self._drip is None:
                await self._websocket.send_frame(raw, WSMsgType.TEXT)
            else:
                self._drip.write(_header(WSMsgType.TEXT, len(raw)) + raw)
                await self._drip.wait_below(BUFFER_LIMIT)

    def put(self, raw: bytes) -> None:
        """A text frame to leave with the next :meth:`flush`, in one piece with its neighbours."""
        self._pending += (_header(WSMsgType.TEXT, len(raw)), raw)

    def flush(self) -> None:
        """Send what was put."""
        if self._pending:
            pending, self._pending = self._pending, []
            self.inject(b"".join(pending))

    def pong(self, data: bytes) -> None:
        """Answer a websocket ping."""
        self.flush()
        self.inject(_header(WSMsgType.PONG, len(data)) + data)

    def inject(self, data: bytes) -> None:
        """Write bytes below the websocket."""
        if self._drip is not None:
            self._drip.write(data)
        elif not self._transport.is_closing():
            self._transport.write(data)

    def slow_down(self, bytes_per_s: int) -> None:
        """From now on let only so many bytes a second through."""
        self.flush()
        if self._drip is None:
            self._drip = Drip(self._transport, bytes_per_s)

    def cut(self, how: How) -> None:
        """End the connection without a close frame."""
        self.flush()
        self._stop_dripping()
        if how == "rst":
            peer = self._transport.get_extra_info("socket")
            if peer is not None and not self._transport.is_closing():
                # A socket that must not linger is reset when it is closed.
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()

    def abort(self) -> None:
        """End the connection at once, whatever is still unsent."""
        self._stop_dripping()
        self._transport.abort()

    async def close(self, code: int, reason: str) -> None:
        """Send a close frame and wait half a second at most for the client's."""
        self.flush()
        if self._drip is not None:
            self._drip.run_out()
        await self._websocket.close(code=code, message=reason.encode())

    def read_nothing(self) -> None:
        """Let the client's messages wait in the network."""
        self._transport.pause_reading()
        self._stop_dripping()

    def _stop_dripping(self) -> None:
        if self._drip is not None:
            self._drip.stop()


def _header(opcode: int, length: int) -> bytes:
    """What stands before the payload of an unmasked frame that is a whole message (RFC 6455)."""
    first = 0x80 | opcode
    if length < 126:
        return bytes((first, length))
    if length < 1 << 16:
        return struct.pack("!BBH", first, 126, length)
    return struct.pack("!BBQ", first, 127, length)
