"""An HTTP proxy between the client and the exchange that stalls: all is let go."""

from __future__ import annotations

import asyncio

import pytest

from rxbybit import Bybit
from rxbybit.config import Environment
from tests.faults import certificates
from tests.faults.chaos import Chaos, Door, Visit
from tests.promises.world import Ear, until
from tests.remains import Before


async def answers_nothing(visit: Visit) -> None:
    await visit.open(tls=None)
    await visit.head()
    visit.silence()
    await visit.hold()


async def connects_to_nobody(visit: Visit) -> None:
    """Says that it has connected, and then there is nobody who would speak TLS."""
    await visit.open(tls=None)
    await visit.head()
    visit.writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    await visit.reader.readexactly(1)  # of the client's hello
    visit.silence()
    await visit.hold()


async def connects_to_a_stall(visit: Visit) -> None:
    """There is somebody who speaks TLS, and answers no upgrade."""
    await visit.open(tls=None)
    await visit.head()
    visit.writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    loop, transport = asyncio.get_running_loop(), visit.writer.transport
    await loop.start_tls(transport, transport.get_protocol(), certificates.good(), server_side=True)
    await visit.hold()


@pytest.mark.parametrize("moment", ["at once", "when it is tried again"])
@pytest.mark.parametrize("door", [answers_nothing, connects_to_nobody, connects_to_a_stall])
def test_all_is_let_go_under_a_proxy_that_stalls(
    door: Door, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = 1 if moment == "at once" else 2
    if tried == 2:
        monkeypatch.setattr("rxbybit.dialling.UPGRADE_S", 0.3)

    async def main() -> None:
        before = Before()
        environment = Environment(name="far", public={"inverse": "wss://127.0.0.1:9/"})
        proxy = f"http://127.0.0.1:{chaos.port}"
        client = Bybit(environment, proxy=proxy, ssl=certificates.trusting())
        ear = Ear(client.trades("BTCUSD"))
        await until(lambda: chaos.held >= tried)
        assert ear.errors == []
        ear.leave()
        await before.again(chaos.port)
        await client.aclose()

    with Chaos(0) as chaos:
        chaos.doors.extend([door] * 2)
        asyncio.run(main())
