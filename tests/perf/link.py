"""One websocket of the feed, over a blocking socket: the upgrade, the requests, the pongs."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import struct
import threading
from collections.abc import Iterable, Mapping
from typing import BinaryIO, Protocol

HANDSHAKE_KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Host(Protocol):
    """Whom a link serves."""

    @property
    def path(self) -> str:
        """The one path that is served."""
        ...

    @property
    def snapshots(self) -> Mapping[str, bytes]:
        """What a subscription of a topic is sent first."""
        ...

    def join(self, link: Link, topics: list[str]) -> None:
        """``link`` has subscribed ``topics``."""

    def leave(self, link: Link, topics: list[str] | None = None) -> None:
        """``link`` has unsubscribed ``topics``, or is gone."""


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """A whole, unmasked websocket frame."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 65_536:
        return struct.pack("!BBH", 0x80 | opcode, 126, size) + payload
    return struct.pack("!BBQ", 0x80 | opcode, 127, size) + payload


class Link(threading.Thread):
    """One connection: this thread reads it."""

    def __init__(self, sock: socket.socket, host: Host) -> None:
        super().__init__(daemon=True)
        self._sock, self._host = sock, host
        self._sending = threading.Lock()

    def run(self) -> None:
        """Serve until the peer is gone."""
        try:
            with self._sock, self._sock.makefile("rb") as source:
                if self._upgrade(source.readline(), source):
                    while self._serve(*_read_frame(source)):
                        pass
        except (OSError, EOFError):
            pass  # the client's way of leaving: nothing here to report
        finally:
            self._host.leave(self)

    def send(self, data: bytes) -> None:
        """Write all of ``data``; from any thread."""
        with self._sending:
            self._sock.sendall(data)

    def _upgrade(self, request: bytes, headers: Iterable[bytes]) -> bool:
        path = request.split(b" ")[1:2]
        key = b""
        for line in headers:
            name, _, value = line.partition(b":")
            if not value:
                break
            if name.strip().lower() == b"sec-websocket-key":
                key = value.strip()
        if path != [self._host.path.encode()] or not key:
            self.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return False
        accept = base64.b64encode(hashlib.sha1(key + HANDSHAKE_KEY).digest())
        self.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        return True

    def _serve(self, opcode: int, payload: bytes) -> bool:
        if opcode == CLOSE:
            self.send(frame(payload, CLOSE))
            return False
        if opcode == PING:
            self.send(frame(payload, PONG))
        elif opcode == TEXT:
            self._answer(json.loads(payload))
        return True

    def _answer(self, request: dict[str, object]) -> None:
        op, topics = request.get("op"), request.get("args")
        # the shape of linear and inverse sockets
        reply = {"success": True, "ret_msg": "pong" if op == "ping" else "", "conn_id": "bench"}
        reply |= {"req_id": request.get("req_id", ""), "op": op}
        self.send(frame(json.dumps(reply).encode()))
        wanted = [str(topic) for topic in topics] if isinstance(topics, list) else []
        if op == "subscribe":
            for topic in wanted:
                snapshot = self._host.snapshots.get(topic)
                if snapshot is not None:
                    self.send(frame(snapshot))
            self._host.join(self, wanted)
        elif op == "unsubscribe":
            self._host.leave(self, wanted)


def _read_frame(source: BinaryIO) -> tuple[int, bytes]:
    first, second = _read(source, 2)
    size = second & 0x7F
    if size == 126:
        (size,) = struct.unpack("!H", _read(source, 2))
    elif size == 127:
        (size,) = struct.unpack("!Q", _read(source, 8))
    mask = _read(source, 4) if second & 0x80 else bytes(4)
    body = _read(source, size)
    return first & 0x0F, bytes(byte ^ mask[at % 4] for at, byte in enumerate(body))


def _read(source: BinaryIO, size: int) -> bytes:
    data = source.read(size)
    if len(data) < size:
        raise EOFError
    return data
