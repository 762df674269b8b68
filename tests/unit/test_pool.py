"""A client on virtual time and without sockets: which links there are, and what they carry."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from reactivex import Observer, abc
from reactivex import operators as ops

from rxbybit import (
    Backoff,
    Bybit,
    DecodeError,
    DecodeFailed,
    Gap,
    Reconnecting,
    Rejected,
    RetryBudgetExhausted,
    Status,
    Subscribed,
    SubscriptionRejected,
)
from rxbybit.errors import ConfigurationError, ConnectionFailed, HandshakeRejected
from rxbybit.limits import ConnectLedger
from rxbybit.protocol.v5 import V5
from rxbybit.runtime import Runtime
from rxbybit.schema.decoder import TopicDecoder
from rxbybit.streams.trade import TRADES
from tests.effort import examples
from tests.memory import MemoryExchange, MemoryTransport
from tests.virtual import VirtualLoop, run, until


def client(exchange: MemoryExchange, **options: Any) -> tuple[Bybit, MemoryTransport]:
    """A client whose links end in ``exchange``."""
    made, transport = Bybit("http://exchange", **options), MemoryTransport(exchange)
    ledger = ConnectLedger(clock=asyncio.get_running_loop().time)
    inner = msgspec.structs.replace(made._settings.session, ledger=ledger)
    made._settings = msgspec.structs.replace(
        made._settings, session=inner, new_transport=lambda runtime: transport
    )
    return made, transport


class World:
    def __init__(self, **options: Any) -> None:
        self.exchange = MemoryExchange()
        self.client, self.transport = client(self.exchange, **options)
        self.statuses: list[Status] = []
        self.client.status().subscribe(self.statuses.append)
        self.sent = 0

    def of(self, kind: type[Any]) -> list[Any]:
        return [status for status in self.statuses if isinstance(status, kind)]

    def trade(self, symbol: str = "BTCUSD") -> str:
        """Send a trade to whoever has subscribed; gives its id."""
        self.sent += 1
        self.push(f"publicTrade.{symbol}", trade_frame(symbol, self.sent))
        return str(self.sent)

    def push(self, topic: str, frame: bytes) -> None:
        for link in self.exchange.live:
            if topic in self.exchange.subscribed[link]:
                link.push(frame)

    @property
    def asked(self) -> list[str]:
        return [t for link in self.exchange.links for t in link.asked("subscribe")]

    @property
    def subscribed(self) -> list[str]:
        return sorted(t for link in self.exchange.live for t in self.exchange.subscribed[link])


class Ear:
    def __init__(self, stream: Any) -> None:
        self.heard: list[Any] = []
        self.errors: list[Exception] = []
        self.subscription: abc.DisposableBase = stream.subscribe(
            self.heard.append, self.errors.append
        )

    @property
    def ids(self) -> list[str]:
        return [event.id for event in self.heard]


def trade_frame(symbol: str, n: int, **changes: object) -> bytes:
    item = {"T": 1_700_000_000_000 + n, "s": symbol, "S": "Buy", "v": "1", "p": "65000.5"}
    item |= {"L": "PlusTick", "i": str(n), "BT": False, "RPI": False, "seq": n, **changes}
    ts = 1_700_000_000_001 + n
    frame = {"topic": f"publicTrade.{symbol}", "type": "snapshot", "ts": ts, "data": [item]}
    return json.dumps(frame, separators=(",", ":")).encode()


def book_frame(kind: str, n: int) -> bytes:
    data = {"s": "BTCUSD", "b": [["1", "2"]], "a": [], "u": n, "seq": n}
    frame = {"topic": "orderbook.50.BTCUSD", "type": kind, "ts": 1_700_000_000_000, "data": data}
    return json.dumps(frame, separators=(",", ":")).encode()


def scenario(body: Callable[[World], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        world = World(**options)
        await body(world)
        world.client.close()
        await asyncio.sleep(1.0)
        assert_nothing_left(world)

    run(main())


def assert_nothing_left(world: World) -> None:
    assert not world.exchange.live
    loop: Any = asyncio.get_running_loop()
    assert len(asyncio.all_tasks(loop)) <= 1
    soon = loop.time() + 3600
    assert not [t for t in loop._scheduled if not t.cancelled() and t.when() < soon]
    (pool,) = world.client._pools
    assert not pool._held
    assert not pool._links._sessions
    assert not pool._links._tasks


def test_a_script_is_kept_without_a_break_from_the_last_dispose_to_the_end_of_the_link() -> None:
    async def body(world: World) -> None:
        runtime = Runtime.current()
        ear = Ear(world.client.trades("BTCUSD"))
        await until(lambda: world.subscribed)
        ear.subscription.dispose()
        assert not runtime.idle(0)
        assert world.exchange.live
        while world.exchange.live:
            assert not runtime.idle(0)
            await asyncio.sleep(0)
        await until(lambda: runtime.idle(0), within=1)

    scenario(body)


def test_nor_does_it_end_before_the_link_of_what_was_refused() -> None:
    async def body(world: World) -> None:
        runtime = Runtime.current()
        world.exchange.known = lambda topic: False
        ear = Ear(world.client.trades("NOPEUSD"))
        await until(lambda: ear.errors)
        assert world.exchange.live
        while world.exchange.live:
            assert not runtime.idle(0)
            await asyncio.sleep(0)
        await until(lambda: runtime.idle(0), within=1)

    scenario(body)


def test_a_topic_that_lingers_keeps_no_script() -> None:
    """Not even where a link was still being closed when somebody came back."""

    async def body(world: World) -> None:
        runtime = Runtime.current()
        ear = Ear(world.client.trades("BTCUSD"))
        await until(lambda: world.of(Subscribed))
        world.exchange.live[0].stalled = True
        ear.subscription.dispose()
        assert runtime.idle(0)
        await until(lambda: not runtime.idle(0), within=61)
        again = Ear(world.client.trades("BTCUSD"))
        await until(lambda: len(world.of(Subscribed)) == 2)
        again.subscription.dispose()
        assert runtime.idle(0)

    scenario(body, linger=60.0)


def test_nor_do_several_of_which_one_is_let_go() -> None:
    async def body(world: World) -> None:
        runtime = Runtime.current()
        one, two = Ear(world.client.trades("BTCUSD")), Ear(world.client.trades("ETHUSD"))
        await until(lambda: len(world.subscribed) == 2)
        one.subscription.dispose()
        await asyncio.sleep(5)
        two.subscription.dispose()
        assert runtime.idle(0)
        await until(lambda: world.subscribed == ["publicTrade.ETHUSD"])
        assert runtime.idle(0)

    scenario(body, linger=10.0)


def test_403_is_a_limit_for_one_that_was_let_in() -> None:
    async def body(world: World) -> None:
        def refuse(url: str) -> None:
            raise HandshakeRejected("it is 403", status=403)

        ear = Ear(world.client.trades("BTCUSD"))
        await until(lambda: world.subscribed)
        world.transport.before = refuse
        world.exchange.live[0].cut()
        await until(lambda: any(told.delay_s >= 600 for told in world.of(Reconnecting)))
        world.transport.before = lambda url: None
        await until(lambda: len(world.exchange.links) == 2 and world.subscribed, within=700)
        assert ear.errors == []

    scenario(body)


class Plain:
    """Hears a topic without the client's subscription, which would mute it by itself."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def on_each(self, values: Sequence[Any], /) -> None:
        self.heard += values

    def on_error(self, error: Exception) -> None:
        self.heard.append(error)


