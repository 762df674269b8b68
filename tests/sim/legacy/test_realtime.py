"""The legacy socket as a client meets it."""

from __future__ import annotations

import gc
import json
import re
import weakref
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from rxbybit.sim import (
    Corrupt,
    Cut,
    Delay,
    Duplicate,
    Exchange,
    Ignore,
    Mute,
    NoPong,
    Recording,
    Refuse,
    Reorder,
    Restart,
    Silence,
    Skip,
    SkipUpdate,
    WithholdAck,
    WithholdSnapshot,
)
from rxbybit.sim.market import Delisting, Listing
from tests.sim.clock import Clock, passes
from tests.sim.legacy.talk import HOLDER, KEY, LegacyBook, market, of_topic, realtime, signed
from tests.sim.market.journal import small
from tests.sim.peer import Peer, connected, frame, run, until_pong

BOOK = "orderBookL2_25.BTCUSD"


async def asks(peer: Peer, op: str, *args: object) -> dict:
    reply = await peer.ask(op=op, args=args)
    assert reply["request"] == {"op": op, "args": list(args)}
    return reply


def topics(frames: list[str]) -> list[str]:
    return [json.loads(one)["topic"] for one in frames]


def test_acknowledgements_and_pong() -> None:
    async def main() -> None:
        async with Exchange(market=market(), clock=Clock()) as exchange, realtime(exchange) as peer:
            assert exchange.environment.legacy == f"{exchange.url}/realtime".replace("http", "ws")
            ack = await asks(peer, "subscribe", "trade.BTCUSD|ETHUSD", "liquidation")
            (link,) = exchange.links
            assert (link.category, link.conn_id) == ("legacy", ack["conn_id"])
            assert [len(part) for part in link.conn_id.split("-")] == [8, 4, 4, 4, 12]
            assert list(ack) == ["success", "ret_msg", "conn_id", "request"]
            assert (ack["success"], ack["ret_msg"]) == (True, "")
            pong = await peer.ask(op="ping")
            assert pong == ack | {"ret_msg": "pong", "request": {"op": "ping", "args": None}}
            assert link.subscriptions == ("trade.BTCUSD", "trade.ETHUSD", "liquidation.*")
            assert exchange.subscriptions == dict.fromkeys(link.subscriptions, 1)
            refused = await asks(peer, "subscribe", "trade.NOPE")
            assert refused["ret_msg"] == "error:handler not found,topic:trade.NOPE"
            assert [request.args for request in exchange.requests] == [
                ("trade.BTCUSD|ETHUSD", "liquidation"),
                (),
                ("trade.NOPE",),
            ]
            assert [(c.category, c.status) for c in exchange.connects] == [("legacy", 101)]

    run(main())


def test_filters_let_through_what_they_name() -> None:
    async def main() -> None:
        clock = Clock()
        async with Exchange(market=market(), clock=clock) as exchange, realtime(exchange) as peer:

            async def hears() -> set[str]:
                await passes(exchange, clock, 10_000)
                return set(topics(await until_pong(peer)))

            btc, eth, dated = (f"trade.{s}" for s in ("BTCUSD", "ETHUSD", "BTCUSDH26"))
            await asks(peer, "subscribe", "trade.BTCUSD|BTCUSDH26")
            assert await hears() == {btc, dated}
            await asks(peer, "subscribe", "trade.*")
            assert await hears() == {btc, eth, dated}
            await asks(peer, "unsubscribe", "trade.BTCUSD")
            assert await hears() == {btc, eth, dated}
            await asks(peer, "unsubscribe", "trade")
            assert await hears() == {dated}
            assert exchange.subscriptions == {"trade.BTCUSDH26": 1}
            await asks(peer, "unsubscribe", "trade.BTCUSDH26")
            assert await hears() == set()
            await asks(peer, "subscribe", "trade.ETHUSD")
            assert await hears() == {eth}

    run(main())


def test_a_frame_comes_once_however_many_filters_let_it_through() -> None:
    async def main() -> None:
        clock = Clock()
        async with Exchange(market=market(), clock=clock) as exchange, realtime(exchange) as peer:
            await asks(peer, "subscribe", "trade.BTCUSD", "trade")
            await passes(exchange, clock, 20_000)
            frames = of_topic(await until_pong(peer), "trade.BTCUSD")
            ids = [trade["trade_id"] for content in frames for trade in content["data"]]
            assert len(ids) == len(set(ids)) > 20

    run(main())


