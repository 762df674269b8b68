"""Streams of every symbol, on virtual time and without sockets: client, list and links together."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from rxbybit import (
    Bybit,
    ConfigurationError,
    Environment,
    Rejected,
    RequestFailed,
    RequestRefused,
    Status,
    SubscriptionRejected,
)
from rxbybit.limits import ConnectLedger, RequestLedger
from rxbybit.transport import Answer
from tests.memory import MemoryExchange, MemoryTransport
from tests.unit.rest.desk import good, query_of
from tests.unit.rest.test_instruments import contract, option
from tests.unit.test_pool import Ear, trade_frame
from tests.virtual import run, until

OPTIONS = ["BTC-27NOV26-90000-C", "BTC-27NOV26-90000-P-USDT", "ETH-27NOV26-4000-C"]


class World:
    """An exchange that lists ``listed``, a thousand a page, and has whatever is listed."""

    def __init__(self, *symbols: str, **options: Any) -> None:
        self.exchange = MemoryExchange()
        self.transport = MemoryTransport(self.exchange)
        self.transport.answer = self.answer
        self.client = Bybit("http://exchange", **options)
        clock = asyncio.get_running_loop().time
        settings = self.client._settings
        self.client._settings = msgspec.structs.replace(
            settings,
            session=msgspec.structs.replace(settings.session, ledger=ConnectLedger(clock=clock)),
            new_transport=lambda runtime: self.transport,
            requests=RequestLedger(clock=clock),
        )
        self.listed = list(symbols)
        self.states = dict[str, str]()
        self.refusal: Answer | None = None
        self.statuses: list[Status] = []
        self.client.status().subscribe(self.statuses.append)

    def answer(self, url: str) -> Answer:
        if self.refusal is not None:
            return self.refusal
        query = query_of(url)
        spelled = option if query["category"] == "option" else contract
        items = [
            {**spelled(symbol), "status": self.states.get(symbol, "Trading")}
            for symbol in self.listed
            if symbol.startswith(query.get("baseCoin", ""))
        ]
        if query["category"] == "spot":
            items = [_of_spot(item) for item in items]
            return good({"list": items})
        place = int(query.get("cursor", 0))
        page, rest = items[place : place + 1000], place + 1000
        return good({"list": page, "nextPageCursor": str(rest) if rest < len(items) else ""})

    @property
    def subscribed(self) -> list[str]:
        return sorted(t for link in self.exchange.live for t in self.exchange.subscribed[link])

    def of(self, kind: type[Any]) -> list[Any]:
        return [status for status in self.statuses if isinstance(status, kind)]

    def trade(self, symbol: str, n: int, topic: str | None = None) -> None:
        frame = trade_frame(symbol, n)
        topic = topic or f"publicTrade.{symbol}"
        frame = frame.replace(f"publicTrade.{symbol}".encode(), topic.encode())
        for link in self.exchange.live:
            if topic in self.exchange.subscribed[link]:
                link.push(frame)


def _of_spot(item: dict[str, Any]) -> dict[str, Any]:
    lots = {"basePrecision": "0.001", "quotePrecision": "0.01", "minOrderQty": "1"}
    kept = {name: item[name] for name in ("symbol", "status", "baseCoin", "quoteCoin")}
    tick, most = item["priceFilter"], {"maxOrderQty": "9", "minOrderAmt": "1", "maxOrderAmt": "9"}
    return {**kept, "innovation": "0", "priceFilter": tick, "lotSizeFilter": lots | most}


def scenario(body: Callable[[World], Awaitable[None]], *symbols: str, **options: Any) -> None:
    async def main() -> None:
        world = World(*symbols, **options)
        await body(world)
        await world.client.aclose()
        assert not world.exchange.live
        assert len(asyncio.all_tasks()) == 1
        loop: Any = asyncio.get_running_loop()
        assert not [t for t in loop._scheduled if not t.cancelled() and t.when() < 3600 * 24]

    run(main())


FAMILIES: list[tuple[str, dict[str, Any], str]] = [
    ("trades", {}, "publicTrade.{}"),
    ("tickers", {}, "tickers.{}"),
    ("ticker_updates", {}, "tickers.{}"),
    ("klines", {"interval": "5m"}, "kline.5.{}"),
    ("klines", {"closed": True}, "kline.1.{}"),
    ("order_book_updates", {"depth": 200}, "orderbook.200.{}"),
    ("liquidations", {}, "allLiquidation.{}"),
]


@pytest.mark.parametrize(("name", "options", "topic"), FAMILIES)
@pytest.mark.parametrize("category", ["inverse", "linear", "spot"])
def test_no_symbols_is_every_symbol_that_trades(
    name: str, options: dict[str, Any], topic: str, category: str
) -> None:
    async def body(world: World) -> None:
        stream = getattr(world.client, name)(category=category, **options)
        await asyncio.sleep(100)
        assert world.transport.asked == []
        ear = Ear(stream)
        await until(lambda: len(world.subscribed) == 3)
        assert world.subscribed == [topic.format(s) for s in ("BTCUSD", "BTCUSDZ26", "ETHUSD")]
        assert {link.url for link in world.exchange.links} == {
            f"ws://exchange/v5/public/{category}"
        }
        ear.subscription.dispose()
        await until(lambda: not world.exchange.live)
        asked = len(world.transport.asked)
        await asyncio.sleep(300)
        assert len(world.transport.asked) == asked
        assert ear.errors == []

    if category == "spot" and name == "liquidations":
        with pytest.raises(ConfigurationError, match="spot has none"):
            Bybit().liquidations(category="spot")
    else:
        scenario(body, "BTCUSD", "BTCUSDZ26", "ETHUSD")


@pytest.mark.parametrize("given", [None, "linear"])
def test_the_category_is_the_calls_the_clients_or_inverse(given: Any) -> None:
    async def body(world: World) -> None:
        Ear(world.client.trades())
        Ear(world.client.tickers(category="spot"))
        await until(lambda: len(world.exchange.live) == 2 and len(world.subscribed) == 2)
        urls = {link.url.rpartition("/")[2] for link in world.exchange.live}
        assert urls == {given or "inverse", "spot"}

    scenario(body, "BTCUSDT", category=given)


def test_1900_symbols_keep_every_limit() -> None:
    async def body(world: World) -> None:
        trades = Ear(world.client.trades(category="linear"))
        books = Ear(world.client.order_book_updates(category="linear"))
        await until(lambda: len(world.subscribed) == 3800)
        asked = Counter(t for link in world.exchange.links for t in link.asked("subscribe"))
        assert set(asked.values()) == {1}
        links = world.exchange.live
        sizes = [len(json.dumps(world.exchange.subscribed[link])) for link in links]
        assert max(sizes) <= 21_000 + len(", ") * 1000  # json.dumps puts spaces in
        assert len(links) == len(world.transport.attempts) <= 6
        requests = [r for link in links for r in link.requests if r["op"] == "subscribe"]
        assert max(len(r["args"]) for r in requests) == 10
        assert len(requests) <= 380 + len(links)
        assert len([url for url in world.transport.asked if "cursor=1000" in url]) == 2
        world.trade("COIN1899USDT", 7)
        await until(lambda: trades.heard)
        assert trades.heard[0].symbol == "COIN1899USDT"
        for ear in (trades, books):
            assert ear.errors == []
            ear.subscription.dispose()
        await until(lambda: not world.exchange.live)

    scenario(body, *(f"COIN{n:04d}USDT" for n in range(1900)))


def test_listings_and_delistings_are_followed() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades())
        await until(lambda: world.subscribed == ["publicTrade.A", "publicTrade.B"])
        world.listed = ["B", "C"]
        await until(lambda: world.subscribed == ["publicTrade.B", "publicTrade.C"], within=11)
        world.trade("C", 1)
        await until(lambda: ear.heard)
        assert len(world.exchange.links) == 1
        asked = world.exchange.links[0].asked
        assert asked("subscribe") == ["publicTrade.A", "publicTrade.B", "publicTrade.C"]
        assert asked("unsubscribe") == ["publicTrade.A"]

    scenario(body, "A", "B", listings=10)


def test_what_does_not_trade_is_not_asked_for() -> None:
    async def body(world: World) -> None:
        world.states = {"B": "PreLaunch"}
        Ear(world.client.trades())
        await until(lambda: world.subscribed == ["publicTrade.A"])
        world.states = {"A": "Closed", "B": "Trading"}
        await until(lambda: world.subscribed == ["publicTrade.B"], within=61)

    scenario(body, "A", "B")


def test_a_refused_symbol_is_left_out_and_reported() -> None:
    async def body(world: World) -> None:
        world.exchange.known = lambda topic: topic != "publicTrade.C07"
        every, named = (
            Ear(world.client.trades()),
            Ear(world.client.trades("C07", category="inverse")),
        )
        await until(lambda: len(world.subscribed) == 24 and named.errors)
        assert isinstance(named.errors[0], SubscriptionRejected)
        assert [status.topic for status in world.of(Rejected)] == ["publicTrade.C07"]
        world.trade("C24", 3)
        await until(lambda: every.heard)
        await asyncio.sleep(200)  # the list is looked at again
        assert every.errors == []
        assert len(world.of(Rejected)) == 1

    scenario(body, *(f"C{n:02d}" for n in range(25)))


def test_a_list_that_cannot_be_had_is_asked_for_again() -> None:
    async def body(world: World) -> None:
        world.refusal = Answer(503, {}, b"")
        ear = Ear(world.client.trades())
        await until(lambda: len(world.of(RequestFailed)) >= 3)
        assert ear.errors == []
        world.refusal = None
        await until(lambda: world.subscribed == ["publicTrade.A"])

    scenario(body, "A")


def test_a_list_that_will_never_be_had_ends_the_stream_and_no_other() -> None:
    async def body(world: World) -> None:
        named = Ear(world.client.trades("A", category="inverse"))
        await until(lambda: world.subscribed == ["publicTrade.A"])
        world.refusal = Answer(404, {}, b"")
        every = Ear(world.client.trades())
        await until(lambda: every.errors)
        assert isinstance(every.errors[0], RequestRefused)
        world.trade("A", 1)
        await until(lambda: named.heard)
        assert named.errors == []

    scenario(body, "A")


def test_disposing_while_the_list_is_read_asks_for_nothing_more() -> None:
    async def body(world: World) -> None:
        world.transport.hang = True
        ear = Ear(world.client.trades())
        await until(lambda: world.transport.asked)
        ear.subscription.dispose()
        await asyncio.sleep(100)
        assert len(world.transport.asked) == 1
        assert world.exchange.links == []

    scenario(body, "A")


def test_subscribers_of_all_and_of_one_share_topics() -> None:
    async def body(world: World) -> None:
        every, again = Ear(world.client.trades()), Ear(world.client.trades())
        one = Ear(world.client.trades("B", category="inverse"))
        await until(lambda: len(world.subscribed) == 2)
        world.trade("B", 5)
        await until(lambda: every.heard and again.heard and one.heard)
        assert every.heard[0] is again.heard[0] is one.heard[0]
        every.subscription.dispose()
        again.subscription.dispose()
        await until(lambda: world.subscribed == ["publicTrade.B"])

    scenario(body, "A", "B")


def test_trades_of_every_option_come_by_coin() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades(category="option"))
        await until(lambda: world.subscribed == ["publicTrade.BTC", "publicTrade.ETH"])
        world.trade(OPTIONS[1], 1, "publicTrade.BTC")
        world.trade(OPTIONS[2], 2, "publicTrade.ETH")
        await until(lambda: len(ear.heard) == 2)
        world.listed = OPTIONS[:2]
        await until(lambda: world.subscribed == ["publicTrade.BTC"], within=61)

    scenario(body, *OPTIONS)


@pytest.mark.parametrize(
    ("name", "options", "topic"),
    [
        ("tickers", {}, "tickers.{}"),
        ("order_book_updates", {}, "orderbook.25.{}"),
        ("order_book_updates", {"depth": 100}, "orderbook.100.{}"),
    ],
)
def test_every_option(name: str, options: dict[str, Any], topic: str) -> None:
    async def body(world: World) -> None:
        Ear(getattr(world.client, name)(category="option", **options))
        await until(lambda: world.subscribed == sorted(map(topic.format, OPTIONS)))

    scenario(body, *OPTIONS)


def test_what_cannot_be_is_told_at_the_call() -> None:
    client = Bybit()
    with pytest.raises(ConfigurationError, match=r"option has none"):
        client.klines(category="option")
    with pytest.raises(ConfigurationError, match=r"depth 25|has 1, 25"):
        client.order_book_updates(depth=7)
    with pytest.raises(ConfigurationError, match="use one of"):
        client.klines(interval="7m")
    with pytest.raises(ConfigurationError, match="category 'futures'"):
        client.trades(category="futures")  # type: ignore[arg-type]
    bare = Environment(name="bare", public={"inverse": "ws://h/i", "spot": "ws://h/s"})
    assert Bybit(bare).trades("BTCUSD")
    with pytest.raises(ConfigurationError, match="REST"):
        Bybit(bare).trades()
    with pytest.raises(ConfigurationError, match="no linear"):
        Bybit(bare).trades(category="linear")
