"""Reading inside aiohttp's reader: the same as the public way, which stays where it is not sure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from rxbybit import direct
from rxbybit.direct import OnMessage, OnSlow
from rxbybit.runtime import Runtime
from rxbybit.transport import MAX_MESSAGE, AiohttpTransport
from tests.loopback.rawserver import (
    BINARY,
    CLOSE,
    PATIENCE_S,
    PING,
    PONG,
    TEXT,
    Peer,
    RawServer,
    frame,
)

LARGE = b'{"topic":"' + b"x" * 200_000 + b'"}'
GOOD = [b"{}", b"\xff\xfe no text", LARGE, b"last"]


def taking(got: list[bytes]) -> OnMessage:
    return lambda data, received_ns: got.append(data)


def never(last: bytes, count: int, seconds: float) -> None:
    pytest.fail(f"{count} messages took {seconds} s")


def conversation(*then: bytes) -> Callable[[Peer], None]:
    """Upgrade, wait for a message of the client, and only then send."""

    def script(peer: Peer) -> None:
        peer.upgrade()
        peer.sock.recv(100)
        for part in then:
            peer.send(part)
        peer.read_rest()

    return script


def heard(
    script: Callable[[Peer], None],
    *,
    on_message: OnMessage | None = None,
    on_slow: OnSlow | None = None,
) -> tuple[list[bytes], str, bool]:
    """What comes of a connection, why it ends, and whether it was read directly."""
    got: list[bytes] = []

    async def main() -> tuple[str, bool]:
        async with asyncio.timeout(60):
            transport = AiohttpTransport(Runtime.current())
            connection: Any = await transport.connect(server.url())
            await connection.send("go")
            try:
                why = await connection.read(on_message or taking(got), on_slow or never)
            finally:
                await connection.close(0.5)
                await transport.aclose()
            return why, connection._queue is not None

    with RawServer(script) as server:
        why, directly = asyncio.run(main())
    return got, why, directly


def frames_of(messages: list[bytes]) -> bytes:
    text, binary = frame(TEXT, messages[0]), frame(BINARY, messages[1])
    return text + binary + frame(TEXT, messages[2]) + frame(TEXT, messages[3])


def test_this_aiohttp_is_read_directly() -> None:
    async def main() -> bool:
        return direct.works()

    assert asyncio.run(main())


@pytest.mark.parametrize("works", [True, False])
def test_both_ways_hear_the_same(monkeypatch: pytest.MonkeyPatch, works: bool) -> None:
    monkeypatch.setattr(direct, "works", lambda: works)
    stream = frames_of(GOOD) + frame(CLOSE, b"\x03\xe8bye")
    pieces = [stream[at : at + 7_000] for at in range(0, len(stream), 7_000)]
    got, why, directly = heard(conversation(*pieces))
    assert directly is works
    assert got == GOOD
    assert why == "the server closed with code 1000 (bye)"


@pytest.mark.parametrize("works", [True, False])
@pytest.mark.parametrize(
    "bad",
    [
        frame(TEXT, b"x", first=0xC1),  # compressed, which was not agreed
        frame(3, b"x"),  # a reserved opcode
        b"\x81\x7f" + (MAX_MESSAGE + 1).to_bytes(8, "big"),
    ],
)
def test_a_malformed_frame_ends_it_after_what_was_whole(
    monkeypatch: pytest.MonkeyPatch, works: bool, bad: bytes
) -> None:
    monkeypatch.setattr(direct, "works", lambda: works)
    got, why, _ = heard(conversation(frame(TEXT, b"one") + bad))
    assert got == [b"one"]
    assert "broke the websocket protocol" in why


def test_pings_are_answered_between_messages() -> None:
    pongs: list[bytes] = []

    def script(peer: Peer) -> None:
        peer.upgrade()
        peer.sock.recv(100)
        peer.send(frame(TEXT, b"one"), frame(PING, b"?"), frame(TEXT, b"two"))
        pongs.append(peer.sock.recv(100))
        peer.send(frame(CLOSE, b"\x03\xe8"))
        peer.read_rest()

    got, _, directly = heard(script)
    assert directly
    assert got == [b"one", b"two"]
    assert pongs[0][0] == 0x80 | PONG


@pytest.mark.parametrize("works", [True, False])
def test_pings_before_a_reset_are_no_more_than_a_lost_connection(
    monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    monkeypatch.setattr(direct, "works", lambda: works)

    def script(peer: Peer) -> None:
        peer.upgrade()
        peer.sock.recv(100)
        peer.send(frame(TEXT, b"one"), *[frame(PING, b"?")] * 3)
        peer.reset()

    for _ in range(10):  # whether the pongs meet a closed transport is a matter of moments
        got, why, _ = heard(script)
        assert got in ([b"one"], [])
        assert "lost" in why


def test_what_comes_with_the_upgrade_is_read_the_public_way() -> None:
    def script(peer: Peer) -> None:
        whole = frame(TEXT, b"early") + frame(TEXT, b"late") + frame(CLOSE, b"\x03\xe8")
        peer.upgrade(whole[:9])  # in the same packet, and in the midst of a frame
        peer.sock.recv(100)
        peer.send(whole[9:])
        peer.read_rest()

    got, why, directly = heard(script)
    assert got == [b"early", b"late"]
    assert "1000" in why
    assert not directly


def test_what_comes_before_somebody_reads_is_kept_in_order() -> None:
    got: list[bytes] = []

    async def main() -> None:
        async with asyncio.timeout(60):
            transport = AiohttpTransport(Runtime.current())
            connection: Any = await transport.connect(server.url())
            await connection.send("go")
            while len(connection._queue._held) < 2:
                await asyncio.sleep(0.005)
            await connection.read(taking(got), never)
            await connection.close(0.5)
            await transport.aclose()

    def script(peer: Peer) -> None:
        peer.upgrade()
        peer.sock.recv(100)
        peer.send(frame(TEXT, b"one"), frame(TEXT, b"two"))
        peer.sock.settimeout(0.3)
        try:
            peer.sock.recv(1)
        except TimeoutError:
            peer.sock.settimeout(PATIENCE_S)
        peer.send(frame(TEXT, b"three"), frame(CLOSE, b"\x03\xe8"))
        peer.read_rest()

    with RawServer(script) as server:
        asyncio.run(main())
    assert got == [b"one", b"two", b"three"]


@pytest.mark.parametrize("works", [True, False])
def test_a_receiver_that_raises_is_not_taken_for_a_fault_of_the_peer(
    monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    monkeypatch.setattr(direct, "works", lambda: works)

    def broken(data: bytes, received_ns: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        heard(conversation(frame(TEXT, b"one"), frame(TEXT, b"two")), on_message=broken)


def test_after_the_close_nothing_is_handed_over() -> None:
    got: list[bytes] = []

    async def main() -> None:
        async with asyncio.timeout(60):
            transport = AiohttpTransport(Runtime.current())
            connection: Any = await transport.connect(server.url())
            await connection.send("go")
            reader = asyncio.create_task(connection.read(taking(got), never))
            while not got:
                await asyncio.sleep(0.005)
            reader.cancel()
            closing = asyncio.create_task(connection.close(0.5))
            await asyncio.sleep(0)
            before = len(got)
            await closing
            assert len(got) == before
            await transport.aclose()

    def script(peer: Peer) -> None:
        peer.upgrade()
        peer.sock.recv(100)
        try:
            for _ in range(10_000):
                peer.send(frame(TEXT, b"x" * 100))
        except OSError:
            return  # the client has left

    with RawServer(script) as server:
        asyncio.run(main())


@pytest.mark.parametrize("missing", ["WebSocketReader", "DirectQueue"])
def test_another_aiohttp_is_found_out(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setattr(direct, missing, None)
    monkeypatch.setattr(direct, "works", direct.works.__wrapped__)

    async def main() -> tuple[bool, object]:
        opened = aiohttp.ClientWebSocketResponse.__new__(aiohttp.ClientWebSocketResponse)
        return direct.works(), direct.queue_of(opened, MAX_MESSAGE)

    assert asyncio.run(main()) == (False, None)


@pytest.mark.parametrize(("works", "counts"), [(True, [1, 2]), (False, [1, 1, 1])])
def test_who_holds_the_loop_is_told_of(
    monkeypatch: pytest.MonkeyPatch, works: bool, counts: list[int]
) -> None:
    monkeypatch.setattr(direct, "works", lambda: works)
    told: list[tuple[bytes, int]] = []
    got: list[bytes] = []

    def slow(data: bytes, received_ns: int) -> None:
        assert abs(time.time_ns() - received_ns) < 60e9
        got.append(data)
        time.sleep(0.11)  # the real thing: 100 ms of a blocked loop

    def on_slow(last: bytes, count: int, seconds: float) -> None:
        assert 0.1 < seconds < 60
        told.append((last, count))

    def script(peer: Peer) -> None:
        peer.upgrade()
        peer.sock.recv(100)
        peer.send(frame(TEXT, b"one"))
        while len(told) < 1:
            time.sleep(0.005)
        peer.send(frame(TEXT, b"two") + frame(TEXT, b"three"))
        while sum(count for _, count in told) < 3:
            time.sleep(0.005)
        peer.send(frame(CLOSE, b"\x03\xe8"))
        peer.read_rest()

    heard(script, on_message=slow, on_slow=on_slow)
    assert got == [b"one", b"two", b"three"]
    assert [count for _, count in told] == counts
    assert (told[0][0], told[-1][0]) == (b"one", b"three")
