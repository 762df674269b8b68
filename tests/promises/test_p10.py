"""P10: No secret appears in a log, repr, exception, traceback, recording or terminal.

There are no credentials yet; what is secret is the password in the URL of a proxy.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import Any

import pytest

from rxbybit import Backoff, Bybit, RetryBudgetExhausted, Status
from tests.loopback.rawserver import Peer, RawServer, Script
from tests.promises.world import Ear, until

SECRET = "sesame"


def asks_for_another(peer: Peer) -> None:
    peer.read_head()
    peer.send(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")


def talks_nonsense(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 sesam\r\n\r\n" if peer.read_head() else b"")


@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
@pytest.mark.parametrize("script", [asks_for_another, talks_nonsense, Peer.reset, Peer.read_head])
def test_the_password_of_a_proxy_is_told_nowhere(
    script: Script, secure: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[object] = []

    async def main(proxy: RawServer) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: told.append(context))
        client: Any = Bybit(
            f"{'https' if secure else 'http'}://127.0.0.1:9",
            proxy=f"http://user:{SECRET}@127.0.0.1:{proxy.port}",
            backoff=Backoff(first=0.001, budget=2),
        )
        statuses: list[Status] = []
        client.status().subscribe(statuses.append)
        ear = Ear(client.trades("BTCUSD"))
        client.trades("BTCUSD").subscribe(lambda _: None)  # its error goes to the loop's handler
        await until(lambda: ear.errors and told)
        (error,) = ear.errors
        if script is not asks_for_another:
            assert isinstance(error, RetryBudgetExhausted)
        told.extend(statuses)
        told.extend(status.to_json() for status in statuses)
        told.extend(traceback.format_exception(error))
        told.extend([client, client._settings, list(client._pools), vars(error), error.args])
        told.extend([client.trades("BTCUSD"), ear.subscription])
        await client.aclose()

    with RawServer(script) as proxy:
        asyncio.run(main(proxy), debug=True)
    told.extend(record.getMessage() for record in caplog.records)
    told.extend(vars(record) for record in caplog.records)
    shown = "\n".join(f"{thing!r}\n{thing!s}" for thing in told)
    assert SECRET not in shown
    assert "127.0.0.1" in shown


@pytest.mark.parametrize(
    "proxy", [f"user:{SECRET}@host", f"socks5://u:{SECRET}@h:1", f"http://u:{SECRET}@", SECRET]
)
def test_a_proxy_that_cannot_be_used_is_refused_without_a_word_of_it(proxy: str) -> None:
    with pytest.raises(ValueError, match="proxy") as caught:
        Bybit("http://127.0.0.1:9", proxy=proxy)
    assert SECRET not in "".join(traceback.format_exception(caught.value, chain=False))
    assert SECRET not in repr(caught.value)
