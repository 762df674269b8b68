"""Clients without sockets, on virtual time: an hour of them is gone in seconds."""

from __future__ import annotations

import json
from typing import Any

from reactivex import abc

from rxbybit import Bybit, Reconnecting, Status
from rxbybit.limits import ConnectLedger
from tests.memory import MemoryExchange, MemoryTransport, connect_by

__all__ = ["Still", "bybit", "trades_frame"]

BEGAN_MS = 1_700_000_000_000


def bybit(transport: MemoryTransport, ledger: ConnectLedger | None = None, **options: Any) -> Bybit:
    """A client whose links go through ``transport``, booked in ``ledger`` or in one of its own."""
    client = Bybit("http://exchange", **options)
    connect_by(transport, client, ledger)
    return client


def trades_frame(symbol: str, first: int, count: int = 1, *, every_ms: int = 1) -> bytes:
    """The trades ``first`` and so on of a symbol; their ids are these numbers."""
    items = [
        {
            "T": BEGAN_MS + n * every_ms,
            "s": symbol,
            "S": "Buy",
            "v": "1",
            "p": "65000.5",
            "i": str(n),
        }
        | {"L": "PlusTick", "BT": False, "RPI": False, "seq": n}
        for n in range(first, first + count)
    ]
    frame = {"topic": f"publicTrade.{symbol}", "type": "snapshot", "ts": BEGAN_MS + first}
    return json.dumps({**frame, "data": items}, separators=(",", ":")).encode()


class Still:
    """An exchange in memory and a client of it, with all its statuses."""

    def __init__(
        self,
        exchange: MemoryExchange | None = None,
        transport: MemoryTransport | None = None,
        ledger: ConnectLedger | None = None,
        **options: Any,
    ) -> None:
        self.exchange = exchange or MemoryExchange()
        self.transport = transport or MemoryTransport(self.exchange)
        self.client = bybit(self.transport, ledger, **options)
        self.statuses: list[Status] = []
        self.client.status().subscribe(self.statuses.append)
        self.errors: list[Exception] = []

    def of(self, kind: type[Any]) -> list[Any]:
        return [status for status in self.statuses if isinstance(status, kind)]

    @property
    def pauses(self) -> list[Reconnecting]:
        return self.of(Reconnecting)

    def hear(self, stream: Any) -> abc.DisposableBase:
        """Subscribe, and write down how it ends."""
        return stream.subscribe(lambda _: None, self.errors.append)

    def push(self, topic: str, frame: bytes) -> None:
        """Send a frame to the links that have the topic."""
        for link in self.exchange.live:
            if topic in self.exchange.subscribed[link]:
                link.push(frame)
