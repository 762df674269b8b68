"""What a client counts: the numbers, their sums, and reading them from anywhere."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from math import inf
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxbybit import (
    Bybit,
    ConfigurationError,
    Connected,
    Counters,
    DecodeFailed,
    Gap,
    Latency,
    Runtime,
    TopicCounters,
)
from rxbybit.counting import BETWEEN, BOUNDS_MS, Ended, Frames, Tally, added
from rxbybit.pool import Pool
from rxbybit.pools import Pools
from tests.memory import MemoryExchange
from tests.unit.test_client import trade_frame as client_frame
from tests.unit.test_client import wired
from tests.unit.test_pool import Ear, World, book_frame, scenario, trade_frame
from tests.virtual import run, until

TRADES, BOOK = "publicTrade.BTCUSD", "orderbook.50.BTCUSD"


class Stoppable:
    """What a pool's owner looks at of a runtime."""

    stopped = False


def latency(*took_ms: float) -> Latency:
    tally = Tally()
    for ms in took_ms:
        tally.delay(1_000, int((1_000 + ms) * 1e6))
    return tally.shown(Frames(), (), links=0).latency


# the histogram


@pytest.mark.parametrize(
    ("took_ms", "bound"),
    [(-5.0, 1), (0.0, 1), (1.0, 1), (1.5, 2), (2.0, 2), (499.0, 500), (10_000.0, 10_000)],
)
def test_a_delay_counts_under_the_first_bound_that_it_does_not_exceed(
    took_ms: float, bound: int
) -> None:
    found = latency(took_ms)
    assert found.count == 1
    assert found.counts[BOUNDS_MS.index(bound)] == 1
    assert found.sum_ms == took_ms
    assert found.quantile(0.5) == bound


def test_what_exceeds_every_bound_counts_last() -> None:
    found = latency(10_000.5, 3.0)
    assert (found.counts[-1], found.count) == (1, 2)
    assert (found.quantile(0.5), found.quantile(0.51)) == (5, inf)


def test_a_frame_without_a_time_of_the_exchange_is_not_timed() -> None:
    tally = Tally()
    tally.delay(None, 1)
    assert tally.shown(Frames(), (), links=0).latency == Latency()


