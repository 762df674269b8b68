"""``rxbybit doctor``: what it says of hosts that answer, refuse, stall, and lie about the time."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from rxbybit.cli import reach
from rxbybit.cli.doctor import findings
from rxbybit.cli.finding import Finding
from rxbybit.config import Environment, environment_of
from rxbybit.runtime import Runtime
from rxbybit.sim import Recording, serve_in_thread
from tests.fakes import until
from tests.loopback.rawserver import CLOSE, Peer, RawServer, Script, frame
from tests.sim.clock import market

PATIENT_S = 10.0
HASTY_S = 2.0
"""For what stalls on purpose; what comes before must not take so long."""
SOCKETS = ["websocket inverse", "websocket linear", "websocket spot", "websocket option"]
NETWORK = [*SOCKETS, "REST", "clock"]


def examined(
    environment: Environment, *, proxy: str | None = None, timeout_s: float = PATIENT_S
) -> dict[str, Finding]:
    async def main() -> list[Finding]:
        return [found async for found in findings(environment, proxy, timeout_s, {})]

    found = asyncio.run(main())
    named = {finding.check: finding for finding in found}
    assert len(named) == len(found)
    return named


def one(port: int, scheme: str = "ws") -> Environment:
    """One websocket and no REST."""
    return Environment(name="one", public={"linear": f"{scheme}://127.0.0.1:{port}/path"})


def rest(port: int) -> Environment:
    return Environment(name="rest", public={}, rest=f"http://127.0.0.1:{port}")


def of_socket(script: Script, *, timeout_s: float = PATIENT_S) -> Finding:
    with RawServer(script) as server:
        return examined(one(server.port), timeout_s=timeout_s)["websocket linear"]


def of_rest(script: Script, *, timeout_s: float = PATIENT_S) -> dict[str, Finding]:
    with RawServer(script) as server:
        return examined(rest(server.port), timeout_s=timeout_s)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def answering(body: Callable[[], bytes], status: str = "200 OK") -> Script:
    """Answers every request of a connection."""

    def script(peer: Peer) -> None:
        while peer.read_head():
            peer.head = b""
            said = body()
            peer.send(f"HTTP/1.1 {status}\r\nContent-Length: {len(said)}\r\n\r\n".encode(), said)

    return script


def clock(ahead_ns: int = 0) -> Callable[[], bytes]:
    def body() -> bytes:
        now = time.time_ns() + ahead_ns
        result = {"timeSecond": str(now // 10**9), "timeNano": str(now)}
        return json.dumps({"retCode": 0, "retMsg": "OK", "result": result}).encode()

    return body


def test_the_embedded_exchange_is_well() -> None:
    recordings: Any = dict.fromkeys(("inverse", "linear", "spot", "option"), Recording([]))
    with serve_in_thread(recordings) as served:
        found = examined(environment_of(served.url))
        until(lambda: not served.links)
    assert list(found)[-len(NETWORK) - 1 :] == [*NETWORK, "gaps"]
    for check in NETWORK:
        assert found[check].status == "ok", found[check]
    for check in SOCKETS:
        category, ms = check.split()[1], found[check].ms
        url = f"{served.url.replace('http', 'ws')}/v5/public/{category}"
        assert ms is not None
        assert ms > 0
        assert found[check].text == f"{url}  {ms:.0f} ms"
    assert found["REST"].text.startswith(f"{served.url}  ")


def test_a_private_host_of_its_own_is_looked_at_too() -> None:
    environment = Environment(
        name="two",
        public={"linear": f"ws://127.0.0.1:{closed_port()}"},
        private=f"ws://127.0.0.1:{closed_port()}",
    )
    assert {"websocket linear", "websocket private"} <= set(examined(environment))
    url = environment.public["linear"]
    same = Environment(name="one", public={"linear": url}, private=f"{url}/private")
    assert "websocket private" not in examined(same)


def test_a_closed_port_is_refused_with_what_to_look_at() -> None:
    port = closed_port()
    found = examined(environment_of(f"http://127.0.0.1:{port}"))
    for check in [*SOCKETS, "REST"]:
        assert found[check].status == "fail"
        assert "connection refused: is the URL right?" in found[check].text
    assert "clock" not in found


def test_an_unknown_name_asks_whether_the_machine_is_online(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def unknown(self: Runtime, host: str, port: int, family: int = 0) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(Runtime, "resolve", unknown)
    environment = Environment(name="x", public={"linear": "wss://nowhere.invalid/p"})
    found = examined(environment)["websocket linear"]
    assert found.status == "fail"
    assert found.text == (
        "wss://nowhere.invalid/p: the host name is not known: is this machine online? is the host"
        " spelled right?"
    )


def test_403_is_told_as_the_region() -> None:
    found = of_socket(lambda peer: peer.answer("403 Forbidden"))
    assert found.status == "fail"
    assert "HTTP 403: the exchange does not serve this address (a blocked region" in found.text
    of_time = of_rest(answering(lambda: b"", "403 Forbidden"))["REST"]
    assert of_time.status == "fail"
    assert "HTTP 403: the exchange does not serve this address" in of_time.text


@pytest.mark.parametrize("status", ["404 Not Found", "503 Service Unavailable"])
def test_another_status_asks_for_the_url(status: str) -> None:
    code = status[:3]
    found = of_socket(lambda peer: peer.answer(status))
    assert found.status == "fail"
    assert f"HTTP {code}: is this the URL of an exchange?" in found.text
    of_time = of_rest(answering(clock(), status))["REST"]
    assert (of_time.status, f"HTTP {code}" in of_time.text) == ("fail", True)


def test_an_upgrade_that_stalls_is_told_from_a_connection_that_does() -> None:
    found = of_socket(Peer.hold, timeout_s=HASTY_S)
    assert found.status == "fail"
    assert found.text.endswith(
        "in 2 s TCP works, but the request is not answered: is a firewall or a proxy in between?"
    )
    of_time = of_rest(Peer.hold, timeout_s=HASTY_S)["REST"]
    assert of_time.status == "fail"
    assert "in 2 s TCP works, but" in of_time.text


def test_tls_that_stalls_is_named() -> None:
    with RawServer(Peer.hold) as server:
        found = examined(one(server.port, "wss"), timeout_s=HASTY_S)["websocket linear"]
    assert found.status == "fail"
    assert "TCP works, but TLS or the upgrade is not answered" in found.text


@pytest.mark.parametrize(
    ("stalls", "said"),
    [
        ("resolve", "in 0.1 s no answer to the look-up of 127.0.0.1: check the DNS server"),
        ("touch", "in 0.1 s no TCP connection to 127.0.0.1:9: does a firewall drop it?"),
    ],
)
def test_a_look_up_and_a_connection_that_stall_are_named(
    monkeypatch: pytest.MonkeyPatch, stalls: str, said: str
) -> None:
    async def never(*_: object) -> Any:
        await asyncio.Event().wait()

    if stalls == "resolve":
        monkeypatch.setattr(Runtime, "resolve", never)
    else:
        monkeypatch.setattr(reach, "_touch", never)
    found = examined(one(9), timeout_s=0.1)["websocket linear"]
    assert found.status == "fail"
    assert said in found.text


def test_a_ping_without_a_pong_is_named() -> None:
    def silent(peer: Peer) -> None:
        peer.upgrade()
        peer.hold()

    found = of_socket(silent, timeout_s=HASTY_S)
    assert found.status == "fail"
    assert "in 2 s connected, but a ping is not answered" in found.text


def test_a_connection_that_ends_before_its_pong_says_why() -> None:
    def leaving(peer: Peer) -> None:
        peer.upgrade()
        peer.send(frame(CLOSE, b"\x03\xf4bye"))
        peer.read_rest()

    found = of_socket(leaving)
    assert found.status == "fail"
    assert (
        "the connection ended before a pong: the server closed with code 1012 (bye)" in found.text
    )


def test_all_checks_run_at_the_same_time() -> None:
    with RawServer(Peer.hold) as server:
        began = time.monotonic()
        found = examined(environment_of(f"http://127.0.0.1:{server.port}"), timeout_s=HASTY_S)
        took_s = time.monotonic() - began
    assert [found[check].status for check in [*SOCKETS, "REST"]] == ["fail"] * 5
    assert took_s < 4 * HASTY_S  # one after the other they take five times that


@pytest.mark.parametrize(
    ("ahead_s", "status", "said"),
    [
        (0, "ok", "the exchange's"),
        (3600, "warn", "behind the exchange's"),
        (-3600, "warn", "ahead of the exchange's"),
    ],
)
def test_a_clock_that_is_off_is_a_warning(ahead_s: int, status: str, said: str) -> None:
    found = of_rest(answering(clock(ahead_s * 10**9)))
    assert (found["REST"].status, found["clock"].status) == ("ok", status)
    assert said in found["clock"].text
    assert ("let the system set it (NTP)" in found["clock"].text) == (status == "warn")
    ms = found["clock"].ms
    assert ms is not None
    assert abs(ms + ahead_s * 1000) < 60_000


@pytest.mark.parametrize(
    "body", [b"<html>log in</html>", b"{}", b'{"result":{"timeNano":"soon"}}', b"\xff"]
)
def test_an_answer_that_is_none_of_an_exchange_is_told(body: bytes) -> None:
    found = of_rest(answering(lambda: body))
    assert found["REST"].status == "fail"
    assert "the answer is not that of an exchange: is the URL right?" in found["REST"].text
    assert "clock" not in found


def test_a_proxy_is_used_and_its_password_is_not_shown() -> None:
    proxy = f"http://somebody:hidden@127.0.0.1:{closed_port()}"
    found = examined(one(9), proxy=proxy)
    assert found["proxy"].text.startswith("that of --proxy")
    assert found["websocket linear"].status == "fail"
    assert "no connection to the proxy: connection refused" in found["websocket linear"].text
    assert not [finding for finding in found.values() if "hidden" in finding.line()]


def test_with_a_market_it_tells_how_far_back_trades_go() -> None:
    with serve_in_thread(market=market(), speed=100) as served:
        pit = served.exchange.market.pits["inverse", "BTCUSD"] if served.exchange.market else None
        assert pit is not None
        served.until(lambda: pit.tape.count > 3)
        found = examined(environment_of(served.url))
    assert found["gaps"].status == "ok"
    text = found["gaps"].text
    assert re.fullmatch(
        r"the last [\d,]+ trades of BTCUSD go back \d+:\d\d:\d\d:"
        r" what a shorter outage leaves out is fetched",
        text,
    ), text


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", "404 Not Found", "trades cannot be fetched (HTTP 404)"),
        (b"<html>", "200 OK", "the list is none of an exchange"),
        (
            b'{"retCode":0,"time":1,"result":{"list":[{"time":"soon"}]}}',
            "200 OK",
            "the list is none of an exchange",
        ),
        (
            b'{"retCode":10001,"time":1,"result":{"list":[{"time":"1"}]}}',
            "200 OK",
            "the list of trades is refused (code 10001)",
        ),
    ],
)
def test_what_cannot_be_fetched_is_a_warning(body: bytes, status: str, said: str) -> None:
    with RawServer(answering(lambda: body, status)) as server:
        found = examined(environment_of(f"http://127.0.0.1:{server.port}"), timeout_s=HASTY_S)
    assert found["gaps"].status == "warn"
    assert said in found["gaps"].text
    assert found["gaps"].text.endswith("outages are told, and not filled")


def test_a_list_without_a_trade_is_no_trouble() -> None:
    body = b'{"retCode":0,"time":1,"result":{"list":[]}}'
    with RawServer(answering(lambda: body)) as server:
        found = examined(environment_of(f"http://127.0.0.1:{server.port}"), timeout_s=HASTY_S)
    assert found["gaps"].status == "ok"
    assert "there are none of BTCUSD yet" in found["gaps"].text


def test_without_rest_outages_are_told_only() -> None:
    url = f"ws://127.0.0.1:{closed_port()}"
    found = examined(Environment(name="one", public={"spot": url}))
    assert found["gaps"].status == "warn"
    assert "has no REST" in found["gaps"].text
    assert "gaps" not in examined(Environment(name="one", public={"option": url}))
