"""A script of faults on a living market, and faults that the clock alone brings."""

from __future__ import annotations

import json
import time
from contextlib import suppress

import aiohttp
import pytest

from rxbybit.sim import (
    Corrupt,
    Cut,
    Delay,
    Duplicate,
    Exchange,
    Fault,
    Faults,
    Mute,
    Recording,
    Refuse,
    Reorder,
    Restart,
    RestDown,
    Silence,
    Skip,
    SkipUpdate,
    Slow,
    WithholdAck,
    WithholdSnapshot,
    serve_in_thread,
)
from tests.sim.clock import Clock, market, passes
from tests.sim.peer import connected, frame, run, until_pong

BOOK, TRADES = "orderbook.50.BTCUSD", "publicTrade.BTCUSD"
ENDS = (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR)


def updates(frames: list[str]) -> list[int]:
    return [content["data"]["u"] for content in map(json.loads, frames) if content["topic"] == BOOK]


SCRIPT = (
    Restart(at_s=3),
    Cut(at_s=7),
    Skip(topic=TRADES, nth=3, times=3),
    SkipUpdate(topic=BOOK, nth=7, times=2),
    Duplicate(topic=BOOK, nth=9, times=None),
    Reorder(topic=BOOK, nth=12),
    Corrupt(topic=BOOK, nth=15),
    Corrupt(topic=TRADES, at_s=4, how="reversed"),
    Delay(topic=BOOK, nth=20, seconds=3),
    Mute(topic=TRADES, at_s=8, for_s=2),
    WithholdSnapshot(),
)


async def session(*faults: Fault) -> list[str]:
    """All that one client hears of a market in 30 seconds; it comes again when it is cut."""
    clock = Clock()
    heard: list[str] = []
    async with Exchange(market=market(), clock=clock, seed=5, faults=faults) as exchange:
        while clock.ms < Clock().ms + 30_000:
            async with connected(exchange, "inverse") as peer:
                await peer.say(op="subscribe", args=[BOOK, TRADES], req_id="again")
                await exchange.until(lambda: len(exchange.subscriptions) == 2)
                await passes(exchange, clock, 2_500)
                while clock.ms < Clock().ms + 30_000 and exchange.links:
                    await passes(exchange, clock, 2_500)
                if exchange.links:
                    heard += await until_pong(peer)
                else:
                    heard += (await peer.rest())[0]
        assert len(exchange.connects) == 1 + sum(isinstance(fault, Cut) for fault in faults)
    return heard


@pytest.mark.parametrize("times", [1, 2])
def test_a_script_may_be_cleared_while_the_exchange_walks_it(times: int) -> None:
    """A test clears on its own thread, between any two steps of the exchange's."""
    faults = Faults(Cut(times=times))

    def applies(_: Cut) -> bool:
        faults.clear()
        return True

    assert faults.strike(Cut, applies) == Cut(times=times)
    assert faults.pending == ()
    faults.add(Cut())
    assert faults.strike(Cut) == Cut()


def test_the_same_seed_script_and_requests_give_the_same_bytes() -> None:
    first = run(session(*SCRIPT))
    assert first == run(session(*SCRIPT))
    assert len(first) > 300
    unspoiled = run(session())
    assert len(set(first) - set(unspoiled)) > 2
    assert len(set(unspoiled) - set(first)) > 10


def test_a_quiet_link_is_cut_by_the_clock_alone() -> None:
    async def main() -> None:
        recording = Recording([], extra_topics=["a"])
        clock = Clock()
        async with (
            Exchange({"linear": recording}, clock=clock) as exchange,
            connected(exchange) as peer,
        ):
            await peer.subscribe("a")
            exchange.faults.add(Cut(at_s=5, after=0))
            clock.ms += 4_999
            await peer.hears_nothing()
            clock.ms += 1
            assert (await peer.message()).type in ENDS

    run(main())