@given(st.lists(st.floats(-100, 20_000), min_size=1, max_size=200), st.floats(0, 1))
def test_a_quantile_is_the_bound_of_the_value_at_that_rank(
    values: list[float], share: float
) -> None:
    found = latency(*values)
    ordered = sorted(int((1_000 + ms) * 1e6) / 1e6 - 1_000 for ms in values)
    rank = max(1, -int(-(share * len(values) - 1e-9) // 1))
    value = ordered[min(rank, len(ordered)) - 1]
    assert found.quantile(share) == next((b for b in BOUNDS_MS if value <= b), inf)


def test_a_rank_is_not_what_floats_make_of_it() -> None:
    assert 0.07 * 100 > 7
    assert latency(*[1.0] * 7, *[100.0] * 93).quantile(0.07) == 1


def test_a_quantile_of_nothing_is_none_and_of_no_share_an_error() -> None:
    assert Latency().quantile(0.5) is None
    assert repr(Latency()) == "Latency(count=0)"
    for wrong in (-0.1, 1.1, 99, "p99", True):
        with pytest.raises(ConfigurationError, match="a share from 0 to 1, such as"):
            Latency().quantile(wrong)  # pyright: ignore[reportArgumentType]


# what a client counts


def test_frames_events_and_the_last_frame_are_counted_a_topic_and_in_total() -> None:
    async def body(world: World) -> None:
        assert world.client.counters().topics == ()
        one, two = Ear(world.client.trades("BTCUSD")), Ear(world.client.trades("BTCUSD"))
        Ear(world.client.order_book_updates("BTCUSD"))
        await until(lambda: len(world.subscribed) == 2)
        before_ms = time.time_ns() // 1_000_000
        world.trade()
        world.trade()
        world.push(BOOK, book_frame("snapshot", 1))
        await until(lambda: len(one.heard) == len(two.heard) == 2)
        found = world.client.counters()
        assert (found.frames, found.events, found.links, found.connected) == (3, 3, 1, 1)
        trades, book = found.topics
        assert (trades.topic, trades.frames, trades.events) == (TRADES, 2, 2)
        assert (book.topic, book.frames, book.events) == (BOOK, 1, 1)
        assert {t.url for t in found.topics} == {"ws://exchange/v5/public/inverse"}
        assert {t.connection for t in found.topics} == {1}
        assert trades.last_frame_ms is not None
        assert before_ms <= trades.last_frame_ms <= time.time_ns() // 1_000_000
        assert trades.last_frame is not None
        assert abs(datetime.now(timezone.utc) - trades.last_frame) < timedelta(minutes=5)

    scenario(body)


def test_a_repeated_trade_is_a_frame_and_no_event() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await until(lambda: world.subscribed)
        frame = trade_frame("BTCUSD", 1)
        world.push(TRADES, frame)
        world.push(TRADES, frame)
        await until(lambda: world.client.counters().frames == 2)
        assert (len(ear.heard), world.client.counters().events) == (1, 1)

    scenario(body)


def test_a_frame_of_several_trades_is_several_events() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await until(lambda: world.subscribed)
        one, two = (json.loads(trade_frame("BTCUSD", n)) for n in (1, 2))
        one["data"] += two["data"]
        world.push(TRADES, json.dumps(one, separators=(",", ":")).encode())
        await until(lambda: len(ear.heard) == 2)
        found = world.client.counters()
        assert (found.frames, found.events, found.topics[0].events) == (1, 2, 2)

    scenario(body)


def test_a_topic_that_is_let_go_stays_in_the_totals_alone() -> None:
    async def body(world: World) -> None:
        for round_ in range(1, 4):
            ear = Ear(world.client.trades("BTCUSD"))
            await until(lambda: world.subscribed)
            world.trade()
            await until(lambda: ear.heard)  # noqa: B023 - awaited in this round
            (topic,) = world.client.counters().topics
            assert (topic.frames, topic.events) == (1, 1)
            ear.subscription.dispose()
            found = world.client.counters()
            assert (found.frames, found.events, found.topics) == (round_, round_, ())
            await until(lambda: not world.subscribed)

    scenario(body)


def test_a_topic_that_lingers_is_still_held() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await until(lambda: world.subscribed)
        ear.subscription.dispose()
        assert len(world.client.counters().topics) == 1
        await until(lambda: not world.client.counters().topics)

    scenario(body, linger=5.0)


def test_reconnects_gaps_and_links_are_counted() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await until(lambda: world.subscribed)
        for n in range(1, 4):
            world.trade()
            await until(lambda: len(ear.heard) == n)  # noqa: B023 - awaited in this round
            world.exchange.live[0].closed = True
            world.exchange.links[-1].cut()
            await until(lambda: world.client.counters().connected == 0)
            assert world.client.counters().links == 1
            await until(lambda: len(world.of(Connected)) == n + 1)  # noqa: B023
            await until(lambda: world.subscribed)
            assert world.client.counters().reconnects == n
        world.trade()
        await until(lambda: len(ear.heard) == 4)
        found = world.client.counters()
        assert found.gaps == found.topics[0].gaps == len(world.of(Gap)) == 3
        assert (found.links, found.connected, found.reconnects) == (1, 1, 3)

    scenario(body)


def test_a_link_that_is_new_is_no_reconnect() -> None:
    async def body(world: World) -> None:
        for n in range(1, 4):
            ear = Ear(world.client.trades("BTCUSD"))
            await until(lambda: len(world.of(Connected)) == n)  # noqa: B023
            ear.subscription.dispose()
            await until(lambda: not world.exchange.live)
        found = world.client.counters()
        assert (found.reconnects, found.links, found.connected) == (0, 0, 0)

    scenario(body)


def test_decode_failures_are_counted_a_topic_and_what_has_none_in_total() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await until(lambda: world.subscribed)
        world.push(TRADES, trade_frame("BTCUSD", 1, p="much"))
        world.push(TRADES, b"no JSON")
        world.trade()
        await until(lambda: ear.heard)
        found = world.client.counters()
        assert found.decode_failures == len(world.of(DecodeFailed)) == 2
        assert found.topics[0].decode_failures == 1
        assert (found.frames, found.events) == (2, 1)

    scenario(body)


def test_drops_and_slow_callbacks_are_counted() -> None:
    async def body(world: World) -> None:
        steps = world.client.trades("BTCUSD").iterate(buffer=2, overflow="drop_oldest")
        first = asyncio.ensure_future(steps.__anext__())
        await until(lambda: world.subscribed)
        world.trade()
        await first

        def hold(_: object) -> None:
            time.sleep(0.15)

        slow = world.client.trades("BTCUSD").subscribe(hold)
        world.trade()
        await until(lambda: world.client.counters().slow_callbacks >= 1)
        slow.dispose()
        for _ in range(6):
            world.trade()
        await until(lambda: world.client.counters().drops == 5)
        await steps.aclose()

    scenario(body)


def test_one_frame_of_sixteen_is_timed() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await until(lambda: world.subscribed)
        for _ in range(3 * (BETWEEN + 1) + BETWEEN):
            world.trade()
        await until(lambda: len(ear.heard) == 3 * (BETWEEN + 1) + BETWEEN)
        found = world.client.counters().latency
        assert (found.count, found.counts[-1]) == (3, 3)  # the frames say that they are of 2023
        assert found.sum_ms > 3 * BOUNDS_MS[-1]

    scenario(body)


def test_it_can_be_read_after_the_client_was_closed() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await until(lambda: world.subscribed)
        world.trade()
        await until(lambda: ear.heard)
        await world.client.aclose()
        found = world.client.counters()
        assert (found.frames, found.events, found.topics) == (1, 1, ())
        assert (found.links, found.connected) == (0, 0)

    scenario(body)


def test_every_runtime_counts_also_those_that_have_ended() -> None:
    exchange = MemoryExchange()
    client, _ = wired(Bybit("http://exchange"), exchange)

    async def once() -> None:
        heard: list[object] = []
        client.trades("BTCUSD").subscribe(heard.append)
        await until(lambda: any(exchange.subscribed[link] for link in exchange.live))
        for link in exchange.live:
            link.push(client_frame(1))
        await until(lambda: heard)
        found = client.counters()
        assert [t.frames for t in found.topics] == [1]
        assert (found.links, found.connected) == (1, 1)

    for n in range(1, 4):
        run(once())
        found = client.counters()
        assert (found.frames, found.events) == (n, n)
        assert (found.topics, found.links, found.connected) == ((), 0, 0)
    assert len(client._pools) == 1


def test_of_a_pool_that_has_ended_only_what_grows_is_kept() -> None:
    """Its runtime may stop on a thread of its own, a moment before its pool lets topics go."""
    topic = TopicCounters(
        topic="t", connection=1, url="ws://h", frames=3, events=4, decode_failures=0, gaps=0
    )
    one = counters(frames=3, links=1, connected=1, topics=(topic,))
    pools = Pools(lambda runtime: cast("Pool", SimpleNamespace(counters=lambda: one)))
    first, second = Stoppable(), Stoppable()
    pools.at(cast("Runtime", first))
    first.stopped = True
    pools.at(cast("Runtime", second))
    found = pools.counters()
    assert (found.frames, found.links, found.connected, found.topics) == (6, 1, 1, (topic,))


def test_asking_changes_nothing() -> None:
    client = Bybit("http://exchange")
    assert client.counters().frames == 0
    assert len(client._pools) == 0
    assert "rxbybit-loop" not in {thread.name for thread in threading.enumerate()}


# the sum of what has ended and what has not


def test_a_reader_on_another_thread_never_sees_the_total_fall_or_double() -> None:
    """Things end while others read; whatever is between, each counts once."""
    ended: Ended[int, int] = Ended(0)
    living: dict[int, None] = {}
    ends, wrong = threading.Event(), list[int]()
    total = [0]

    def read() -> None:
        last = 0
        while not ends.is_set():
            gone, now = ended.read(lambda: list(living))
            if gone + len(now) < last or gone + len(now) > total[0]:
                wrong.append(gone + len(now))
            last = gone + len(now)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    reader = threading.Thread(target=read)
    reader.start()
    try:
        for n in range(20_000):
            total[0] += 1
            living[n] = None
            ended.add(ended.sum + 1, n)
            del living[n]
    finally:
        ends.set()
        reader.join()
        sys.setswitchinterval(interval)
    assert wrong == []
    assert ended.read(lambda: list(living)) == (20_000, ())


def test_between_its_adding_and_its_end_a_thing_counts_once() -> None:
    ended: Ended[int, str] = Ended(0)
    ended.add(5, "a")
    assert ended.read(lambda: ["a", "b"]) == (5, ("b",))

    def meanwhile() -> list[str]:
        if ended.sum == 5:
            ended.add(7, "b")
        return ["b", "c"]

    assert ended.read(meanwhile) == (7, ("c",))


# how it looks


def test_a_sum_has_every_number_and_all_topics() -> None:
    one = counters(frames=1, events=2, decode_failures=3, reconnects=4, gaps=5, drops=6)
    two = counters(frames=10, slow_callbacks=7, links=8, connected=9, latency=latency(3.0))
    both = added((one, two))
    assert (both.frames, both.events, both.decode_failures, both.reconnects) == (11, 2, 3, 4)
    assert (both.gaps, both.drops, both.slow_callbacks) == (5, 6, 7)
    assert (both.links, both.connected, both.latency) == (8, 9, latency(3.0))


def test_its_json_begins_with_the_event_and_comes_back() -> None:
    found = counters(frames=3, latency=latency(1.0, 30.0))
    row = json.loads(found.to_json())
    assert next(iter(row)) == "event"
    assert (row["event"], row["frames"], row["topics"]) == ("Counters", 3, [])
    assert row["time"] == "2026-01-02T03:04:05Z"
    assert sum(row["latency"]["counts"]) == 2
    assert msgspec.json.decode(found.to_json(), type=Counters) == found


def test_its_repr_fits_a_line_or_two() -> None:
    shown = repr(counters(frames=3, latency=latency(1.0, 30.0)))
    assert shown.startswith("Counters(time=2026-01-02T03:04:05Z, frames=3, events=0, ")
    assert shown.endswith("Latency(count=2, p50<=1 ms, p99<=50 ms), topics=(0 of them))")


def counters(**numbers: object) -> Counters:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    return Counters(time=moment, **numbers)  # pyright: ignore[reportArgumentType]
