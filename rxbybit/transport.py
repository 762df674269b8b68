"""Sockets: the one module that opens connections with aiohttp.

``Transport`` and ``Connection`` are small protocols: tests plug in an in-memory pair, the
session never learns which it drives.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from contextvars import ContextVar
from ssl import SSLContext
from time import time_ns
from typing import Any, Protocol

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from msgspec import Struct
from yarl import URL

from rxbybit.direct import SLOW_NS, DirectQueue, OnMessage, OnSlow, came_early, queue_of
from rxbybit.errors import ConnectionFailed
from rxbybit.failures import lost
from rxbybit.handshake import FAILURES, failure_of, once, refuse_redirect, why_ended
from rxbybit.runtime import Runtime

__all__ = ["AiohttpTransport", "Answer", "Connection", "Transport"]

MAX_MESSAGE = 4 * 1024 * 1024
"""A longer message ends its connection: the largest book is under 100 kB."""
_TOO_LONG = MAX_MESSAGE + 1  # aiohttp's limit is the first size that it refuses

MAX_BODY = 16 * 1024 * 1024
"""A longer answer is given up: a page of a thousand instruments is about 1 MB."""


class Answer(Struct, frozen=True):
    """What a server answered to a GET."""

    status: int
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes


class Connection(Protocol):
    """One open websocket."""

    async def read(self, on_message: OnMessage, on_slow: OnSlow) -> str:
        """Hand over each message, and what took long; ends with the connection and says why."""
        ...

    async def send(self, text: str) -> None:
        """Send one text message; waits while the peer reads slowly."""
        ...

    async def close(self, budget_s: float) -> None:
        """Close politely within ``budget_s`` seconds, and in any case. Never raises."""
        ...


class Transport(Protocol):
    """Opens connections."""

    async def connect(self, url: str) -> Connection:
        """Open a websocket.

        Errors: ``HandshakeRejected`` when the server answers with a status of its own,
        ``ConnectionFailed`` for everything else; ``permanent`` says whether to try again.
        """
        ...

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Whatever the server answers to a GET of ``url``, whose query is sent as it stands.

        Errors: ``ConnectionFailed`` when there is no answer, or none of a bearable length.
        """
        ...

    async def aclose(self) -> None:
        """Release what connections share."""
        ...