def test_every_subscription_begins_with_a_snapshot() -> None:
    async def main() -> None:
        clock = Clock()
        async with Exchange(market=market(), clock=clock) as exchange, realtime(exchange) as peer:
            await asks(peer, "subscribe", BOOK)
            heard = await until_pong(peer)
            for op, arg in (
                ("subscribe", "orderBookL2_25.*"),
                ("unsubscribe", "orderBookL2_25.*"),
                ("subscribe", "orderBookL2_25"),
            ):
                await passes(exchange, clock, 3_000)
                heard += await until_pong(peer)
                await asks(peer, op, arg)
                heard += await until_pong(peer)
            frames = of_topic(heard, BOOK)
            assert [f["type"] for f in frames].count("snapshot") == 3
            rebuilt = None
            for content in frames:
                if content["type"] == "snapshot":
                    fresh = LegacyBook(content)
                    assert rebuilt is None or fresh.sizes == rebuilt.sizes
                    rebuilt = fresh
                elif rebuilt is not None:
                    rebuilt.apply(content)
            eth = of_topic(heard, "orderBookL2_25.ETHUSD")
            assert [f["type"] for f in eth].count("snapshot") == 2

    run(main())


def test_links_that_share_a_topic_do_not_take_it_from_each_other() -> None:
    async def main() -> None:
        clock = Clock()
        async with (
            Exchange(market=market(), clock=clock) as exchange,
            realtime(exchange) as one,
            realtime(exchange) as other,
        ):
            await asks(one, "subscribe", "trade.*")
            await asks(other, "subscribe", "trade.BTCUSD")
            await one.websocket.close()
            await exchange.until(lambda: len(exchange.links) == 1)
            await passes(exchange, clock, 5_000)
            assert set(topics(await until_pong(other))) == {"trade.BTCUSD"}

    run(main())


def test_nothing_is_built_that_nobody_hears() -> None:
    async def main() -> None:
        pure = market()
        pit = pure.pits["inverse", "BTCUSD"]
        before = pit.book.bids.changed, pit.tape.hearers
        async with (
            Exchange(market=pure, clock=Clock()) as exchange,
            realtime(exchange) as one,
            realtime(exchange) as other,
        ):
            for peer in (one, other):
                await asks(peer, "subscribe", "trade", BOOK)
            await until_pong(one)
            assert (len(pit.book.bids.changed), len(pit.tape.hearers)) == (1, 1)
            await asks(one, "unsubscribe", "trade", BOOK)
            assert (len(pit.book.bids.changed), len(pit.tape.hearers)) == (1, 1)
            links = [weakref.ref(link) for link in exchange.links]
            await other.websocket.close()
            await exchange.until(lambda: len(exchange.links) == 1)
            assert (pit.book.bids.changed, pit.tape.hearers) == before
            await asks(one, "subscribe", "trade")
            assert len(pit.tape.hearers) == 1
            await one.websocket.close()
            await exchange.until(lambda: gone(links))
            assert (pit.book.bids.changed, pit.tape.hearers) == before

    run(main())


