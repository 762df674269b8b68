"""The benchmark's feed over real sockets: subscriptions, shares, pace, counts."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Literal, cast

import aiohttp
import pytest

from tests.perf import feed, leanest
from tests.perf.link import frame
from tests.perf.market import opening_trade, read_stamp
from tests.perf.script import Script, topics_of

PLAN = feed.Plan(messages=300, symbols=3, settle_s=0.1)
pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def reports() -> list[dict[str, object]]:
    return []


@pytest.fixture
def served(reports: list[dict[str, object]]) -> Iterator[feed.Feed]:
    server = feed.Feed(reports.append)
    accepting = threading.Thread(target=server.serve)
    accepting.start()
    yield server
    server.close()
    accepting.join()


def decoded(message: bytes) -> leanest.Message:
    kind = leanest.topic_of(message).decode().split(".")[0]
    return leanest.DECODERS[kind].decode(message)


def test_the_outline_counts_what_a_user_is_given() -> None:
    script = Script("linear", 3, 1_000)
    read = [decoded(message) for message in script.messages[:700]]
    trades = [message for message in read if isinstance(message, leanest.Trades)]
    assert feed.outline(script, 700) == feed.Outline(
        messages=701,
        trade_messages=len(trades) + 1,
        trades=sum(len(message.data) for message in trades) + 1,
        others=700 - len(trades),
    )


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_frame_says_its_size(size: int) -> None:
    whole = frame(bytes(size))
    header = {2: whole[1:2], 4: whole[2:4], 10: whole[2:10]}[len(whole) - size]
    assert whole[0] == 0x81
    assert int.from_bytes(header, "big") == size
    assert (whole[1] < 126, whole[1] == 126) == (len(whole) - size == 2, len(whole) - size == 4)


class Peer:
    """A connection that keeps what it got."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse[Literal[False]]) -> None:
        self.socket = socket
        self.got: list[bytes] = []

    async def ask(self, op: str, *topics: str) -> dict[str, object]:
        """Send a request and wait for its answer; data that comes before it is kept."""
        request = {"op": op, "req_id": f"{op}-{len(self.got)}", "args": topics}
        await self.socket.send_json(request)
        while True:
            data: bytes = (await self.socket.receive()).data
            answer = json.loads(data)
            if "topic" not in answer:
                assert answer.pop("req_id") == request["req_id"]
                return answer
            self.got.append(data)

    async def until(self, count: int) -> list[bytes]:
        """The first ``count`` data messages."""
        while len(self.got) < count:
            self.got.append((await self.socket.receive()).data)
        return self.got


@asynccontextmanager
async def connected(
    server: feed.Feed, category: str = "linear", autoping: bool = True
) -> AsyncIterator[Peer]:
    url = f"ws://127.0.0.1:{server.port}/v5/public/{category}"
    async with (
        asyncio.timeout(60),
        aiohttp.ClientSession() as session,
        session.ws_connect(url, decode_text=False, autoping=autoping) as socket,
    ):
        yield Peer(socket)


ACK = {"success": True, "ret_msg": "", "conn_id": "bench", "op": "subscribe"}


