"""Whether the exchange can be reached: names, TCP, TLS, websockets, REST, and its clock."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from rxbybit.cli.finding import Finding
from rxbybit.errors import ConnectionFailed, HandshakeRejected
from rxbybit.failures import NO_NETWORK, in_words
from rxbybit.protocol.base import Pong
from rxbybit.protocol.v5 import V5
from rxbybit.resolver import Address
from rxbybit.runtime import Runtime
from rxbybit.transport import Connection, Transport

__all__ = ["Way", "check_rest", "check_websocket"]

CLOSE_S = 0.5
"""How long a peer has to answer a close frame."""
SKEW_MS = 1000.0
"""By how much the clocks may differ before it is worth a warning."""
TIME_PATH = "/v5/market/time"

_REGION = (
    "HTTP 403: the exchange does not serve this address (a blocked region, or a host for another"
    " one): use the environment of your region, or a proxy that may"
)


class Way(Struct, frozen=True):
    """How a host is reached: as a client of the library reaches it."""

    runtime: Runtime
    transport: Transport
    timeout_s: float
    """What one check may take."""
    proxied: bool
    """Through a proxy, which looks names up and opens connections."""


class _Stages:
    """Where a check is, for the words when its time is over."""

    def __init__(self, way: Way, url: str) -> None:
        parts = urlsplit(url)
        self.secure = parts.scheme in ("wss", "https")
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if self.secure else 80)
        self._way = way
        self.now = ""

    async def connect(self) -> None:
        """Look the name up and open a TCP connection, which is closed again."""
        if not self._way.proxied:
            self.now = f"no answer to the look-up of {self.host}: check the DNS server"
            found = await self._way.runtime.resolve(self.host, self.port)
            self.now = (
                f"no TCP connection to {self.host}:{self.port}: does a firewall drop it?"
                " behind one, pass --proxy"
            )
            await _any_of(found)
        what = "TLS or the upgrade" if self.secure else "the request"
        self.now = (
            "no answer of the proxy: check --proxy"
            if self._way.proxied
            else f"TCP works, but {what} is not answered: is a firewall or a proxy in between?"
        )

    def failed(self, check: str, url: str, error: Exception) -> Finding:
        """``error`` as a finding."""
        return Finding(check, "fail", f"{url}: {self._why(error)}")

    def _why(self, error: Exception) -> str:
        match error:
            case TimeoutError():
                return f"in {self._way.timeout_s:g} s {self.now}"
            case HandshakeRejected(status=403):
                return _REGION
            case HandshakeRejected():
                return f"{error}: is this the URL of an exchange?"
            case ConnectionFailed():
                return _advised(str(error))
            case _:
                return _advised(in_words(error))


async def check_websocket(way: Way, check: str, url: str) -> Finding:
    """Open a websocket as a stream does, and ask for a pong."""
    stages = _Stages(way, url)
    try:
        async with asyncio.timeout(way.timeout_s):
            await stages.connect()
            connection = await way.transport.connect(url)
            stages.now = "connected, but a ping is not answered: try again, or another host"
            try:
                took_ms = await _pong(connection)
            finally:
                await asyncio.shield(connection.close(CLOSE_S))
    except (ConnectionFailed, OSError) as error:  # a TimeoutError is an OSError
        return stages.failed(check, url, error)
    return _reached(check, url, took_ms)


async def check_rest(way: Way, base_url: str) -> tuple[Finding, ...]:
    """Ask for the exchange's time twice: the first request opens the connection."""
    stages, url = _Stages(way, base_url), f"{base_url}{TIME_PATH}"
    try:
        async with asyncio.timeout(way.timeout_s):
            await stages.connect()
            await fetch_time(way.transport, url)
            began_ns, began_s = time.time_ns(), time.perf_counter()
            exchange_ns = await fetch_time(way.transport, url)
            took_ms = (time.perf_counter() - began_s) * 1000
    except (ConnectionFailed, OSError) as error:
        return (stages.failed("REST", base_url, error),)
    ahead_ms = (began_ns - exchange_ns) / 1e6 + took_ms / 2
    return _reached("REST", base_url, took_ms), _clock(ahead_ms, took_ms / 2)


async def fetch_time(transport: Transport, url: str) -> int:
    """The exchange's clock in nanoseconds since 1970 (V5 manual, "Get Bybit Server Time").

    Errors: ``ConnectionFailed`` where there is no such answer.
    """
    answer = await transport.get(url)
    if answer.status == 403:
        raise HandshakeRejected("HTTP 403", status=403)
    if answer.status != 200:
        raise ConnectionFailed(f"HTTP {answer.status}: is this the URL of an exchange?")
    try:
        return int(msgspec.json.decode(answer.body, type=_Time).result.nanoseconds)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError):
        raise ConnectionFailed(
            "the answer is not that of an exchange: is the URL right? does a proxy or a portal"
            " answer in its place?"
        ) from None


class _Result(Struct, frozen=True):
    nanoseconds: str = msgspec.field(name="timeNano")


class _Time(Struct, frozen=True):
    result: _Result


def _reached(check: str, url: str, took_ms: float) -> Finding:
    ms = round(took_ms, 1)
    return Finding(check, "ok", f"{url}  {ms:.0f} ms", ms=ms)


def _clock(ahead_ms: float, error_ms: float) -> Finding:
    where = "ahead of" if ahead_ms >= 0 else "behind"
    text = f"{abs(ahead_ms):,.0f} ms {where} the exchange's (give or take {error_ms:.0f} ms)"
    if abs(ahead_ms) - error_ms <= SKEW_MS:
        return Finding("clock", "ok", text, ms=round(ahead_ms, 1))
    return Finding("clock", "warn", f"{text}: let the system set it (NTP)", ms=round(ahead_ms, 1))


def _advised(why: str) -> str:
    if why in NO_NETWORK:
        return f"{why}: is this machine online? is the host spelled right?"
    if why.startswith("connection re"):
        return f"{why}: is the URL right? does a firewall forbid it? behind one, pass --proxy"
    if "certificate" in why:
        return f"{why}: is the clock right? does a proxy put its own certificate in?"
    return why


async def _pong(connection: Connection) -> float:
    """The milliseconds from a ping to its pong."""
    wire, heard = V5(), asyncio.Event()

    def on_message(data: bytes, received_ns: int) -> None:
        if isinstance(wire.read(data), Pong):
            heard.set()

    reader = asyncio.ensure_future(connection.read(on_message, lambda last, count, seconds: None))
    waiter = asyncio.ensure_future(heard.wait())
    try:
        began_s = time.perf_counter()
        await connection.send(wire.ping("doctor"))
        await asyncio.wait({reader, waiter}, return_when=asyncio.FIRST_COMPLETED)
        if not heard.is_set():
            raise ConnectionFailed(f"the connection ended before a pong: {await reader}")
        return (time.perf_counter() - began_s) * 1000
    finally:
        waiter.cancel()
        reader.cancel()


async def _any_of(addresses: list[Address]) -> None:
    """Connect to one of them; raises what the last of them said when none can be."""
    trials = [asyncio.ensure_future(_touch(address)) for address in addresses]
    try:
        last: OSError = OSError("no address")
        for trial in asyncio.as_completed(trials):
            try:
                await trial
            except OSError as error:
                last = error
            else:
                return
        raise last
    finally:
        for trial in trials:
            trial.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*trials, return_exceptions=True)


async def _touch(address: Address) -> None:
    family, _, _, _, where = address
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(
        asyncio.Protocol, str(where[0]), int(where[1]), family=family
    )
    transport.abort()
