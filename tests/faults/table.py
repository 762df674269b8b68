"""The table of faults: what each is, what status says, what streams hear, what comes of the data.

docs/explanation/faults.md is this table for those who use the library.
"""

from __future__ import annotations

import datetime as dt
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

import trustme

from rxbybit import (
    Backoff,
    ConnectionFailed,
    DecodeFailed,
    HandshakeRejected,
    RetryBudgetExhausted,
)
from tests.faults.chaos import Door, Mischief
from tests.faults.exchange import CROWD
from tests.faults.mischief import (
    BROKEN,
    answers,
    bomb,
    claims_deflate,
    closes,
    drip,
    fin,
    fin_in_mid_frame,
    hangs_up,
    resets,
    rst,
    rst_in_mid_frame,
    says,
    shows,
    silence,
    speaks_no_tls,
    stalls,
    stalls_after_tls,
)
from tests.faults.names import HOST
from tests.faults.network import flush, rule
from tests.faults.world import World
from tests.loopback.rawserver import TEXT, frame
from tests.promises.world import Ear

__all__ = ["AGAIN", "HEALS", "ROWS", "Row"]

Step = Callable[[World], Awaitable[None]]

AGAIN = "Reconnecting Connecting"
HEALS = f"Disconnected {AGAIN} Connected Subscribed"
"""What status says of an outage that is over at the first attempt."""

HEARTBEAT_S = 0.6
"""Of rows in which it finds out. A machine that stands still for half of it may end a link more."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A fault, and what comes of it."""

    name: str
    strike: Step
    """Brings it about; trades are heard by then, unless it is ``first``."""
    steps: str
    """What status says of the link from then on, a regular expression."""
    reason: str = ""
    """What one of the ``Disconnected`` says, a regular expression."""
    data: Literal["equal", "declared"] = "declared"
    """Whether all that was sent is heard, or what is missing was declared."""
    error: type[ConnectionFailed] | None = None
    """What the streams of that link end with, if they do; those of others never do."""
    says: str = ""
    """What the error says, a regular expression."""
    reports: type[Any] | None = None
    """A status besides the steps."""
    first: bool = False
    """Whether it strikes before anything was ever connected."""
    heal: Step | None = None
    """Ends it; called once it has struck."""
    met: tuple[Door, ...] = ()
    """What the first connection meets."""
    least_s: float = 0.0
    """Some ``Reconnecting`` says at least so many seconds."""
    tls: ssl.SSLContext | None = None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    shorter: Mapping[str, float] = field(default_factory=dict[str, float])
    """Long waits of the contract that would hold up the tests."""
    host: str = "127.0.0.1"
    apart: int = 0
    """How many exchanges in processes of their own; the first one is that of the link."""
    namespace: bool = False
    """Whether it needs a network of its own."""

    def __str__(self) -> str:
        return self.name


def connected(mischief: Mischief) -> Step:
    """Done to the connection that is there."""

    async def strike(world: World) -> None:
        assert world.chaos is not None
        world.chaos.strike(mischief)

    return strike


def at_the_door(*doors: Door) -> Step:
    """Met by the next connections; that which is there is reset."""

    async def strike(world: World) -> None:
        world.knock(*doors)
        assert world.chaos is not None
        world.chaos.strike(rst)

    return strike


async def speaks_into_silence(world: World) -> None:
    """The peer stops reading, and then much is sent to it."""
    assert world.chaos is not None
    world.chaos.strike(silence)
    world.ears.append(Ear(world.client.trades(CROWD)))


LOST = r"the connection was lost"
BROKE = "the server broke the websocket protocol"
BEATS = {"heartbeat": HEARTBEAT_S}


def ends() -> Iterator[Row]:
    """The connection ends."""
    lost = {"steps": HEALS, "reason": LOST}
    yield Row(name="RST", strike=connected(rst), **lost)
    yield Row(name="RST in mid-frame", strike=connected(rst_in_mid_frame), **lost)
    yield Row(name="FIN", strike=connected(fin), **lost)
    yield Row(name="FIN in mid-frame", strike=connected(fin_in_mid_frame), **lost)
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 4001):
        said = f"the server closed with code {code}"
        yield Row(name=f"close {code}", strike=connected(closes(code)), steps=HEALS, reason=said)
    yield Row(
        name="close without a code",
        strike=connected(closes()),
        steps=HEALS,
        reason="the server closed with code 1005",
    )
    yield Row(
        name="close with a reason",
        strike=connected(closes(1012, "restart")),
        steps=HEALS,
        reason=r"the server closed with code 1012 \(restart\)",
    )