def test_after_it_was_closed_nobody_hears_what_its_links_still_bring() -> None:
    async def body(world: World) -> None:
        pool = world.client._pools.at(Runtime.current())
        plain, statuses = Plain(), list[Status]()
        pool.listen(Observer(statuses.append))
        pool.subscribe(TRADES, [("ws://exchange/v5/public/inverse", "publicTrade.BTCUSD")], plain)
        await until(lambda: statuses and isinstance(statuses[-1], Subscribed))
        world.trade()
        await until(lambda: plain.heard)
        (link,) = world.exchange.live
        link.stalled = True  # so that its end takes a while
        heard, told = list(plain.heard), list(statuses)
        pool.close()
        world.trade()
        assert not link.closed
        await until(lambda: link.closed)
        await asyncio.sleep(1)
        assert plain.heard == heard
        assert statuses == told

    scenario(body)


def test_403_is_final_for_a_client_that_was_never_let_in() -> None:
    async def body(world: World) -> None:
        def refuse(url: str) -> None:
            raise HandshakeRejected("it is 403", status=403)

        world.transport.before = refuse
        ear = Ear(world.client.trades("BTCUSD"))
        await until(lambda: ear.errors)
        assert isinstance(ear.errors[0], HandshakeRejected)
        assert len(world.transport.attempts) == 1

    scenario(body)


