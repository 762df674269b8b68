"""Topics that fall silent, of a client on virtual time: what its subscribers and status() hear."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any

import msgspec
import pytest

from rxbybit import (
    Backoff,
    BookSnapshot,
    Bybit,
    Connecting,
    Credentials,
    DecodeFailed,
    Disconnected,
    Gap,
    Resynced,
    Stale,
    Status,
    Subscribed,
)
from rxbybit.limits import ConnectLedger
from tests.memory import MemoryExchange, MemoryLink, MemoryTransport
from tests.truebook import TrueBook
from tests.unit.test_held import Ear
from tests.unit.test_pool import trade_frame
from tests.virtual import VirtualLoop, run, until

STALE_S = 10.0
LATEST_S = 1.4 * STALE_S
TRADES, TICKER = "publicTrade.BTCUSD", "tickers.BTCUSD"
LEGACY_BOOK, LEGACY_TICKER = "orderBookL2_25.BTCUSD", "instrument_info.100ms.BTCUSD"


class Exchange(MemoryExchange):
    """Begins each subscription of a topic with what ``first`` makes of it, if anything."""

    def __init__(self) -> None:
        super().__init__()
        self.first: dict[str, Callable[[], bytes | None]] = {}
        self.legacy = False

    def push(self, topic: str, frame: bytes) -> None:
        """Send a frame to whoever has its topic, or all of its kind."""
        for link in self.live:
            if {topic, f"{topic.rpartition('.')[0]}.*"} & set(self.subscribed[link]):
                link.push(frame)

    def _on_text(self, link: MemoryLink, text: str) -> None:
        request = json.loads(text)
        operation, args = request["op"], request.get("args", [])
        if self.legacy and operation != "ping":
            mine = self.subscribed[link]
            mine[:] = [t for t in mine if t not in args] + (args if operation[0] == "s" else [])
            link.push({"success": True, "ret_msg": "", "request": {"op": operation, "args": args}})
        else:
            super()._on_text(link, text)
        if operation == "subscribe":
            kinds = [topic.removesuffix("*") for topic in args]
            for topic, first in self.first.items():
                begun = any(topic == kind or (kind[-1:] == "." and kind in topic) for kind in kinds)
                if begun and (frame := first()) is not None:
                    link.push(frame)


class World:
    def __init__(self, **options: Any) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        self.loop = loop
        self.exchange = Exchange()
        self.exchange.legacy = options.get("wire") == "legacy"
        self.transport = transport = MemoryTransport(self.exchange)
        backoff = Backoff(first=0.1, cap=1.0)
        key = Credentials.hmac("key", "secret")
        self.client = Bybit(
            "http://exchange", **{"backoff": backoff, "credentials": key, **options}
        )
        made: Any = self.client
        ledger = ConnectLedger(clock=loop.time)
        inner = msgspec.structs.replace(made._settings.session, ledger=ledger)
        made._settings = msgspec.structs.replace(
            made._settings, session=inner, new_transport=lambda runtime: transport
        )
        self.statuses: list[Status] = []
        self.client.status().subscribe(self._hear)
        self.times: list[float] = []
        self.numbered = 0

    def _hear(self, status: Status) -> None:
        self.statuses.append(status)
        self.times.append(self.loop.time())

    def of(self, kind: Any) -> list[Any]:
        return [status for status in self.statuses if isinstance(status, kind)]

    def when(self, kind: Any) -> list[float]:
        both = zip(self.times, self.statuses, strict=True)
        return [at for at, status in both if isinstance(status, kind)]

    @property
    def asked(self) -> list[tuple[str, ...]]:
        requests = [request for link in self.exchange.links for request in link.requests]
        return [(r["op"], *r["args"]) for r in requests if r["op"] != "ping"]

    def trade(self) -> None:
        self.numbered += 1
        self.exchange.push(TRADES, trade_frame("BTCUSD", self.numbered))

    async def trades_for(self, seconds: float) -> None:
        """The link lives, and its topic of trades too."""
        for _ in range(round(seconds)):
            await asyncio.sleep(1)
            self.trade()
        await asyncio.sleep(0.01)

    def book(self, seed: int = 3) -> TrueBook:
        """One that begins each subscription with its snapshot."""
        book = TrueBook(seed)
        self.exchange.first[book.topic] = book.snapshot
        return book

    def ticker(self, **values: str) -> dict[str, str]:
        """What a ticker shows; each subscription begins with it."""
        values = {"symbol": "BTCUSD", "lastPrice": "1", "bid1Price": "", **values}
        self.exchange.first[TICKER] = lambda: ticker_frame("snapshot", values)
        return values


def ticker_frame(kind: str, values: dict[str, str], topic: str = TICKER) -> bytes:
    frame = {"topic": topic, "type": kind, "ts": 1_700_000_000_000, "data": values}
    return json.dumps(frame, separators=(",", ":")).encode()


def scenario(body: Callable[[World], Awaitable[None]], **options: Any) -> None:
    """Run ``body``, with no exception in any callback, and see that nothing is left."""

    async def main() -> None:
        world = World(**options)
        wrong: list[dict[str, Any]] = []
        world.loop.set_exception_handler(lambda loop, context: wrong.append(context))
        await body(world)
        assert wrong == []
        world.client.close()
        await asyncio.sleep(1.0)
        assert not world.exchange.live
        assert len(asyncio.all_tasks()) <= 1
        loop: Any = world.loop
        soon = loop.time() + 3600
        assert not [t for t in loop._scheduled if not t.cancelled() and t.when() < soon]

    run(main())


def renewed(topic: str) -> list[tuple[str, str]]:
    return [("unsubscribe", topic), ("subscribe", topic)]


# books


def test_a_book_that_falls_silent_says_so_and_is_had_anew() -> None:
    async def body(world: World) -> None:
        book, ear = world.book(), Ear(world.client.order_book("BTCUSD"))
        trades = Ear(world.client.trades("BTCUSD"))
        await until(lambda: ear.heard)
        world.exchange.push(book.topic, book.change())
        await until(lambda: len(ear.heard) == 2)
        last, silent_s = ear.heard[1], world.loop.time()
        begun = len(world.asked)
        book.change()  # which is lost
        await world.trades_for(9.9)
        assert ear.last is last
        await world.trades_for(5)
        states = [one.state for one in ear.heard]
        assert states == ["synced", "synced", "stale", "synced"]
        stale, now = ear.heard[2:]
        assert stale == last.__replace__(state="stale")
        assert stale.meta is last.meta
        assert (now.bids, now.asks) == book.now
        assert (now.meta.kind, now.meta.gap) == ("snapshot", None)
        assert [status.topic for status in world.of(Stale)] == [book.topic]
        assert world.of(Stale)[0].connection == 1
        assert STALE_S <= world.when(Stale)[0] - silent_s <= LATEST_S
        (again,) = world.of(Resynced)
        assert again.reason.startswith("no data for 1")
        assert world.asked[begun:] == renewed(book.topic)
        assert world.of(Disconnected | Gap) == []
        assert len(trades.heard) == world.numbered
        for _ in range(100):  # and on it goes
            world.exchange.push(book.topic, book.change())
            await asyncio.sleep(1)
        assert ear.last.sequence == book.sequence
        assert len(world.of(Stale)) == 1

    scenario(body)


def test_the_status_comes_first_then_the_book_then_the_request() -> None:
    async def body(world: World) -> None:
        steps: list[str] = []
        world.book()
        world.client.order_book("BTCUSD").subscribe(lambda book: steps.append(book.state))
        await until(lambda: steps)
        world.client.status().subscribe(lambda status: steps.append(type(status).__name__))
        await until(lambda: "Resynced" in steps)
        assert steps[:3] == ["synced", "Stale", "stale"]
        assert steps.index("Subscribed") > 2

    scenario(body)


def test_a_late_subscriber_is_told_that_what_is_held_is_stale() -> None:
    async def body(world: World) -> None:
        book, ear = world.book(), Ear(world.client.order_book("BTCUSD"))
        await until(lambda: ear.heard)
        world.exchange.first[book.topic] = lambda: None
        await until(lambda: world.of(Stale))
        late = Ear(world.client.order_book("BTCUSD", depth=25))
        assert [(one.state, one.depth) for one in late.heard] == [("stale", 25)]

    scenario(body)


def test_a_quiet_book_is_asked_for_ever_more_rarely() -> None:
    """A dated contract that nobody trades, for a day."""

    async def body(world: World) -> None:
        book, ear = world.book(), Ear(world.client.order_book("BTCUSD"))
        await until(lambda: ear.heard)
        await asyncio.sleep(24 * 3600)
        count = len(world.of(Stale))
        assert 24 * 3600 / 650 <= count <= 24 * 3600 / 640 + 7
        assert len(world.asked) == 1 + 2 * count
        assert [one.state for one in ear.heard] == ["synced", *["stale", "synced"] * count]
        assert world.of(Disconnected) == []
        pauses = [b - a for a, b in zip(world.when(Stale), world.when(Stale)[1:], strict=False)]
        assert pauses[0] >= 2 * STALE_S
        assert 640 <= pauses[-1] <= 645
        # it moves, and dies
        world.exchange.push(book.topic, book.change())
        await asyncio.sleep(1)
        assert ear.last.sequence == book.sequence
        await asyncio.sleep(LATEST_S)
        assert len(world.of(Stale)) == count + 1

    scenario(body)


def test_a_snapshot_that_never_came_is_asked_for() -> None:
    async def body(world: World) -> None:
        book = world.book()
        snapshots = iter([None, None])
        world.exchange.first[book.topic] = lambda: next(snapshots, book.snapshot())
        world.client.trades("BTCUSD").subscribe(lambda trade: None)
        ear = Ear(world.client.order_book("BTCUSD"))
        await world.trades_for(60)
        assert world.when(Stale)[0] >= STALE_S
        assert [status.topic for status in world.of(Stale)[:2]] == [book.topic] * 2
        assert [one.state for one in ear.heard[:1]] == ["synced"]
        assert (ear.heard[0].bids, ear.heard[0].asks) == book.now
        assert world.of(Disconnected) == []

    scenario(body)


def test_a_book_that_is_being_repaired_and_falls_silent_is_stale() -> None:
    async def body(world: World) -> None:
        book, ear = world.book(), Ear(world.client.order_book("BTCUSD"))
        world.client.trades("BTCUSD").subscribe(lambda trade: None)
        await until(lambda: ear.heard)
        world.exchange.first[book.topic] = lambda: None
        book.change()
        world.exchange.push(book.topic, book.change())
        await until(lambda: len(ear.heard) == 2)
        await world.trades_for(LATEST_S + 1)
        assert [one.state for one in ear.heard] == ["synced", "resyncing", "stale"]
        assert ear.heard[2] == ear.heard[0].__replace__(state="stale")
        world.exchange.push(book.topic, b'{"topic":"orderbook.50.BTCUSD","type":"delta","data":1}')
        await until(lambda: world.of(DecodeFailed))
        assert [one.state for one in ear.heard] == ["synced", "resyncing", "stale"]
        world.exchange.first[book.topic] = book.snapshot
        await until(lambda: ear.last.state == "synced")

    scenario(body)


def test_a_book_that_dies_again_and_again_is_had_anew_each_time() -> None:
    async def body(world: World) -> None:
        book, ear = world.book(), Ear(world.client.order_book("BTCUSD"))
        for _ in range(600):
            await asyncio.sleep(1)
            book.change()  # nobody hears of it
        assert len(world.of(Stale)) >= 600 / LATEST_S - 1
        assert ear.last.state in ("synced", "stale")
        assert world.of(Disconnected) == []

    scenario(body)


@pytest.mark.parametrize("both", [True, False])
def test_updates_begin_anew_with_a_snapshot(both: bool) -> None:
    async def body(world: World) -> None:
        book, ear = world.book(), Ear(world.client.order_book_updates("BTCUSD"))
        ears = [ear, Ear(world.client.order_book("BTCUSD"))] if both else [ear]
        await until(lambda: all(one.heard for one in ears))
        await asyncio.sleep(0.1)
        begun, count = len(world.asked), len(ear.heard)
        book.change()
        await until(lambda: world.of(Resynced))
        await asyncio.sleep(0.1)
        assert isinstance(ear.heard[-1], BookSnapshot)
        assert (ear.heard[-1].bids, ear.heard[-1].asks) == book.now
        assert len(ear.heard) == count + 1
        assert len(world.of(Stale)) == len(world.of(Resynced)) == 1
        assert world.asked[begun:] == renewed(book.topic)

    scenario(body)


# tickers


def test_a_ticker_that_falls_silent_is_told_and_had_anew() -> None:
    async def body(world: World) -> None:
        values = world.ticker()
        whole, updates = (
            Ear(world.client.tickers("BTCUSD")),
            Ear(world.client.ticker_updates("BTCUSD")),
        )
        await until(lambda: whole.heard and updates.heard)
        values["lastPrice"] = "2"
        await until(lambda: world.of(Resynced))
        assert [status.topic for status in world.of(Stale)] == [TICKER]
        assert [str(one.last_price) for one in whole.heard] == ["1", "2"]
        assert [one.meta.kind for one in updates.heard] == ["snapshot", "snapshot"]
        assert world.asked[-2:] == renewed(TICKER)
        (held,) = Ear(world.client.tickers("BTCUSD")).heard
        assert held == whole.last

    scenario(body)


def test_what_is_late_of_a_ticker_is_left_out_until_its_snapshot() -> None:
    async def body(world: World) -> None:
        world.ticker()
        whole = Ear(world.client.tickers("BTCUSD"))
        await until(lambda: whole.heard)
        world.exchange.first[TICKER] = lambda: None
        await until(lambda: world.of(Stale))
        world.exchange.push(TICKER, ticker_frame("delta", {"symbol": "BTCUSD", "lastPrice": "7"}))
        await asyncio.sleep(0.1)
        assert len(whole.heard) == 1
        values = {"symbol": "BTCUSD", "lastPrice": "8"}
        world.exchange.push(TICKER, ticker_frame("snapshot", values))
        await until(lambda: len(whole.heard) == 2)
        assert str(whole.last.last_price) == "8"

    scenario(body)


@pytest.mark.parametrize(
    ("symbol", "kind"), [("BTCUSD", "delta"), ("BTC-27NOV26-100000-C", "snapshot")]
)
def test_a_quiet_ticker_is_asked_for_ever_more_rarely(symbol: str, kind: str) -> None:
    async def body(world: World) -> None:
        topic = f"tickers.{symbol}"
        values = {"symbol": symbol, "lastPrice": "1"}
        world.exchange.first[topic] = lambda: ticker_frame("snapshot", values, topic)
        ear = Ear(world.client.tickers(symbol))
        await until(lambda: ear.heard)
        world.exchange.push(topic, ticker_frame(kind, {**values, "lastPrice": "3"}, topic))
        await until(lambda: len(ear.heard) == 2)
        values["lastPrice"] = "3"
        await asyncio.sleep(6 * 3600)
        assert 6 * 3600 / 650 <= len(world.of(Stale)) <= 6 * 3600 / 640 + 7
        assert world.of(Disconnected) == []

    scenario(body)


# what may be quiet


@pytest.mark.parametrize(
    "name",
    ["trades", "klines", "liquidations", "insurance", "orders", "positions", "balances"],
)
def test_what_may_be_quiet_is_let_alone(name: str) -> None:
    async def body(world: World) -> None:
        options: dict[str, Any] = {"snapshot": False} if name[0] in "opb" else {}
        symbols = {"insurance": ["BTC"]}.get(name, [] if options else ["BTCUSD"])
        ear = Ear(getattr(world.client, name)(*symbols, **options))
        if options:
            link = await _first_link(world.exchange)
            link.push({"success": True, "ret_msg": "", "op": "auth", "conn_id": "c"})
        await until(lambda: world.of(Subscribed))
        asked = len(world.asked)
        await asyncio.sleep(600)
        assert len(world.asked) == asked
        assert world.of(Stale | Disconnected) == []
        assert (ear.heard, ear.errors) == ([], [])

    scenario(body)


async def _first_link(exchange: Exchange) -> MemoryLink:
    await until(lambda: exchange.live and any('"auth"' in t for t in exchange.live[0].texts))
    return exchange.live[0]


def test_with_infinite_patience_nothing_is_asked_for() -> None:
    async def body(world: World) -> None:
        world.book()
        ear = Ear(world.client.order_book("BTCUSD"))
        await until(lambda: ear.heard)
        await asyncio.sleep(24 * 3600)
        assert (len(world.asked), len(ear.heard)) == (1, 1)

    scenario(body, stale=inf)


# links


def test_a_link_without_data_is_replaced_once_and_says_why() -> None:
    async def body(world: World) -> None:
        book = world.book()
        world.exchange.first[book.topic] = lambda: book.snapshot() if whole() else None

        def whole() -> bool:
            return len(world.exchange.links) > 1

        ear = Ear(world.client.order_book("BTCUSD"))
        trades = Ear(world.client.trades("BTCUSD"))
        await until(lambda: ear.heard)
        assert 2 * STALE_S <= world.when(Disconnected)[0] <= 2 * LATEST_S
        assert [str(status.reason) for status in world.of(Disconnected)] == [
            "no topic had data, not even when it was subscribed anew"
        ]
        assert ear.last.state == "synced"
        assert len(world.of(Stale)) == 1
        await world.trades_for(120)
        assert len(world.exchange.links) == 2
        assert len(trades.heard) == world.numbered
        assert trades.errors == ear.errors == []

    scenario(body)


def test_a_topic_that_never_says_anything_makes_no_storm() -> None:
    """A contract before its launch, alone on its link, for a day."""

    async def body(world: World) -> None:
        ear = Ear(world.client.order_book("NEWUSD"))
        await asyncio.sleep(24 * 3600)
        assert 5 < len(world.exchange.links) < 80
        assert len(world.asked) < 400
        assert ear.errors == []

    scenario(body)


def test_a_link_that_is_down_makes_nothing_stale() -> None:
    async def body(world: World) -> None:
        world.book()
        ear = Ear(world.client.order_book("BTCUSD"))
        await until(lambda: ear.heard)
        world.transport.hang = True
        world.exchange.live[0].cut()
        await asyncio.sleep(3600)
        assert world.of(Stale) == []
        assert [one.state for one in ear.heard] == ["synced", "resyncing"]
        world.transport.hang = False
        await until(lambda: ear.last.state == "synced")
        await asyncio.sleep(STALE_S - 1)
        assert world.of(Stale) == []

    scenario(body)


def test_an_answer_that_is_late_is_no_silence() -> None:
    """Time counts from when the topic is live, and is no business of this before."""

    async def body(world: World) -> None:
        world.exchange.answering = False
        Ear(world.client.order_book("BTCUSD"))
        await asyncio.sleep(60)
        assert world.of(Stale | Disconnected) == []

    scenario(body)


# a loop that is held up


@pytest.mark.parametrize("held_s", [12.0, 31.0, 3600.0])
def test_frames_that_waited_while_the_loop_was_held_up_are_no_silence(held_s: float) -> None:
    async def body(world: World) -> None:
        book, ear = world.book(), Ear(world.client.order_book("BTCUSD"))
        await until(lambda: ear.heard)
        await asyncio.sleep(7.5)

        def hold() -> None:
            for _ in range(3):  # they come meanwhile, and lie in the socket
                world.exchange.push(book.topic, book.change())
            world.loop.now += held_s

        world.loop.call_soon(hold)
        await until(lambda: ear.last.sequence == book.sequence)
        await asyncio.sleep(9)
        assert world.of(Stale | Disconnected) == []
        assert len(world.asked) == 1

    scenario(body)


# the legacy wire


def level_frame(topic: str, best: int = 100) -> bytes:
    symbol = topic.rpartition(".")[2]
    bids = [{"price": str(best - n), "side": "Buy", "size": 1} for n in range(25)]
    asks = [{"price": str(best + 1 + n), "side": "Sell", "size": 1} for n in range(25)]
    levels = [{**level, "symbol": symbol} for level in (*reversed(bids), *asks)]
    whole = {"topic": topic, "type": "snapshot", "data": levels}
    frame = {**whole, "cross_seq": best, "timestamp_e6": 1_000_000}
    return json.dumps(frame, separators=(",", ":")).encode()


def test_books_and_tickers_of_the_legacy_wire_go_stale() -> None:
    async def body(world: World) -> None:
        info = {"symbol": "BTCUSD", "last_price": "5"}
        whole = {"topic": LEGACY_TICKER, "type": "snapshot", "data": info}
        frame = json.dumps({**whole, "cross_seq": 1, "timestamp_e6": 1}, separators=(",", ":"))
        world.exchange.first |= {
            LEGACY_BOOK: lambda: level_frame(LEGACY_BOOK),
            LEGACY_TICKER: lambda: frame.encode(),
        }
        book, ticker = Ear(world.client.order_book("BTCUSD")), Ear(world.client.tickers("BTCUSD"))
        trades = Ear(world.client.trades("BTCUSD"))
        await until(lambda: len(world.of(Resynced)) == 2)
        assert {status.topic for status in world.of(Stale)} == {LEGACY_BOOK, LEGACY_TICKER}
        assert [one.state for one in book.heard] == ["synced", "stale", "synced"]
        assert len(ticker.heard) == 2
        await asyncio.sleep(3600)
        count = Counter(status.topic for status in world.of(Stale))
        assert max(count.values()) <= 13
        assert trades.errors == []

    scenario(body, wire="legacy")


def test_a_book_out_of_those_of_every_symbol_goes_stale() -> None:
    """All are asked for anew with it, as they are one topic."""

    async def body(world: World) -> None:
        other = "orderBookL2_25.ETHUSD"
        world.exchange.first |= {
            topic: lambda topic=topic: level_frame(topic) for topic in (LEGACY_BOOK, other)
        }
        ear = Ear(world.client.order_book())
        await until(lambda: len(ear.heard) == 2)

        async def alive(seconds: int) -> None:
            for n in range(seconds):
                await asyncio.sleep(1)
                world.exchange.push(other, level_frame(other, 200 + n))

        await alive(15)
        assert [status.topic for status in world.of(Stale)] == [LEGACY_BOOK]
        assert world.asked[1:] == renewed("orderBookL2_25.*")
        states = [one.state for one in ear.heard if one.symbol == "BTCUSD"]
        assert states == ["synced", "stale", "synced"]
        assert {one.state for one in ear.heard if one.symbol == "ETHUSD"} == {"synced"}
        count = len(world.of(Stale))
        for link in world.exchange.live:
            link.cut()
        await alive(1)
        world.exchange.first[LEGACY_BOOK] = lambda: None
        await alive(60)
        assert len(world.of(Stale)) > count

    scenario(body, wire="legacy")


def test_who_joins_every_symbol_is_told_of_a_book_that_never_comes() -> None:
    async def body(world: World) -> None:
        other = "orderBookL2_25.ETHUSD"
        world.exchange.first |= {other: lambda: level_frame(other)}
        every = Ear(world.client.order_book())
        await until(lambda: every.heard)
        ear = Ear(world.client.order_book("BTCUSD"))
        assert len(world.asked) == 1
        for n in range(15):
            await asyncio.sleep(1)
            world.exchange.push(other, level_frame(other, 200 + n))
        assert [status.topic for status in world.of(Stale)] == [LEGACY_BOOK]
        assert ear.heard == []

    scenario(body, wire="legacy")


def test_who_joins_every_symbol_on_a_link_that_is_down_waits_for_it() -> None:
    async def body(world: World) -> None:
        other = "orderBookL2_25.ETHUSD"
        world.exchange.first |= {other: lambda: level_frame(other)}
        every = Ear(world.client.order_book())
        await until(lambda: every.heard)
        world.transport.hang = True
        world.exchange.live[0].cut()
        await until(lambda: world.of(Disconnected))
        Ear(world.client.order_book("BTCUSD"))
        await until(lambda: len(world.of(Connecting)) == 2)
        await asyncio.sleep(60)
        assert world.of(Stale) == []

    scenario(body, wire="legacy")


def test_those_of_every_symbol_say_nothing_of_one_on_another_link() -> None:
    async def body(world: World) -> None:
        other = "orderBookL2_25.ETHUSD"
        world.exchange.first |= {
            topic: lambda topic=topic: level_frame(topic) for topic in (LEGACY_BOOK, other)
        }
        alone = Ear(world.client.order_book("BTCUSD"))
        await until(lambda: alone.heard)
        every = Ear(world.client.order_book())
        await until(lambda: len(every.heard) == 2)
        first, second = world.exchange.live
        world.transport.hang = True
        first.cut()
        await asyncio.sleep(120)
        assert [t for t in second.asked("subscribe") if t == "orderBookL2_25.*"][2:]
        assert {status.topic for status in world.of(Stale)} == {other}

    scenario(body, wire="legacy")