def silences() -> Iterator[Row]:
    """The connection is there, and nothing comes of it."""
    silent = {"steps": f"{HEALS}( {HEALS})*", "reason": "the peer fell silent", "options": BEATS}
    yield Row(name="half-open", strike=connected(silence), **silent)
    yield Row(name="stalled reader", strike=speaks_into_silence, **silent)
    yield Row(name="slow drip", strike=connected(drip), steps="", data="equal")


def broken() -> Iterator[Row]:
    """What came is not what a websocket server may send."""
    for name, data in BROKEN.items():
        yield Row(name=name, strike=connected(says(data)), steps=HEALS, reason=BROKE)
    yield Row(
        name="a deflate bomb",
        met=(claims_deflate,),
        strike=connected(says(bomb())),
        steps=HEALS,
        reason=BROKE,
    )
    yield Row(
        name="not UTF-8",
        strike=connected(says(frame(TEXT, b'{"topic":"publicTrade.BTCUSD","x":"\xff\xfe"}'))),
        steps="",
        data="equal",
        reports=DecodeFailed,
    )


def _twice(row: Row, *doors: Door, met: str = f"Connecting Disconnected {AGAIN}") -> Iterator[Row]:
    """At the first connection, and later; ``met`` is what status says of the former."""

    async def set_up(world: World) -> None:
        world.knock(*doors)

    final = row.error is not None
    after = "" if final else " Connected Subscribed"
    yield replace(row, name=f"{row.name}, first", strike=set_up, first=True, steps=met + after)
    later = f"Disconnected Reconnecting {met}{after}"
    yield replace(row, name=f"{row.name}, later", strike=at_the_door(*doors), steps=later)


def refusals() -> Iterator[Row]:
    """The upgrade is not granted."""
    for line, headers, said in (
        ("429 Too Many Requests", {"Retry_After": "1"}, "HTTP 429"),
        ("503 Service Unavailable", {"Retry_After": "1"}, "HTTP 503"),
        ("503 Service Unavailable", {}, "HTTP 503"),
        ("500 Internal Server Error", {}, "HTTP 500"),
        ("200 OK", {}, "HTTP 200"),
    ):
        more = ", Retry-After" if headers else ""
        row = Row(
            name=f"{line.partition(' ')[0]}{more}",
            strike=_none,
            steps="",
            reason=said,
            least_s=1.0 if headers else 0.0,
        )
        yield from _twice(row, answers(line, **headers))
    gone = Row(name="", strike=_none, steps="", reason="hung up before it answered")
    yield from _twice(replace(gone, name="FIN before the answer"), hangs_up)
    reset = replace(gone, name="RST before the answer", reason="connection reset")
    yield from _twice(reset, resets)
    stalled = replace(gone, name="stalled upgrade", reason="no answer in", shorter=SHORT_UPGRADE)
    yield from _twice(stalled, stalls)
    final = Row(
        name="302",
        strike=_none,
        steps="",
        reason="a redirect",
        error=HandshakeRejected,
        says="HTTP 302",
    )
    yield from _twice(final, answers("302 Found", Location="http://127.0.0.1:9/"), met=FINAL)

    yield from forbidden()


def forbidden() -> Iterator[Row]:
    """HTTP 403 is a region at first, and the limit of the address later on."""
    doors = (answers("403 Forbidden"),)
    row = Row(name="403", strike=_none, steps="", reason="HTTP 403")
    final, heals = _twice(row, *doors)
    yield replace(final, steps=FINAL, error=HandshakeRejected, says="does not serve this address")
    yield replace(heals, shorter={"dialling.ADDRESS_LIMIT_S": 0.5}, least_s=0.5)
    spent, _ = _twice(
        replace(row, name="503 until the budget is spent", reason="503"), *[answers("503 No")] * 3
    )
    yield replace(
        spent,
        steps=f"{FINAL} Reconnecting {FINAL} Reconnecting {FINAL}",
        error=RetryBudgetExhausted,
        says="3 attempts in a row have failed",
        options={"backoff": Backoff(first=0.01, cap=5.0, budget=3)},
    )


