"""A transport without sockets, and a small exchange at its other end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import time_ns
from typing import Any

import msgspec

from rxbybit import Bybit
from rxbybit.direct import SLOW_NS, OnMessage, OnSlow
from rxbybit.limits import ConnectLedger, RequestLedger
from rxbybit.transport import Answer, Connection, Transport

__all__ = ["MemoryExchange", "MemoryLink", "MemoryTransport", "connect_by"]


class MemoryLink:
    """One connection: the client's end by the protocol, the exchange's by ``push`` and ``cut``."""

    def __init__(self, url: str, on_text: Callable[[MemoryLink, str], None]) -> None:
        self.url = url
        self.texts: list[str] = []
        self.closed = False
        self.stalled = False
        self._on_text = on_text
        self._inbox: asyncio.Queue[bytes | str] = asyncio.Queue()

    # the client's end

    async def read(self, on_message: OnMessage, on_slow: OnSlow) -> str:
        while isinstance(item := await self._inbox.get(), bytes):
            received_ns = time_ns()
            on_message(item, received_ns)
            took_ns = time_ns() - received_ns
            if took_ns > SLOW_NS:
                on_slow(item, 1, took_ns / 1e9)
        return item

    async def send(self, text: str) -> None:
        while self.stalled:
            await asyncio.sleep(0.01)
        self.texts.append(text)
        if not self.closed:
            self._on_text(self, text)

    async def close(self, budget_s: float) -> None:
        if self.stalled:
            await asyncio.sleep(budget_s)
        self.closed = True

    # the exchange's end

    def push(self, frame: bytes | dict[str, Any]) -> None:
        self._inbox.put_nowait(frame if isinstance(frame, bytes) else json.dumps(frame).encode())

    def cut(self, reason: str = "the connection was lost") -> None:
        self._inbox.put_nowait(reason)

    @property
    def requests(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.texts]

    def asked(self, operation: str) -> list[str]:
        """The topics asked for by ``operation``, in order."""
        return [t for r in self.requests if r["op"] == operation for t in r["args"]]


@dataclass
class MemoryExchange:
    """Answers as the linear and inverse sockets do, unless told otherwise.

    It is written from the V5 page "Connect": one unknown or already subscribed topic voids a
    request; ``answering`` and ``ponging`` switch its voice off.
    """

    known: Callable[[str], bool] = lambda topic: True
    answering: bool = True
    ponging: bool = True
    links: list[MemoryLink] = field(default_factory=list)
    subscribed: dict[MemoryLink, list[str]] = field(default_factory=dict)

    def open(self, url: str) -> MemoryLink:
        link = MemoryLink(url, self._on_text)
        self.links.append(link)
        self.subscribed[link] = []
        return link

    @property
    def live(self) -> list[MemoryLink]:
        return [link for link in self.links if not link.closed]

    def _on_text(self, link: MemoryLink, text: str) -> None:
        request = json.loads(text)
        operation, mine = request["op"], self.subscribed[link]
        if operation == "ping":
            if self.ponging:
                link.push({"success": True, "ret_msg": "pong", "op": "ping", "req_id": "ping"})
            return
        message = ""
        for topic in request["args"]:
            if operation == "subscribe" and not self.known(topic):
                message = message or f"error:handler not found,topic:{topic}"
            elif operation == "subscribe" and topic in mine:
                message = message or f"error:already subscribed,topic:{topic}"
        if operation == "subscribe" and not message:
            mine.extend(request["args"])
        elif operation == "unsubscribe":
            mine[:] = [topic for topic in mine if topic not in request["args"]]
        if self.answering:
            answer = {"success": not message, "ret_msg": message, "conn_id": "c"}
            link.push({**answer, "req_id": request["req_id"], "op": operation})


class MemoryTransport:
    """Connects to a ``MemoryExchange``; what ``before`` raises is how a connect fails, and
    ``answer`` says what a GET gives.
    """

    def __init__(self, exchange: MemoryExchange) -> None:
        self.exchange = exchange
        self.before: Callable[[str], None] = lambda url: None
        self.hang = False
        self.answer: Callable[[str], Answer] = lambda url: Answer(404, {}, b"")
        self.asked: list[str] = []
        self.attempts: list[float] = []
        self.released = 0

    async def connect(self, url: str) -> Connection:
        self.attempts.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.002)
        if self.hang:
            await asyncio.Event().wait()
        self.before(url)
        return self.exchange.open(url)

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        self.asked.append(url)
        await asyncio.sleep(0.002)
        if self.hang:
            await asyncio.Event().wait()
        return self.answer(url)

    async def aclose(self) -> None:
        self.released += 1


def connect_by(transport: Transport, client: Bybit, ledger: ConnectLedger | None = None) -> None:
    """Have ``client`` use ``transport``, and limits on the loop's time: its own, or ``ledger``."""
    clock = asyncio.get_running_loop().time
    settings, booked = client._settings, ledger or ConnectLedger(clock=clock)
    client._settings = msgspec.structs.replace(
        settings,
        session=msgspec.structs.replace(settings.session, ledger=booked),
        new_transport=lambda runtime: transport,
        requests=RequestLedger(clock=clock),
    )
