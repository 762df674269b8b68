"""The market behind the sockets, by a clock that the test moves."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from rxbybit.config import Category
from rxbybit.sim import Exchange, Market, Recording, serve_in_thread
from rxbybit.sim.market import Delisting, Listing
from tests.sim.clock import Clock, market, passes, text
from tests.sim.market.journal import START_MS, small
from tests.sim.peer import Peer, connected, frame, run, until_pong

TOPICS = ["orderbook.50.BTCUSD", "publicTrade.BTCUSD", "tickers.BTCUSD", "kline.1.BTCUSD"]


def expected(topics: Sequence[str], ms: int, category: Category = "inverse") -> list[str]:
    """What the market itself says: the snapshots, then all that comes."""
    pure = market()
    for topic in topics:
        pure.want(category, topic)
    snapshots = [pure.snapshot(category, topic) for topic in topics]
    pushes = [push.content for push in pure.advance(START_MS + ms)]
    return [text(content) for content in (*filter(None, snapshots), *pushes)]


def numbers(frames: Sequence[str], topic: str) -> list[tuple[str, int]]:
    contents = [json.loads(one) for one in frames]
    return [(c["type"], c["data"]["u"]) for c in contents if c["topic"] == topic]


@pytest.mark.parametrize("steps", [[60_000], [10] * 100 + [1_000] * 59], ids=["stall", "steps"])
def test_a_link_gets_what_the_market_says_and_nothing_else(steps: list[int]) -> None:
    async def main() -> None:
        clock = Clock()
        async with (
            Exchange(market=market(), clock=clock) as exchange,
            connected(exchange, "inverse") as peer,
        ):
            assert (await peer.subscribe(*TOPICS))["success"]
            heard = await until_pong(peer)
            for step in steps:
                await passes(exchange, clock, step)
                heard += await until_pong(peer)
            assert exchange.market is not None
            assert exchange.market.now_ms == START_MS + 60_000
            assert heard == expected(TOPICS, 60_000)
            assert len(heard) > 1_000
            assert exchange.links[0].sent == len(heard)

    run(main())


def test_speed_is_market_time_by_clock_time() -> None:
    async def main() -> None:
        clock = Clock()
        pure = market()
        exchange = Exchange(market=pure, clock=clock, speed=2.5)
        clock.ms += 60_000
        list(pure.advance(START_MS + 7))
        async with exchange:
            assert pure.now_ms == START_MS + 7
            await passes(exchange, clock, 1_000)
            assert pure.now_ms == START_MS + 2_507
            clock.ms -= 500
            await asyncio.sleep(0.05)
            assert pure.now_ms == START_MS + 2_507
            await passes(exchange, clock, 500)
            await passes(exchange, clock, 2)
            assert pure.now_ms == START_MS + 2_512

    run(main())


@pytest.mark.parametrize(("ahead_ms", "first_ms"), [(700, 700), (-700, 0)], ids=["late", "early"])
def test_a_market_that_is_on_time_begins_where_the_clock_is(ahead_ms: int, first_ms: int) -> None:
    async def main() -> None:
        clock = Clock()
        clock.ms = START_MS + ahead_ms
        pure = market()
        async with Exchange(market=pure, clock=clock, on_time=True, speed=2) as exchange:
            assert pure.now_ms == START_MS + first_ms
            await passes(exchange, clock, 1_000)
            assert pure.now_ms == START_MS + first_ms + 2_000

    run(main())


def test_the_clock_of_the_computer_moves_it_too() -> None:
    async def main() -> None:
        pure = market()
        async with Exchange(market=pure, speed=100) as exchange:
            await exchange.until(lambda: pure.now_ms > START_MS + 30_000, timeout_s=15)

    run(main())


def test_links_that_come_at_different_times() -> None:
    topic = "orderbook.200.BTCUSD"

    async def main() -> None:
        clock = Clock()
        async with (
            Exchange(market=market(), clock=clock) as exchange,
            connected(exchange, "inverse") as early,
            connected(exchange, "inverse") as late,
        ):
            await early.subscribe(topic)
            heard = []
            for step in (3_017, 30, 5_000):
                await passes(exchange, clock, step)
                heard += await until_pong(early)
            await late.subscribe(topic)
            since = await until_pong(late)
            await passes(exchange, clock, 5_000)
            heard += (rest := await until_pong(early))
            since += (same := await until_pong(late))
            assert same == rest
            for frames in (heard, since):
                kinds, us = zip(*numbers(frames, topic), strict=True)
                assert kinds == ("snapshot", *["delta"] * (len(us) - 1))
                assert us == tuple(range(us[0], us[0] + len(us)))
            assert len(since) > 20
            assert book_of(heard) == book_of(since)

    run(main())


def book_of(frames: Sequence[str]) -> dict[str, dict[str, str]]:
    book: dict[str, dict[str, str]] = {"b": {}, "a": {}}
    for content in map(json.loads, frames):
        for side, held in book.items():
            held.update(content["data"][side])
            book[side] = {price: size for price, size in held.items() if size != "0"}
    return book


def test_what_nobody_hears_is_not_built() -> None:
    topic = "orderbook.50.BTCUSD"

    async def main() -> None:
        clock = Clock()
        pure = market()
        async with (
            Exchange(market=pure, clock=clock) as exchange,
            connected(exchange, "inverse") as one,
        ):
            assert pure.snapshot("inverse", topic) is None
            async with connected(exchange, "inverse") as two:
                await one.subscribe(topic)
                await two.subscribe(topic)
                await one.ask(op="unsubscribe", args=[topic])
                assert pure.snapshot("inverse", topic) is not None
                await until_pong(one)
                await passes(exchange, clock, 1_000)
                assert await until_pong(one) == []
                last = (await until_pong(two))[-1]
            await exchange.until(lambda: pure.snapshot("inverse", topic) is None)
            await passes(exchange, clock, 1_000)
            await one.subscribe(topic)
            (again,) = await until_pong(one)
            assert numbers([again], topic) == [
                ("snapshot", json.loads(last)["data"]["u"] + 1),
            ]
            (link,) = exchange.links
            link.silence()
            assert pure.snapshot("inverse", topic) is None
            link.cut()

    run(main())


def test_listings_and_delistings() -> None:
    script = (
        Listing(after_ms=5_000, instrument=small(symbol="ETHUSD", base="ETH")),
        Delisting(after_ms=10_000, category="inverse", symbol="BTCUSD"),
    )

    async def main() -> None:
        clock = Clock()
        pure = market(script=script)
        async with (
            Exchange(market=pure, clock=clock) as exchange,
            connected(exchange, "inverse") as peer,
        ):
            new, old = "publicTrade.ETHUSD", "publicTrade.BTCUSD"
            refused = "error:handler not found,topic:"
            assert (await peer.subscribe(new, old))["ret_msg"] == refused + new
            assert (await peer.subscribe(old))["success"]
            await passes(exchange, clock, 5_000)
            assert {json.loads(one)["topic"] for one in await until_pong(peer)} == {old}
            assert (await peer.subscribe(new))["success"]
            await passes(exchange, clock, 5_000)
            assert {json.loads(one)["topic"] for one in await until_pong(peer)} == {old, new}
            await passes(exchange, clock, 5_000)
            assert {json.loads(one)["topic"] for one in await until_pong(peer)} == {new}
            assert (await peer.subscribe("tickers.BTCUSD"))["ret_msg"].startswith(refused)
            assert (await peer.ask(op="unsubscribe", args=[old]))["success"]
            assert (await peer.subscribe(old))["ret_msg"] == refused + old
            assert exchange.subscriptions == {new: 1}

    run(main())


def narrow(peer: Peer, exchange: Exchange) -> None:
    """The network between them holds a few KiB, and the peer does not read."""
    (link,) = exchange.links
    server = link._outlet._transport.get_extra_info("socket")
    server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    assert peer.websocket._response.connection is not None
    transport = peer.websocket._response.connection.transport
    assert transport is not None
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    transport.pause_reading()  # type: ignore[attr-defined]


def test_a_slow_reader_delays_nobody_and_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rxbybit.sim.link.BUFFER_LIMIT", 200_000)

    async def main() -> None:
        clock = Clock()
        async with (
            Exchange(market=market(), clock=clock) as exchange,
            connected(exchange, "inverse") as slow,
        ):
            await slow.subscribe(*TOPICS)
            narrow(slow, exchange)
            (link,) = exchange.links
            async with connected(exchange, "inverse") as quick:
                await quick.subscribe(*TOPICS)
                heard = await until_pong(quick)
                passed = 0
                while not link.closed:
                    assert passed < 1_200_000
                    await passes(exchange, clock, 10_000)
                    passed += 10_000
                    heard += await until_pong(quick)
                assert heard == expected(TOPICS, passed)
                assert exchange.links == (exchange.links[0],) != (link,)
                assert link.sent > 300

    run(main())


def test_a_recording_for_one_category_and_the_market_for_the_others() -> None:
    async def main() -> None:
        clock = Clock()
        recording = Recording([frame("a")])
        async with (
            Exchange({"linear": recording}, market=market(), clock=clock) as exchange,
            connected(exchange, "linear") as linear,
            connected(exchange, "spot") as spot,
        ):
            assert not (await linear.subscribe("publicTrade.BTCUSDT"))["success"]
            await linear.subscribe("a")
            assert await linear.text() == frame("a")
            assert (await spot.subscribe("publicTrade.BTCUSDT"))["success"]
            await passes(exchange, clock, 5_000)
            assert await until_pong(spot) == expected(["publicTrade.BTCUSDT"], 5_000, "spot")
            await linear.hears_nothing()

    run(main())


@pytest.mark.parametrize("topic", ["orderbook.50.BTCUSD", "insurance.inverse"])
def test_data_first(topic: str) -> None:
    async def main() -> None:
        clock = Clock()
        async with (
            Exchange(market=market(), clock=clock, data_first=True) as exchange,
            connected(exchange, "inverse") as peer,
        ):
            await peer.say(op="subscribe", args=[topic], req_id="x")
            heard = [json.loads(one) for one in await peer.texts(2)]
            assert [one.get("topic") for one in heard] == [topic, None]
            assert heard[1]["req_id"] == "x"

    run(main())


def test_a_market_on_a_thread() -> None:
    with serve_in_thread(market=market(), speed=20) as served:

        async def client() -> list[dict[str, Any]]:
            async with connected(served.exchange, "spot") as peer:
                await peer.subscribe("orderbook.50.BTCUSDT")
                return [json.loads(one) for one in await peer.texts(50)]

        heard = run(client())
        assert all(a["data"]["u"] + 1 == b["data"]["u"] for a, b in pairwise(heard))
        served.until(lambda: served.links == ())


def test_wrong_speed() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Exchange(market=market(), speed=0)


def test_the_death_of_the_market_is_told() -> None:
    class Mortal(Market):
        def advance(self, to_ms: int):
            raise ZeroDivisionError("dead")

    async def main() -> None:
        told: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        exchange = Exchange(market=Mortal(start_ms=START_MS))
        await exchange.start()
        await exchange.until(lambda: bool(told))
        assert told[0]["message"] == "the market of the embedded exchange has ended"
        with pytest.raises(ZeroDivisionError, match="dead"):
            await exchange.aclose()

    run(main())
