"""How a connection is had: within the exchange's limit, in time, and what a refusal means."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from rxbybit.errors import ConnectionFailed, HandshakeRejected
from rxbybit.limits import UNDER_WAY_S, ConnectLedger
from rxbybit.transport import Connection, Transport

__all__ = ["ADDRESS_LIMIT_S", "UPGRADE_S", "book", "open_connection", "verdict"]

UPGRADE_S = UNDER_WAY_S
"""How long opening a connection may take."""
ADDRESS_LIMIT_S = 600.0
"""How long to stay away after HTTP 403 on an address that has been let in before."""


async def book(ledger: ConnectLedger, url: str, on_wait: Callable[[float], None]) -> None:
    """Wait until the exchange's limit allows another connect; ``on_wait`` hears how long."""
    await asyncio.sleep(0)  # who leaves again at once has booked nothing
    host = urlsplit(url).netloc
    wait_s = ledger.reserve(host)
    if wait_s:
        on_wait(wait_s)
        try:
            await asyncio.sleep(wait_s)
        except asyncio.CancelledError:
            ledger.give_back(host)
            raise


async def open_connection(transport: Transport, url: str) -> Connection:
    """A connection to ``url``; ``ConnectionFailed`` when there is none."""
    try:
        async with asyncio.timeout(UPGRADE_S):
            return await transport.connect(url)
    except TimeoutError:
        raise ConnectionFailed(f"no answer in {UPGRADE_S:.0f} s") from None


def verdict(url: str, error: ConnectionFailed, *, let_in: bool) -> float:
    """How long to stay away at least, in seconds; raises what cannot heal.

    ``let_in`` says that some connection has ever been opened from this address.
    """
    wait_s = 0.0
    if isinstance(error, HandshakeRejected):
        wait_s = error.retry_after_s or 0.0
        if error.status == 403 and let_in:
            wait_s = max(wait_s, ADDRESS_LIMIT_S)
        elif error.status == 403:
            raise HandshakeRejected(
                f"{url} answered HTTP 403: the exchange does not serve this address"
                " (a blocked region, or a host for another one)",
                status=403,
                permanent=True,
            ) from error
    if error.permanent:
        raise error
    return wait_s
