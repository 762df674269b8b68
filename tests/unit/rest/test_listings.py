"""Instruments as a stream, on virtual time: the list, its changes, what fails, how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from rxbybit import (
    Backoff,
    Bybit,
    ClosedError,
    ConfigurationError,
    ConnectionFailed,
    Environment,
    InstrumentStatus,
    RequestFailed,
    RequestRefused,
    RetryBudgetExhausted,
    Status,
)
from rxbybit.limits import RequestLedger
from rxbybit.rest.api import api_of
from rxbybit.rest.listings import follow
from rxbybit.runtime import Runtime
from rxbybit.transport import Answer
from tests.memory import MemoryExchange, MemoryTransport
from tests.unit.rest.desk import good, query_of
from tests.unit.rest.test_instruments import contract
from tests.virtual import run, until


class World:
    """A client whose REST lists what the test says."""

    def __init__(self, **options: Any) -> None:
        self.client = Bybit(options.pop("environment", "http://exchange"), **options)
        self.transport = MemoryTransport(MemoryExchange())
        loop = asyncio.get_running_loop()
        self.client._settings = msgspec.structs.replace(
            self.client._settings,
            new_transport=lambda runtime: self.transport,
            requests=RequestLedger(clock=loop.time),
        )
        self.listed: dict[str, dict[str, Any]] = {"A": contract("A"), "B": contract("B")}
        self.failures: list[Exception | Answer] = []
        self.transport.answer = self.answer
        self.statuses: list[Status] = []
        self.client.status().subscribe(self.statuses.append)
        self.heard: list[Any] = []
        self.errors: list[Exception] = []

    def answer(self, url: str) -> Answer:
        if self.failures:
            failure = self.failures.pop(0)
            if isinstance(failure, Exception):
                raise failure
            return failure
        return good({"list": list(self.listed.values())})

    def listen(self, *args: Any) -> Any:
        stream = self.client.instruments(*args)
        return stream.subscribe(self.heard.append, self.errors.append)

    @property
    def seen(self) -> list[tuple[str, str]]:
        return [(i.symbol, str(i.status)) for i in self.heard]

    @property
    def looks(self) -> int:
        return len(self.transport.asked)


def scenario(body: Callable[[World], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        world = World(**options)
        await body(world)
        await world.client.aclose()
        assert len(asyncio.all_tasks()) == 1
        assert world.transport.released == (1 if world.looks else 0)

    run(main())


def test_nothing_is_asked_before_somebody_listens() -> None:
    async def body(world: World) -> None:
        world.client.instruments()
        await asyncio.sleep(200)
        assert world.looks == 0

    scenario(body)


def test_the_list_comes_first_and_then_its_changes() -> None:
    async def body(world: World) -> None:
        world.listen("linear")
        await until(lambda: len(world.heard) == 2)
        assert world.seen == [("A", "Trading"), ("B", "Trading")]
        await asyncio.sleep(130)
        assert len(world.heard) == 2  # looked again, nothing new
        assert world.looks == 3
        world.listed["C"] = contract("C")
        await until(lambda: len(world.heard) == 3, within=61)
        world.listed["A"] = contract("A", priceFilter={"tickSize": "0.5"})
        await until(lambda: len(world.heard) == 4, within=61)
        del world.listed["B"]
        await until(lambda: len(world.heard) == 5, within=61)
        assert world.seen[2:] == [("C", "Trading"), ("A", "Trading"), ("B", "Closed")]
        assert str(world.heard[3].tick_size) == "0.5"
        gone = world.heard[4]
        assert gone.status is InstrumentStatus.CLOSED
        assert gone.meta.received_ns > world.heard[3].meta.received_ns
        world.listed["B"] = contract("B")
        await until(lambda: len(world.heard) == 6, within=61)
        assert world.seen[5] == ("B", "Trading")
        assert world.statuses == world.errors == []

    scenario(body)


@pytest.mark.parametrize("seconds", [0.25, 7, 3600.0])
def test_it_looks_every_so_many_seconds(seconds: float) -> None:
    async def body(world: World) -> None:
        world.listen()
        began = asyncio.get_running_loop().time()
        await until(lambda: world.looks == 11, within=seconds * 11)
        assert asyncio.get_running_loop().time() - began >= seconds * 10

    scenario(body, listings=seconds)


@pytest.mark.parametrize(
    ("options", "args", "category"),
    [
        ({}, (), "inverse"),
        ({"category": "spot"}, (), "spot"),
        ({"category": "spot"}, ("linear",), "linear"),
    ],
)
def test_the_category(options: dict[str, Any], args: tuple[str, ...], category: str) -> None:
    async def body(world: World) -> None:
        world.listed.clear()
        world.listen(*args)
        await until(lambda: world.looks == 1)
        assert query_of(world.transport.asked[0])["category"] == category
        assert world.transport.asked[0].startswith("http://exchange/v5/market/instruments-info?")

    scenario(body, **options)


def test_what_one_look_leaves_out_is_looked_for_again_at_once() -> None:
    async def body(world: World) -> None:
        world.listen()
        await until(lambda: len(world.heard) == 2)
        world.failures = [good({"list": [world.listed["A"], contract("C")]})]
        await until(lambda: len(world.heard) == 3, within=61)
        await asyncio.sleep(1)
        assert world.looks == 3
        world.listed["C"] = contract("C")
        await asyncio.sleep(130)
        assert world.seen[2:] == [("C", "Trading")]

    scenario(body)


def test_what_does_not_decode_is_not_gone() -> None:
    async def body(world: World) -> None:
        world.listen()
        await until(lambda: len(world.heard) == 2)
        world.listed["B"] = contract("B", priceFilter={})
        await asyncio.sleep(130)
        assert len(world.heard) == 2
        world.listed["B"] = contract("B", lotSizeFilter=world.listed["A"]["lotSizeFilter"])
        await asyncio.sleep(61)
        assert len(world.heard) == 2
        del world.listed["B"]
        await asyncio.sleep(61)
        assert world.seen[2:] == [("B", "Closed")]
        assert {type(status).__name__ for status in world.statuses} == {"DecodeFailed"}

    scenario(body)


def test_a_failing_rest_heals_and_is_told() -> None:
    async def body(world: World) -> None:
        world.failures = [ConnectionFailed("connection refused"), Answer(502, {}, b"")]
        world.listen()
        await until(lambda: len(world.heard) == 2)
        first, second = world.statuses
        assert isinstance(first, RequestFailed)
        assert isinstance(second, RequestFailed)
        assert (first.reason, first.connection) == ("connection refused", None)
        assert world.errors == []
        world.failures = [ConnectionFailed("connection reset")] * 3
        world.listed["C"] = contract("C")
        await until(lambda: len(world.heard) == 3, within=100)
        assert len(world.statuses) == 5

    scenario(body)


@pytest.mark.parametrize("when", ["at once", "later"])
def test_what_cannot_heal_ends_it_once(when: str) -> None:
    async def body(world: World) -> None:
        if when == "later":
            world.listen()
            await until(lambda: world.heard)
        world.failures = [good({}, retCode=10005, retMsg="permission denied")]
        if when == "at once":
            world.listen()
        await until(lambda: world.errors, within=100)
        await asyncio.sleep(200)
        (error,) = world.errors
        assert isinstance(error, RequestRefused)
        assert error.code == 10005
        assert world.looks == (1 if when == "at once" else 2)

    scenario(body)


def test_a_spent_budget_ends_it() -> None:
    async def body(world: World) -> None:
        world.failures = [ConnectionFailed("connection refused")] * 4
        world.listen()
        await until(lambda: world.errors, within=100)
        (error,) = world.errors
        assert isinstance(error, RetryBudgetExhausted)
        assert (error.attempts, world.looks) == (4, 4)

    scenario(body, backoff=Backoff(budget=4))


@pytest.mark.parametrize("moment", ["asking", "waiting", "failing"])
def test_dispose_leaves_nothing(moment: str) -> None:
    async def body(world: World) -> None:
        world.transport.hang = moment == "asking"
        if moment == "failing":
            world.failures = [ConnectionFailed("connection refused")] * 100
        subscription = world.listen()
        await until(lambda: world.looks)
        if moment == "waiting":
            await until(lambda: world.heard)
        subscription.dispose()
        before = world.looks
        await asyncio.sleep(0.01)
        assert len(asyncio.all_tasks()) == 1
        assert world.transport.released == 1
        await asyncio.sleep(300)
        assert (world.looks, world.errors) == (before, [])

    scenario(body, backoff=Backoff(first=50, cap=50))


def test_a_subscriber_may_leave_in_the_middle_of_the_list() -> None:
    async def body(world: World) -> None:
        heard: list[Any] = []

        def on_next(instrument: Any) -> None:
            heard.append(instrument)
            subscription.dispose()

        subscription = world.client.instruments().subscribe(on_next)
        await until(lambda: heard)
        await asyncio.sleep(100)
        assert len(heard) == 1
        assert len(asyncio.all_tasks()) == 1

    scenario(body)


def test_two_subscribers_are_two_looks_and_share_no_state() -> None:
    async def body(world: World) -> None:
        world.listen()
        await until(lambda: len(world.heard) == 2)
        world.listen()
        await until(lambda: len(world.heard) == 4)

    scenario(body)


def test_a_task_that_somebody_cancels_ends_its_stream() -> None:
    async def body(world: World) -> None:
        world.listen()
        await until(lambda: world.heard)
        (task,) = (t for t in asyncio.all_tasks() if t.get_name() == "rxbybit-errand")
        task.cancel()
        await until(lambda: world.errors)
        assert isinstance(world.errors[0], ConnectionFailed)

    scenario(body)


def test_a_closed_client_says_nothing() -> None:
    async def body(world: World) -> None:
        world.listen()
        await until(lambda: world.heard)
        await world.client.aclose()
        assert world.errors == []
        with pytest.raises(ClosedError):
            world.listen()

    scenario(body)


def test_without_rest_the_call_says_what_to_do() -> None:
    environment = Environment(name="mine", public={"inverse": "ws://h/x"})
    with pytest.raises(ConfigurationError, match=r"'mine' has no REST: give Environment\(rest"):
        Bybit(environment).instruments()
    with pytest.raises(ConfigurationError, match="category 'bonds': use one of inverse, linear"):
        Bybit("http://h").instruments("bonds")  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["ws://h", "h", "", "http://user:secret@h"])
def test_a_rest_that_is_no_url_of_http(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"Environment\.rest") as caught:
        Environment(name="mine", public={}, rest=url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("listings", [0, -1, True, "60", None, float("nan")])
def test_listings_is_a_number_of_seconds(listings: Any) -> None:
    with pytest.raises(ConfigurationError, match="listings="):
        Bybit("http://h", listings=listings)


def test_symbols_can_be_followed() -> None:
    async def body(world: World) -> None:
        pool = world.client._pools.at(Runtime.current())
        api = api_of(pool, "http://exchange")
        lists: list[list[str]] = []
        errors: list[Exception] = []
        ending = follow(pool, api, "linear", 5.0)(lambda s: lists.append(list(s)), errors.append)
        await until(lambda: len(lists) == 1)
        world.listed["C"] = contract("C")
        await until(lambda: len(lists) == 2)
        del world.listed["A"]
        await until(lambda: len(lists) == 3)
        assert lists == [["A", "B"], ["A", "B", "C"], ["B", "C"]]
        ending.dispose()
        await asyncio.sleep(20)
        assert len(lists) == 3
        assert errors == []

    scenario(body)