def test_who_has_stopped_listening_hears_no_status() -> None:
    async def body(world: World) -> None:
        left: list[Status] = []
        world.client.status().subscribe(left.append).dispose()
        Ear(world.client.trades("BTCUSD"))
        await until(lambda: world.of(Subscribed))
        assert left == []

    scenario(body)


def test_and_is_forgotten() -> None:
    async def body(world: World) -> None:
        def one(status: Status) -> None:
            """It listens for a moment."""

        stays: list[Status] = []
        world.client.status().subscribe(stays.append)
        world.client.status().subscribe(one).dispose()
        forgotten = weakref.ref(one)
        del one
        gc.collect()
        assert forgotten() is None
        Ear(world.client.trades("BTCUSD"))
        await until(lambda: world.of(Subscribed))
        assert stays == world.statuses

    scenario(body)


def test_nothing_happens_before_a_subscription_and_one_link_serves_all() -> None:
    async def body(world: World) -> None:
        trades, book = world.client.trades("BTCUSD"), world.client.order_book_updates("BTCUSD")
        await asyncio.sleep(5)
        assert world.transport.attempts == []
        one, two = Ear(trades), Ear(trades)
        three = Ear(book)
        await until(lambda: len(world.subscribed) == 2)
        assert len(world.exchange.links) == 1
        assert world.asked == ["publicTrade.BTCUSD", "orderbook.50.BTCUSD"]
        assert len(world.exchange.links[0].texts) == 1
        late = Ear(world.client.trades("BTCUSD"))
        await asyncio.sleep(1)
        assert len(world.exchange.links[0].texts) == 1
        id_ = world.trade()
        await until(lambda: late.heard)
        assert one.ids == two.ids == late.ids == [id_]
        assert one.heard[0] is two.heard[0] is late.heard[0]
        assert three.heard == []
        for ear in (one, two, late):
            ear.subscription.dispose()
        await asyncio.sleep(0.1)
        assert world.subscribed == ["orderbook.50.BTCUSD"]
        three.subscription.dispose()
        await asyncio.sleep(0.1)
        assert world.exchange.live == []
        await asyncio.sleep(0.9)
        assert world.transport.released == 1

    scenario(body)


def test_one_stream_of_several_symbols_and_categories() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades(["BTCUSD", "BTCUSDT"], "ETHUSD"))
        await until(lambda: len(world.subscribed) == 3)
        urls = {link.url: world.exchange.subscribed[link] for link in world.exchange.live}
        assert urls == {
            "ws://exchange/v5/public/inverse": ["publicTrade.BTCUSD", "publicTrade.ETHUSD"],
            "ws://exchange/v5/public/linear": ["publicTrade.BTCUSDT"],
        }
        ids = [world.trade(s) for s in ("BTCUSDT", "BTCUSD", "ETHUSD")]
        await until(lambda: len(ear.heard) == 3)
        assert sorted(ear.ids) == ids
        ear.subscription.dispose()
        await asyncio.sleep(0.1)
        assert world.exchange.live == []

    scenario(body)