def secured() -> Iterator[Row]:
    """The same faults beneath TLS, and those of its own."""
    ours = {"tls": served("127.0.0.1"), "options": {"ssl": trusting()}}
    for row in (*ends(), *silences()):
        if row.name in ("RST", "FIN", "FIN in mid-frame", "half-open", "stalled reader"):
            options = {**row.options, **ours["options"]}
            yield replace(row, name=f"TLS: {row.name}", tls=ours["tls"], options=options)
    plain = Row(
        name="TLS: a server without it",
        strike=_none,
        steps="",
        reason="TLS failed: the other side does not speak it",
        **ours,
    )
    yield from _twice(plain, speaks_no_tls)
    stalled = replace(
        plain, name="TLS: stalled handshake", reason="no answer in", shorter=SHORT_UPGRADE
    )
    yield from _twice(stalled, stalls)
    yield from _twice(replace(stalled, name="TLS: stalled upgrade"), stalls_after_tls)
    for name, context, why in (
        ("wrong host", served("elsewhere.example"), "mismatch"),
        ("expired", served("127.0.0.1", not_after=PAST), "has expired"),
        ("unknown issuer", served("127.0.0.1", by=trustme.CA()), "local issuer"),
    ):
        row = replace(
            plain,
            name=f"TLS: {name}",
            reason=why,
            error=ConnectionFailed,
            says=f"the certificate is not trusted: .*{why}",
        )
        yield from _twice(row, shows(context), met=FINAL)


PAST = dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)


@cache
def authority() -> trustme.CA:
    return trustme.CA()


@cache
def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority().configure_trust(context)
    return context


def served(host: str, *, by: trustme.CA | None = None, **options: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (by or authority()).issue_cert(host, **options).configure_cert(context)
    return context


def nameless() -> Iterator[Row]:
    """The name of the host is looked up in vain."""

    def fails(number: int) -> Step:
        async def strike(world: World) -> None:
            world.names.error = socket.gaierror(number, "in vain")

        return strike

    async def hangs(world: World) -> None:
        world.names.going.clear()

    async def heal(world: World) -> None:
        await world.lost(2)
        world.names.error = None
        world.names.going.set()

    row = Row(
        name="the host name is not known",
        strike=fails(socket.EAI_NONAME),
        steps=f"{FINAL}( {AGAIN} Disconnected)+ {AGAIN} Connected Subscribed",
        reason="the host name is not known",
        first=True,
        heal=heal,
        host=HOST,
    )
    yield row
    yield replace(
        row,
        name="the look-up of the name fails",
        strike=fails(socket.EAI_AGAIN),
        reason="the host name could not be looked up",
    )
    yield replace(
        row,
        name="the look-up of the name hangs",
        strike=hangs,
        reason="no answer in",
        shorter=SHORT_UPGRADE,
    )


STAYS = f"Disconnected( {AGAIN} Disconnected)+ {AGAIN} Connected Subscribed( {HEALS})*"
"""What status says of an outage that outlasts some attempts."""


def stopped() -> Iterator[Row]:
    """The process of the exchange stands still, or is gone."""

    async def stop(world: World) -> None:
        world.apart[0].signal(signal.SIGSTOP)

    async def go_on(world: World) -> None:
        await world.lost(2)
        world.apart[0].signal(signal.SIGCONT)

    async def kill(world: World) -> None:
        world.apart[0].signal(signal.SIGKILL)

    async def another(world: World) -> None:
        await world.lost(2)
        world.apart[1].begin(world.port, first=1_000_000)

    yield Row(
        name="SIGSTOP",
        strike=stop,
        heal=go_on,
        steps=STAYS,
        reason="the peer fell silent",
        options=BEATS,
        shorter=SHORT_UPGRADE,
        apart=1,
    )
    yield Row(
        name="SIGKILL",
        strike=kill,
        heal=another,
        steps=STAYS,
        reason="connection refused",
        apart=2,
    )


def filtered() -> Iterator[Row]:
    """The network between both."""

    def rules(text: str) -> Step:
        async def strike(world: World) -> None:
            rule(text.replace("PORT", str(world.port)))

        return strike

    async def heal(world: World) -> None:
        await world.lost(2)
        flush()

    yield Row(
        name="network: drop",
        strike=rules("tcp dport PORT drop\n tcp sport PORT drop"),
        heal=heal,
        steps=STAYS,
        reason="the peer fell silent",
        options=BEATS,
        shorter=SHORT_UPGRADE,
        namespace=True,
    )
    yield Row(
        name="network: reject",
        strike=rules("tcp dport PORT reject with tcp reset"),
        heal=heal,
        steps=STAYS,
        reason="connection refused",
        namespace=True,
    )
    yield Row(
        name="network: 15 % loss",
        strike=rules("numgen random mod 100 < 15 drop"),
        steps="",
        data="equal",
        namespace=True,
    )


FINAL = "Connecting Disconnected"
SHORT_UPGRADE = {"dialling.UPGRADE_S": 0.3}


async def _none(world: World) -> None:
    """Replaced."""


ROWS: list[Row] = [
    *ends(),
    *silences(),
    *broken(),
    *refusals(),
    *secured(),
    *nameless(),
    *stopped(),
    *filtered(),
]
