"""The exchange as a client meets it: links, acknowledgements, the play of a recording."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import aiohttp
import pytest

from rxbybit.sim import Exchange, Recording
from rxbybit.sim.link import DATA_BEFORE_ACK
from rxbybit.sim.market import Market
from rxbybit.sim.outlet import BUFFER_LIMIT
from tests.sim.peer import connected, frame, run

A = [frame("a", ts=1_000 + 100 * i, n=i) for i in range(4)]
B = [frame("b", ts=1_050 + 100 * i, n=i) for i in range(4)]
BOTH = [text for pair in zip(A, B, strict=True) for text in pair]


def test_a_recording_is_played_after_the_acknowledgement() -> None:
    async def main() -> None:
        async with Exchange({"linear": Recording(BOTH)}) as exchange, connected(exchange) as peer:
            ack = await peer.subscribe("a", "b", req_id="r1")
            assert ack == {
                "success": True,
                "ret_msg": "",
                "conn_id": ack["conn_id"],
                "req_id": "r1",
                "op": "subscribe",
            }
            assert await peer.texts(8) == BOTH
            await peer.hears_nothing()
            (link,) = exchange.links
            assert (link.number, link.category, link.sent) == (1, "linear", 8)
            assert link.sent_by_topic == {"a": 4, "b": 4}
            assert exchange.subscriptions == {"a": 1, "b": 1}

    run(main())


def test_frames_of_other_topics_are_passed_over() -> None:
    async def main() -> None:
        async with Exchange({"linear": Recording(BOTH)}) as exchange, connected(exchange) as peer:
            await peer.subscribe("b")
            assert await peer.texts(4) == B
            await peer.subscribe("a")
            await peer.hears_nothing()

    run(main())


def test_hold_until_all_are_there() -> None:
    async def main() -> None:
        recording = Recording(BOTH, hold_until=["a", "b"])
        async with Exchange({"linear": recording}) as exchange, connected(exchange) as peer:
            await peer.subscribe("b")
            await peer.hears_nothing()
            await peer.subscribe("a")
            assert await peer.texts(8) == BOTH

    run(main())


@pytest.mark.parametrize("hold", [(), ("a", "b", "c")])
def test_data_first(hold: tuple[str, ...]) -> None:
    async def main() -> None:
        frames = [frame("a", n=i) for i in range(DATA_BEFORE_ACK + 10)]
        recording = Recording(frames, hold_until=hold, extra_topics=["b", "c"])
        async with (
            Exchange({"linear": recording}, data_first=True) as exchange,
            connected(exchange) as peer,
        ):
            await peer.say(op="subscribe", args=["a", "b"], req_id="x")
            heard = await peer.texts(1 if hold else len(frames) + 1)
            acks = [i for i, text in enumerate(heard) if "topic" not in json.loads(text)]
            assert acks == [0 if hold else DATA_BEFORE_ACK]
            if not hold:
                del heard[DATA_BEFORE_ACK]
                assert heard == frames

    run(main())


@pytest.mark.parametrize("pace", ["at_once", "ts"])
def test_data_first_of_a_short_recording(pace) -> None:
    async def main() -> None:
        recording = Recording(
            [*A, frame("a", ts=10_000_000)][: 5 if pace == "ts" else 4], pace=pace
        )
        async with (
            Exchange({"linear": recording}, data_first=True) as exchange,
            connected(exchange) as peer,
        ):
            await peer.say(op="subscribe", args=["a"], req_id="x")
            heard = [json.loads(text) for text in await peer.texts(2 if pace == "ts" else 5)]
            assert ["topic" in one for one in heard] == [True] * (len(heard) - 1) + [False]

    run(main())


def test_pace_of_ts() -> None:
    """None comes early, counted from the beginning, and one from the past comes at once."""

    async def main() -> None:
        day_ms = 86_400_000
        frames = [frame("a", ts=day_ms + 200 * i, n=i) for i in range(4)] + [frame("a", ts=0)]
        recording = Recording(frames, pace="ts", speed=2)
        async with Exchange({"linear": recording}) as exchange, connected(exchange) as peer:
            began = time.monotonic()
            await peer.subscribe("a")
            for n, expected in enumerate(frames[:4]):
                assert await peer.text() == expected
                assert time.monotonic() - began >= 0.1 * n
            assert await peer.text() == frames[4]

    run(main())


def test_half_the_speed_takes_twice_as_long() -> None:
    async def main() -> None:
        recording = Recording(A, pace="ts", speed=0.5)
        async with Exchange({"linear": recording}) as exchange, connected(exchange) as peer:
            began = time.monotonic()
            await peer.subscribe("a")
            await peer.texts(2)
            assert time.monotonic() - began >= 0.2  # 100 ms of recording

    run(main())


def test_loop_repeats_the_bytes_until_the_client_leaves() -> None:
    async def main() -> None:
        recording = Recording(BOTH, loop=True)
        async with Exchange({"linear": recording}) as exchange:
            async with connected(exchange) as peer:
                await peer.subscribe("a", "b")
                assert await peer.texts(24) == BOTH * 3
            await exchange.until(lambda: not exchange.links)
            assert exchange.subscriptions == {}

    run(main())


def test_a_loop_that_sends_nothing_starves_nobody() -> None:
    async def main() -> None:
        recording = Recording(A, loop=True, extra_topics=["quiet"])
        async with Exchange({"linear": recording}) as exchange, connected(exchange) as peer:
            began = time.monotonic()
            await peer.subscribe("quiet")
            await peer.hears_nothing()
            assert time.monotonic() - began < 20

    run(main())


@pytest.mark.parametrize(("resume", "second"), [("restart", A), ("continue", A[2:])])
def test_where_the_next_link_begins(resume, second: list[str]) -> None:
    async def main() -> None:
        recording = Recording([*A[:2], frame("b", ts=9_999_999), *A[2:]], pace="ts", resume=resume)
        async with Exchange({"linear": recording}) as exchange:
            async with connected(exchange) as peer:
                await peer.subscribe("a")
                assert await peer.texts(2) == A[:2]
            await exchange.until(lambda: not exchange.links)
            async with connected(exchange) as peer:
                await peer.subscribe("a")
                assert await peer.texts(2) == second[:2]

    run(main())


def test_continue_begins_behind_what_was_played() -> None:
    async def main() -> None:
        recording = Recording(BOTH, resume="continue", hold_until=["a"])
        async with Exchange({"linear": recording}) as exchange:
            async with connected(exchange) as first:
                await first.subscribe("a")
                assert await first.texts(4) == A
            async with connected(exchange) as second:
                await second.subscribe("a")
                await second.hears_nothing()

    run(main())


def test_an_unsubscribed_topic_falls_silent() -> None:
    async def main() -> None:
        recording = Recording([], extra_topics=["a", "b"])
        async with Exchange({"linear": recording}) as exchange, connected(exchange) as peer:
            await peer.subscribe("a", "b")
            await peer.ask(op="unsubscribe", args=["a"], req_id="u")
            assert exchange.subscriptions == {"b": 1}
            assert await exchange.send("a", A[0]) == 0
            assert await exchange.send("b", B[0]) == 1
            assert await peer.text() == B[0]

    run(main())


def test_pushes_reach_every_link_of_the_topic() -> None:
    async def main() -> None:
        recording = Recording([], extra_topics=["a"])
        async with (
            Exchange({"linear": recording, "inverse": recording}) as exchange,
            connected(exchange) as one,
            connected(exchange) as two,
            connected(exchange, "inverse") as other,
        ):
            for peer in (one, two, other):
                await peer.subscribe("a")
            assert exchange.subscriptions == {"a": 3}
            assert await exchange.send("a", A[0]) == 3
            assert [await peer.text() for peer in (one, two, other)] == [A[0]] * 3
            assert await exchange.send("a", A[1].encode(), category="inverse") == 1
            assert await other.text() == A[1]
            await one.hears_nothing()
            assert [link.sent for link in exchange.links] == [1, 1, 2]

    run(main())


def test_a_link_pushes_anything() -> None:
    async def main() -> None:
        async with Exchange({}) as exchange, connected(exchange, decode_text=False) as peer:
            await exchange.until(lambda: bool(exchange.links))
            (link,) = exchange.links
            await link.send(b"\xff{")
            assert (await peer.message()).data == b"\xff{"
            await link.send("no json")
            assert (await peer.message()).data == b"no json"
            assert link.sent == 0
            link.inject(b"\x83\x00")  # opcode 3 is reserved
            assert (await peer.message()).type is aiohttp.WSMsgType.ERROR

    run(main())


def test_requests_are_remembered() -> None:
    async def main() -> None:
        async with Exchange({"linear": Recording(A)}) as exchange, connected(exchange) as peer:
            before = time.monotonic()
            await peer.ask(op="ping", req_id="p")
            await peer.subscribe("nope", req_id="s")
            await peer.websocket.send_str("hello")
            answer = json.loads(await peer.text())
            assert answer["ret_msg"].startswith("Failed to decode incoming data:")
            await peer.websocket.send_bytes(b'{"op":"ping"}')
            assert json.loads(await peer.text())["ret_msg"] == "pong"
            seen = [(r.link, r.op, r.args, r.req_id) for r in exchange.requests]
            assert seen == [
                (1, "ping", (), "p"),
                (1, "subscribe", ("nope",), "s"),
                (1, "", (), None),
                (1, "ping", (), None),
            ]
            assert exchange.requests[2].raw == "hello"
            assert all(before <= r.time <= time.monotonic() for r in exchange.requests)
            assert [(c.category, c.status) for c in exchange.connects] == [("linear", 101)]
            assert exchange.connects[0].headers["Upgrade"] == "websocket"

    run(main())


def test_websocket_pings_are_answered() -> None:
    async def main() -> None:
        async with Exchange({}) as exchange, connected(exchange, autoping=False) as peer:
            await peer.websocket.ping(b"x")
            message = await peer.message()
            assert (message.type, message.data) == (aiohttp.WSMsgType.PONG, b"x")

    run(main())


def test_connection_ids_follow_the_seed() -> None:
    async def ids(seed: int) -> list[str]:
        async with Exchange({"linear": Recording(A)}, seed=seed) as exchange:
            found: list[str] = []
            for _ in range(2):
                async with connected(exchange) as peer:
                    found.append((await peer.ask(op="ping"))["conn_id"])
            return found

    first = run(ids(1))
    assert first == run(ids(1))
    assert len({*first, *run(ids(2))}) == 4
    assert len(first[0]) == 26
    assert first[0][20] == "-"


def test_rest() -> None:
    async def main() -> None:
        async with Exchange({}) as exchange, aiohttp.ClientSession() as session:
            assert exchange.environment.rest == exchange.url
            before = time.time_ns()
            async with session.get(f"{exchange.url}/v5/market/time") as response:
                body = await response.json()
            assert list(body) == ["retCode", "retMsg", "result", "retExtInfo", "time"]
            assert (body["retCode"], body["retMsg"], body["retExtInfo"]) == (0, "OK", {})
            nano = int(body["result"]["timeNano"])
            assert before <= nano <= time.time_ns()
            assert body["result"]["timeSecond"] == str(nano // 10**9)
            assert body["time"] == nano // 10**6
            for path in ("/v5/market/nothing", "/v5/public/futures", "/v5/private"):
                async with session.get(exchange.url + path) as response:
                    assert response.status == 404

    run(main())


def test_a_category_without_a_recording_refuses() -> None:
    async def main() -> None:
        async with Exchange({}) as exchange, connected(exchange, "inverse") as peer:
            assert (await peer.subscribe("a"))["ret_msg"] == "error:handler not found,topic:a"

    run(main())


def test_wrong_category() -> None:
    with pytest.raises(ValueError, match=r"futures.*inverse"):
        Exchange({"futures": Recording([])})  # type: ignore[dict-item]


def test_closing_ends_links_and_leaves_nothing() -> None:
    async def main() -> None:
        before = asyncio.all_tasks()
        recording = Recording(A, pace="ts", loop=True)
        exchange = Exchange({"linear": recording})
        await exchange.start()
        url = exchange.url
        async with connected(exchange) as one, connected(exchange) as two:
            await one.subscribe("a")
            await two.subscribe("a")
            exchange.links[1].silence()
            began = time.monotonic()
            await exchange.aclose()
            assert time.monotonic() - began < 20
            assert exchange.links == ()
            _, end = await one.rest()
            assert end.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        with pytest.raises(aiohttp.ClientConnectorError):
            async with aiohttp.ClientSession() as session, session.get(url):
                pass
        assert asyncio.all_tasks() == before

    run(main())


def test_a_taken_port_is_an_error() -> None:
    async def main() -> None:
        async with Exchange({}) as exchange:
            port = int(exchange.url.rpartition(":")[2])
            with pytest.raises(OSError, match=str(port)):
                await Exchange({}, port=port).start()

    run(main())


def test_a_recording_waits_for_a_slow_client() -> None:
    async def main() -> None:
        frames = [frame("a", n=i, pad="x" * 200_000) for i in range(100)]
        async with Exchange({"linear": Recording(frames)}) as exchange, connected(exchange) as peer:
            await peer.subscribe("a")
            (link,) = exchange.links
            # until the buffers between us are full
            await exchange.until(lambda: link._outlet.waiting > BUFFER_LIMIT)
            await asyncio.sleep(0.3)
            assert link.sent < 100
            assert await peer.texts(100) == frames

    run(main())


def test_a_client_that_reads_nothing_is_dropped_by_a_push() -> None:
    async def main() -> None:
        recording = Recording([], extra_topics=["a"])
        async with Exchange({"linear": recording}) as exchange, connected(exchange) as peer:
            await peer.subscribe("a")
            (link,) = exchange.links
            assert peer.websocket._response.connection is not None
            transport = peer.websocket._response.connection.transport
            assert transport is not None
            transport.pause_reading()  # type: ignore[attr-defined]
            big = frame("a", pad="x" * 1_000_000)
            for _ in range(40):
                await exchange.send("a", big)
                if link.closed:
                    break
            assert link.closed
            assert link.sent < 40

    run(main())


def test_who_leaves_during_the_upgrade_is_no_error_of_the_exchange(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def gone(self, request) -> None:
        request.transport.close()
        raise ConnectionResetError("Cannot write to closing transport")

    async def main() -> None:
        async with Exchange({"linear": Recording(A)}) as exchange:
            with monkeypatch.context() as patched:
                patched.setattr("aiohttp.web.WebSocketResponse.prepare", gone)
                with pytest.raises(aiohttp.ClientError):
                    async with connected(exchange):
                        pass
            assert {connect.status for connect in exchange.connects} == {None}
            async with connected(exchange) as peer:
                await peer.subscribe("a")
                assert await peer.texts(1) == A[:1]

    run(main())
    assert caplog.records == []


def test_who_does_not_read_his_answers_keeps_no_socket_open() -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async def main() -> None:
        before = descriptors()
        async with Exchange(market=Market(seed=1, start_ms=1_767_225_600_000)) as exchange:
            port = int(exchange.url.rpartition(":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_000)
            path = "/v5/market/orderbook?category=linear&symbol=BTCUSDT&limit=1000"
            for _ in range(400):  # more than the buffers of both ends have room for
                writer.write(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            assert await reader.read(1)
            while len(exchange.calls) < 400:
                known = len(exchange.calls)
                await asyncio.sleep(0.2)
                if len(exchange.calls) == known:
                    break  # it waits until something is read
            assert len(exchange.calls) < 400
        writer.transport.abort()
        await asyncio.sleep(0)
        assert descriptors() == before

    run(main())