def test_a_refused_symbol_ends_the_streams_that_named_it() -> None:
    async def body(world: World) -> None:
        world.exchange.known = lambda topic: "NOPE" not in topic
        good, bad = Ear(world.client.trades("BTCUSD")), Ear(world.client.trades("NOPEUSD"))
        both = Ear(world.client.trades("BTCUSD", "NOPEUSD"))
        await until(lambda: bad.errors and both.errors and world.subscribed)
        for ear in (bad, both):
            (error,) = ear.errors
            assert isinstance(error, SubscriptionRejected)
            assert error.topic == "publicTrade.NOPEUSD"
            assert "handler not found" in error.message
        told = {(s.topic, s.connection) for s in world.of(Rejected)}
        assert told == {("publicTrade.NOPEUSD", 1)}
        await until(lambda: world.of(Subscribed))
        world.trade()
        await until(lambda: good.heard)
        assert both.heard == []
        assert good.errors == []

    scenario(body)


def test_leaving_at_the_word_of_a_refusal_leaves_nothing() -> None:
    async def body(world: World) -> None:
        world.exchange.known = lambda topic: "NOPE" not in topic
        bad = Ear(world.client.trades("BTCUSD", "NOPEUSD", "NOPE2USD"))

        def leave(status: Status) -> None:
            if isinstance(status, Rejected):
                bad.subscription.dispose()

        world.client.status().subscribe(leave)
        await until(lambda: world.of(Rejected))
        await asyncio.sleep(1.0)
        assert world.exchange.live == []
        assert bad.errors == []

    scenario(body)


def test_several_refusals_in_one_answer_end_a_stream_once() -> None:
    async def body(world: World) -> None:
        world.exchange.answering = False
        ear = Ear(world.client.trades("BTCUSD", "NOPEUSD", "NOPE2USD"))
        await until(lambda: world.asked)
        data = {"successTopics": ["publicTrade.BTCUSD"]}
        data["failTopics"] = ["publicTrade.NOPEUSD", "publicTrade.NOPE2USD"]
        world.exchange.live[0].push({"success": True, "data": data, "type": "COMMAND_RESP"})
        await until(lambda: ear.errors)
        assert len(world.of(Rejected)) == 2
        await asyncio.sleep(1.0)
        assert world.exchange.live == []
        assert len(ear.errors) == 1

    scenario(body)


def test_what_cannot_be_subscribed_leaves_no_sibling_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken(TopicDecoder):
        def __init__(self, spec: Any, wire: str, topic: str, **options: Any) -> None:
            if "ETH" in topic:
                raise ValueError(topic)
            super().__init__(spec, wire, topic, **options)

    monkeypatch.setattr("rxbybit.held.TopicDecoder", Broken)

    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD", "ETHUSD"))
        await asyncio.sleep(1.0)
        assert [type(e) for e in ear.errors] == [ValueError]
        assert world.exchange.live == []

    scenario(body)


def test_a_topic_that_no_symbol_can_make_is_refused_at_the_call() -> None:
    with pytest.raises(ConfigurationError, match=r"'A\.B'"):
        Bybit().trades("BTCUSDT", "A.B", category="spot")


def test_cancelling_a_links_task_ends_its_streams_and_not_their_successors() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await until(lambda: world.subscribed)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            if "rxbybit-session" in task.get_name():
                task.cancel()
        await until(lambda: ear.errors)
        (error,) = ear.errors
        assert isinstance(error, ConnectionFailed)
        assert "cancelled" in str(error)
        again = Ear(world.client.trades("BTCUSD"))
        await until(lambda: world.subscribed)
        world.trade()
        await until(lambda: again.heard)

    scenario(body)


def test_the_end_of_the_loop_is_quiet() -> None:
    told: list[Any] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, what: told.append(what))
        world = World()
        ear = Ear(world.client.trades("BTCUSD", "ETHUSD"))
        await until(lambda: world.subscribed)
        ears.append(ear)

    ears: list[Ear] = []
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    assert told == []
    assert ears[0].errors == []


