"""Every symbol by one topic, on the legacy wire and on virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import pytest

from rxbybit import (
    AuthenticationFailed,
    Backoff,
    BookState,
    Bybit,
    ConfigurationError,
    ConnectionFailed,
    Credentials,
    Disconnected,
    Environment,
    Gap,
    OrderBook,
    Rejected,
    RetryBudgetExhausted,
    Stale,
    Subscribed,
    SubscriptionRejected,
)
from rxbybit.limits import ConnectLedger
from rxbybit.runtime import Runtime
from tests.memory import MemoryExchange, MemoryLink, MemoryTransport
from tests.unit.rest.market import Ear
from tests.virtual import run, until


class Legacy(MemoryExchange):
    """The legacy endpoint, written from its page: requests are echoed, data names the symbol."""

    def __init__(self) -> None:
        super().__init__()
        self.signed: set[MemoryLink] = set()
        self.auths = 0
        self.key = "key"
        self.silent = False

    def _on_text(self, link: MemoryLink, text: str) -> None:
        request, refusal = json.loads(text), ""
        operation, args, mine = request["op"], request.get("args"), self.subscribed[link]
        if operation == "auth":
            self.auths += 1
            refusal = "" if args[0] == self.key else "error:invalid api_key"
            if not refusal:
                self.signed.add(link)
        elif operation == "subscribe":
            for topic in args:
                if "." not in topic and link not in self.signed:
                    refusal = refusal or f"error:topic:{topic} needs auth first"
                elif not self.known(topic):
                    refusal = refusal or f"error:handler not found,topic:{topic}"
            if not refusal:
                mine += args
        elif operation == "unsubscribe":
            mine[:] = [topic for topic in mine if topic not in args]
        answer = {"success": not refusal, "ret_msg": refusal or "", "conn_id": "c"}
        if operation == "ping":
            answer["ret_msg"] = "pong"
        if not self.silent:
            link.push({**answer, "request": {"op": operation, "args": args}})

    def trade(self, symbol: str, n: int) -> None:
        """A trade, to each link as often as it is subscribed to it."""
        item = {"symbol": symbol, "trade_id": f"{symbol}-{n}", "side": "Buy", "size": 1}
        item |= {"price": 5, "trade_time_ms": n, "cross_seq": n, "tick_direction": "PlusTick"}
        frame = json.dumps({"topic": f"trade.{symbol}", "data": [item]}, separators=(",", ":"))
        for link in self.live:
            for topic in self.subscribed[link]:
                if topic in (f"trade.{symbol}", "trade.*"):
                    link.push(frame.encode())

    def book(self, symbol: str, best: str = "100", kind: str = "snapshot") -> None:
        """A book of 25 levels a side, or a delta that leaves one level too few."""
        bids = [{"price": str(int(best) - n), "side": "Buy", "size": 1} for n in range(25)]
        asks = [{"price": str(int(best) + 1 + n), "side": "Sell", "size": 1} for n in range(25)]
        levels = [{**level, "symbol": symbol} for level in (*reversed(bids), *asks)]
        data: Any = levels
        if kind == "delta":
            data = {"delete": levels[:1], "update": [], "insert": [], "transactTimeE6": 0}
        whole = {"topic": f"orderBookL2_25.{symbol}", "type": kind, "data": data}
        frame = {**whole, "cross_seq": 7, "timestamp_e6": 1_000_000}
        for link in self.live:
            link.push(json.dumps(frame, separators=(",", ":")).encode())


class World:
    def __init__(self, key: str = "key", **options: Any) -> None:
        self.loop = asyncio.get_running_loop()
        self.exchange = Legacy()
        self.transport = transport = MemoryTransport(self.exchange)
        options.setdefault("backoff", Backoff(first=0.01, cap=0.1))
        credentials = Credentials.hmac(key, "secret")
        self.client = Bybit("http://exchange", wire="legacy", credentials=credentials, **options)
        settings = self.client._settings
        session = msgspec.structs.replace(
            settings.session, ledger=ConnectLedger(clock=self.loop.time)
        )
        self.client._settings = msgspec.structs.replace(
            settings, session=session, new_transport=lambda runtime: transport
        )
        self.statuses: list[Any] = []
        self.client.status().subscribe(self.statuses.append)

    def of(self, kind: type[Any]) -> list[Any]:
        return [status for status in self.statuses if isinstance(status, kind)]

    @property
    def link(self) -> MemoryLink:
        return self.exchange.live[-1]

    async def live(self, *topics: str) -> None:
        await until(
            lambda: (
                self.exchange.live
                and set(topics) <= {t for x in self.exchange.subscribed.values() for t in x}
            )
        )


def scenario(body: Callable[[World], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        world = World(**options)
        await body(world)
        await world.client.aclose()
        await asyncio.sleep(0.001)
        assert len(asyncio.all_tasks()) == 1

    run(main())


def ids(ear: Ear) -> list[str]:
    return [trade.id for trade in ear.heard]


def test_one_topic_has_every_symbol_and_serves_those_who_name_one() -> None:
    async def body(world: World) -> None:
        every = Ear(world.client.trades())
        await world.live("trade.*")
        assert world.link.url == "ws://exchange/realtime"
        world.exchange.trade("A", 1)
        world.exchange.trade("B", 1)
        await until(lambda: len(every.heard) == 2)
        one, new = (
            Ear(world.client.trades("BTCUSD")),
            Ear(world.client.trades("A", category="inverse")),
        )
        world.exchange.trade("BTCUSD", 1)
        world.exchange.trade("A", 2)
        await until(lambda: len(every.heard) == 4)
        assert ids(every) == ["A-1", "B-1", "BTCUSD-1", "A-2"]
        assert ids(one) == ["BTCUSD-1"]
        assert ids(new) == ["A-2"]
        await asyncio.sleep(30)
        assert world.link.asked("subscribe") == ["trade.*"]
        assert [s.topics for s in world.of(Subscribed)] == [("trade.*",)]
        late = Ear(world.client.trades())
        world.exchange.trade("A", 3)
        world.exchange.trade("C", 1)
        await until(lambda: len(late.heard) == 2)
        assert ids(late) == ["A-3", "C-1"]
        assert world.link.asked("subscribe") == ["trade.*"]
        assert len(world.exchange.links) == 1

    scenario(body)


def test_the_last_one_who_hears_every_symbol_unsubscribes_it() -> None:
    async def body(world: World) -> None:
        first, second = Ear(world.client.trades()), Ear(world.client.trades())
        await world.live("trade.*")
        world.exchange.trade("A", 1)
        await until(lambda: first.heard and second.heard)
        link = world.link
        first.subscription.dispose()
        await asyncio.sleep(1)
        assert not link.closed
        second.subscription.dispose()
        await until(lambda: link.closed, within=1)
        assert link.asked("unsubscribe") == ["trade.*"]
        third = Ear(world.client.trades())
        await until(lambda: len(world.of(Subscribed)) == 2)
        world.exchange.trade("A", 2)
        await until(lambda: ids(third) == ["A-2"])
        assert world.link.asked("subscribe") == ["trade.*"]

    scenario(body)


def test_who_names_one_goes_on_alone_and_is_told_of_the_hole() -> None:
    async def body(world: World) -> None:
        every, one = Ear(world.client.trades()), Ear(world.client.trades("A", category="inverse"))
        await world.live("trade.*")
        world.exchange.trade("A", 1)
        await until(lambda: one.heard)
        every.subscription.dispose()
        await world.live("trade.A")
        assert world.link.asked("subscribe") == ["trade.*", "trade.A"]
        assert world.link.asked("unsubscribe") == ["trade.*"]
        world.exchange.trade("A", 2)
        await until(lambda: len(one.heard) == 2)
        assert ids(one) == ["A-1", "A-2"]
        assert one.heard[1].meta.gap is not None
        assert len(world.of(Gap)) == 1
        assert len(every.heard) == 1

    scenario(body)


def test_who_had_heard_nothing_yet_is_told_of_the_hole_as_well() -> None:
    async def body(world: World) -> None:
        every, one = Ear(world.client.trades()), Ear(world.client.trades("A", category="inverse"))
        await until(lambda: world.of(Subscribed))
        every.subscription.dispose()
        await until(lambda: len(world.of(Subscribed)) == 2)
        world.exchange.trade("A", 2)
        await until(lambda: one.heard)
        assert [trade.meta.gap for trade in one.heard] == world.of(Gap)
        assert len(world.of(Gap)) == 1

    scenario(body)


@pytest.mark.parametrize("what", ["leave", "begin anew", "close"])
def test_who_goes_on_alone_may_end_others_when_told(what: str) -> None:
    async def body(world: World) -> None:
        reported: list[Any] = []
        world.loop.set_exception_handler(lambda loop, context: reported.append(context))
        every = Ear(world.client.order_book())
        await world.live("orderBookL2_25.*")
        books = {symbol: world.client.order_book(symbol, category="inverse") for symbol in "ABC"}
        states: list[str] = []
        again: list[Ear] = []

        def on_first(book: OrderBook) -> None:
            states.append(book.state.value)
            if book.state is BookState.RESYNCING and what == "close":
                world.client.close()
            elif book.state is BookState.RESYNCING:
                second.subscription.dispose()
                if what == "begin anew":
                    again.append(Ear(books["B"]))

        books["A"].subscribe(on_first)
        second, third = Ear(books["B"]), Ear(books["C"])
        for symbol in "ABC":
            world.exchange.book(symbol)
        await until(lambda: states and second.heard and third.heard)
        every.subscription.dispose()
        assert states == ["synced", "resyncing"]
        assert [book.state.value for book in second.heard] == ["synced"]
        assert len(third.heard) == (1 if what == "close" else 2)
        if what == "begin anew":
            await world.live("orderBookL2_25.B")
            world.exchange.book("B")
            await until(lambda: again[0].heard)
            assert world.of(Gap) == []
        assert reported == []

    scenario(body)


def test_the_hole_of_who_goes_on_alone_is_told_after_it_and_not_before() -> None:
    async def body(world: World) -> None:
        every, one = Ear(world.client.trades()), Ear(world.client.trades("A", category="inverse"))
        await world.live("trade.*")
        world.exchange.trade("A", 1)
        await until(lambda: one.heard)
        world.exchange.trade("A", 2)  # it is under way while the others leave; then one is missed
        every.subscription.dispose()
        await world.live("trade.A")
        world.exchange.trade("A", 4)
        await until(lambda: ids(one)[-1] == "A-4")
        assert one.heard[-1].meta.gap is not None
        (gap,) = world.of(Gap)
        assert (gap.after_ms, gap.before_ms) == (1, 4)

    scenario(body)


def test_whoever_was_there_first_keeps_his_own_topic_on_his_own_link() -> None:
    async def body(world: World) -> None:
        one = Ear(world.client.trades("A", category="inverse"))
        await world.live("trade.A")
        every = Ear(world.client.trades())
        await world.live("trade.*")
        assert len(world.exchange.live) == 2
        for n in range(1, 4):
            world.exchange.trade("A", n)
            world.exchange.trade("B", n)
        await until(lambda: len(every.heard) == 6 and len(one.heard) == 3)
        await asyncio.sleep(1)
        assert ids(one) == ["A-1", "A-2", "A-3"]
        assert sorted(ids(every)) == sorted(f"{s}-{n}" for s in "AB" for n in (1, 2, 3))
        one.subscription.dispose()
        world.exchange.trade("A", 4)
        await until(lambda: "A-4" in ids(every))
        await asyncio.sleep(1)
        assert ids(every).count("A-4") == 1
        assert not world.of(Gap)

    scenario(body)


def test_a_link_that_had_one_of_them_alone_before_has_room_for_all() -> None:
    async def body(world: World) -> None:
        one = Ear(world.client.trades("A", category="inverse"))
        Ear(world.client.tickers("A", category="inverse"))
        await world.live("trade.A")
        one.subscription.dispose()
        await asyncio.sleep(1)
        every = Ear(world.client.trades())
        await world.live("trade.*")
        assert len(world.exchange.live) == 1
        world.exchange.trade("A", 1)
        await until(lambda: ids(every) == ["A-1"])

    scenario(body)


def test_after_an_outage_all_of_it_comes_again_and_each_hole_is_told() -> None:
    async def body(world: World) -> None:
        every, one = Ear(world.client.trades()), Ear(world.client.trades("A", category="inverse"))
        await world.live("trade.*")
        for symbol in "AB":
            world.exchange.trade(symbol, 1)
        await until(lambda: len(every.heard) == 2)
        world.link.cut()
        await until(lambda: len(world.exchange.links) == 2)
        await until(lambda: world.exchange.subscribed[world.exchange.links[1]] == ["trade.*"])
        for symbol in "ABC":
            world.exchange.trade(symbol, 2)
        await until(lambda: len(every.heard) == 5)
        assert ids(every)[2:] == ["A-2", "B-2", "C-2"]
        assert [t.meta.gap is not None for t in every.heard] == [False] * 2 + [True, True, False]
        assert [t.meta.gap is not None for t in one.heard] == [False, True]
        assert [gap.topic for gap in world.of(Gap)] == ["trade.A", "trade.B"]

    scenario(body)


def test_while_the_link_is_down_nothing_of_it_is_stale() -> None:
    async def body(world: World) -> None:
        every = Ear(world.client.order_book())
        await world.live("orderBookL2_25.*")
        world.exchange.book("A")
        await until(lambda: every.heard)
        world.transport.hang = True
        world.link.cut()
        await until(lambda: world.of(Disconnected))
        Ear(world.client.order_book("B", category="inverse"))
        await asyncio.sleep(60)
        assert world.of(Stale) == []

    scenario(body, stale=2.0)


def test_nor_is_what_was_not_taken_yet() -> None:
    async def body(world: World) -> None:
        world.exchange.silent = True
        Ear(world.client.order_book())
        Ear(world.client.order_book("A", category="inverse"))
        await asyncio.sleep(8)
        assert world.link.asked("subscribe") == ["orderBookL2_25.*"]
        assert world.of(Stale) == world.of(Subscribed) == []

    scenario(body, stale=2.0)


@pytest.mark.parametrize("apart", [False, True])
def test_what_the_exchange_sends_of_others_makes_no_topic_live(apart: bool) -> None:
    """One that it has not taken yet is not stale, be it on the link of all or on its own."""

    async def body(world: World) -> None:
        world.exchange.silent = True
        if apart:
            Ear(world.client.order_book("A", category="inverse"))
            await world.live("orderBookL2_25.A")
            every = Ear(world.client.order_book())
        else:
            every = Ear(world.client.order_book())
            Ear(world.client.tickers("A", category="inverse"))
        await world.live("orderBookL2_25.*")
        answer = {"success": True, "ret_msg": "", "conn_id": "c"}
        asked = {"op": "subscribe", "args": ["orderBookL2_25.*"]}
        world.link.push({**answer, "request": asked})
        for _ in range(8):
            await asyncio.sleep(1)
            for topic in ("B", "C"):
                world.exchange.book(topic)
        assert {book.symbol for book in every.heard} == {"B", "C"}
        assert [told.topics for told in world.of(Subscribed)] == [("orderBookL2_25.*",)]
        assert world.of(Stale) == []

    scenario(body, stale=2.0)


def test_a_refused_topic_of_every_symbol_ends_those_who_wanted_it() -> None:
    async def body(world: World) -> None:
        world.exchange.known = lambda topic: topic != "trade.*"
        every, one = Ear(world.client.trades()), Ear(world.client.trades("A", category="inverse"))
        await until(lambda: every.errors)
        (error,) = every.errors
        assert isinstance(error, SubscriptionRejected)
        assert error.topic == "trade.*"
        assert [r.topic for r in world.of(Rejected)] == ["trade.*"]
        await world.live("trade.A")
        world.exchange.trade("A", 1)
        await until(lambda: one.heard)
        assert not one.errors
        world.exchange.known = lambda topic: True
        again = Ear(world.client.trades())
        await world.live("trade.*")
        world.exchange.trade("B", 1)
        await until(lambda: again.heard)
        assert len(every.errors) == 1

    scenario(body)


def test_a_script_stays_until_the_link_is_closed() -> None:
    async def body(world: World) -> None:
        runtime = Runtime.current()
        ear = Ear(world.client.trades())
        await until(lambda: world.of(Subscribed))
        ear.subscription.dispose()
        assert world.exchange.live
        while world.exchange.live:
            assert not runtime.idle(0)
            await asyncio.sleep(0)
        await until(lambda: runtime.idle(0), within=1)

    scenario(body)


@pytest.mark.parametrize("what", ["topic", "key"])
def test_nor_does_it_end_before_the_link_of_what_was_refused(what: str) -> None:
    async def body(world: World) -> None:
        runtime = Runtime.current()
        world.exchange.known = lambda topic: False
        ear = Ear(world.client.trades() if what == "topic" else world.client.orders())
        await until(lambda: ear.errors)
        assert world.exchange.live
        while world.exchange.live:
            assert not runtime.idle(0)
            await asyncio.sleep(0)
        await until(lambda: runtime.idle(0), within=1)

    scenario(body, key="another")


def test_a_book_of_many_is_renewed_by_the_topic_that_has_it() -> None:
    async def body(world: World) -> None:
        every = Ear(world.client.order_book())
        await world.live("orderBookL2_25.*")
        world.exchange.book("A")
        world.exchange.book("B", "200")
        await until(lambda: len(every.heard) == 2)
        assert [(b.symbol, len(b.bids), b.state.value) for b in every.heard] == [
            ("A", 25, "synced"),
            ("B", 25, "synced"),
        ]
        world.exchange.book("A", kind="delta")
        await until(lambda: world.link.asked("unsubscribe"))
        assert every.heard[-1].state.value == "resyncing"
        assert world.link.asked("unsubscribe") == ["orderBookL2_25.*"]
        await until(lambda: world.link.asked("subscribe").count("orderBookL2_25.*") == 2)
        world.exchange.book("A", "101")
        await until(lambda: every.heard[-1].state.value == "synced")
        late = Ear(world.client.order_book())
        assert sorted(b.symbol for b in late.heard) == ["A", "B"]

    scenario(body)


def test_after_it_was_closed_no_symbol_comes_any_more() -> None:
    async def body(world: World) -> None:
        pool = world.client._pools.at(Runtime.current())
        topics, errors = list[Sequence[str]](), list[Exception]()
        pool.cover("ws://exchange/realtime", "trade.*", topics.append, errors.append)
        await until(lambda: world.of(Subscribed))
        world.exchange.trade("A", 1)
        await until(lambda: topics == [("trade.A",)])
        link = world.link
        link.stalled = True  # so that its end takes a while
        pool.close()
        world.exchange.trade("B", 1)
        assert not link.closed
        await until(lambda: link.closed)
        await asyncio.sleep(1)
        assert (topics, errors) == ([("trade.A",)], [])

    scenario(body)


def test_leaving_at_once_asks_for_nothing() -> None:
    async def body(world: World) -> None:
        Ear(world.client.trades()).subscription.dispose()
        await asyncio.sleep(5)
        assert not world.exchange.live
        assert not any(link.texts for link in world.exchange.links)

    scenario(body)


def test_who_leaves_all_lets_none_of_them_linger_alone() -> None:
    """Each would have to be subscribed by its own name, for as long as it lingers."""

    async def body(world: World) -> None:
        every = Ear(world.client.trades())
        named = Ear(world.client.trades("AUSD"))
        await world.live("trade.*")
        for symbol in ("AUSD", "BUSD", "CUSD"):
            world.exchange.trade(symbol, 1)
        await until(lambda: len(every.heard) == 3)
        link = world.link
        every.subscription.dispose()
        await world.live("trade.AUSD")
        await asyncio.sleep(1)
        assert world.exchange.subscribed[link] == ["trade.AUSD"]
        assert link.asked("subscribe") == ["trade.*", "trade.AUSD"]
        assert [topic.topic for topic in world.client.counters().topics] == ["trade.AUSD"]
        named.subscription.dispose()
        await asyncio.sleep(4)
        assert world.exchange.subscribed[link] == ["trade.AUSD"], "as it lingers"
        await asyncio.sleep(2)
        assert link.closed

    scenario(body, linger=5.0)


def test_who_has_come_back_to_one_that_lingered_goes_on_alone() -> None:
    async def body(world: World) -> None:
        every = Ear(world.client.trades())
        Ear(world.client.trades("AUSD")).subscription.dispose()
        await world.live("trade.*")
        world.exchange.trade("AUSD", 1)
        await until(lambda: every.heard)
        named = Ear(world.client.trades("AUSD"))
        named.subscription.dispose()
        again = Ear(world.client.trades("AUSD"))
        every.subscription.dispose()
        await world.live("trade.AUSD")
        world.exchange.trade("AUSD", 2)
        await until(lambda: again.heard)
        assert ids(again) == ["AUSD-2"]
        assert again.errors == []

    scenario(body, linger=5.0)


def test_an_outage_before_the_first_event_is_a_hole_too() -> None:
    async def body(world: World) -> None:
        Ear(world.client.trades())
        one = Ear(world.client.trades("A", category="inverse"))
        await until(lambda: world.of(Subscribed))
        world.link.cut()
        await until(lambda: len(world.of(Subscribed)) == 2)
        world.exchange.trade("A", 1)
        await until(lambda: one.heard)
        assert one.heard[0].meta.gap is not None

    scenario(body)


@pytest.mark.parametrize("named", [False, True])
def test_data_counts_as_the_answer(named: bool) -> None:
    async def body(world: World) -> None:
        world.exchange.silent = True
        every = Ear(world.client.trades())
        if named:
            Ear(world.client.trades("A", category="inverse"))
        await world.live("trade.*")
        world.exchange.trade("A", 1)
        await until(lambda: every.heard)
        assert [s.topics for s in world.of(Subscribed)] == [("trade.*",)]

    scenario(body)


def test_data_counts_as_the_answer_of_who_goes_on_alone() -> None:
    async def body(world: World) -> None:
        every, one = Ear(world.client.trades()), Ear(world.client.trades("A", category="inverse"))
        await world.live("trade.*")
        world.exchange.trade("A", 1)
        await until(lambda: one.heard)
        world.exchange.silent = True
        every.subscription.dispose()
        await world.live("trade.A")
        answer = {"success": True, "ret_msg": "", "conn_id": "c"}
        world.link.push({**answer, "request": {"op": "unsubscribe", "args": ["trade.*"]}})
        world.exchange.trade("A", 2)
        await until(lambda: len(one.heard) == 2)
        assert world.of(Subscribed)[-1].topics == ("trade.A",)

    scenario(body)


def test_a_refusal_concerns_its_own_topic() -> None:
    async def body(world: World) -> None:
        world.exchange.known = lambda topic: topic != "trade.*"
        trades, books = Ear(world.client.trades()), Ear(world.client.order_book())
        await until(lambda: trades.errors)
        await world.live("orderBookL2_25.*")
        world.exchange.book("A")
        await until(lambda: books.heard)
        assert not books.errors

    scenario(body)


def test_a_link_that_is_given_up_ends_them() -> None:
    async def body(world: World) -> None:
        def refuse(url: str) -> None:
            raise ConnectionFailed("no")

        world.transport.before = refuse
        every = Ear(world.client.trades())
        await until(lambda: every.errors)
        assert isinstance(every.errors[0], RetryBudgetExhausted)

    scenario(body, backoff=Backoff(first=0.01, cap=0.1, budget=2))


def test_a_link_that_is_given_up_after_events_ends_all_who_heard_them_once() -> None:
    async def body(world: World) -> None:
        every, one = Ear(world.client.trades()), Ear(world.client.trades("A", category="inverse"))
        await world.live("trade.*")
        world.exchange.trade("A", 1)
        world.exchange.trade("B", 1)
        await until(lambda: len(every.heard) == 2 and one.heard)
        again: list[Ear] = []

        def refuse(url: str) -> None:
            raise ConnectionFailed("no")

        def subscribe(error: Exception) -> None:
            world.transport.before = lambda url: None
            again.append(Ear(world.client.trades("A", category="inverse")))

        world.client.trades("A", category="inverse").subscribe(lambda trade: None, subscribe)
        last = Ear(world.client.trades())  # it hears of the end when somebody has begun anew
        world.transport.before = refuse
        world.link.cut()
        await until(lambda: every.errors and one.errors and last.errors and again)
        await world.live("trade.A")
        world.exchange.trade("A", 2)
        await until(lambda: again[0].heard)
        assert again[0].heard[0].meta.gap is None  # whoever begins has missed nothing
        assert [len(ear.errors) for ear in (every, one, last, *again)] == [1, 1, 1, 0]
        assert all(isinstance(ear.errors[0], RetryBudgetExhausted) for ear in (every, one, last))

    scenario(body, backoff=Backoff(first=0.01, cap=0.1, budget=2))


# private topics share the link


def test_a_refused_key_leaves_the_public_topics_alone() -> None:
    async def body(world: World) -> None:
        trades = Ear(world.client.trades("A", category="inverse"))
        await world.live("trade.A")
        orders, stops = Ear(world.client.orders()), Ear(world.client.stop_orders("A"))
        await until(lambda: orders.errors and stops.errors)
        assert isinstance(orders.errors[0], AuthenticationFailed)
        assert world.exchange.auths == 2
        world.exchange.trade("A", 1)
        await until(lambda: trades.heard)
        await asyncio.sleep(60)
        assert world.exchange.auths == 2
        assert not trades.errors
        assert world.link.asked("subscribe") == ["trade.A"]
        world.link.cut()
        await until(lambda: len(world.exchange.links) == 2)
        await world.live("trade.A")
        await asyncio.sleep(60)
        assert world.exchange.auths == 2
        again = Ear(world.client.orders())
        await until(lambda: again.errors)
        assert world.exchange.auths == 4

    scenario(body, key="another")


def test_who_tries_for_ever_on_a_link_that_goes_on_is_slowed_down() -> None:
    async def body(world: World) -> None:
        Ear(world.client.trades("A", category="inverse"))
        await world.live("trade.A")
        tries: list[float] = []

        def again(error: Exception | None = None) -> None:
            tries.append(world.loop.time())
            world.client.orders().subscribe(lambda order: None, again)

        again()
        await asyncio.sleep(600)
        assert 10 < len(tries) < 100
        assert len(world.exchange.links) == 1
        world.exchange.key = "another"
        asked = len(tries)
        await world.live("order")
        await asyncio.sleep(600)
        assert len(tries) == asked

    scenario(body, key="another", backoff=Backoff(first=0.5, cap=30))


def test_public_topics_do_not_wait_for_who_asks() -> None:
    async def body(world: World) -> None:
        orders, trades = (
            Ear(world.client.orders()),
            Ear(world.client.trades("A", category="inverse")),
        )
        await world.live("order", "trade.A")
        assert len(world.exchange.links) == world.exchange.auths == 1
        assert [r["op"] for r in world.link.requests] == ["subscribe", "auth", "subscribe"]
        assert world.link.asked("subscribe") == ["trade.A", "order"]
        assert not orders.errors
        assert not trades.errors

    scenario(body)


# what the wire does not have


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda b: b.trades("BTCUSDT"), "linear"),
        (lambda b: b.trades(category="spot"), "spot"),
        (lambda b: b.klines("BTCUSD", history=5), "history"),
        (lambda b: b.klines(history=5), "history"),
        (lambda b: b.order_book("BTCUSD", depth=50), "25, 200"),
        (lambda b: b.order_book_updates(depth=1), "25, 200"),
        (lambda b: b.instruments(), "wire='v5'"),
        (lambda b: b.account(), "v5"),
        (lambda b: b.orders(category="linear"), "linear"),
        (lambda b: b.insurance("USDC"), ""),
    ],
)
def test_what_the_wire_does_not_have_is_said_at_the_call(
    call: Callable[[Bybit], object], named: str
) -> None:
    client = Bybit("sim", wire="legacy")
    if not named:
        call(client)
        return
    with pytest.raises(ConfigurationError, match=named):
        call(client)


def test_the_wire_is_named_by_argument_or_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Bybit("sim").wire == "v5"
    monkeypatch.setenv("RXBYBIT_WIRE", "legacy")
    assert Bybit("sim").wire == "legacy"
    assert Bybit("sim", wire="v5").wire == "v5"
    monkeypatch.setenv("RXBYBIT_WIRE", "v6")
    with pytest.raises(ConfigurationError, match="RXBYBIT_WIRE='v6': use 'v5' or 'legacy'"):
        Bybit("sim")
    with pytest.raises(ConfigurationError, match="wire='V5': use 'v5' or 'legacy'"):
        Bybit("sim", wire="V5")  # type: ignore[arg-type]


def test_an_environment_without_the_wire_says_so() -> None:
    bare = Environment(name="bare", public={"inverse": "ws://h/i"})
    with pytest.raises(ConfigurationError, match="legacy"):
        Bybit(bare, wire="legacy").trades("BTCUSD")
