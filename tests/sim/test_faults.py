"""Each fault, as a client that is not ours meets it."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import aiohttp
import pytest

from rxbybit.sim import (
    Close,
    Cut,
    Delay,
    Duplicate,
    Exchange,
    Faults,
    Ignore,
    NoPong,
    Recording,
    Redirect,
    Refuse,
    Silence,
    Skip,
    Stall,
    WithholdAck,
)
from tests.loopback.rawserver import claimed
from tests.sim.peer import connected, frame, run

A = [frame("a", ts=1_000 + i, n=i) for i in range(6)]
B = [frame("b", ts=1_000 + i, n=i) for i in range(6)]
BOTH = [text for pair in zip(A, B, strict=True) for text in pair]
ENDS = (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR)


def served(*faults, **options) -> Exchange:
    return Exchange({"linear": Recording(BOTH, **options)}, faults=faults)


async def play(exchange: Exchange, *topics: str) -> tuple[list[str], aiohttp.WSMessage]:
    """All data frames of one link until it ends."""
    async with connected(exchange) as peer:
        await peer.say(op="subscribe", args=topics)
        heard, end = await peer.rest()
        return [text for text in heard if "topic" in json.loads(text)], end


def test_a_script_strikes_in_order_and_is_used_up() -> None:
    once, twice, always = Skip(topic="a"), Skip(topic="b", times=2), NoPong()
    faults = Faults(once, twice)
    faults.add(always)
    assert faults.strike(Duplicate) is None
    assert faults.strike(Skip, lambda fault: fault.topic == "c") is None
    assert faults.strike(Skip) is once
    assert faults.pending == (twice, always)
    assert faults.strike(Skip) is twice
    assert faults.pending == (twice, always)
    assert faults.strike(Skip) is twice
    assert faults.strike(Skip) is None
    assert [faults.strike(NoPong) for _ in range(3)] == [always] * 3
    faults.clear()
    assert faults.pending == ()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (Cut(), "use a tuple of them"),
        (None, "use a tuple of them"),
        ("cut", "'c' is no fault"),
        ([{"fault": "cut"}], "faults_of"),
        ([Cut(), Cut], "is no fault"),
    ],
)
def test_what_is_no_fault_is_refused_at_once(given: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Exchange(faults=given)


def test_a_list_and_a_script_are_taken() -> None:
    script = Faults(Cut())
    assert Exchange(faults=script).faults is script
    assert Exchange(faults=[Cut()]).faults.pending == (Cut(),)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [Cut, Silence, NoPong])
def test_times_is_a_count(kind) -> None:
    with pytest.raises(ValueError, match="times"):
        kind(times=0)


def test_how_is_fin_or_rst() -> None:
    with pytest.raises(ValueError, match="fin, rst"):
        Cut(how="bang")  # type: ignore[arg-type]


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_cut_after_frames(how) -> None:
    async def main() -> None:
        async with served(Cut(how=how, after=3)) as exchange:
            heard, end = await play(exchange, "a", "b")
            assert heard == BOTH[:3]
            assert end.type in ENDS
            await exchange.until(lambda: not exchange.links)
            async with connected(exchange) as peer:
                await peer.subscribe("a", "b")
                assert await peer.texts(12) == BOTH

    run(main())


@pytest.mark.parametrize(
    ("how", "error"), [("fin", asyncio.IncompleteReadError), ("rst", ConnectionResetError)]
)
def test_how_a_cut_looks_on_the_wire(how, error: type[Exception]) -> None:
    async def main() -> None:
        async with served() as exchange:
            host, _, port = exchange.url.removeprefix("http://").rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(
                b"GET /v5/public/linear HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
            await exchange.until(lambda: bool(exchange.links))
            (link,) = exchange.links
            link.cut(how)
            assert link.closed
            with pytest.raises(error):
                await reader.readexactly(1)
            writer.close()

    run(main())


def test_cut_before_any_frame() -> None:
    async def main() -> None:
        async with served(Cut(after=0, times=2)) as exchange:
            for _ in range(2):
                async with connected(exchange) as peer:
                    assert (await peer.message()).type in ENDS
            async with connected(exchange) as peer:
                await peer.subscribe("a")
                assert await peer.texts(6) == A

    run(main())


def test_close_with_a_code() -> None:
    async def main() -> None:
        async with served(Close(code=1012, reason="restart", after=2)) as exchange:
            heard, end = await play(exchange, "a")
            assert heard == A[:2]
            assert (end.type, end.data, end.extra) == (aiohttp.WSMsgType.CLOSE, 1012, "restart")
            async with connected(exchange) as peer:
                await exchange.until(lambda: len(exchange.links) == 1)
                await exchange.links[0].close(4001)
                end = await peer.message()
                assert (end.type, end.data) == (aiohttp.WSMsgType.CLOSE, 4001)
                await exchange.until(lambda: not exchange.links)

    run(main())


def test_silence_sends_answers_and_reads_nothing() -> None:
    async def main() -> None:
        async with served(Silence(after=2), loop=True) as exchange, connected(exchange) as peer:
            await peer.subscribe("a")
            assert await peer.texts(2) == A[:2]
            (link,) = exchange.links
            assert link.silent
            requests = len(exchange.requests)
            await peer.say(op="ping")
            await peer.websocket.ping()
            await exchange.send("a", A[5])
            await link.send("x")
            link.inject(b"\x00")
            with pytest.raises(TimeoutError):
                await peer.websocket.receive(timeout=0.2)
            assert len(exchange.requests) == requests
            assert (link.sent, link.closed, exchange.subscriptions) == (2, False, {"a": 1})
            link.cut()
            assert (await peer.message()).type in ENDS
            assert exchange.links == ()

    run(main())


@pytest.mark.parametrize(
    ("fault", "headers"),
    [
        (Refuse(status=403), {}),
        (Refuse(status=429, retry_after_s=7), {"Retry-After": "7"}),
        (Refuse(category="linear"), {}),
        (Redirect(location="http://elsewhere/"), {"Location": "http://elsewhere/"}),
    ],
)
def test_a_refused_upgrade(fault, headers: dict[str, str]) -> None:
    async def main() -> None:
        async with served(fault) as exchange:
            url = exchange.url + "/v5/public/linear"
            expected = getattr(fault, "status", 302)
            async with (
                aiohttp.ClientSession() as session,
                session.get(url, allow_redirects=False) as response,
            ):
                assert response.status == expected
                found = {k: response.headers.get(k) for k in ("Retry-After", "Location")}
                assert {k: v for k, v in found.items() if v} == headers
            assert [c.status for c in exchange.connects] == [expected]
            async with connected(exchange):
                await exchange.until(lambda: len(exchange.links) == 1)

    run(main())


@pytest.mark.parametrize(
    "fault",
    [Refuse(category="spot"), Redirect(location="/", category="spot"), Stall(category="spot")],
)
def test_a_refusal_of_one_socket_only(fault) -> None:
    async def main() -> None:
        async with served(fault) as exchange, connected(exchange):
            assert exchange.faults.pending == (fault,)

    run(main())


def test_a_stalled_upgrade_is_never_answered() -> None:
    async def main() -> None:
        async with served(Stall()) as exchange:
            connecting = asyncio.ensure_future(connected(exchange).__aenter__())
            await exchange.until(lambda: bool(exchange.connects))
            await asyncio.wait({connecting}, timeout=0.2)
            connecting.cancel()
            await asyncio.wait({connecting})
            assert connecting.cancelled()
            assert [c.status for c in exchange.connects] == [None]
            async with connected(exchange) as peer:
                await peer.hears_nothing()
            began = time.monotonic()
        assert time.monotonic() - began < 20

    run(main())


def test_a_closed_port() -> None:
    async def main() -> None:
        async with served() as exchange, connected(exchange) as peer:
            url = exchange.url
            await exchange.stop_listening()
            await exchange.stop_listening()
            with claimed(int(url.rpartition(":")[2])):
                with pytest.raises(aiohttp.ClientConnectorError):
                    async with connected(exchange):
                        pass
                await peer.subscribe("a")
                assert await peer.texts(6) == A
                await exchange.listen()
                await exchange.listen()
            assert exchange.url == url
            async with connected(exchange) as again:
                await again.hears_nothing()

    run(main())


def test_a_closed_port_has_no_connection_left_of_rest() -> None:
    async def main() -> None:
        async with served() as exchange, aiohttp.ClientSession() as session:
            url = f"{exchange.url}/v5/market/time"
            async with session.get(url) as answer:
                await answer.read()
            port = int(exchange.url.rpartition(":")[2])
            await exchange.stop_listening()
            with claimed(port), pytest.raises(aiohttp.ClientConnectionError):
                await session.get(url)
            await exchange.listen()
            async with session.get(url) as answer:
                assert answer.status == 200

    run(main())


def test_skip() -> None:
    async def main() -> None:
        async with served(Skip(topic="a", nth=3), Cut(after=12)) as exchange:
            heard, _ = await play(exchange, "a", "b")
            assert heard == [text for text in BOTH if text != A[2]]

    run(main())


def test_duplicate() -> None:
    async def main() -> None:
        async with served(Duplicate(topic="b", nth=2), Cut(after=12)) as exchange:
            heard, _ = await play(exchange, "a", "b")
            assert heard == [*BOTH[:4], B[1], *BOTH[4:]]

    run(main())


def test_delay() -> None:
    async def main() -> None:
        fault = Delay(topic="a", nth=2, seconds=0.2)
        async with served(fault) as exchange, connected(exchange) as peer:
            began = time.monotonic()
            await peer.subscribe("a", "b")
            assert await peer.texts(2) == BOTH[:2]
            assert await peer.texts(10) == BOTH[2:]
            assert time.monotonic() - began >= 0.2

    run(main())


def test_what_is_pushed_overtakes_what_is_delayed() -> None:
    async def main() -> None:
        fault = Delay(topic="a", nth=2, seconds=3_600)
        async with served(fault) as exchange, connected(exchange) as peer:
            await peer.subscribe("a", "b")
            assert await peer.texts(2) == BOTH[:2]
            await exchange.send("b", "pushed")
            assert await peer.text() == "pushed"
            await peer.hears_nothing()

    run(main())


def test_an_acknowledgement_comes_late() -> None:
    async def main() -> None:
        async with served(WithholdAck()) as exchange, connected(exchange) as peer:
            await peer.say(op="subscribe", args=["a"], req_id="late")
            assert await peer.texts(6) == A
            assert exchange.subscriptions == {"a": 1}
            assert (await peer.subscribe("b", req_id="next"))["req_id"] == "next"
            await exchange.release_acks()
            assert json.loads(await peer.text())["req_id"] == "late"
            await exchange.release_acks()
            await peer.hears_nothing()

    run(main())


def test_only_good_requests_of_that_kind_are_withheld() -> None:
    async def main() -> None:
        async with served(WithholdAck(op="unsubscribe")) as exchange, connected(exchange) as peer:
            assert not (await peer.subscribe("nope"))["success"]
            assert (await peer.subscribe("a"))["success"]
            assert await peer.texts(6) == A
            assert not (await peer.ask(op="unsubscribe", args=["nope"]))["success"]
            await peer.say(op="unsubscribe", args=["a"])
            await peer.hears_nothing()
            assert exchange.subscriptions == {}

    run(main())


def test_a_request_is_ignored() -> None:
    async def main() -> None:
        async with served(Ignore(op="subscribe")) as exchange, connected(exchange) as peer:
            await peer.say(op="subscribe", args=["a"])
            await peer.hears_nothing()
            assert exchange.subscriptions == {}
            assert [r.op for r in exchange.requests] == ["subscribe", "ping"]
            await peer.subscribe("a")
            assert await peer.texts(6) == A

    run(main())


def test_no_pong() -> None:
    async def main() -> None:
        async with served(NoPong()) as exchange, connected(exchange, autoping=False) as peer:
            for _ in range(2):
                await peer.say(op="ping")
                await peer.websocket.ping()
            await peer.subscribe("a")
            assert await peer.texts(6) == A
            exchange.faults.clear()
            await peer.websocket.ping()
            assert (await peer.message()).type is aiohttp.WSMsgType.PONG
            await peer.hears_nothing()

    run(main())
