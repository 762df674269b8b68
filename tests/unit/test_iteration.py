"""``iterate``: bounded, with four ways to overflow, and free of leaks."""

from __future__ import annotations

import asyncio
import gc
import threading
from datetime import datetime, timezone
from math import inf, nan
from typing import Any

import pytest
import reactivex

from rxbybit.errors import ClosedError, ConfigurationError, RuntimeMisuse, SlowConsumer
from rxbybit.events import Gap
from rxbybit.iteration import Overflow
from rxbybit.runtime import Runtime, shutdown_background
from rxbybit.stream import lift
from tests.fakes import Client, Feed, Topic, until, until_async, virtually
from tests.operators.market import trade


async def rest(events: Any) -> list[Any]:
    return [event async for event in events]


def test_it_gives_every_event_and_ends_with_the_stream() -> None:
    async def main() -> None:
        topic = Topic(count=5)
        assert [n async for _, n in topic.stream()] == [0, 1, 2, 3, 4]
        events = topic.stream().iterate()
        assert topic.opened == 1  # nothing happens before the first step
        assert len(await rest(events)) == 5
        with pytest.raises(StopAsyncIteration):
            await anext(events)
        assert topic.opened == topic.closed == 2
        assert Runtime.current().idle(0)

    virtually(main())


def test_what_is_buffered_comes_before_the_error_of_the_stream() -> None:
    async def main() -> None:
        feed = Feed()
        events = feed.stream().iterate()
        first = asyncio.ensure_future(anext(events))
        await asyncio.sleep(1)
        feed.send(1, 2, 3)
        feed.observers[0].on_error(ConnectionError("lost"))
        assert await first == 1
        assert [await anext(events), await anext(events)] == [2, 3]
        with pytest.raises(ConnectionError, match="lost"):
            await anext(events)
        with pytest.raises(StopAsyncIteration):
            await anext(events)

    virtually(main())


def test_leaving_the_loop_disposes() -> None:
    async def main() -> None:
        topic = Topic()
        async for _ in topic.stream():
            break
        await asyncio.sleep(0.01)
        assert topic.opened == topic.closed == 1

        async def reads() -> None:
            async for _ in topic.stream():
                raise ValueError("out")

        with pytest.raises(ValueError, match="out"):
            await reads()
        gc.collect()  # the traceback held it
        await asyncio.sleep(0.01)
        assert topic.opened == topic.closed == 2
        assert Runtime.current().idle(0)

    virtually(main())


def test_aclose_disposes_and_ends_a_waiting_step() -> None:
    async def main() -> None:
        feed = Feed()
        client = Client()
        events = feed.stream(origin=client).iterate()
        step = asyncio.ensure_future(anext(events))
        await asyncio.sleep(1)
        assert client.closing
        await events.aclose()
        await events.aclose()
        with pytest.raises(StopAsyncIteration):
            await step
        assert feed.disposed == 1
        assert not client.closing
        assert not Runtime.current()._closers
        await feed.stream().iterate().aclose()  # never begun
        assert len(feed.observers) == 1

    virtually(main())


def test_a_cancelled_step_loses_nothing() -> None:
    async def main() -> None:
        feed = Feed()
        events = feed.stream().iterate()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(events), 1)
        feed.send(1)
        assert await anext(events) == 1

    virtually(main())


def test_two_tasks_may_not_step_one_iterator() -> None:
    async def main() -> None:
        feed = Feed()
        events = feed.stream().iterate()
        step = asyncio.ensure_future(anext(events))
        await asyncio.sleep(1)
        with pytest.raises(RuntimeMisuse):
            await anext(events)
        feed.send(1)
        assert await step == 1

    virtually(main())


@pytest.mark.parametrize(
    ("overflow", "kept", "dropped"),
    [("drop_oldest", [4, 5, 6], 3), ("drop_newest", [1, 2, 3], 3), ("latest", [6], 5)],
)
def test_what_a_full_buffer_keeps(overflow: Overflow, kept: list[int], dropped: int) -> None:
    async def main() -> None:
        feed = Feed()
        client = Client()
        events = feed.stream(origin=client).iterate(buffer=3, overflow=overflow)
        step = asyncio.ensure_future(anext(events))
        await asyncio.sleep(1)
        feed.send(0)
        assert await step == 0
        feed.send(1, 2, 3, 4, 5, 6)
        assert client.drops == []
        await asyncio.sleep(1.5)
        assert client.drops == [dropped]
        assert [await anext(events) for _ in kept] == kept
        feed.observers[0].on_completed()
        assert await rest(events) == []
        await asyncio.sleep(2)
        assert client.drops == [dropped]

    virtually(main())


