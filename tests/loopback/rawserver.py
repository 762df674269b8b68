"""A server that says whatever bytes a test scripts, each connection on a thread of its own.

It shares nothing with the client and knows no websocket library, so it can break every rule.
"""

from __future__ import annotations

import base64
import hashlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from tests.remains import open_sockets

__all__ = ["Peer", "RawServer", "Script", "claimed", "frame", "open_sockets"]

PATIENCE_S = 30.0
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Peer:
    """One accepted connection."""

    def __init__(self, sock: socket.socket, leaving: threading.Event, early: bool) -> None:
        self.sock = sock
        self.early = early
        self.head = b""
        self._leaving = leaving

    def send(self, *parts: bytes) -> None:
        self.sock.sendall(b"".join(parts))

    def read_head(self) -> bytes:
        """The request, up to its empty line."""
        while b"\r\n\r\n" not in self.head:
            part = self.sock.recv(65_536)
            if not part:
                break
            self.head += part
        return self.head

    def upgrade(self, *more: bytes) -> None:
        """Take the connection up, and send ``more``.

        ``early``: in the same packet as the answer; else when the client has said something.
        """
        key = _header(self.read_head(), b"sec-websocket-key")
        digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        self.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n",
            *(more if self.early else ()),
        )
        if more and not self.early:
            self.sock.recv(65_536)
            self.send(*more)

    def answer(self, status: str, **headers: str) -> None:
        """Refuse the upgrade with an HTTP status."""
        self.read_head()
        lines = [f"HTTP/1.1 {status}", "Content-Length: 0"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([*lines, "", ""]).encode())

    def reset(self) -> None:
        """End the connection with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def read_rest(self) -> bytes:
        """What the client still says, until it ends the connection."""
        heard = b""
        while True:
            try:
                part = self.sock.recv(65_536)
            except OSError:
                return heard
            if not part:
                return heard
            heard += part

    def hold(self) -> None:
        """Do nothing, and read nothing, until the server ends."""
        self._leaving.wait()


Script = Callable[[Peer], None]


class RawServer:
    """Plays ``scripts``, one a connection and the last one for all that follow.

    A context manager. ``heads`` are the requests as they were read, ``errors`` what a script
    ran into.
    """

    def __init__(
        self, *scripts: Script, tls: ssl.SSLContext | None = None, early: bool = True
    ) -> None:
        self.accepted = 0
        self.ended = 0
        self.heads: list[bytes] = []
        self.errors: list[Exception] = []
        self._scripts = scripts
        self._tls = tls
        self._early = early
        self._leaving = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, name="raw server", daemon=True)]

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    def url(self, path: str = "/") -> str:
        return f"{'ws' if self._tls is None else 'wss'}://127.0.0.1:{self.port}{path}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        port = self.port
        with socket.create_connection(("127.0.0.1", port)):  # wakes the accept
            pass
        self._threads[0].join(PATIENCE_S)
        self._listener.close()
        for thread in self._threads[1:]:
            thread.join(PATIENCE_S)
        assert not [thread for thread in self._threads if thread.is_alive()]

    def forget(self) -> None:
        """Forget the connections that have ended."""
        self.heads.clear()
        self._threads[1:] = [thread for thread in self._threads[1:] if thread.is_alive()]

    def _accept(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            if self._leaving.is_set():
                sock.close()
                return
            script = self._scripts[min(self.accepted, len(self._scripts) - 1)]
            self.accepted += 1
            thread = threading.Thread(
                target=self._play, args=(script, sock), name="raw server", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def _play(self, script: Script, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE_S)
        try:
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
            peer = Peer(sock, self._leaving, self._early)
            script(peer)
            self.heads.append(peer.head)
        except Exception as error:  # noqa: BLE001 - a script that fails fails its test
            self.errors.append(error)
        finally:
            sock.close()
            self.ended += 1


@contextmanager
def claimed(port: int = 0) -> Iterator[int]:
    """A port on which nobody listens, and which nobody else is given meanwhile; 0: any."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("", port))
        yield held.getsockname()[1]


def frame(opcode: int, data: bytes = b"", *, first: int | None = None) -> bytes:
    """A websocket frame as servers send it; ``first`` replaces its first byte."""
    head = bytes([0x80 | opcode if first is None else first])
    if len(data) < 126:
        return head + bytes([len(data)]) + data
    if len(data) < 65_536:
        return head + b"\x7e" + struct.pack(">H", len(data)) + data
    return head + b"\x7f" + struct.pack(">Q", len(data)) + data


def _header(head: bytes, name: bytes) -> bytes:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip()
    raise ValueError(f"the client sent no {name.decode()}")
