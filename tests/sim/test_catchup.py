"""A late subscription begins with a snapshot of where the recording stands."""

from __future__ import annotations

import json

import pytest

from rxbybit.sim import Exchange, Recording, Silence
from rxbybit.sim.catchup import snapshot_at
from tests.sim.peer import connected, run
from tests.sim.test_demo_recording import SYMBOLS, books, of

DEMO = Recording.demo(pace="at_once", loop=False)


def line(topic: str, kind: str, data: object, **more: object) -> str:
    return json.dumps({"topic": topic, "type": kind, "ts": 1, "data": data} | more)


BOOK = "orderbook.50.A"
BOOK_FRAMES = [
    line(BOOK, "snapshot", {"s": "A", "b": [["9", "1"]], "a": [["11", "1"]], "u": 1, "seq": 1}),
    line(
        BOOK,
        "snapshot",
        {"s": "A", "b": [["9.5", "1"], ["8", "2"]], "a": [["11", "1"]], "u": 4, "seq": 5},
    ),
    line("publicTrade.A", "snapshot", []),
    line(
        BOOK,
        "delta",
        {"s": "A", "b": [["9.50", "0"], ["8", "3"], ["7", "1"]], "a": [["10", "2"]]}
        | {"u": 5, "seq": 7},
        cts=2,
    ),
]


def test_a_book_is_its_last_snapshot_with_the_deltas_since() -> None:
    recording = Recording(BOOK_FRAMES)
    made = json.loads(snapshot_at(recording.frames, 4, BOOK) or b"")
    assert made == {
        "topic": BOOK,
        "type": "snapshot",
        "ts": 1,
        "data": {
            "s": "A",
            "b": [["8", "3"], ["7", "1"]],
            "a": [["10", "2"], ["11", "1"]],
            "u": 5,
            "seq": 7,
        },
        "cts": 2,
    }
    before = json.loads(snapshot_at(recording.frames, 3, BOOK) or b"")
    assert before == json.loads(BOOK_FRAMES[1])
    assert snapshot_at(recording.frames, 0, BOOK) is None
    assert snapshot_at(recording.frames, 4, "publicTrade.A") is None
    assert snapshot_at(recording.frames[3:], 1, BOOK) is None


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_demo_at_any_place(symbol: str) -> None:
    frames = [json.loads(frame.raw) for frame in DEMO.frames]
    topic = f"orderbook.50.{symbol}"
    places = [place for place, frame in enumerate(frames, 1) if frame["topic"] == topic]
    together = zip(places, books(frames, symbol), strict=True)
    for place, (frame, bids, asks) in together:
        if frame["data"]["u"] % 40:
            continue
        made = json.loads(snapshot_at(DEMO.frames, place, topic) or b"")
        assert {price for price, _ in made["data"]["b"]} == {str(price) for price in bids}
        assert {price for price, _ in made["data"]["a"]} == {str(price) for price in asks}
        assert made["data"]["u"] == frame["data"]["u"]
    state: dict[str, str] = {}
    for frame in of(frames, f"tickers.{symbol}"):
        state |= frame["data"]
    made = json.loads(snapshot_at(DEMO.frames, len(frames), f"tickers.{symbol}") or b"")
    assert (made["type"], made["data"]) == ("snapshot", state)
    assert made["cs"] == of(frames, f"tickers.{symbol}")[-1]["cs"]


@pytest.mark.parametrize("data_first", [False, True])
def test_a_topic_subscribed_in_the_middle(data_first: bool) -> None:
    async def main() -> None:
        recording = Recording(BOOK_FRAMES, snapshots=True)
        async with (
            Exchange({"linear": recording}, data_first=data_first) as exchange,
            connected(exchange) as peer,
        ):
            await peer.say(op="subscribe", args=["publicTrade.A"], req_id="r")
            await peer.texts(2)
            for _ in range(2):  # the second time it is subscribed anew
                await peer.say(op="subscribe", args=[BOOK], req_id="late")
                heard = [json.loads(text) for text in await peer.texts(2)]
                made = heard[0 if data_first else 1]
                assert (made["type"], made["data"]["u"]) == ("snapshot", 5)
                await peer.hears_nothing()
                await peer.ask(op="unsubscribe", args=[BOOK], req_id="u")

    run(main())


def test_without_it_nothing_is_made() -> None:
    async def main() -> None:
        async with (
            Exchange({"linear": Recording(BOOK_FRAMES)}) as exchange,
            connected(exchange) as peer,
        ):
            await peer.subscribe("publicTrade.A")
            await peer.text()
            await peer.subscribe(BOOK)
            await peer.hears_nothing()

    run(main())


def test_a_link_that_continues() -> None:
    async def main() -> None:
        recording = Recording(BOOK_FRAMES, snapshots=True, resume="continue")
        async with Exchange({"linear": recording}) as exchange:
            async with connected(exchange) as peer:
                await peer.subscribe(BOOK)
                assert await peer.texts(3) == [BOOK_FRAMES[i] for i in (0, 1, 3)]
            async with connected(exchange) as peer:
                await peer.subscribe("publicTrade.A", BOOK)
                assert json.loads(await peer.text())["data"]["u"] == 5
                await peer.hears_nothing()

    run(main())


def test_from_the_start_every_byte_is_the_recordings() -> None:
    async def main() -> None:
        recording = Recording(BOOK_FRAMES, snapshots=True)
        async with Exchange({"linear": recording}) as exchange, connected(exchange) as peer:
            await peer.subscribe(BOOK, "publicTrade.A")
            assert await peer.texts(4) == BOOK_FRAMES
            await peer.hears_nothing()

    run(main())


def test_what_was_read_before_the_silence_is_not_answered() -> None:
    async def main() -> None:
        recording = Recording(BOOK_FRAMES, snapshots=True, resume="continue")
        async with Exchange({"linear": recording}) as exchange:
            async with connected(exchange) as peer:
                await peer.subscribe("publicTrade.A")
                await peer.text()
            exchange.faults.add(Silence(after=1))
            async with connected(exchange) as peer:
                await peer.say(op="subscribe", args=[BOOK])
                await peer.say(op="ping")  # in the same read as the request before it
                await peer.texts(2)
                with pytest.raises(TimeoutError):
                    await peer.websocket.receive(timeout=0.1)
                assert [request.op for request in exchange.requests] == ["subscribe"] * 2

    run(main())