@pytest.mark.parametrize(
    ("overflow", "kept", "marked"),
    [("drop_oldest", [4, 5], 4), ("drop_newest", [1, 2], 6), ("latest", [5], 5)],
)
def test_the_next_event_that_is_kept_tells_of_a_hole(
    overflow: Overflow, kept: list[int], marked: int
) -> None:
    """Who drops an event of which he would have learnt of a hole learns of it all the same."""
    now = datetime.now(timezone.utc)
    gap = Gap(time=now, topic="publicTrade.BTCUSD", after_ms=1, before_ms=2)

    async def main() -> None:
        feed = Feed()
        events = feed.stream().iterate(buffer=2, overflow=overflow)
        step = asyncio.ensure_future(anext(events))
        await asyncio.sleep(1)
        feed.send(trade(0, price=0))
        await step
        feed.send(*(trade(0, price=n, gap=gap if n == 3 else None) for n in range(1, 6)))
        got = [await anext(events) for _ in kept]
        for n in (6, 7):
            feed.send(trade(0, price=n))
            got.append(await anext(events))
        assert [one.price for one in got] == [*kept, 6, 7]
        assert [one.price for one in got if one.meta.gap is gap] == [marked]

    virtually(main())


@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_newest", "latest"])
def test_each_topic_tells_of_its_own_hole(overflow: Overflow) -> None:
    now = datetime.now(timezone.utc)
    holes = {
        symbol: Gap(time=now, topic=f"publicTrade.{symbol}", after_ms=1, before_ms=2)
        for symbol in ("BTCUSD", "ETHUSD")
    }

    async def main() -> None:
        feed = Feed()
        events = feed.stream().iterate(buffer=1, overflow=overflow)
        step = asyncio.ensure_future(anext(events))
        await asyncio.sleep(1)
        feed.send(trade(0))
        await step
        feed.send(trade(1))  # in the buffer, or in the place of what follows
        for symbol, hole in holes.items():
            feed.send(trade(2, symbol=symbol, gap=hole))
        feed.send(trade(3, symbol="XRPUSD"))
        got = [await anext(events)]
        for symbol in ("ETHUSD", "ETHUSD", "BTCUSD"):
            feed.send(trade(4, symbol=symbol))
            got.append(await anext(events))
        assert [one.meta.gap for one in got] == [None, holes["ETHUSD"], None, holes["BTCUSD"]]

    virtually(main())


def test_each_client_behind_a_lifted_stream_counts_its_drops() -> None:
    async def main() -> None:
        feed, one, two = Feed(), Client(), Client()
        merged = lift(reactivex.merge(feed.stream(origin=one), feed.stream(origin=two)))
        events = merged.iterate(buffer=1, overflow="drop_newest")
        step = asyncio.ensure_future(anext(events))
        await asyncio.sleep(1)
        feed.send(0, 1, 2)  # to both: six events, one of them for the step
        await step
        await events.aclose()
        await asyncio.sleep(1)
        assert one.drops == two.drops == [5]

    virtually(main())


def test_drops_are_reported_at_most_once_a_second_and_none_is_forgotten() -> None:
    async def main() -> None:
        feed = Feed()
        client = Client()
        events = feed.stream(origin=client).iterate(buffer=1, overflow="drop_newest")
        step = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.01)
        feed.send(0)
        await step
        feed.send(0)
        for _ in range(25):
            feed.send(1)
            await asyncio.sleep(0.1)
        assert client.drops == [10, 10]
        await events.aclose()
        assert client.drops == [10, 10, 5]
        await asyncio.sleep(3)
        assert client.drops == [10, 10, 5]

    virtually(main())


def test_a_full_buffer_is_an_error_by_default() -> None:
    async def main() -> None:
        feed = Feed()
        events = feed.stream().iterate(buffer=3)
        step = asyncio.ensure_future(anext(events))
        await asyncio.sleep(1)
        feed.send(0)
        await step
        feed.send(1, 2, 3)
        feed.send(4, 5)
        with pytest.raises(SlowConsumer) as raised:
            await anext(events)
        assert raised.value.lag == 4
        assert feed.disposed == 1

    virtually(main())