def test_a_loop_that_has_ended_holds_no_topic() -> None:
    """Those that linger have nobody left who would let them go."""
    clients: list[Bybit] = []

    async def main() -> None:
        world = World(linger=60)
        clients.append(world.client)
        ear = Ear(world.client.trades("BTCUSD"))
        await until(lambda: world.subscribed)
        world.trade()
        await until(lambda: ear.heard)
        assert len(world.client.counters().topics) == 1

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    counted = clients[0].counters()
    assert (counted.topics, counted.links, counted.connected) == ((), 0, 0)
    assert counted.frames == 1


@pytest.mark.parametrize("laps", range(6))
def test_the_end_of_the_loop_cuts_no_release_short(laps: int) -> None:
    """``asyncio.run`` cancels whatever task there is, at whatever lap after the last link."""
    transports = list[MemoryTransport]()

    async def main() -> None:
        made, transport = client(MemoryExchange())
        transports.append(transport)
        answered = asyncio.Event()

        async def work() -> None:
            await answered.wait()

        errors = list[Exception]()
        made._pools.at(Runtime.current()).errand(work(), errors.append)
        await asyncio.sleep(0)
        answered.set()
        for _ in range(laps):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert [transport.released for transport in transports] == [1]


def test_retry_without_end_is_slowed_down() -> None:
    async def body(world: World) -> None:
        def refuse(url: str) -> None:
            raise HandshakeRejected("moved", status=302, permanent=True)

        world.transport.before = refuse
        ear = Ear(world.client.trades("BTCUSD").pipe(ops.retry()))
        await asyncio.sleep(60.0)
        assert 3 < len(world.transport.attempts) < 40
        world.transport.before = lambda url: None
        await until(lambda: world.subscribed, within=60)
        assert ear.errors == []
        world.transport.before = refuse
        world.exchange.live[0].cut()
        await until(lambda: len(world.exchange.live) == 0)

    scenario(body)


def test_a_cut_is_declared_before_the_next_event() -> None:
    async def body(world: World) -> None:
        order: list[object] = []
        world.client.status().subscribe(order.append)
        ear = Ear(world.client.trades("BTCUSD").pipe(ops.do_action(order.append)))
        await until(lambda: world.subscribed)
        world.trade()
        await until(lambda: ear.heard)
        world.exchange.live[0].cut()
        await until(lambda: len(world.exchange.links) == 2 and world.subscribed)
        world.trade()
        await until(lambda: len(ear.heard) == 2)
        (gap,) = world.of(Gap)
        assert (gap.topic, gap.lost, gap.filled) == ("publicTrade.BTCUSD", None, 0)
        assert (gap.after_ms, gap.before_ms) == (1_700_000_000_001, 1_700_000_000_002)
        assert order.index(gap) < order.index(ear.heard[1])
        assert ear.heard[0].meta.gap is None
        assert ear.heard[1].meta.gap == gap

    scenario(body)


def test_retry_on_a_refusal_asks_once_more_each_time() -> None:
    async def body(world: World) -> None:
        world.exchange.known = lambda topic: False
        ear = Ear(world.client.trades("BTCUSD").pipe(ops.retry(3)))
        await until(lambda: ear.errors)
        assert world.asked == ["publicTrade.BTCUSD"] * 3
        assert len(ear.errors) == 1

    scenario(body)


def test_a_link_given_up_ends_its_streams_once_and_retry_opens_one_link() -> None:
    async def body(world: World) -> None:
        def refuse(url: str) -> None:
            if len(world.transport.attempts) <= 2:
                raise ConnectionFailed("nobody there")

        world.transport.before = refuse
        one = Ear(world.client.trades("BTCUSD"))
        two = Ear(world.client.tickers("BTCUSD").pipe(ops.retry(2)))
        three = Ear(world.client.klines("BTCUSD").pipe(ops.retry(2)))
        await until(lambda: one.errors, within=600)
        assert [type(e) for e in one.errors] == [RetryBudgetExhausted]
        await until(lambda: world.subscribed == ["kline.1.BTCUSD", "tickers.BTCUSD"])
        assert len(world.transport.attempts) == 3
        assert two.errors == three.errors == []

    scenario(body, backoff=Backoff(budget=2))


