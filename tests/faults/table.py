"""The table of faults: what each is, what status says, what streams hear, what comes of the data.

docs/explanation/faults.md is this table for those who use the library.
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from rxbybit import (
    Backoff,
    ConnectionFailed,
    DecodeFailed,
    HandshakeRejected,
    RetryBudgetExhausted,
)
from tests.faults import certificates, mischief
from tests.faults.chaos import Door, Mischief
from tests.faults.exchange import CROWD
from tests.faults.mischief import answers, closes, says
from tests.faults.names import HOST
from tests.faults.network import flush, rule
from tests.faults.row import AGAIN, FAILS, HEALS, HEALS_LATE, STAYS, Row, Step
from tests.faults.world import World
from tests.loopback.rawserver import TEXT, frame
from tests.promises.world import Ear

__all__ = ["ROWS"]

HEARTBEAT_S = 0.6
"""Of rows in which it finds out. A machine that stands still for half of it may end a link more."""
SILENT: dict[str, Any] = {
    "reason": "the peer fell silent",
    "options": {"heartbeat": HEARTBEAT_S},
    "shorter": {"dialling.UPGRADE_S": 0.5},
}
STALLED: dict[str, Any] = {"reason": "no answer in", "shorter": {"dialling.UPGRADE_S": 0.5}}
BROKE = "the server broke the websocket protocol"


def connected(what: Mischief) -> Step:
    """Done to the connection that is there."""

    async def strike(world: World) -> None:
        assert world.chaos is not None
        world.chaos.strike(what)

    return strike


def ends() -> Iterator[Row]:
    """The connection ends."""
    for name, what in (
        ("RST", mischief.rst),
        ("RST in mid-frame", mischief.rst_in_mid_frame),
        ("FIN", mischief.fin),
        ("FIN in mid-frame", mischief.fin_in_mid_frame),
    ):
        lost = "the connection was lost"
        yield Row(name=name, strike=connected(what), steps=HEALS, reason=lost)
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 4001):
        said = f"the server closed with code {code}$"
        yield Row(name=f"close {code}", strike=connected(closes(code)), steps=HEALS, reason=said)
    bare = Row(
        name="close without a code",
        strike=connected(closes()),
        steps=HEALS,
        reason="the server closed with code 1005$",
    )
    yield bare
    yield replace(
        bare,
        name="close with a reason",
        strike=connected(closes(1012, "restart")),
        reason=r"the server closed with code 1012 \(restart\)$",
    )


async def speaks_into_silence(world: World) -> None:
    """The peer stops reading, and then much is sent to it."""
    assert world.chaos is not None
    world.chaos.strike(mischief.silence)
    world.ears.append(Ear(world.client.trades(CROWD)))


def silences() -> Iterator[Row]:
    """The connection is there, and nothing comes of it, or little at a time."""
    silent = Row(
        name="half-open",
        strike=connected(mischief.silence),
        steps=f"{HEALS}( {HEALS})*",
        **SILENT,
    )
    yield silent
    yield replace(silent, name="stalled reader", strike=speaks_into_silence)
    yield Row(name="slow drip", strike=connected(mischief.drip), data="equal")


def broken() -> Iterator[Row]:
    """What comes is not what a websocket server may send, or not what an exchange does."""
    for name, data in mischief.BROKEN.items():
        yield Row(name=name, strike=connected(says(data)), steps=HEALS, reason=BROKE)
    yield Row(
        name="a deflate bomb",
        met=(mischief.claims_deflate,),
        strike=connected(says(mischief.bomb())),
        steps=HEALS,
        reason=BROKE,
    )
    for name, text in (
        ("not UTF-8", b'{"topic":"publicTrade.BTCUSD","type":"snapshot","data":"\xff\xfe"}'),
        ("no topic and not UTF-8", b"\xff\xfe"),
    ):
        what = says(frame(TEXT, text))
        yield Row(name=name, strike=connected(what), reports=DecodeFailed, data="equal")


def at_the_door(
    name: str, *doors: Door, met: str = f"{FAILS} {AGAIN} Connected Subscribed", **more: Any
) -> tuple[Row, Row]:
    """Met by the first connections, or by those after one that is reset.

    ``met`` is what status says from the first of them on.
    """

    async def first(world: World) -> None:
        world.knock(*doors)

    async def later(world: World) -> None:
        world.knock(*doors)
        assert world.chaos is not None
        world.chaos.strike(mischief.rst)

    row = Row(name=f"{name}, first", strike=first, first=True, steps=met, **more)
    again = f"Disconnected Reconnecting {met}"
    return row, replace(row, name=f"{name}, later", strike=later, first=False, steps=again)


def refusals() -> Iterator[Row]:
    """The upgrade is not granted."""
    for status in ("429 Too Many Requests", "503 Service Unavailable"):
        number = status[:3]
        door = answers(status, Retry_After="1")
        name = f"{number} with Retry-After"
        yield from at_the_door(name, door, reason=f"HTTP {number}", least_s=1.0)
    for status in ("429 Slowly", "503 Not Now", "500 Internal Server Error", "200 OK"):
        number = status[:3]
        yield from at_the_door(number, answers(status), reason=f"HTTP {number}")
    yield from at_the_door(
        "FIN before the answer", mischief.hangs_up, reason="hung up before it answered"
    )
    yield from at_the_door("RST before the answer", mischief.resets, reason="connection reset")
    yield from at_the_door("stalled upgrade", mischief.stalls, met=HEALS_LATE, **STALLED)
    yield from at_the_door(
        "302",
        answers("302 Found", Location="http://127.0.0.1:9/"),
        met=FAILS,
        error=HandshakeRejected,
        says="redirect .HTTP 302., which is not followed",
    )
    region, limit = at_the_door("403", answers("403 Forbidden"), reason="HTTP 403")
    denied = "HTTP 403: the exchange does not serve this address"
    yield replace(region, steps=FAILS, error=HandshakeRejected, says=denied)
    yield replace(limit, least_s=0.5, shorter={"dialling.ADDRESS_LIMIT_S": 0.5})
    spent, _ = at_the_door(
        "503 until the budget is spent",
        *[answers("503 Not Now")] * 3,
        met=f"{FAILS} Reconnecting {FAILS} Reconnecting {FAILS}",
        error=RetryBudgetExhausted,
        says="3 attempts in a row have failed",
        options={"backoff": Backoff(first=0.01, cap=5.0, budget=3)},
    )
    yield spent


def secured() -> Iterator[Row]:
    """What happens beneath TLS, and what only happens there."""
    tls, trust = certificates.good(), {"ssl": certificates.trusting()}
    same = ("RST", "FIN", "FIN in mid-frame", "half-open", "stalled reader", "slow drip")
    for row in (*ends(), *silences()):
        if row.name in same:
            options = {**row.options, **trust}
            yield replace(row, name=f"TLS: {row.name}", tls=tls, options=options)
    ours: dict[str, Any] = {"tls": tls, "options": trust}
    yield from at_the_door(
        "TLS: a server without it",
        mischief.speaks_no_tls,
        reason="TLS failed: the other side does not speak it",
        **ours,
    )
    yield from at_the_door(
        "TLS: stalled handshake", mischief.stalls, met=HEALS_LATE, **ours, **STALLED
    )
    yield from at_the_door(
        "TLS: stalled upgrade", mischief.stalls_in_tls, met=HEALS_LATE, **ours, **STALLED
    )
    for name, context, why in (
        ("wrong host", certificates.elsewhere(), "mismatch"),
        ("expired", certificates.expired(), "has expired"),
        ("unknown issuer", certificates.unknown(), "local issuer"),
    ):
        yield from at_the_door(
            f"TLS: {name}",
            mischief.shows(context),
            met=FAILS,
            error=ConnectionFailed,
            says=f"the certificate is not trusted: .*{why}",
            **ours,
        )


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

    unknown = Row(
        name="the host name is not known",
        strike=fails(socket.EAI_NONAME),
        first=True,
        heal=heal,
        steps=f"Connecting {STAYS}",
        reason="the host name is not known",
        host=HOST,
    )
    failing = "the host name could not be looked up"
    yield unknown
    yield replace(unknown, name=failing, strike=fails(socket.EAI_AGAIN), reason=failing)

    async def comes_back(world: World) -> None:
        await world.lost(2)
        assert world.names.asked == 1  # who tries again waits for the same answer
        world.names.going.set()

    name = "the look-up of the name hangs"
    yield replace(unknown, name=name, strike=hangs, heal=comes_back, **STALLED)


def stopped() -> Iterator[Row]:
    """The process of the exchange stands still, or is gone."""

    def signals(number: signal.Signals) -> Step:
        async def strike(world: World) -> None:
            world.apart[0].signal(number)

        return strike

    async def goes_on(world: World) -> None:
        await world.lost(2)
        world.apart[0].signal(signal.SIGCONT)

    async def begins_anew(world: World) -> None:
        await world.lost(2)
        world.apart[1].begin(world.port, first=1_000_000)

    yield Row(
        name="SIGSTOP",
        strike=signals(signal.SIGSTOP),
        heal=goes_on,
        steps=STAYS,
        apart=1,
        **SILENT,
    )
    yield Row(
        name="SIGKILL",
        strike=signals(signal.SIGKILL),
        heal=begins_anew,
        steps=STAYS,
        reason="connection refused",
        apart=2,
    )


def filtered() -> Iterator[Row]:
    """The network between both lets nothing through, or not all."""

    def rules(*texts: str) -> Step:
        async def strike(world: World) -> None:
            rule(*(text.replace("PORT", str(world.port)) for text in texts))

        return strike

    async def heal(world: World) -> None:
        await world.lost(2)
        flush()

    dropped = Row(
        name="network: drop",
        strike=rules("tcp dport PORT drop", "tcp sport PORT drop"),
        heal=heal,
        steps=STAYS,
        namespace=True,
        **SILENT,
    )
    yield dropped
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
        data="equal",
        more=50,
        namespace=True,
    )


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