def test_a_fault_added_from_another_thread_wakes_the_clock() -> None:
    with serve_in_thread({"linear": Recording([], extra_topics=["a"])}) as served:

        async def client() -> None:
            async with connected(served.exchange) as peer:
                await peer.subscribe("a")
                served.faults.add(Silence(at_s=0.001, after=0))
                (link,) = served.links
                served.until(lambda: link.silent)
                served.run(link.cut)

        run(client())
    served.faults.add(Cut(at_s=1))  # nobody is there to be woken


def test_an_outage_of_some_seconds() -> None:
    async def main() -> None:
        clock = Clock()
        outage = Refuse(status=503, at_s=10, for_s=5, times=None)
        async with Exchange({}, clock=clock, faults=(outage,)) as exchange:
            for passed in (9_999, 1, 4_999, 1):
                clock.ms += passed
                with suppress(aiohttp.WSServerHandshakeError):
                    async with connected(exchange):
                        pass
            assert [c.status for c in exchange.connects] == [101, 503, 503, 101]
            assert exchange.faults.pending == ()

    run(main())


def test_rest_is_down() -> None:
    async def main() -> None:
        kline, clock = "/v5/market/kline", "/v5/market/time"
        script = Faults(
            RestDown(path=kline, status=429, retry_after_s=3), RestDown(times=2), Refuse(status=403)
        )
        async with Exchange({}, faults=script) as exchange, aiohttp.ClientSession() as http:
            assert exchange.faults is script

            async def status(path: str, **options) -> tuple[int, str | None]:
                async with http.get(exchange.url + path, **options) as response:
                    return response.status, response.headers.get("Retry-After")

            assert await status("/elsewhere") == (404, None)
            assert await status(clock) == (503, None)
            assert await status(kline) == (429, "3")
            assert await status(kline) == (503, None)
            assert await status(clock) == (200, None)
            assert await status("/v5/public/linear") == (403, None)

    run(main())


def test_a_slow_link_drips() -> None:
    async def main() -> None:
        frames = [frame("a", n=n) for n in range(100)]
        fault = Slow(bytes_per_s=10_000, after=10)
        async with (
            Exchange({"linear": Recording(frames)}, faults=(fault,)) as exchange,
            connected(exchange, autoping=False) as peer,
        ):
            began = time.monotonic()
            await peer.subscribe("a")
            assert await peer.texts(10) == frames[:10]
            await peer.websocket.ping(b"p")
            await peer.say(op="ping")
            assert await peer.texts(90) == frames[10:]
            assert time.monotonic() - began > 0.45  # 90 frames of 60 bytes and more
            pongs = [await peer.message() for _ in range(2)]
            assert {pong.type for pong in pongs} == {
                aiohttp.WSMsgType.PONG,
                aiohttp.WSMsgType.TEXT,
            }
            await exchange.links[0].close(4000)
            assert (await peer.message()).data == 4000

    run(main())


def test_a_link_that_drips_is_closed_between_two_frames() -> None:
    async def main() -> None:
        recording = Recording([], extra_topics=["a"])
        fault = Slow(bytes_per_s=1, after=0)
        async with (
            Exchange({"linear": recording}, faults=(fault,)) as exchange,
            connected(exchange) as peer,
        ):
            await exchange.until(lambda: bool(exchange.links))
            (link,) = exchange.links
            await link.send("in full")
            await link.close(4000)
            assert await peer.text() == "in full"
            assert (await peer.message()).data == 4000

    run(main())


def test_what_waits_to_change_places_is_lost_when_its_topic_is_left() -> None:
    async def main() -> None:
        recording = Recording([], extra_topics=["a"])
        async with (
            Exchange({"linear": recording}, faults=(Reorder(topic="a"),)) as exchange,
            connected(exchange) as peer,
        ):
            await peer.subscribe("a")
            await exchange.send("a", "one")
            await peer.ask(op="unsubscribe", args=["a"])
            await peer.subscribe("a")
            await exchange.send("a", "two")
            assert await peer.text() == "two"
            await peer.hears_nothing()

    run(main())