def test_exactly_as_many_as_the_buffer_holds_are_fine() -> None:
    async def main() -> None:
        feed = Feed()
        events = feed.stream().iterate()
        step = asyncio.ensure_future(anext(events))
        await asyncio.sleep(1)
        feed.send(*range(1000))
        assert await step == 0
        assert [await anext(events) for _ in range(999)] == list(range(1, 1000))
        feed.send(1000)  # and the stream lives on
        assert await anext(events) == 1000

    virtually(main())


@pytest.mark.parametrize(
    "buffer", [0, -1, True, 1.5, nan, inf, None, "9", pytest.param(-(10**5_000), id="huge")]
)
def test_a_buffer_that_cannot_be(buffer: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^iterate: buffer=.*: a whole number"):
        Feed().stream().iterate(buffer=buffer)


def test_arguments_that_cannot_be() -> None:
    stream = Feed().stream()
    with pytest.raises(ConfigurationError, match=r"^iterate: overflow=.'x.*…: use error"):
        stream.iterate(overflow=["x" * 5_000])  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="drop_oldest, drop_newest, latest"):
        stream.iterate(overflow="block")  # type: ignore[arg-type]
    assert stream.iterate(buffer=1)


def test_closing_the_client_ends_it_with_closed_error() -> None:
    async def main() -> None:
        feed = Feed()
        client = Client()
        stream = feed.stream(origin=client)
        events = stream.iterate()
        step = asyncio.ensure_future(anext(events))
        await asyncio.sleep(1)
        feed.send(1, 2)
        client.close(ClosedError())
        assert await step == 1
        assert await anext(events) == 2
        with pytest.raises(ClosedError):
            await anext(events)
        with pytest.raises(ClosedError):
            await anext(stream.iterate())

    virtually(main())


def test_the_end_of_the_streams_own_runtime_ends_it() -> None:
    background = Runtime.current()

    async def main() -> None:
        feed = Feed()
        events = feed.stream(origin=Client(runtime=background)).iterate()
        step = asyncio.ensure_future(anext(events))
        await until_async(lambda: feed.observers)
        shutdown_background()
        with pytest.raises(ClosedError, match="event loop"):
            await asyncio.wait_for(step, 30)

    asyncio.run(main())


def test_events_of_another_thread_wake_the_consumer_on_its_own() -> None:
    background = Runtime.current()

    async def main() -> None:
        topic = Topic()
        events = topic.stream(origin=Client(runtime=background)).iterate()
        seen = [await asyncio.wait_for(anext(events), 30) for _ in range(5)]
        assert [n for _, n in seen] == [0, 1, 2, 3, 4]
        await events.aclose()
        await until_async(lambda: topic.closed == 1)

    asyncio.run(main())


def test_a_flood_from_another_thread_is_bounded_and_every_drop_counted() -> None:
    background = Runtime.current()
    total = 20_000

    async def main() -> None:
        feed = Feed()
        client = Client(runtime=background)
        events = feed.stream(origin=client).iterate(buffer=10, overflow="drop_oldest")
        step = asyncio.ensure_future(anext(events))
        await until_async(lambda: feed.observers)

        def flood() -> None:
            feed.send(*range(total))
            feed.observers[0].on_completed()

        background.call(flood)
        seen = [await asyncio.wait_for(step, 30), *await rest(events)]
        assert seen == sorted(set(seen))
        assert seen[-1] == total - 1
        await until_async(lambda: len(seen) + sum(client.drops) == total)

    asyncio.run(main())


def test_an_iterator_that_outlives_its_loop_is_collected_in_silence(
    capfd: pytest.CaptureFixture[str],
) -> None:
    feed = Feed()

    async def main() -> Any:
        events = feed.stream().iterate()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(events), 0.01)
        return events

    events = asyncio.run(main())
    del events
    gc.collect()
    feed.send(1)
    assert capfd.readouterr() == ("", "")


def test_a_consumer_whose_loop_has_closed_does_not_hurt_the_source() -> None:
    background = Runtime.current()
    feed = Feed()
    client = Client(runtime=background)

    async def main() -> Any:
        events = feed.stream(origin=client).iterate(buffer=5)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(events), 0.01)
        return events

    events = asyncio.run(main())
    sent = threading.Event()

    def send() -> None:
        feed.send(1, 2)
        sent.set()

    background.call(send)
    assert sent.wait(30)
    assert feed.disposed == 0
    del events
    gc.collect()
    until(lambda: feed.disposed == 1)
