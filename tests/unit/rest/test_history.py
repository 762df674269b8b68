"""Candles with their history, on virtual time: no hole, nothing twice, whatever fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from rxbybit import (
    Backoff,
    Bybit,
    ConfigurationError,
    ConnectionFailed,
    DecodeError,
    DecodeFailed,
    Disconnected,
    Environment,
    Gap,
    Rejected,
    RequestFailed,
    RequestRefused,
    RetryBudgetExhausted,
    Subscribed,
    SubscriptionRejected,
)
from rxbybit.streams.trade import TRADES
from rxbybit.transport import Answer
from tests.effort import examples
from tests.unit.rest.desk import good, query_of
from tests.unit.rest.market import BEGAN, MINUTE, Ear, World, row
from tests.unit.rest.test_instruments import contract
from tests.virtual import run, until


def scenario(body: Callable[[World], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        world = World(**options)
        await body(world)
        await world.end()

    run(main())


def test_the_history_comes_first_oldest_first_and_then_the_running_candle_grows() -> None:
    async def body(world: World) -> None:
        world.tick(7)
        await asyncio.sleep(200)
        ear = Ear(world.client.klines("BTCUSD", history=5))
        await until(lambda: len(ear.heard) >= 8)
        now = world.now
        assert ear.minutes[:5] == list(range(now - 5, now))
        assert set(ear.minutes[5:]) == {now}
        for event in ear.heard[:5]:
            assert (event.closed, event.time_ms, event.meta.connection) == (True, None, None)
            assert event.meta.topic == "kline.1.BTCUSD"
            assert (event.symbol, event.interval) == ("BTCUSD", "1m")
        for event in ear.heard[5:]:
            assert not event.closed
            assert not event.meta.backfilled
            assert event.meta.connection == 1
        assert world.of(Gap) == ear.errors == []

    scenario(body)


def test_nothing_is_asked_before_the_topic_lives() -> None:
    async def body(world: World) -> None:
        world.exchange.answering = False
        ear = Ear(world.client.klines("BTCUSD", history=2))
        await until(lambda: any(world.exchange.subscribed.values()))
        await asyncio.sleep(5)
        assert world.transport.sent == []
        world.push((world.now, False))
        await until(lambda: len(ear.heard) == 3)
        assert len(world.transport.sent) == 1

    scenario(body)


def test_a_topic_that_lives_already_is_asked_at_once() -> None:
    async def body(world: World) -> None:
        Ear(world.client.klines("BTCUSD"))
        await asyncio.sleep(100)
        ear = Ear(world.client.klines("BTCUSD", history=3))
        other = Ear(world.client.klines("BTCUSD", history=1, closed=True))
        await until(lambda: len(ear.heard) == 3 and len(other.heard) == 1)
        assert len(world.exchange.links[0].asked("subscribe")) == 1
        assert ear.minutes[-1:] == other.minutes == [world.now - 1]

    scenario(body)


def test_a_topic_that_has_lost_its_link_is_waited_for() -> None:
    async def body(world: World) -> None:
        Ear(world.client.klines("BTCUSD"))
        await until(lambda: world.exchange.live and world.of(Subscribed))
        world.transport.connecting = [9.0]
        world.exchange.live[0].cut()
        await until(lambda: world.of(Disconnected))
        ear = Ear(world.client.klines("BTCUSD", history=2))
        await until(lambda: ear.heard)
        assert world.transport.sent[0][0] >= 9.0
        assert len(world.transport.sent) == 1

    scenario(body)


def test_of_every_symbol_those_are_left_out_whose_history_is_refused() -> None:
    async def body(world: World) -> None:
        world.tick(3)
        listed = world.transport.listed
        symbols = ["AUSD", "BUSD", "CUSD"]

        def answer(url: str) -> Answer:
            if "instruments-info" in url:
                return good({"list": [contract(symbol) for symbol in symbols]})
            if query_of(url)["symbol"] == "BUSD":
                return good({}, retCode=10001, retMsg="Symbol Invalid")
            return listed(url)

        world.transport.listed = answer
        ear = Ear(world.client.klines(history=2))
        await until(lambda: len({e.symbol for e in ear.heard if not e.meta.backfilled}) == 2)
        symbols.append("DUSD")
        await until(lambda: "DUSD" in {e.symbol for e in ear.heard if not e.meta.backfilled})
        for symbol in ("AUSD", "CUSD", "DUSD"):
            mine = [e for e in ear.heard if e.symbol == symbol]
            assert [e.meta.backfilled for e in mine[:3]] == [True, True, False]
            check(mine, closed=False)
        (rejected,) = world.of(Rejected)
        assert (rejected.topic, rejected.message) == ("kline.1.BUSD", "Symbol Invalid")
        assert ear.errors == []
        (link,) = world.exchange.live
        assert "kline.1.BUSD" not in world.exchange.subscribed[link]
        ear.subscription.dispose()

    scenario(body, listings=20.0)


def test_without_history_rest_is_not_asked() -> None:
    async def body(world: World) -> None:
        world.tick(5)
        ear = Ear(world.client.klines("BTCUSD"))
        await until(lambda: ear.heard)
        assert world.transport.sent == []

    scenario(body)


def test_each_symbol_has_its_own_history_before_its_live_candles() -> None:
    async def body(world: World) -> None:
        world.tick(3)
        world.transport.delays = [9.0, 0.5, 4.0]
        ear = Ear(world.client.klines("AUSD", "BUSD", "CUSD", history=4))
        await until(lambda: len({e.symbol for e in ear.heard}) == 3)
        await asyncio.sleep(200)
        for symbol in ("AUSD", "BUSD", "CUSD"):
            mine = [e for e in ear.heard if e.symbol == symbol]
            assert [e.meta.backfilled for e in mine[:5]] == [True] * 4 + [False]
            check(mine, closed=False)
        categories = {
            query_of(url)["symbol"]: query_of(url)["category"] for _, url in world.transport.sent
        }
        assert categories == dict.fromkeys(("AUSD", "BUSD", "CUSD"), "inverse")

    scenario(body)


def test_a_candle_that_closes_while_it_is_asked_comes_once() -> None:
    async def body(world: World) -> None:
        world.tick(10)
        await asyncio.sleep(115)  # five seconds before the minute is over
        world.transport.delays = [8.0]
        ear = Ear(world.client.klines("BTCUSD", history=3, closed=True))
        await until(lambda: len(ear.heard) >= 4)
        closing = BEGAN + 1
        assert ear.minutes[:4] == [closing - 3, closing - 2, closing - 1, closing]
        assert ear.past == ear.minutes[:3]
        await asyncio.sleep(120)
        assert ear.minutes == list(range(closing - 3, world.now))

    scenario(body)


def test_a_candle_that_closed_before_the_list_knew_is_asked_for() -> None:
    """The socket closed it before it was subscribed, and REST lists it only afterwards."""

    async def body(world: World) -> None:
        world.transport.lag_s = 2.0
        await asyncio.sleep(120.5)
        ear = Ear(world.client.klines("BTCUSD", history=3, closed=True))
        await until(lambda: len(ear.heard) == 3)
        now = world.now
        assert ear.minutes == [now - 4, now - 3, now - 2]
        world.tick(5)
        await until(lambda: len(ear.heard) >= 5)
        assert ear.minutes == list(range(now - 4, now + 1))
        assert ear.past == list(range(now - 4, now))

    scenario(body)


def test_a_hole_that_rest_cannot_fill_is_passed_over() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.klines("BTCUSD", history=2, closed=True))
        await until(lambda: len(ear.heard) == 2)
        world.transport.failures = [good({"list": []})]
        world.push((world.now + 9, True))
        await until(lambda: len(ear.heard) == 3)
        assert ear.minutes[-1] == world.now + 9
        assert len(world.transport.sent) == 2

    scenario(body)


def test_while_rest_fails_nothing_comes_and_then_everything() -> None:
    async def body(world: World) -> None:
        world.tick(5)
        await asyncio.sleep(30)
        world.transport.failures = [ConnectionFailed("connection refused")] * 40
        ear = Ear(world.client.klines("BTCUSD", history=3))
        begun = world.now
        await until(lambda: len(world.of(RequestFailed)) == 40, within=3000)
        assert ear.heard == []
        await until(lambda: ear.heard)
        check(ear.heard, closed=False)
        assert ear.past[:3] == [begun - 3, begun - 2, begun - 1]
        assert world.now > begun + 3
        failed = world.of(RequestFailed)[0]
        assert failed.url == "http://exchange/v5/market/kline"
        assert ear.errors == []

    scenario(body)


@pytest.mark.parametrize("closed", [False, True])
def test_a_link_that_is_lost_while_it_is_asked_leaves_no_hole(closed: bool) -> None:
    async def body(world: World) -> None:
        world.tick(0.5)
        await asyncio.sleep(115)
        world.transport.delays = [9.0, 0.05]
        world.transport.connecting = [0.002, 7.0]
        ear = Ear(world.client.klines("BTCUSD", history=3, closed=closed))
        await until(lambda: world.transport.sent)
        await asyncio.sleep(1)
        world.exchange.live[0].cut()
        await until(lambda: len(world.exchange.links) == 2)
        assert world.loop.time() > 121  # a candle has closed meanwhile
        assert ear.heard == []
        await until(lambda: len(ear.heard) > 5, within=1000)
        await asyncio.sleep(200)
        check(ear.heard, closed=closed)
        assert ear.minutes[0] == BEGAN - 2
        assert [event for event in ear.heard if event.meta.gap is not None] == []

    scenario(body, backoff=Backoff(first=0.01, cap=0.01))


@pytest.mark.parametrize("when", ["before the ack", "asking", "failing", "later"])
def test_dispose_leaves_nothing(when: str) -> None:
    async def body(world: World) -> None:
        world.exchange.answering = when != "before the ack"
        if when == "asking":
            world.transport.delays = [1000.0]
        if when == "failing":
            world.transport.failures = [ConnectionFailed("x")] * 1000
        ear = Ear(world.client.klines("BTCUSD", "ETHUSD", history=3))
        await asyncio.sleep(20)
        ear.subscription.dispose()
        before = len(world.transport.sent)
        await asyncio.sleep(1)
        assert len(asyncio.all_tasks()) == 1
        assert world.exchange.live == []
        assert world.transport.released == 1
        world.exchange.answering = True
        await asyncio.sleep(100)
        assert len(world.transport.sent) == before
        assert len(ear.heard) == (6 if when == "later" else 0)

    scenario(body)


def test_a_subscriber_may_leave_in_the_middle_of_the_history() -> None:
    async def body(world: World) -> None:
        world.tick(2)
        ear = Ear(world.client.klines("BTCUSD", history=50), lambda _: ear.subscription.dispose())
        await until(lambda: ear.heard)
        await asyncio.sleep(30)
        assert len(ear.heard) == 1
        assert world.exchange.live == []

    scenario(body)


def test_a_refusal_ends_the_stream_once_and_gives_everything_back() -> None:
    async def body(world: World) -> None:
        world.tick(2)
        world.transport.failures = [good({}, retCode=10001, retMsg="params error: Symbol Invalid")]
        ear = Ear(world.client.klines("BTCUSD", "ETHUSD", history=5))
        await until(lambda: ear.errors)
        await asyncio.sleep(1)
        (error,) = ear.errors
        assert isinstance(error, RequestRefused)
        assert (error.code, error.message) == (10001, "params error: Symbol Invalid")
        assert [s.message for s in world.of(Rejected)] == [error.message]
        assert world.exchange.live == []

    scenario(body)


def test_a_spent_budget_ends_the_stream() -> None:
    async def body(world: World) -> None:
        world.transport.failures = [Answer(502, {}, b"")] * 3
        ear = Ear(world.client.klines("BTCUSD", history=5))
        await until(lambda: ear.errors, within=1000)
        assert isinstance(ear.errors[0], RetryBudgetExhausted)

    scenario(body, backoff=Backoff(budget=3))


@pytest.mark.parametrize("strict", [True, False])
def test_a_row_that_does_not_decode_costs_itself_or_the_stream_of_a_strict_client(
    strict: bool,
) -> None:
    async def body(world: World) -> None:
        bad = [row(world.now), row(world.now - 1), ["x"], row(world.now - 3)]
        world.transport.failures = [good({"list": bad}, time=world.now * MINUTE)]
        ear = Ear(world.client.klines("BTCUSD", history=3))
        await until(lambda: ear.errors if strict else ear.heard)
        assert len(world.of(DecodeFailed)) == 1
        now = world.now
        assert ear.minutes == ([] if strict else [now - 4, now - 3, now - 1])
        assert [type(error) for error in ear.errors] == ([DecodeError] if strict else [])

    scenario(body, strict=strict)


def test_an_unknown_symbol_is_refused_by_the_socket_and_rest_is_not_asked() -> None:
    async def body(world: World) -> None:
        world.exchange.known = lambda topic: "XUSD" not in topic
        ear = Ear(world.client.klines("XUSD", history=5))
        await until(lambda: ear.errors)
        assert isinstance(ear.errors[0], SubscriptionRejected)
        await asyncio.sleep(10)
        assert world.transport.sent == []

    scenario(body)


def test_a_cancelled_task_ends_the_stream() -> None:
    async def body(world: World) -> None:
        world.transport.delays = [100.0]
        ear = Ear(world.client.klines("BTCUSD", history=5))
        await until(lambda: world.transport.sent)
        (task,) = (t for t in asyncio.all_tasks() if t.get_name() == "rxbybit-errand")
        task.cancel()
        await until(lambda: ear.errors)
        assert isinstance(ear.errors[0], ConnectionFailed)

    scenario(body)


def test_ten_thousand_candles() -> None:
    async def body(world: World) -> None:
        world.tick(5)
        ear = Ear(world.client.klines("BTCUSD", history=10_000))
        await until(lambda: len(ear.heard) > 10_000)
        check(ear.heard, closed=False)
        assert len(ear.past) == 10_000
        assert [query_of(url)["limit"] for _, url in world.transport.sent] == [*["1000"] * 10, "1"]

    scenario(body)


def check(heard: list[Any], *, closed: bool) -> None:
    """Every candle follows the one before; each closes once, and is not heard of again."""
    minutes = [event.start_ms // MINUTE for event in heard]
    assert minutes == sorted(minutes)
    for before, after in pairwise(heard):
        if after.start_ms == before.start_ms:
            assert not before.closed
        else:
            assert before.closed
            assert after.start_ms == before.end_ms + 1
    assert all(event.closed for event in heard) or not closed
    backfilled = [event.meta.backfilled for event in heard]
    assert backfilled == sorted(backfilled, reverse=True) or not closed


@settings(max_examples=examples(60))
@given(
    closed=st.booleans(),
    count=st.integers(1, 6),
    begin_s=st.floats(0, 130),
    every_s=st.sampled_from([1.0, 7.0, 25.0, 59.0]),
    lag_s=st.sampled_from([0.0, 0.5, 4.0]),
    delays=st.lists(st.sampled_from([0.01, 1.0, 8.0, 59.0, 61.0, 200.0]), min_size=1, max_size=4),
    failures=st.integers(0, 5),
)
def test_no_hole_and_nothing_twice_whatever_happens_when(
    closed: bool,
    count: int,
    begin_s: float,
    every_s: float,
    lag_s: float,
    delays: list[float],
    failures: int,
) -> None:
    async def body(world: World) -> None:
        world.transport.delays = [*delays, 0.05]
        world.transport.lag_s = lag_s
        world.transport.failures = [ConnectionFailed("x")] * failures
        world.tick(every_s)
        await asyncio.sleep(begin_s)
        begun = world.now
        ear = Ear(world.client.klines("BTCUSD", history=count, closed=closed))
        await until(lambda: ear.heard, within=3000)
        await asyncio.sleep(130)
        check(ear.heard, closed=closed)
        assert ear.minutes[0] <= begun - count + 1
        assert len(ear.past) >= count
        assert ear.minutes[-1] >= world.now - 1
        assert ear.errors == world.of(Gap) == []

    scenario(body)


# arguments


@pytest.mark.parametrize("history", [-1, 10_001, 1.0, "5", None, True])
def test_history_is_a_whole_number(history: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"history=.* a whole number from 0 to 10000"):
        Bybit("http://h").klines("BTCUSD", history=history)


def test_a_stream_without_history_says_so() -> None:
    with pytest.raises(ConfigurationError, match="trades: the exchange keeps no history of it"):
        Bybit("http://h").open(TRADES, ("BTCUSD",), history=1)


def test_without_rest_the_call_says_what_to_do() -> None:
    client = Bybit(Environment(name="mine", public={"inverse": "ws://h/x"}))
    client.klines("BTCUSD")
    with pytest.raises(ConfigurationError, match="'mine' has no REST"):
        client.klines("BTCUSD", history=1)