def test_a_wildcard_follows_listings_and_delistings() -> None:
    listed = Listing(after_ms=5_017, instrument=small(symbol="SOLUSD", base="SOL"))
    ended = Delisting(after_ms=9_001, category="inverse", symbol="ETHUSD")
    linear = Listing(after_ms=5_000, instrument=small("linear", "SOLUSDT"))
    second = Listing(after_ms=6_000, instrument=small(symbol="BTCUSDZ26"))

    async def main() -> None:
        clock = Clock()
        script = (listed, ended, linear, second)
        async with (
            Exchange(market=market(script=script), clock=clock) as exchange,
            realtime(exchange) as peer,
            realtime(exchange) as narrow,
        ):
            kinds = ("trade", "orderBookL2_25.*", "instrument_info.100ms", "insurance")
            await asks(peer, "subscribe", *kinds)
            await asks(narrow, "subscribe", "trade.BTCUSD")
            await until_pong(peer)
            refused = await asks(peer, "subscribe", "liquidation.SOLUSD")
            assert "handler not found" in refused["ret_msg"]
            await passes(exchange, clock, 5_000)
            assert not any("SOL" in topic for topic in topics(await until_pong(peer)))
            await passes(exchange, clock, 4_000)
            heard = await until_pong(peer)
            book = of_topic(heard, "orderBookL2_25.SOLUSD")
            assert [content["type"] for content in book[:2]] == ["snapshot", "delta"]
            rebuilt = LegacyBook(book[0])
            for delta in book[1:]:
                rebuilt.apply(delta)
            assert of_topic(heard, "instrument_info.100ms.SOLUSD")[0]["type"] == "snapshot"
            assert of_topic(heard, "insurance.SOL")[0]["data"][0]["wallet_balance"] == 10**11
            assert of_topic(heard, "trade.SOLUSD")
            assert of_topic(heard, "orderBookL2_25.BTCUSDZ26")
            assert of_topic(heard, "insurance.BTC") == []  # a pool of it was heard of before
            assert (await asks(peer, "subscribe", "liquidation.SOLUSD"))["success"]
            await passes(exchange, clock, 1_000)
            await until_pong(peer)
            await passes(exchange, clock, 3_000)
            assert not any("ETH" in topic for topic in topics(await until_pong(peer)))
            refused = await asks(peer, "subscribe", "liquidation.ETHUSD")
            assert "handler not found" in refused["ret_msg"]
            assert set(topics(await until_pong(narrow))) == {"trade.BTCUSD"}

    run(main())


def test_data_first() -> None:
    async def main() -> None:
        clock = Clock()
        async with (
            Exchange(market=market(), clock=clock, data_first=True) as exchange,
            realtime(exchange) as peer,
        ):
            await peer.say(op="subscribe", args=[BOOK])
            assert json.loads(await peer.text())["type"] == "snapshot"
            while "request" not in (heard := await peer.text()):
                assert json.loads(heard)["topic"] == BOOK
            assert json.loads(heard)["request"]["args"] == [BOOK]

    run(main())


def test_frames_by_hand_reach_wildcards() -> None:
    async def main() -> None:
        async with Exchange(market=market(), clock=Clock()) as exchange, realtime(exchange) as peer:
            await asks(peer, "subscribe", "trade.*")
            assert await exchange.send("trade.BTCUSD", "mine", category="legacy") == 1
            assert await exchange.send("trade.BTCUSD", "not", category="inverse") == 0
            assert await exchange.send(BOOK, "nor this") == 0
            assert await peer.text() == "mine"

    run(main())


def gone(links: list[weakref.ref]) -> bool:
    gc.collect()
    return not any(link() for link in links)


TRADE = "trade.BTCUSD"


def played(*faults, topic: str = BOOK, ms: int = 4_000) -> tuple[list[str], list[str]]:
    """What comes of a topic without the faults, and with them."""

    async def heard(*these) -> list[str]:
        clock = Clock()
        async with (
            Exchange(market=market(), clock=clock, faults=these) as exchange,
            realtime(exchange) as peer,
        ):
            await asks(peer, "subscribe", topic)
            frames = await until_pong(peer)
            await passes(exchange, clock, ms)
            return frames + await until_pong(peer)

    return run(heard()), run(heard(*faults))