def test_a_link_that_lived_makes_up_for_those_before_it() -> None:
    """How many were given up in a row is the attempt that the next one begins with."""

    async def body(world: World) -> None:
        def refuse(url: str) -> None:
            raise ConnectionFailed("nobody there")

        def attempts() -> list[int]:
            return [status.attempt for status in world.of(Reconnecting)]

        world.transport.before = refuse
        ear = Ear(world.client.trades("BTCUSD").pipe(ops.retry()))
        await until(lambda: attempts() == [1, 2])
        world.transport.before = lambda url: None
        await until(lambda: world.subscribed)
        await asyncio.sleep(6)
        world.transport.before = refuse
        world.exchange.live[0].cut()
        await until(lambda: len(attempts()) == 4)
        assert attempts() == [1, 2, 1, 1]
        assert ear.errors == []

    scenario(body, backoff=Backoff(first=0.5, cap=5.0, budget=1))


def test_who_comes_back_when_a_link_is_given_up_does_not_hear_of_its_end_again() -> None:
    """Though its topic was somebody else's, who has yet to hear of it."""

    async def body(world: World) -> None:
        def refuse(url: str) -> None:
            raise ConnectionFailed("nobody there")

        def come_back(error: Exception) -> None:
            world.transport.before = lambda url: None
            again.append(Ear(world.client.tickers("BTCUSD")))

        again: list[Ear] = []
        world.client.trades("BTCUSD").subscribe(lambda trade: None, come_back)
        other = Ear(world.client.tickers("BTCUSD"))
        await until(lambda: len(world.subscribed) == 2)
        world.transport.before = refuse
        world.exchange.live[0].cut()
        await until(lambda: other.errors and world.subscribed == ["tickers.BTCUSD"])
        assert [type(error) for error in other.errors] == [RetryBudgetExhausted]
        assert [ear.errors for ear in again] == [[]]

    scenario(body, backoff=Backoff(first=0.01, cap=0.1, budget=1))


def test_a_full_link_is_followed_by_another() -> None:
    async def body(world: World) -> None:
        symbols = [f"COIN{n:05d}USD" for n in range(1000)]
        ear = Ear(world.client.order_book_updates(symbols))
        await until(lambda: len(world.subscribed) == 1000)
        assert len(world.exchange.live) == 2
        for link in world.exchange.live:
            args = json.dumps(world.exchange.subscribed[link], separators=(",", ":"))
            assert len(args) <= 21_000
            assert all(len(request["args"]) <= 10 for request in link.requests)
        ear.subscription.dispose()
        await asyncio.sleep(0.1)
        assert world.exchange.live == []

    scenario(body)


def test_one_topic_more_costs_as_much_as_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """No look at what there is already: of 10,000 topics that took a quarter of a minute."""
    looked: list[str] = []
    genuine = V5.covering

    def covering(wire: V5, topic: str) -> str | None:
        looked.append(topic)
        return genuine(wire, topic)

    monkeypatch.setattr(V5, "covering", covering)

    async def body(world: World) -> None:
        ear = Ear(world.client.trades([f"C{n:04d}USD" for n in range(1_000)]))
        await until(lambda: len(world.subscribed) == 1_000)
        assert len(looked) < 20 * 1_000
        ear.subscription.dispose()

    scenario(body)


@pytest.mark.parametrize("depth", [50, 25])  # a view of the 50
def test_a_late_book_subscriber_has_the_topic_subscribed_anew(depth: int) -> None:
    async def body(world: World) -> None:
        first = Ear(world.client.order_book_updates("BTCUSD"))
        await until(lambda: world.subscribed)
        world.push("orderbook.50.BTCUSD", book_frame("snapshot", 1))
        await until(lambda: first.heard)
        late = Ear(world.client.order_book_updates("BTCUSD", depth=depth))
        await until(lambda: world.asked == ["orderbook.50.BTCUSD"] * 2, within=1)
        link = world.exchange.live[0]
        assert link.asked("unsubscribe") == ["orderbook.50.BTCUSD"]
        await asyncio.sleep(0.01)
        world.push("orderbook.50.BTCUSD", book_frame("snapshot", 8))
        world.push("orderbook.50.BTCUSD", book_frame("delta", 9))
        await until(lambda: len(late.heard) == 2)
        assert [e.update_id for e in first.heard] == [1, 8, 9]
        assert [e.update_id for e in late.heard] == [8, 9]
        assert len(world.exchange.links) == 1

    scenario(body)