class AiohttpTransport:
    """Websockets over TCP and TLS, on the loop of one runtime."""

    def __init__(
        self, runtime: Runtime, *, proxy: str | None = None, ssl: SSLContext | None = None
    ) -> None:
        self._runtime = runtime
        self._proxy = proxy
        self._ssl: SSLContext | bool = ssl if ssl is not None else True
        self._session: aiohttp.ClientSession | None = None

    async def connect(self, url: str) -> Connection:
        """Open a websocket; a redirect is refused, as aiohttp would send our headers along."""
        if self._session is None:
            self._session = _session(self._runtime)
        opening: list[asyncio.BaseTransport] = []
        _opening.set(opening)
        try:
            opened = await self._session.ws_connect(
                url,
                proxy=self._proxy,
                ssl=self._ssl,
                max_msg_size=_TOO_LONG,
                decode_text=False,
                autoclose=False,
            )
        except FAILURES as error:
            _abort(opening)
            raise failure_of(error) from None  # not chained: theirs show headers, query, password
        except BaseException:
            _abort(opening)
            raise
        finally:
            opening.clear()  # cancelled timers keep the context for a while, and it the list
        assert isinstance(opened, _Socket)
        return _AiohttpConnection(opened, queue_of(opened, _TOO_LONG))

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """A redirect is an answer like another, and not followed."""
        if self._session is None:
            self._session = _session(self._runtime)
        opening: list[asyncio.BaseTransport] = []
        _opening.set(opening)
        try:
            async with self._session.get(
                URL(url, encoded=True),
                headers=headers,
                proxy=self._proxy,
                ssl=self._ssl,
                allow_redirects=False,
                middlewares=(),  # a kept connection may have ended meanwhile: aiohttp asks again
            ) as response:
                said = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, said, await _body(response))
        except (aiohttp.ClientError, OSError) as error:
            _abort(opening)
            raise failure_of(error) from None  # see connect
        except BaseException:
            _abort(opening)
            raise
        finally:
            opening.clear()

    async def aclose(self) -> None:
        """Close the pool of connections that aiohttp keeps."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


_opening: ContextVar[list[asyncio.BaseTransport]] = ContextVar("opening")


class _Connector(aiohttp.TCPConnector):
    """Tells who connects which transport he has got.

    When a connect is refused or given up, aiohttp closes it, which over TLS means to wait half
    a minute for a peer that does not answer.
    """

    # Any: aiohttp's request, traces and timeouts are passed on as they come
    async def connect(self, *args: Any, **named: Any) -> aiohttp.connector.Connection:
        connection = await super().connect(*args, **named)
        if connection.transport is not None:
            _opening.get().append(connection.transport)
        return connection


def _abort(transports: list[asyncio.BaseTransport]) -> None:
    for transport in transports:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.abort()


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > MAX_BODY:
            raise ConnectionFailed(f"the answer has more than {MAX_BODY:,} bytes")
    return bytes(body)


class _Socket(aiohttp.ClientWebSocketResponse[Any]):  # Any: aiohttp's flag for text or bytes
    """Remembers what aiohttp forgets on close, or does not give back when that is cut short."""

    # Any: aiohttp's own, undocumented arguments are passed on as they come
    def __init__(
        self, reader: Any, writer: Any, protocol: Any, response: Any, *rest: Any, **named: Any
    ) -> None:
        super().__init__(reader, writer, protocol, response, *rest, **named)
        self.response: aiohttp.ClientResponse = response
        self.transport: asyncio.Transport | None = response.connection.transport
        self.early = came_early(response)


class _AiohttpConnection:
    """A websocket of aiohttp, read as bytes."""

    def __init__(self, opened: _Socket, queue: DirectQueue | None) -> None:
        self._socket = opened
        self._queue = queue
        self._closing = False

    async def read(self, on_message: OnMessage, on_slow: OnSlow) -> str:
        """With a queue of ours, ``receive`` gives control frames only."""
        queue = self._queue
        if queue is not None:
            queue.start(on_message, on_slow)
        receive = self._socket.receive
        text, binary = aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY
        while True:
            try:
                message = await receive()
            except (ConnectionError, aiohttp.ClientError) as error:  # of the pong it sends
                return lost(error)
            kind = message.type
            if kind is text or kind is binary:
                if not self._closing:
                    received_ns = time_ns()
                    on_message(message.data, received_ns)
                    took_ns = time_ns() - received_ns
                    if took_ns > SLOW_NS:
                        on_slow(message.data, 1, took_ns / 1e9)
            elif queue is not None and queue.error is not None:
                raise queue.error
            else:
                return why_ended(self._socket, message)

    async def send(self, text: str) -> None:
        """A connection that is gone swallows it: its reader says so."""
        try:
            await self._socket.send_str(text)
        except (ConnectionError, aiohttp.ClientError):
            return

    async def close(self, budget_s: float) -> None:
        """A close frame and the peer's answer, then the end, whatever the peer does."""
        self._closing = True
        if self._queue is not None:
            self._queue.stop()
        try:
            async with asyncio.timeout(budget_s):
                await self._socket.close()
        except (TimeoutError, ConnectionError, aiohttp.ClientError):
            pass  # the abort below is the answer to each of them
        finally:
            if self._socket.transport is not None:
                self._socket.transport.abort()
            self._socket.response.close()


def _session(runtime: Runtime) -> aiohttp.ClientSession:
    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(refuse_redirect)
    return aiohttp.ClientSession(
        connector=_Connector(resolver=_Resolver(runtime), limit=0),
        timeout=aiohttp.ClientTimeout(total=None),  # the session bounds the whole upgrade
        trace_configs=[trace],
        middlewares=[once],
        cookie_jar=aiohttp.DummyCookieJar(),
        ws_response_class=_Socket,
    )


class _Resolver(AbstractResolver):
    """Names through the runtime's own thread: the default executor cannot start one late."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._runtime.resolve(host, port, family)
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """The thread belongs to the runtime."""