@pytest.mark.parametrize(
    ("fault", "spoil"),
    [
        (Skip(topic=BOOK, nth=3), lambda f: f[:2] + f[3:]),
        (Duplicate(topic=BOOK, nth=3), lambda f: [*f[:3], f[2], *f[3:]]),
        (Reorder(topic=BOOK, nth=3), lambda f: [*f[:2], f[3], f[2], *f[4:]]),
        (Mute(topic=BOOK, nth=2, frames=3), lambda f: f[:1] + f[4:]),
        (Corrupt(topic=BOOK, nth=2), lambda f: [f[0], f[1][: len(f[1]) // 2], *f[2:]]),
        (SkipUpdate(topic=BOOK, nth=2), lambda f: f[:2] + f[3:]),
        (WithholdSnapshot(topic=BOOK), lambda f: f[1:]),
        (WithholdSnapshot(), lambda f: f[1:]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_faults_of_frames(fault, spoil) -> None:
    clean, spoiled = played(fault)
    assert len(clean) > 10
    assert spoiled == spoil(clean)


def test_a_ticker_can_lose_its_snapshot_too() -> None:
    clean, spoiled = played(WithholdSnapshot(), topic="instrument_info.100ms.BTCUSD")
    assert len(clean) > 10
    assert spoiled == clean[1:]


def test_a_wildcard_is_spoiled_topic_by_topic() -> None:
    clean, spoiled = played(Skip(topic=TRADE, nth=2), topic="trade.*")
    second = [one for one in clean if json.loads(one)["topic"] == TRADE][1]
    assert spoiled == [one for one in clean if one != second]


def test_what_waits_to_change_places_goes_with_its_wildcard() -> None:
    async def main() -> None:
        clock = Clock()
        faults = (Reorder(topic=BOOK, nth=1),)
        async with (
            Exchange(market=market(), clock=clock, faults=faults) as exchange,
            realtime(exchange) as peer,
        ):
            await asks(peer, "subscribe", "orderBookL2_25.*")
            assert BOOK not in topics(await until_pong(peer))
            await asks(peer, "unsubscribe", "orderBookL2_25.*")
            await asks(peer, "subscribe", BOOK)
            assert len(await until_pong(peer)) == 1

    run(main())


def test_delay() -> None:
    async def main() -> None:
        clock = Clock()
        faults = (Delay(topic=BOOK, nth=1, seconds=5.0),)
        async with (
            Exchange(market=market(), clock=clock, faults=faults) as exchange,
            realtime(exchange) as peer,
        ):
            await asks(peer, "subscribe", BOOK)
            await passes(exchange, clock, 4_900)
            assert await until_pong(peer) == []
            clock.ms += 200
            assert json.loads(await peer.text())["type"] == "snapshot"

    run(main())


def test_faults_of_links() -> None:
    async def main() -> None:
        clock = Clock()
        faults = (Refuse(status=429, category="legacy"), Cut(how="fin", after=4))
        async with Exchange(market=market(), clock=clock, faults=faults) as exchange:
            async with connected(exchange, "inverse") as peer:
                await peer.hears_nothing()
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with realtime(exchange):
                    pass
            assert refused.value.status == 429
            async with realtime(exchange) as peer:
                await asks(peer, "subscribe", "orderBookL2_25")
                await passes(exchange, clock, 1_000)
                heard, last = await peer.rest()
                assert (len(heard), last.type) == (4, aiohttp.WSMsgType.CLOSED)
            exchange.faults.add(NoPong(), Ignore(op="unsubscribe"), WithholdAck())
            async with realtime(exchange) as peer:
                await peer.say(op="ping")
                await peer.say(op="subscribe", args=["trade"])
                await peer.say(op="unsubscribe", args=["trade"])
                refused = await asks(peer, "subscribe", "trade")
                assert "already subscribed" in refused["ret_msg"]
                await exchange.release_acks()
                assert json.loads(await peer.text())["request"]["args"] == ["trade"]
                exchange.faults.add(Silence(after=0))
                await exchange.until(lambda: exchange.links[0].silent)
                exchange.links[0].cut("rst")

    run(main())


def test_a_restart_of_the_books_is_a_snapshot() -> None:
    async def main() -> None:
        clock = Clock()
        async with (
            Exchange(market=market(), clock=clock) as exchange,
            realtime(exchange) as peer,
            connected(exchange, "inverse") as other,
        ):
            await asks(peer, "subscribe", BOOK)
            await other.subscribe("orderbook.50.BTCUSD")
            rebuilt = LegacyBook(of_topic(await until_pong(peer), BOOK)[0])
            exchange.faults.add(Restart(category="legacy", after=3))
            await passes(exchange, clock, 2_000)
            snapshots = 0
            for content in of_topic(await until_pong(peer), BOOK):
                if content["type"] == "snapshot":
                    snapshots += 1
                    assert LegacyBook(content).sizes == rebuilt.sizes
                else:
                    rebuilt.apply(content)
            assert snapshots == 1
            assert '"u":1,' in "".join(await until_pong(other))

    run(main())


def test_the_same_seed_gives_the_same_bytes() -> None:
    async def heard(seed: int) -> list[str]:
        clock = Clock()
        options = {"market": market(seed), "clock": clock, "seed": seed}
        async with Exchange(**options) as exchange, realtime(exchange) as peer:
            kinds = ["trade", "orderBookL2_25", "orderBook_200.100ms", "instrument_info.100ms"]
            await peer.say(op="subscribe", args=[*kinds, "klineV2.1", "liquidation", "insurance"])
            frames = await until_pong(peer)
            for _ in range(6):
                await passes(exchange, clock, 5_000)
                frames += await until_pong(peer)
            return frames

    first = run(heard(1))
    assert len(first) > 1_000
    assert run(heard(1)) == first
    assert run(heard(2))[0] != first[0]


def test_connection_ids_of_v5_do_not_depend_on_legacy_links() -> None:
    async def ids(*, legacy: bool) -> str:
        async with Exchange(seed=3) as exchange:
            if legacy:
                async with realtime(exchange) as peer:
                    await peer.hears_nothing()
            async with connected(exchange) as peer:
                return (await peer.subscribe("a"))["conn_id"]

    assert run(ids(legacy=True)) == run(ids(legacy=False))


def test_without_a_market_there_are_no_topics() -> None:
    async def main() -> None:
        async with Exchange() as exchange, realtime(exchange) as peer:
            refused = await asks(peer, "subscribe", "trade.BTCUSD")
            assert refused["ret_msg"] == "error:handler not found,topic:trade.BTCUSD"
            assert (await asks(peer, "subscribe", "trade.*"))["success"]

    run(main())


RECORDED = "capture_inverse execution instrument_info insurance kline linear_sibling liquidation"
RECORDED += " order order_book_200 order_book_25 position stop_order trade wallet"


@pytest.mark.parametrize("name", RECORDED.split())
@pytest.mark.parametrize("pace", ["at_once", "ts"])
def test_captures_are_served_byte_for_byte(frames: Path, name: str, pace: str) -> None:
    path = frames / "legacy" / f"{name}.jsonl"
    lines = [line for line in path.read_bytes().split(b"\n") if b'"topic"' in line]
    lines = [line for line in lines if "topic" in json.loads(line)]
    named = {json.loads(line)["topic"] for line in lines}
    wanted = sorted({re.sub(r"\.[^.]+$", ".*", topic) for topic in named})
    assert lines

    async def main() -> None:
        # Some files join captures of different years: at such a speed they are seconds apart.
        speed = 1e11 if pace == "ts" else 1.0
        recording = Recording.read(path, pace=pace, speed=speed)  # type: ignore[arg-type]
        recording.hold_until = recording.topics
        known: dict[str, Any] = {"market": market(), "accounts": (HOLDER,)}
        async with (
            Exchange({"legacy": recording}, clock=(clock := Clock()), **known) as exchange,
            realtime(exchange, decode_text=False) as peer,
        ):
            args = [KEY, clock.ms + 1, signed(clock.ms + 1)]
            assert (await peer.ask(op="auth", args=args))["success"]
            await peer.say(op="subscribe", args=wanted)
            heard: list[bytes] = []
            while len(heard) < len(lines):
                message = (await peer.message()).data
                if b'"request"' not in message:
                    heard.append(message)
            assert heard == lines

    run(main())


def test_the_pace_of_a_recording_is_that_of_its_microseconds() -> None:
    def at(micros: int) -> str:
        return json.dumps({"topic": "klineV2.1.X", "data": [], "timestamp_e6": micros})

    frames = [at(5_000_000), at(5_250_999), frame("trade.X")]
    assert [one.sent_ms for one in Recording(frames).frames][:2] == [5_000, 5_250]


def test_a_recording_passes_over_what_no_filter_lets_through() -> None:
    async def main() -> None:
        texts = [json.dumps({"topic": f"trade.{s}", "data": []}) for s in "ABCAB"]
        recording = Recording(texts, hold_until=["trade.A", "trade.B"])
        async with Exchange({"legacy": recording}) as exchange, realtime(exchange) as peer:
            await asks(peer, "subscribe", "trade.A")
            await peer.hears_nothing()
            await asks(peer, "subscribe", "trade.B")
            assert await peer.texts(4) == [texts[0], texts[1], texts[3], texts[4]]
            refused = await asks(peer, "subscribe", "trade.Z")
            assert "handler not found" in refused["ret_msg"]

    run(main())