@pytest.mark.parametrize("linger", [2.0, 0.5])
def test_linger_keeps_a_topic_for_a_while(linger: float) -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await until(lambda: world.subscribed)
        ear.subscription.dispose()
        await asyncio.sleep(linger - 0.1)
        assert world.subscribed
        again = Ear(world.client.trades("BTCUSD"))
        await asyncio.sleep(5)
        assert world.asked == ["publicTrade.BTCUSD"]
        id_ = world.trade()
        await until(lambda: again.heard)
        assert again.ids == [id_]
        assert ear.heard == []
        again.subscription.dispose()
        await asyncio.sleep(linger + 0.1)
        assert world.exchange.live == []

    scenario(body, linger=linger)


def test_closing_during_linger_leaves_nothing() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await until(lambda: world.subscribed)
        ear.subscription.dispose()
        await asyncio.sleep(0.1)

    scenario(body, linger=600.0)


def test_what_does_not_decode_is_reported_and_the_stream_goes_on() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await until(lambda: world.subscribed)
        world.push("publicTrade.BTCUSD", trade_frame("BTCUSD", 1, p="many"))
        id_ = world.trade()
        await until(lambda: ear.heard)
        (failed,) = world.of(DecodeFailed)
        assert failed.topic == "publicTrade.BTCUSD"
        assert "many" in failed.raw
        assert "price" in str(failed.messages) or "'p'" in str(failed.messages)
        assert failed.connection == 1
        assert (ear.ids[-1:], ear.errors) == ([id_], [])

    scenario(body)


def test_strict_ends_the_stream_that_does_not_decode() -> None:
    async def body(world: World) -> None:
        one, other = Ear(world.client.trades("BTCUSD")), Ear(world.client.trades("ETHUSD"))
        await until(lambda: len(world.subscribed) == 2)
        world.push("publicTrade.BTCUSD", trade_frame("BTCUSD", 1, p="many"))
        await until(lambda: one.errors)
        assert isinstance(one.errors[0], DecodeError)
        await until(lambda: world.subscribed == ["publicTrade.ETHUSD"])
        world.trade("ETHUSD")
        await until(lambda: other.heard)
        assert other.errors == []

    scenario(body, strict=True)


def test_disposing_inside_the_held_state_leaves_nothing() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.tickers("BTCUSD", "ETHUSD"))
        await until(lambda: len(world.subscribed) == 2)
        data = {"symbol": "BTCUSD", "lastPrice": "1"}
        head = {"topic": "tickers.BTCUSD", "type": "snapshot", "ts": 1_700_000_000_000}
        world.push("tickers.BTCUSD", json.dumps({**head, "data": data}).encode())
        await until(lambda: ear.heard)
        first = Ear(world.client.tickers("BTCUSD", "XRPUSD").pipe(ops.take(1)))
        assert len(first.heard) == 1
        await asyncio.sleep(0.1)
        assert "tickers.XRPUSD" not in world.subscribed
        ear.subscription.dispose()
        await asyncio.sleep(1)
        assert world.exchange.live == []

    scenario(body)


STREAMS: dict[str, Callable[[Bybit], Any]] = {
    "one": lambda b: b.trades("AUSD"),
    "other": lambda b: b.trades("BUSD"),
    "both": lambda b: b.trades("AUSD", "BUSD"),
    "book": lambda b: b.order_book_updates("AUSD"),
    "bad": lambda b: b.trades("NOPEUSD"),
    "mixed": lambda b: b.trades("AUSD", "NOPEUSD"),
}
TOPICS = {
    "one": {"publicTrade.AUSD"},
    "other": {"publicTrade.BUSD"},
    "both": {"publicTrade.AUSD", "publicTrade.BUSD"},
    "book": {"orderbook.50.AUSD"},
}