def test_a_link_that_drips_is_dropped_when_too_much_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rxbybit.sim.link.BUFFER_LIMIT", 50_000)

    async def main() -> None:
        clock = Clock()
        async with (
            Exchange(market=market(), clock=clock, faults=(Slow(),)) as exchange,
            connected(exchange, "inverse") as peer,
            connected(exchange, "inverse") as other,
        ):
            await peer.subscribe(BOOK)
            await other.subscribe(BOOK)
            (link, _) = exchange.links
            passed = 0
            while not link.closed:
                assert passed < 600_000
                await passes(exchange, clock, 10_000)
                passed += 10_000
            us = updates(await until_pong(other))
            assert us == list(range(us[0], us[0] + len(us)))
            assert len(us) > 100

    run(main())


def test_a_delayed_frame_holds_back_what_is_behind_it() -> None:
    async def main() -> None:
        clock = Clock()
        fault = Delay(topic=BOOK, nth=3, seconds=4)
        async with (
            Exchange(market=market(), clock=clock, faults=(fault,)) as exchange,
            connected(exchange, "inverse") as late,
            connected(exchange, "inverse") as other,
        ):
            await late.subscribe(BOOK, TRADES)
            await other.subscribe(BOOK, TRADES)
            await passes(exchange, clock, 3_900)
            heard, same = await until_pong(late), await until_pong(other)
            assert 2 <= len(heard) < len(same)
            await passes(exchange, clock, 99)
            assert await until_pong(late) == []
            await passes(exchange, clock, 4_001)
            assert heard + await until_pong(late) == same + await until_pong(other)

    run(main())


def test_the_books_begin_anew() -> None:
    async def main() -> None:
        clock = Clock()
        async with (
            Exchange(market=market(), clock=clock, faults=(Restart(after=40),)) as exchange,
            connected(exchange, "inverse") as one,
            connected(exchange, "inverse") as two,
            connected(exchange, "spot") as other,
        ):
            for peer in (one, two):
                await peer.subscribe(BOOK, "orderbook.1.BTCUSD")
            await other.subscribe("orderbook.50.BTCUSDT")
            await passes(exchange, clock, 20_000)
            frames = await until_pong(one)
            us = updates(frames)
            again = us.index(1)
            assert us[:again] == list(range(us[0], us[0] + again))
            assert us[again:] == list(range(1, len(us) - again + 1))
            assert len(us) - again > 10
            fresh = next(c for c in map(json.loads, frames) if c["data"]["u"] == 1)
            assert fresh["type"] == "snapshot"
            assert 25 < len(fresh["data"]["b"]) <= 50
            best = [json.loads(text)["data"]["u"] for text in frames if '"orderbook.1.' in text]
            assert 1 in best
            assert frames == await until_pong(two)
            spot = [json.loads(text)["data"]["u"] for text in await until_pong(other)]
            assert 1 not in spot
            exchange.restart("spot")
            await passes(exchange, clock, 5_000)
            assert json.loads((await until_pong(other))[0])["data"]["u"] == 1
            assert 1 not in updates(await until_pong(one))
            exchange.restart()
            await passes(exchange, clock, 5_000)
            assert 1 in updates(await until_pong(one))

    run(main())


def test_a_recording_does_not_begin_anew() -> None:
    async def main() -> None:
        frames = [frame("a", n=n) for n in range(5)]
        recording = Recording(frames)
        faults = (Restart(category="spot"), Restart(after=2))
        async with (
            Exchange({"linear": recording}, faults=faults) as exchange,
            connected(exchange) as peer,
        ):
            await peer.subscribe("a")
            assert await peer.texts(5) == frames
            assert exchange.faults.pending == faults[:1]

    run(main())


def test_acknowledged_late_on_a_market() -> None:
    async def main() -> None:
        clock = Clock()
        faults = (WithholdAck(), WithholdSnapshot(topic=BOOK))
        async with (
            Exchange(market=market(), clock=clock, faults=faults) as exchange,
            connected(exchange, "inverse") as peer,
        ):
            await peer.say(op="subscribe", args=[BOOK], req_id="late")
            await passes(exchange, clock, 5_000)
            heard = await until_pong(peer)
            assert {json.loads(one)["type"] for one in heard} == {"delta"}
            await exchange.release_acks()
            assert json.loads(await peer.text())["req_id"] == "late"

    run(main())
