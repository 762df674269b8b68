"""Sockets against a server that breaks every rule: what is reported, and that nothing stays."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import errno
import gc
import socket
import ssl
import struct
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
import trustme

from rxbybit.errors import ConnectionFailed, HandshakeRejected
from rxbybit.handshake import why_ended
from rxbybit.runtime import Runtime
from rxbybit.transport import MAX_MESSAGE, AiohttpTransport, Connection
from tests.loopback.rawserver import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    Peer,
    RawServer,
    Script,
    claimed,
    frame,
    open_sockets,
)

BYE = frame(CLOSE, struct.pack(">H", 1000))
Body = Callable[[AiohttpTransport, RawServer], Awaitable[None]]
LIMIT_S = 10.0
"""Of what takes some tenths of a second; what was not ended goes on for longer than this."""


@pytest.fixture(autouse=True, scope="module")
def everything_is_closed() -> Iterator[None]:
    yield
    gc.collect()  # what is unclosed warns, and a warning fails


def scenario(server: RawServer, body: Body, **options: Any) -> None:
    """Run ``body``; afterwards no socket to the server and no task may be left."""

    async def main() -> None:
        async with asyncio.timeout(60):
            transport = AiohttpTransport(Runtime.current(), **options)
            await body(transport, server)
            began = time.monotonic()
            await transport.aclose()
            await no_socket(server.port)
            while len(asyncio.all_tasks()) > 1:
                assert time.monotonic() - began < LIMIT_S, asyncio.all_tasks()
                await asyncio.sleep(0.01)

    with server:
        asyncio.run(main())
        assert open_sockets(server.port) == 0
    assert server.errors == []


async def no_socket(port: int) -> None:
    async with asyncio.timeout(LIMIT_S):
        while open_sockets(port):
            await asyncio.sleep(0.005)


async def refused(transport: AiohttpTransport, url: str) -> ConnectionFailed:
    with pytest.raises(ConnectionFailed) as caught:
        await transport.connect(url)
    return caught.value


async def read_to_the_end(connection: Connection) -> tuple[list[bytes], str]:
    heard: list[bytes] = []
    why = await connection.read(lambda data, _: heard.append(data), lambda *_: None)
    await connection.close(0.5)
    return heard, why


def upgraded(*then: bytes) -> Script:
    def script(peer: Peer) -> None:
        peer.upgrade(*then)
        peer.read_rest()

    return script


def the_end_of(script: Script) -> tuple[list[bytes], str]:
    """What a connection to a server with this script hears, and why it ends.

    Twice, as messages are read in another way when the first comes along with the upgrade.
    """
    results: list[tuple[list[bytes], str]] = []

    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        connection = await transport.connect(server.url())
        await connection.send("go")
        results.append(await read_to_the_end(connection))

    for early in (True, False):
        scenario(RawServer(script, early=early), body)
    assert results[0] == results[1]
    return results[0]


def test_whole_messages_come_as_bytes_in_order_and_pings_are_answered() -> None:
    said: list[bytes] = []

    def script(peer: Peer) -> None:
        peer.upgrade(frame(TEXT, b'{"a":1}'))  # in the packet of the upgrade
        peer.send(frame(TEXT, b"b" * 70_000), frame(BINARY, b"c"))
        halves = frame(TEXT, b"d" * 8, first=TEXT) + frame(0, b"d" * 8)
        for byte in halves:
            peer.send(bytes([byte]))
        peer.send(frame(PING, b"?"), frame(CLOSE, struct.pack(">H", 1000)))
        said.append(peer.read_rest())

    heard, why = the_end_of(script)
    assert heard == [b'{"a":1}', b"b" * 70_000, b"c", b"d" * 16]
    assert why == "the server closed with code 1000"
    assert said[0][8:][:1] == said[1][:1] == bytes([0x80 | PONG])  # the first begins with "go"


def test_what_is_sent_arrives_masked_and_whole() -> None:
    said: list[bytes] = []

    def script(peer: Peer) -> None:
        peer.upgrade()
        said.append(peer.read_rest())

    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        connection = await transport.connect(server.url())
        await connection.send("hello")
        await connection.close(0.05)  # nobody answers

    scenario(RawServer(script), body)
    head, mask, rest = said[0][:2], said[0][2:6], said[0][6:11]
    assert head == bytes([0x80 | TEXT, 0x80 | 5])
    assert bytes(c ^ mask[i % 4] for i, c in enumerate(rest)) == b"hello"
    assert said[0][11] == 0x80 | CLOSE


def test_a_redirect_is_permanent_and_its_target_is_never_contacted() -> None:
    target = RawServer(upgraded())

    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        error = await refused(transport, server.url())
        assert isinstance(error, HandshakeRejected)
        assert (error.status, error.permanent) == (302, True)
        assert "redirect" in str(error)
        assert server.accepted == 1

    with target:
        scenario(RawServer(lambda peer: peer.answer("302 Found", Location=target.url())), body)
        assert target.accepted == 0


@pytest.mark.parametrize(
    ("line", "headers", "status", "retry_after_s"),
    [
        ("403 Forbidden", {}, 403, None),
        ("429 Too Many Requests", {"Retry_After": "7"}, 429, 7.0),
        ("503 Service Unavailable", {"Retry_After": "120"}, 503, 120.0),
        ("503 Service Unavailable", {"Retry_After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 503, None),
        ("503 Service Unavailable", {"Retry_After": "-5"}, 503, None),
        ("200 OK", {}, 200, None),
        ("101 Switching Protocols", {"Upgrade": "websocket", "Connection": "Upgrade"}, 101, None),
    ],
)
def test_a_status_instead_of_an_upgrade(
    line: str, headers: dict[str, str], status: int, retry_after_s: float | None
) -> None:
    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        error = await refused(transport, server.url())
        assert isinstance(error, HandshakeRejected)
        assert error.status == status
        assert error.retry_after_s == retry_after_s
        assert not error.permanent  # the session knows what each status means

    def script(peer: Peer) -> None:
        peer.answer(line, **headers)
        peer.read_rest()

    scenario(RawServer(script), body)


@pytest.mark.parametrize("noise", [b"\x00\x01\x02\r\n\r\n", b"HTTP/1.1 banana\r\n\r\n", b""])
def test_an_answer_that_is_no_http_is_a_failed_connect(noise: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.read_head()
        peer.send(noise)

    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        error = await refused(transport, server.url())
        assert not error.permanent
        assert str(error)

    scenario(RawServer(script), body)


class Authority:
    """A certificate authority, and contexts for both ends."""

    def __init__(self) -> None:
        self.root = trustme.CA()
        self.trusting = ssl.create_default_context()
        self.root.configure_trust(self.trusting)

    def server(self, host: str, **options: Any) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.root.issue_cert(host, **options).configure_cert(context)
        return context


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def test_a_trusted_certificate_opens_and_silence_does_not_keep_the_socket(
    authority: Authority,
) -> None:
    def script(peer: Peer) -> None:
        peer.upgrade(frame(TEXT, b"hello"))
        peer.hold()

    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        connection = await transport.connect(server.url())
        heard: list[bytes] = []
        reading = asyncio.create_task(
            connection.read(lambda data, _: heard.append(data), lambda *_: None)
        )
        while not heard:
            await asyncio.sleep(0.005)
        reading.cancel()
        async with asyncio.timeout(LIMIT_S):
            await connection.close(0.3)
        await no_socket(server.port)

    server = RawServer(script, tls=authority.server("127.0.0.1"))
    scenario(server, body, ssl=authority.trusting)


PAST = dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)


FLAWS = {"wrong host": "mismatch", "unknown issuer": "local issuer", "expired": "has expired"}


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_certificate_that_is_not_trusted_is_permanent(authority: Authority, flaw: str) -> None:
    host = "elsewhere.example" if flaw == "wrong host" else "127.0.0.1"
    options = {"not_after": PAST} if flaw == "expired" else {}
    server = RawServer(lambda peer: None, tls=authority.server(host, **options))
    trusting = None if flaw == "unknown issuer" else authority.trusting

    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        error = await refused(transport, server.url())
        assert error.permanent
        assert not isinstance(error, HandshakeRejected)
        assert str(error).startswith("127.0.0.1: the certificate is not trusted: ")
        assert FLAWS[flaw] in str(error)

    with server:
        asyncio.run(_only(body, server, ssl=trusting))
    assert all(isinstance(error, OSError) for error in server.errors)  # the client hung up


async def _only(body: Body, server: RawServer, **options: Any) -> None:
    transport = AiohttpTransport(Runtime.current(), **options)
    await body(transport, server)
    await transport.aclose()
    await no_socket(server.port)


def test_a_refusal_over_tls_by_a_silent_peer_leaves_no_socket(authority: Authority) -> None:
    def script(peer: Peer) -> None:
        peer.answer("403 Forbidden")
        peer.hold()  # does not answer the end of TLS either

    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        await refused(transport, server.url())

    server = RawServer(script, tls=authority.server("127.0.0.1"))
    scenario(server, body, ssl=authority.trusting)


@pytest.mark.parametrize("secure", [False, True])
def test_giving_up_on_a_stalled_upgrade_leaves_nothing(secure: bool) -> None:
    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        url = server.url().replace("ws:", "wss:") if secure else server.url()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await transport.connect(url)
        await no_socket(server.port)

    scenario(RawServer(Peer.hold), body)


@pytest.mark.parametrize("early", [True, False])
def test_a_connection_that_is_reset(early: bool) -> None:
    read = threading.Event()

    def script(peer: Peer) -> None:
        peer.upgrade(frame(TEXT, b"last"))
        assert read.wait(LIMIT_S * 2)
        peer.reset()

    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        connection = await transport.connect(server.url())
        await connection.send("go")
        why = await connection.read(lambda *_: read.set(), lambda *_: None)
        assert why == "the connection was lost (no close frame)"
        assert read.is_set()
        await connection.close(0.5)

    scenario(RawServer(script, early=early), body)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(lambda peer: peer.upgrade(frame(TEXT, b"last")), id="FIN"),
        pytest.param(
            lambda peer: peer.upgrade(frame(TEXT, b"last"), frame(TEXT, b"x" * 100)[:50]),
            id="FIN in mid-frame",
        ),
        pytest.param(
            lambda peer: peer.upgrade(frame(TEXT, b"last"), frame(TEXT, b"half", first=TEXT)),
            id="FIN between fragments",
        ),
        pytest.param(
            lambda peer: peer.upgrade(frame(TEXT, b"last"), frame(PING, b"x")),
            id="FIN after a ping",
        ),
    ],
)
def test_a_connection_that_just_ends(script: Script) -> None:
    heard, why = the_end_of(script)
    assert heard == [b"last"]
    assert why == "the connection was lost (no close frame)"


def test_an_error_of_the_system_is_no_breach_of_the_protocol() -> None:
    error = TimeoutError(errno.ETIMEDOUT, "Connection timed out")
    opened: Any = SimpleNamespace(exception=lambda: error)
    message: Any = SimpleNamespace(type=aiohttp.WSMsgType.ERROR, data=error, extra=None)
    assert why_ended(opened, message) == "the connection was lost: no answer"


@pytest.mark.parametrize("code", [1000, 1001, 1012, 1013, 4001])
@pytest.mark.parametrize("reason", ["", "back in a minute"])
def test_the_code_and_reason_of_a_close_are_told(code: int, reason: str) -> None:
    close = frame(CLOSE, struct.pack(">H", code) + reason.encode())
    heard, why = the_end_of(upgraded(frame(TEXT, b"last"), close))
    assert heard == [b"last"]
    assert why == f"the server closed with code {code}" + (f" ({reason})" if reason else "")


def test_a_close_without_a_code_is_one() -> None:
    assert the_end_of(upgraded(frame(CLOSE)))[1] == "the server closed with code 1005"


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(frame(CLOSE, struct.pack(">H", 999)), id="close code 999"),
        pytest.param(frame(3, b"x"), id="reserved opcode"),
        pytest.param(frame(TEXT, b"x", first=0xC1), id="RSV1 without an extension"),
        pytest.param(frame(PING, b"x" * 126), id="long ping"),
        pytest.param(frame(0, b"x"), id="continuation of nothing"),
        pytest.param(b"\x81\x7f" + struct.pack(">Q", 2**40), id="length 2^40"),
        pytest.param(frame(TEXT, b"x" * (MAX_MESSAGE + 1)), id="oversize"),
        pytest.param(
            frame(TEXT, b"x" * (MAX_MESSAGE // 2), first=TEXT)
            + frame(0, b"x" * (MAX_MESSAGE // 2), first=0)
            + frame(0, b"x"),
            id="oversize in fragments",
        ),
    ],
)
def test_a_malformed_frame_ends_the_connection_and_says_so(bad: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.upgrade(frame(TEXT, b"last"))
        try:
            peer.send(bad)
        except OSError:  # the client did not wait for the rest of it
            return
        peer.read_rest()

    heard, why = the_end_of(script)
    assert heard == [b"last"]
    assert why.startswith("the server broke the websocket protocol: ")


def test_the_largest_message_is_a_message() -> None:
    largest = b"x" * MAX_MESSAGE
    heard, _ = the_end_of(upgraded(frame(TEXT, largest), BYE))
    assert heard == [largest]


def test_text_that_is_no_utf_8_is_a_message_like_any_other() -> None:
    heard, why = the_end_of(upgraded(frame(TEXT, b"\xff\xfe{"), frame(TEXT, b"ok"), BYE))
    assert heard == [b"\xff\xfe{", b"ok"]
    assert why == "the server closed with code 1000"


def test_a_masked_frame_of_the_server_is_read() -> None:
    mask = b"\x01\x02\x03\x04"
    masked = bytes([0x81, 0x82]) + mask + bytes(c ^ mask[i] for i, c in enumerate(b"ok"))
    assert the_end_of(upgraded(masked, BYE))[0] == [b"ok"]


@pytest.mark.parametrize("full", [True, False], ids=["full buffers", "empty buffers"])
@pytest.mark.parametrize("secure", [True, False], ids=["TLS", "TCP"])
def test_a_peer_that_reads_nothing_is_left_within_the_budget(
    authority: Authority, secure: bool, full: bool
) -> None:
    def script(peer: Peer) -> None:
        peer.upgrade()
        peer.hold()

    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        connection = await transport.connect(server.url())
        sending: list[asyncio.Task[None]] = []
        if full:
            sending.append(asyncio.create_task(connection.send("x" * 20_000_000)))
            await asyncio.sleep(0.05)
            assert secure or not sending[0].done()
        for task in sending:
            task.cancel()
        async with asyncio.timeout(LIMIT_S):
            await connection.close(0.3)
        await no_socket(server.port)

    server = RawServer(script, tls=authority.server("127.0.0.1") if secure else None)
    scenario(server, body, ssl=authority.trusting)


def test_a_peer_that_reads_but_ignores_the_close_is_left_within_the_budget() -> None:
    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        connection = await transport.connect(server.url())
        began = time.monotonic()
        await connection.close(0.2)
        assert 0.2 <= time.monotonic() - began < LIMIT_S

    scenario(RawServer(upgraded()), body)


def test_sending_on_a_dead_connection_is_silent() -> None:
    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        connection = await transport.connect(server.url())
        assert (await connection.read(lambda data, _: None, lambda *_: None)).startswith(
            "the connection was lost"
        )
        await connection.send("into the void")
        await connection.close(0.5)
        await connection.close(0.5)
        await connection.send("and once more")

    scenario(RawServer(Peer.upgrade), body)


def test_nobody_listens() -> None:
    async def main() -> None:
        transport = AiohttpTransport(Runtime.current())
        error = await refused(transport, f"ws://127.0.0.1:{port}/")
        assert not error.permanent
        assert str(error) == "connection refused"
        await transport.aclose()

    with claimed() as port:
        asyncio.run(main())


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service"), "the host name is not known"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary"), "the host name could not be looked up"),
    ],
)
def test_a_name_that_cannot_be_looked_up(
    monkeypatch: pytest.MonkeyPatch, raised: socket.gaierror, words: str
) -> None:
    def unknown(*args: Any, **named: Any) -> None:
        raise raised

    monkeypatch.setattr("rxbybit.resolver.socket.getaddrinfo", unknown)

    async def main() -> None:
        transport = AiohttpTransport(Runtime.current())
        error = await refused(transport, "ws://stream.invalid/")
        assert not error.permanent
        assert str(error) == words
        await transport.aclose()

    asyncio.run(main())


def test_several_addresses_that_fail_in_several_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    def two(*args: Any, flags: int = 0, **named: Any) -> list[Any]:
        if flags:
            raise socket.gaierror(socket.EAI_NONAME, "it is a name")
        tcp = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*tcp, ("127.0.0.1", port)), (*tcp, ("127.0.0.2", port))]

    async def main() -> None:
        transport = AiohttpTransport(Runtime.current())
        monkeypatch.setattr("rxbybit.resolver.socket.getaddrinfo", two)
        error = await refused(transport, "ws://two.example/")
        assert str(error) == "connection refused"
        await transport.aclose()

    with claimed() as port:
        asyncio.run(main())


def test_a_proxy_where_nobody_listens_is_named_as_one() -> None:
    async def main() -> None:
        transport = AiohttpTransport(Runtime.current(), proxy=f"http://127.0.0.1:{port}")
        error = await refused(transport, "wss://stream.example/")
        assert str(error) == "no connection to the proxy: connection refused"
        await transport.aclose()

    with claimed() as port:
        asyncio.run(main())


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param(Peer.read_head, "the server hung up before it answered", id="FIN"),
        pytest.param(lambda peer: (peer.read_head(), peer.reset()), "connection reset", id="RST"),
    ],
)
def test_an_upgrade_that_is_cut(script: Script, words: str) -> None:
    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        assert str(await refused(transport, server.url())) == words
        assert server.accepted == 1  # aiohttp would try again, and nobody would have counted that

    scenario(RawServer(script), body)


def test_a_server_without_tls_is_said_to_have_none() -> None:
    def script(peer: Peer) -> None:
        peer.sock.recv(65_536)
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        error = await refused(transport, server.url().replace("ws:", "wss:"))
        assert str(error) == "TLS failed: the other side does not speak it"
        assert not error.permanent

    scenario(RawServer(script), body)


def _relay(source: socket.socket, target: socket.socket) -> None:
    try:
        while part := source.recv(65_536):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # one end is gone, the other will be told
        return


def _proxy(password: str) -> tuple[Script, list[bytes]]:
    """A CONNECT proxy that wants ``password`` and relays to the host it is asked for."""
    asked: list[bytes] = []

    def script(peer: Peer) -> None:
        head = peer.read_head()
        asked.append(head)
        if base64.b64encode(b"user:" + password.encode()) not in head:
            peer.send(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        host, _, port = head.split()[1].decode().rpartition(":")
        with socket.create_connection((host, int(port))) as onward:
            peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_relay, args=(onward, peer.sock))
            back.start()
            _relay(peer.sock, onward)
            back.join()

    return script, asked


def test_through_a_proxy_with_a_password(authority: Authority) -> None:
    script, asked = _proxy("hunter2")

    def says_hello(peer: Peer) -> None:
        peer.upgrade(frame(TEXT, b"hello"), frame(CLOSE, struct.pack(">H", 1000)))

    with RawServer(script) as proxy:

        async def body(transport: AiohttpTransport, server: RawServer) -> None:
            heard, why = await read_to_the_end(await transport.connect(server.url()))
            assert (heard, why) == ([b"hello"], "the server closed with code 1000")
            await no_socket(proxy.port)

        proxy_url = f"http://user:hunter2@127.0.0.1:{proxy.port}"
        server = RawServer(says_hello, tls=authority.server("127.0.0.1"))
        scenario(server, body, proxy=proxy_url, ssl=authority.trusting)
    assert asked[0].startswith(b"CONNECT ")


QUERY = "?token=sesame"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(lambda peer: peer.answer("403 Forbidden", X_Key="sesame"), id="403"),
        pytest.param(lambda peer: peer.answer("302 Found", Location="/?sesame"), id="302"),
        pytest.param(lambda peer: peer.answer("200 OK", Set_Cookie="id=sesame"), id="200"),
        pytest.param(Peer.reset, id="reset"),
        pytest.param(lambda peer: peer.send(b"HTTP/1.1 sesame\r\n\r\n"), id="noise"),
    ],
)
def test_no_query_or_header_is_in_the_text_of_an_error(script: Script) -> None:
    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        assert_tells_nothing(await refused(transport, server.url(f"/{QUERY}")))

    def then(peer: Peer) -> None:
        peer.read_head()
        script(peer)

    scenario(RawServer(then), body)


@pytest.mark.parametrize(
    ("script", "permanent"),
    [
        pytest.param(_proxy("other")[0], True, id="407"),
        pytest.param(lambda peer: peer.answer("502 Bad Gateway"), False, id="502"),
        pytest.param(Peer.reset, False, id="reset"),
        pytest.param(Peer.read_head, False, id="FIN"),
    ],
)
def test_no_proxy_password_is_in_the_text_of_an_error(script: Script, permanent: bool) -> None:
    with RawServer(script) as proxy:

        async def main() -> None:
            url = f"http://user:sesame@127.0.0.1:{proxy.port}"
            transport = AiohttpTransport(Runtime.current(), proxy=url)
            error = await refused(transport, "wss://127.0.0.1:9/")
            assert_tells_nothing(error)
            assert error.permanent == permanent
            await transport.aclose()

        asyncio.run(main())
        assert open_sockets(proxy.port) == 0


@pytest.mark.parametrize("proxy", ["http://user:sesame@", "http://user:sesame@[", "sesame"])
def test_a_proxy_that_is_no_url_is_permanent_and_not_told(proxy: str) -> None:
    async def main() -> None:
        transport = AiohttpTransport(Runtime.current(), proxy=proxy)
        error = await refused(transport, "wss://127.0.0.1:9/")
        assert_tells_nothing(error)
        assert error.permanent
        await transport.aclose()

    asyncio.run(main())


def assert_tells_nothing(error: Exception) -> None:
    told = [str(error), repr(error), *traceback.format_exception(error), repr(vars(error))]
    assert "sesame" not in "".join(told)
