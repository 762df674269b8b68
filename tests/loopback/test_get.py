"""GETs over real sockets: what was answered, what was not, and that nothing stays."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import trustme

from rxbybit.errors import ConnectionFailed
from rxbybit.transport import MAX_BODY, AiohttpTransport
from tests.loopback.rawserver import Peer, RawServer, Script
from tests.loopback.test_transport import assert_tells_nothing, no_socket, scenario


def answering(body: bytes, status: str = "200 OK", *more: str, length: int | None = None) -> Script:
    """A server that answers with this, and then reads until the client leaves."""

    def script(peer: Peer) -> None:
        peer.read_head()
        held = len(body) if length is None else length
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {held}", *more]
        peer.send("\r\n".join([*lines, "", ""]).encode(), body)
        peer.read_rest()

    return script


def url(server: RawServer, path: str = "/") -> str:
    return server.url(path).replace("ws", "http", 1)


async def failed(transport: AiohttpTransport, at: str) -> ConnectionFailed:
    with pytest.raises(ConnectionFailed) as caught:
        async with asyncio.timeout(10):
            await transport.get(at)
    return caught.value


@pytest.fixture(scope="module")
def tls() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For the server, and for who trusts it."""
    root, trusting = trustme.CA(), ssl.create_default_context()
    root.configure_trust(trusting)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    root.issue_cert("127.0.0.1").configure_cert(context)
    return context, trusting


def test_an_answer_is_given_as_it_came_and_the_query_goes_as_it_stands() -> None:
    query = "/v5/list?category=linear&cursor=first%3DA%26last%3D%2FB%2C"
    server = RawServer(answering(b'{"a":1}', "200 OK", "X-Bapi-Limit: 7"))

    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        answer = await transport.get(url(server, query))
        assert (answer.status, answer.body) == (200, b'{"a":1}')
        assert answer.headers["x-bapi-limit"] == "7"

    scenario(server, body)
    (head,) = server.heads
    assert head.startswith(f"GET {query} HTTP/1.1\r\n".encode())
    assert b"Cookie" not in head


@pytest.mark.parametrize("status", ["302 Found", "403 Forbidden", "429 Too Many", "503 Down"])
def test_another_status_is_an_answer_and_a_redirect_is_not_followed(status: str) -> None:
    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        answer = await transport.get(url(server))
        assert (answer.status, answer.headers["retry-after"]) == (int(status[:3]), "7")
        assert server.accepted == 1

    more = ["Retry-After: 7", "Location: http://127.0.0.1:9/elsewhere"]
    scenario(RawServer(answering(b"no", status, *more)), body)


def test_pages_share_a_connection() -> None:
    def script(peer: Peer) -> None:
        for _ in range(3):
            peer.head = b""
            peer.read_head()
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        peer.read_rest()

    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        for _ in range(3):
            assert (await transport.get(url(server))).body == b"ok"
        assert server.accepted == 1

    scenario(RawServer(script), body)


def test_the_longest_answer_is_one_and_a_longer_one_is_given_up() -> None:
    async def longest(transport: AiohttpTransport, server: RawServer) -> None:
        assert len((await transport.get(url(server))).body) == MAX_BODY

    async def longer(transport: AiohttpTransport, server: RawServer) -> None:
        error = await failed(transport, url(server))
        assert str(error) == "the answer has more than 16,777,216 bytes"
        assert not error.permanent
        await no_socket(server.port)

    def then_hold(peer: Peer) -> None:
        peer.read_head()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        part = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        try:
            while True:
                peer.send(part)
        except OSError:
            return  # the client has hung up

    scenario(RawServer(answering(b"x" * MAX_BODY)), longest)
    scenario(RawServer(then_hold), longer)


def test_a_bomb_of_a_body_does_not_grow() -> None:
    bomb = zlib.compress(b"\0" * (256 * 1024 * 1024), 9)

    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        assert not (await failed(transport, url(server))).permanent
        await no_socket(server.port)

    scenario(RawServer(answering(bomb, "200 OK", "Content-Encoding: deflate")), body)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param(lambda peer: None, "the server hung up before it answered", id="FIN"),
        pytest.param(Peer.reset, "connection reset", id="RST"),
        pytest.param(
            lambda peer: peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
            "the answer was cut in the middle, or is no HTTP",
            id="cut",
        ),
        pytest.param(lambda peer: peer.send(b"sesame\r\n\r\n"), "no HTTP", id="noise"),
        pytest.param(
            lambda peer: peer.send(
                b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 6\r\n\r\nsesame"
            ),
            "the answer was cut in the middle, or is no HTTP",
            id="no gzip",
        ),
    ],
)
def test_what_is_no_answer_is_told_without_the_query(
    script: Callable[[Peer], Any], words: str
) -> None:
    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        error = await failed(transport, url(server, "/?token=sesame"))
        assert words in str(error)
        assert not error.permanent
        assert_tells_nothing(error)

    def then(peer: Peer) -> None:
        peer.read_head()
        script(peer)

    scenario(RawServer(then), body)


def test_nobody_listens() -> None:
    async def main() -> None:
        transport = AiohttpTransport(_runtime())
        error = await failed(transport, "http://127.0.0.1:9/?token=sesame")
        assert str(error) == "connection refused"
        await transport.aclose()

    asyncio.run(main())


def _runtime() -> Any:
    from rxbybit.runtime import Runtime

    return Runtime.current()


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("moment", ["head", "body"])
def test_giving_up_on_an_answer_leaves_nothing(
    tls: tuple[ssl.SSLContext, ssl.SSLContext], secure: bool, moment: str
) -> None:
    context, trusting = tls

    def script(peer: Peer) -> None:
        peer.read_head()
        if moment == "body":
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        peer.hold()  # does not answer the end of TLS either

    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        asking = asyncio.create_task(transport.get(url(server)))
        await asyncio.sleep(0.2)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await no_socket(server.port)

    scenario(RawServer(script, tls=context if secure else None), body, ssl=trusting)


def test_an_idle_connection_over_tls_goes_with_the_transport(
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    context, trusting = tls

    def script(peer: Peer) -> None:
        peer.read_head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        peer.hold()

    async def body(transport: AiohttpTransport, server: RawServer) -> None:
        assert (await transport.get(url(server))).body == b"ok"

    scenario(RawServer(script, tls=context), body, ssl=trusting)


def test_a_certificate_that_is_not_trusted_is_permanent(
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    async def main(server: RawServer) -> None:
        transport = AiohttpTransport(_runtime())
        error = await failed(transport, url(server))
        assert error.permanent
        assert "the certificate is not trusted" in str(error)
        await transport.aclose()

    with RawServer(lambda peer: None, tls=tls[0]) as server:
        asyncio.run(main(server))