class Client(RuleBasedStateMachine):
    """Any order of subscribe, dispose, late and withheld answers, refusals, cuts and trades."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        self.world: World = self.call(World)
        self.world.exchange.known = lambda topic: "NOPE" not in topic
        self.ears: list[tuple[str, Ear]] = []
        self.gone: list[tuple[Ear, int]] = []
        self.due: dict[Ear, list[str]] = {}

    def call(self, fn: Callable[[], Any], then_s: float = 0.0) -> Any:
        async def main() -> Any:
            result = fn()
            await asyncio.sleep(then_s)
            return result

        return self.loop.run_until_complete(main())

    @rule(name=st.sampled_from(sorted(STREAMS)))
    def subscribe(self, name: str) -> None:
        ear = self.call(lambda: Ear(STREAMS[name](self.world.client)))
        self.ears.append((name, ear))
        self.due[ear] = []

    @precondition(lambda self: self.ears)
    @rule(which=st.integers(0, 99))
    def dispose(self, which: int) -> None:
        _, ear = self.ears.pop(which % len(self.ears))
        self.call(ear.subscription.dispose)
        self.gone.append((ear, len(ear.heard)))

    @rule(seconds=st.sampled_from([0.001, 0.01, 0.5, 11.0]))
    def wait(self, seconds: float) -> None:
        self.call(lambda: None, seconds)

    @rule(answering=st.booleans())
    def answer(self, answering: bool) -> None:
        self.world.exchange.answering = answering

    @precondition(lambda self: self.world.exchange.live)
    @rule()
    def cut(self) -> None:
        self.call(lambda: [link.cut() for link in self.world.exchange.live], 0.001)

    @precondition(lambda self: self.world.exchange.live)
    @rule(symbol=st.sampled_from(["AUSD", "BUSD"]))
    def trade(self, symbol: str) -> None:
        def send() -> None:
            topic = f"publicTrade.{symbol}"
            heard = topic in self.world.subscribed and not self.unclear(topic)
            id_ = self.world.trade(symbol)
            if heard:
                for name, ear in self.ears:
                    if topic in TOPICS.get(name, ()):
                        self.due[ear].append(id_)

        self.call(send, 0.01)

    def unclear(self, topic: str) -> bool:
        """Whether what comes may still be of before the topic was left: nobody has answered yet."""
        for pool in self.world.client._pools:
            held = pool.heard("ws://exchange/v5/public/inverse", topic)
            if held is not None and held.session._talk._wanted.early(topic):
                return True
        return False

    def teardown(self) -> None:
        """Settled, it holds exactly what is wanted; without subscribers, nothing."""
        self.world.exchange.answering = True
        self.call(lambda: None, 120.0)
        wanted: set[str] = set()
        for name, ear in self.ears:
            if name in TOPICS:
                wanted |= TOPICS[name]
                assert ear.errors == []
            else:
                assert [type(e) for e in ear.errors] == [SubscriptionRejected]
        assert self.world.subscribed == sorted(wanted)
        assert len(self.world.exchange.live) == bool(wanted)
        for ear, due in self.due.items():
            heard = ear.ids if not ear.heard or hasattr(ear.heard[0], "id") else []
            assert len(heard) == len(set(heard))
            assert heard == sorted(heard, key=int)
            assert set(heard) >= set(due)
        for ear, count in self.gone:
            assert len(ear.heard) == count
        for _, ear in self.ears:
            self.call(ear.subscription.dispose)

        async def rest() -> None:
            await asyncio.sleep(1.0)
            assert_nothing_left(self.world)

        self.loop.run_until_complete(rest())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()


TestClient = Client.TestCase
TestClient.settings = settings(max_examples=examples(60), stateful_step_count=25, deadline=None)
