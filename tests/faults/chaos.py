"""A proxy between the client and the exchange that does to a connection whatever a test wants.

It runs on a thread and a loop of its own, reads whole websocket frames of the exchange, and does
its mischief between two of them, or within one. A door is what a connection meets first: as a
rule the relay to the exchange, else a script that breaks some rule.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Self

from tests.remains import BEYOND

__all__ = ["Chaos", "Door", "Mischief", "Visit", "relay"]

PATIENCE_S = 30.0
DRIP_S = 0.0005
SMALL = 4096
"""What the kernel keeps of what a stalled reader does not read."""


class Visit:
    """One connection of the client. All of it belongs to the thread of its proxy."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def __init__(self, sock: socket.socket, chaos: Chaos) -> None:
        self.sock = sock
        self.chaos = chaos
        self.next: Callable[[bytes], Awaitable[None]] | None = None
        """What is done with the next frame instead of handing it on."""
        self.dripping = False
        self.relaying = False
        self._turn = asyncio.Lock()
        self._upstream: asyncio.StreamWriter | None = None
        self._over = False

    async def open(self, *, tls: ssl.SSLContext | None) -> None:
        """Take the connection."""
        loop = asyncio.get_running_loop()
        self.reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(self.reader)
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, self.sock, ssl=tls)
        self.writer = asyncio.StreamWriter(transport, protocol, self.reader, loop)

    async def head(self) -> bytes:
        """The request of the client, up to its empty line."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def relay(self) -> None:
        """Be a proxy."""
        port = self.chaos.exchange
        exchange, self._upstream = await asyncio.open_connection(
            "127.0.0.1", port, local_addr=(BEYOND, 0)
        )
        back = asyncio.create_task(self._back(exchange))
        self.relaying = True
        try:
            while data := await self.reader.read(65_536):
                self._upstream.write(data)
                await self._upstream.drain()
        finally:
            self.relaying = False
            back.cancel()
            self._upstream.transport.abort()
            with suppress(asyncio.CancelledError):
                await back

    async def say(self, data: bytes) -> None:
        """Send bytes between two frames of the exchange; who reads them is not waited for."""
        async with self._turn:
            self.writer.write(data)

    def mute(self) -> None:
        """Send nothing more."""
        self._over = True

    def silence(self) -> None:
        """Neither read nor write any more, and keep the connection open."""
        self.mute()
        self.writer.transport.pause_reading()  # type: ignore[attr-defined]

    def fin(self) -> None:
        """Send nothing more, and say so to TCP alone."""
        self.mute()
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End the connection with RST."""
        self.mute()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def hold(self) -> None:
        """Do nothing more until the proxy ends, whether the client stays or not."""
        self.chaos.held += 1
        await asyncio.Event().wait()

    def shut(self) -> None:
        """Let go of what it has."""
        for writer in (getattr(self, "writer", None), self._upstream):
            if writer is not None:
                writer.transport.abort()
        if not hasattr(self, "writer"):
            self.sock.close()

    async def _back(self, exchange: asyncio.StreamReader) -> None:
        async for frame in _frames(exchange):
            async with self._turn:
                act, self.next = self.next or self._give, None
                await act(frame)
        if not self._over:
            self.fin()

    async def _give(self, data: bytes) -> None:
        if self._over:
            return
        step = 1 if self.dripping else len(data)
        for at in range(0, len(data), step or 1):
            self.writer.write(data[at : at + step])
            await self.writer.drain()
            if self.dripping:
                await asyncio.sleep(DRIP_S)


Door = Callable[[Visit], Awaitable[None]]
Mischief = Callable[[Visit], Awaitable[None]]


async def relay(visit: Visit) -> None:
    """The door that leads to the exchange."""
    await visit.open(tls=visit.chaos.tls)
    await visit.relay()


class Chaos:
    """The proxy to ``exchange``, a port of this machine; a context manager.

    ``doors`` are what the next connections meet, one each, and ``relay`` is met by all others.
    ``errors`` has what went wrong in the proxy itself.
    """

    def __init__(self, exchange: int, tls: ssl.SSLContext | None = None) -> None:
        self.exchange = exchange
        self.tls = tls
        self.accepted = 0
        self.held = 0
        self.doors: deque[Door] = deque()
        self.visits: list[Visit] = []
        self.errors: list[Exception] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(16)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="chaos proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.call(self._leave())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        self._loop.close()
        self._listener.close()
        assert self.errors == []

    def call(self, work: Coroutine[Any, Any, None]) -> None:
        """Do ``work`` on its thread, and wait for it."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    def strike(self, mischief: Mischief) -> None:
        """Do that to every connection that is relayed now."""

        async def struck() -> None:
            for visit in self.visits:
                if visit.relaying:
                    await mischief(visit)

        self.call(struck())

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._start(self._accept())
        self._loop.run_forever()

    async def _accept(self) -> None:
        while True:
            sock, _ = await self._loop.sock_accept(self._listener)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.accepted += 1
            door = self.doors.popleft() if self.doors else relay
            self._start(self._visited(Visit(sock, self), door))

    async def _visited(self, visit: Visit, door: Door) -> None:
        self.visits.append(visit)
        try:
            await door(visit)
        except (OSError, EOFError):  # the client, or the exchange, has left
            pass
        except Exception as error:  # noqa: BLE001 - a door that fails fails its test
            self.errors.append(error)
        finally:
            self.visits.remove(visit)
            visit.shut()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _leave(self) -> None:
        while tasks := self._tasks:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def _frames(exchange: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The answer to the upgrade, and then frame after frame, until the end."""
    try:
        yield await exchange.readuntil(b"\r\n\r\n")
        while True:
            frame = await exchange.readexactly(2)
            length = frame[1] & 0x7F
            if length > 125:
                more = await exchange.readexactly(2 if length == 126 else 8)
                frame, length = frame + more, int.from_bytes(more)
            yield frame + await exchange.readexactly(length)
    except (EOFError, ConnectionError):
        return
