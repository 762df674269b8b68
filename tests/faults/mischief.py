"""What the proxy does to connections: to those that are relayed, and at the door."""

from __future__ import annotations

import ssl
import struct
import zlib

from tests.faults.chaos import Door, Mischief, Visit
from tests.loopback.rawserver import CLOSE, PING, TEXT, frame

MAX_MESSAGE = 4 * 1024 * 1024


async def rst(visit: Visit) -> None:
    visit.reset()


async def fin(visit: Visit) -> None:
    visit.fin()


async def fin_in_mid_frame(visit: Visit) -> None:
    async def half(data: bytes) -> None:
        visit.writer.write(data[: len(data) // 2])
        await visit.writer.drain()
        visit.fin()

    visit.next = half


async def rst_in_mid_frame(visit: Visit) -> None:
    async def half(data: bytes) -> None:
        visit.writer.write(data[: len(data) // 2])
        await visit.writer.drain()
        visit.reset()

    visit.next = half


async def silence(visit: Visit) -> None:
    visit.silence()


async def drip(visit: Visit) -> None:
    visit.dripping = True


def says(data: bytes) -> Mischief:
    async def said(visit: Visit) -> None:
        await visit.say(data)

    return said


def closes(code: int | None = None, reason: str = "") -> Mischief:
    """A close frame, after which nothing more is sent."""
    body = b"" if code is None else struct.pack(">H", code) + reason.encode()

    async def closed(visit: Visit) -> None:
        await visit.say(frame(CLOSE, body))
        visit.mute()

    return closed


def bomb() -> bytes:
    """A frame of a megabyte, of which who inflates it makes a gigabyte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    part = packer.compress(b"0" * 2**20) + packer.flush(zlib.Z_FULL_FLUSH)
    return frame(TEXT, part * 1024, first=0xC1)


BROKEN = {
    "a length of 2^40": b"\x81\x7f" + struct.pack(">Q", 2**40),
    "a message of 4 MiB and a byte": frame(TEXT, b"x" * (MAX_MESSAGE + 1)),
    "fragments without an end": frame(TEXT, b"x", first=TEXT)
    + frame(0, b"x" * 2**16, first=0) * (MAX_MESSAGE // 2**16),
    "a reserved opcode": frame(3, b"x"),
    "RSV1 without deflate": frame(TEXT, b"x", first=0xC1),
    "a continuation of nothing": frame(0, b"x"),
    "a ping of 126 bytes": frame(PING, b"x" * 126),
    "close code 999": frame(CLOSE, struct.pack(">H", 999)),
}


# doors


def answers(status: str, **headers: str) -> Door:
    """An HTTP status instead of a websocket."""
    lines = [f"HTTP/1.1 {status}", "Content-Length: 0"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]

    async def door(visit: Visit) -> None:
        await visit.open(tls=None)
        await visit.head()
        visit.writer.write("\r\n".join([*lines, "", ""]).encode())
        await visit.reader.read()

    return door


async def hangs_up(visit: Visit) -> None:
    await visit.open(tls=None)
    await visit.head()
    visit.fin()
    await visit.reader.read()


async def resets(visit: Visit) -> None:
    await visit.open(tls=None)
    await visit.head()
    visit.reset()


async def stalls(visit: Visit) -> None:
    """Takes the connection, and neither reads nor answers."""
    await visit.hold()


async def stalls_in_tls(visit: Visit) -> None:
    await visit.open(tls=visit.chaos.tls)
    visit.silence()
    await visit.hold()


async def speaks_no_tls(visit: Visit) -> None:
    await visit.open(tls=None)
    await visit.reader.read(1)
    visit.writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    await visit.reader.read()


def shows(context: ssl.SSLContext) -> Door:
    """TLS with a certificate of its own."""

    async def door(visit: Visit) -> None:
        await visit.open(tls=context)
        await visit.relay()

    return door


async def claims_deflate(visit: Visit) -> None:
    """Relays, and says in the answer to the upgrade that it deflates, which nobody asked for."""

    async def claim(head: bytes) -> None:
        claimed = b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
        visit.writer.write(head[:-4] + claimed)

    await visit.open(tls=visit.chaos.tls)
    visit.next = claim
    await visit.relay()