def test_a_run_begins_when_everything_is_subscribed_and_each_link_gets_its_share(
    served: feed.Feed, reports: list[dict[str, object]]
) -> None:
    served.plan(PLAN)
    script = Script("linear", PLAN.symbols, PLAN.messages)
    first, later = script.topics[:7], script.topics[7:]

    async def scenario() -> tuple[list[bytes], list[bytes]]:
        async with connected(served) as a, connected(served) as b:
            assert await a.ask("subscribe", *first[:4]) == ACK
            assert await b.ask("subscribe", *first[4:]) == ACK
            assert await b.ask("unsubscribe", *first[4:]) == {**ACK, "op": "unsubscribe"}
            assert await b.ask("subscribe", *later) == ACK
            assert await a.ask("ping") == {**ACK, "op": "ping", "ret_msg": "pong"}
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(3 * PLAN.settle_s):
                    await a.until(99)  # nothing is played yet
            assert not reports
            assert await a.ask("subscribe", *first[4:]) == ACK
            owned = [topic in first for topic in map(script.topics.__getitem__, script.topic_at)]
            snapshots = [
                sum(topic in side for topic in script.snapshots) for side in (first, later)
            ]
            got_a = await a.until(snapshots[0] + 1 + sum(owned) + 1)
            again = sum(topic in script.snapshots for topic in first[4:])
            got_b = await b.until(snapshots[1] + again + owned.count(False))
            return got_a[snapshots[0] :], got_b[snapshots[1] + again :]

    got_a, got_b = asyncio.run(scenario())
    mine = {True: list[bytes](), False: list[bytes]()}
    for message, at in zip(script.messages, script.topic_at, strict=True):
        mine[script.topics[at] in first].append(message)
    assert got_a[0] == opening_trade("BTCUSDT")
    assert got_a[1:-1] == mine[True]
    assert got_b == mine[False]
    end = cast("leanest.Trades", decoded(got_a[-1])).data[0]
    assert end.id[0] == "E"
    assert 0 < read_stamp(end.id) < time.monotonic_ns()


def test_a_run_is_played_once_a_plan(served: feed.Feed, reports: list[dict[str, object]]) -> None:
    async def scenario() -> None:
        for _ in range(2):
            served.plan(feed.Plan(messages=5, symbols=1, settle_s=0.01))
            async with connected(served) as peer:
                await peer.ask("subscribe", *topics_of("linear", 1))
                await peer.until(2 + 1 + 5 + 1)
                await peer.ask("unsubscribe", "tickers.BTCUSDT")
                await peer.ask("subscribe", "tickers.BTCUSDT")
                await peer.until(2 + 1 + 5 + 1 + 1)
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await peer.until(99)

    asyncio.run(scenario())
    assert [report["run"] for report in reports] == ["ended", "ended"]


def test_a_paced_message_is_never_early_and_carries_its_time(served: feed.Feed) -> None:
    rate, count = 2_000, 200
    served.plan(feed.Plan(mode="paced", rate=rate, messages=count, symbols=1, settle_s=0.01))

    async def scenario() -> list[bytes]:
        async with connected(served) as peer:
            await peer.ask("subscribe", *topics_of("linear", 1))
            return (await peer.until(2 + 1 + count + 1))[3:]

    *messages, end = map(decoded, asyncio.run(scenario()))
    began = read_stamp(cast("leanest.Trades", end).data[0].id)
    stamped = 0
    for number, message in enumerate(messages):
        if isinstance(message, leanest.Trades):
            *earlier, last = (read_stamp(trade.id) for trade in message.data)
            assert not any(earlier)
            assert last - began >= int(number * 1e9 / rate)
            stamped += 1
    assert stamped > count / 4


def test_pings_closes_and_wrong_paths_are_answered(served: feed.Feed) -> None:
    served.plan(PLAN)

    async def scenario() -> None:
        async with connected(served, autoping=False) as peer:
            await peer.socket.ping(b"still there")
            pong = await peer.socket.receive()
            assert (pong.type, pong.data) == (aiohttp.WSMsgType.PONG, b"still there")
            assert await peer.socket.close(code=1000)
            assert peer.socket.close_code == 1000
        with pytest.raises(aiohttp.WSServerHandshakeError, match="404"):
            async with connected(served, "spot"):
                pass
        url = f"http://127.0.0.1:{served.port}/v5/public/linear"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            assert response.status == 404

    asyncio.run(scenario())


def test_a_paced_run_ends_with_its_client(
    served: feed.Feed, reports: list[dict[str, object]]
) -> None:
    served.plan(feed.Plan(mode="paced", rate=100, messages=5_000, symbols=1, settle_s=0.01))

    async def scenario() -> None:
        async with connected(served) as peer:
            await peer.ask("subscribe", *topics_of("linear", 1))
            await peer.until(20)
        async with asyncio.timeout(60):
            while not reports:
                await asyncio.sleep(0.01)

    asyncio.run(scenario())
    assert reports[0]["run"] == "broken"
