"""The client's surface: arguments, environments, the ways to close, hooks, the default client."""

from __future__ import annotations

import asyncio
import json
import math
import os
import ssl
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from reactivex import operators as ops

import rxbybit
from rxbybit import (
    Backoff,
    Bybit,
    Category,
    ClosedError,
    ConfigurationError,
    Connected,
    Credentials,
    Dropped,
    Environment,
    Hooks,
    RuntimeMisuse,
    Status,
    Stream,
    default,
    runtime,
)
from rxbybit.errors import ConnectionFailed
from rxbybit.limits import CONNECTS, ConnectLedger
from rxbybit.runtime import Runtime
from rxbybit.streams.trade import TRADES
from tests.fakes import until as until_true
from tests.fakes import until_async, virtually
from tests.memory import MemoryExchange, MemoryTransport
from tests.virtual import run, until

Open = Callable[..., Stream[Any]]
OF_SYMBOLS = [
    "trades",
    "tickers",
    "ticker_updates",
    "klines",
    "order_book_updates",
    "liquidations",
]
FACTORIES = [*OF_SYMBOLS, "insurance"]


def wired(
    client: Bybit, exchange: MemoryExchange, clock: Callable[[], float] | None = None
) -> tuple[Bybit, dict[Runtime, MemoryTransport]]:
    """``client`` with links that end in ``exchange``, and its transports."""
    transports: dict[Runtime, MemoryTransport] = {}

    def transport(runtime: Runtime) -> MemoryTransport:
        return transports.setdefault(runtime, MemoryTransport(exchange))

    ledger = ConnectLedger(clock=clock) if clock else ConnectLedger()
    settings = msgspec.structs.replace(client._settings.session, ledger=ledger)
    client._settings = msgspec.structs.replace(
        client._settings, session=settings, new_transport=transport
    )
    return client, transports


class World:
    """A client in the running loop, on virtual time."""

    def __init__(self, **options: Any) -> None:
        self.exchange = MemoryExchange()
        clock = asyncio.get_running_loop().time
        made = Bybit(options.pop("environment", "http://exchange"), **options)
        self.client, self.transports = wired(made, self.exchange, clock)

    @property
    def subscribed(self) -> list[str]:
        return [t for link in self.exchange.live for t in self.exchange.subscribed[link]]

    def trade(self, n: int = 1, topic: str = "publicTrade.BTCUSD") -> None:
        for link in self.exchange.live:
            if topic in self.exchange.subscribed[link]:
                link.push(trade_frame(n))


def trade_frame(n: int) -> bytes:
    item = {"T": n, "s": "BTCUSD", "S": "Buy", "v": "1", "p": "2.50", "i": str(n)}
    frame = {"topic": "publicTrade.BTCUSD", "type": "snapshot", "ts": n, "data": [item]}
    return json.dumps(frame, separators=(",", ":")).encode()


class Plain:
    """A subscriber that notes everything."""

    def __init__(self, stream: Stream[Any]) -> None:
        self.heard: list[Any] = []
        self.ends: list[Any] = []
        self.subscription = stream.subscribe(
            self.heard.append, self.ends.append, lambda: self.ends.append("completed")
        )


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RXBYBIT_ENVIRONMENT", raising=False)
    monkeypatch.setattr(default, "_used", None)
    monkeypatch.setattr(default, "_own", None)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        call()
    return str(caught.value)


# arguments of the streams


@pytest.mark.parametrize("name", OF_SYMBOLS)
@pytest.mark.parametrize(
    ("symbols", "legal"),
    [
        (([],), "name at least one"),
        (("BTCUSD", iter(())), "name at least one"),
        (("btcusd",), "symbols are upper case, 'BTCUSD'"),
        (("BTCUSD", "ethusd"), "symbols are upper case, 'ETHUSD'"),
        (("BTC/USD",), "upper-case letters, digits, '-' and '.', as in BTCUSD"),
        (("BTC-USD",), "BTCUSD inverse, BTCUSDT linear, BTC-27NOV26-100000-C option"),
        (("BTC",), 'category="spot"'),
        (("",), "a symbol is upper-case letters"),
        ((5,), "a symbol is text, such as 'BTCUSD'"),
        (([None],), "a symbol is text, such as 'BTCUSD'"),
    ],
)
def test_a_wrong_symbol_is_told_what_is_legal_at_the_call(
    name: str, symbols: tuple[Any, ...], legal: str
) -> None:
    assert legal in refused(lambda: getattr(Bybit(), name)(*symbols))


@pytest.mark.parametrize("name", OF_SYMBOLS)
@pytest.mark.parametrize("symbol", ["btcusd", "BTC USD", "BTC*", ""])
def test_a_wrong_shape_is_refused_whatever_the_category(name: str, symbol: str) -> None:
    said = refused(lambda: getattr(Bybit(), name)(symbol, category="linear"))
    assert "upper-case letters, digits, '-' and '.', as in BTCUSD" in said


TRUTHS = [("klines", "closed"), ("user_trades", "funding")]
TRUTHS += [(name, "snapshot") for name in ("orders", "stop_orders", "positions", "balances")]
TRUTHS += [("account", "snapshot")]


@pytest.mark.parametrize(("name", "truth"), TRUTHS)
@pytest.mark.parametrize("given", ["yes", "", None, 1, 0, Decimal(1), []])
def test_what_is_true_or_false_is_nothing_else(name: str, truth: str, given: Any) -> None:
    symbols = () if name in ("account", "balances") else ("BTCUSD",)
    stream = getattr(Bybit(credentials=Credentials.hmac("key", "secret")), name)
    said = refused(lambda: stream(*symbols, **{truth: given}))
    assert said == f"{truth}={given!r}: True or False"
    assert isinstance(stream(*symbols, **{truth: True}), Stream)
    assert isinstance(stream(*symbols, **{truth: False}), Stream)


@pytest.mark.parametrize("name", [*OF_SYMBOLS, "instruments"])
@pytest.mark.parametrize("category", ["", 0, False])
def test_no_category_is_none_and_nothing_else(name: str, category: Any) -> None:
    said = refused(lambda: getattr(Bybit(), name)(category=category))
    assert "use one of inverse, linear, spot, option" in said


@pytest.mark.parametrize("name", FACTORIES)
@pytest.mark.parametrize("category", ["futures", "", "Inverse", 5])
def test_a_wrong_category_is_told_the_categories(name: str, category: Any) -> None:
    legal = "use one of inverse, linear, spot, option"
    assert legal in refused(lambda: getattr(Bybit(), name)("BTCUSD", category=category))
    assert legal in refused(lambda: Bybit(category=category))


@pytest.mark.parametrize(
    ("name", "category", "symbol", "legal"),
    [
        ("klines", "option", "BTC-27NOV26-100000-C", "inverse, linear, spot"),
        ("liquidations", "option", "BTC-27NOV26-100000-C", "inverse, linear"),
        ("liquidations", "spot", "BTCUSDT", "inverse, linear"),
        ("insurance", "option", "BTC", "inverse, linear"),
        ("insurance", "spot", "BTC", "inverse, linear"),
    ],
)
def test_what_a_category_lacks_is_told_with_those_that_have_it(
    name: str, category: Any, symbol: str, legal: str
) -> None:
    expected = f"{name}: {category} has none; there is {legal}"
    assert refused(lambda: getattr(Bybit(), name)(symbol, category=category)) == expected
    assert refused(lambda: getattr(Bybit(category=category), name)(symbol)) == expected
    if category == "option" and name != "insurance":
        assert refused(lambda: getattr(Bybit(), name)(symbol)) == expected


@pytest.mark.parametrize("depth", [0, 10, 26, 500, "50", 50.5, True])
def test_a_wrong_depth_is_told_the_depths(depth: Any) -> None:
    said = refused(lambda: Bybit().order_book_updates("BTCUSD", depth=depth))
    assert said == f"depth {depth!r}: inverse has 1, 25, 50, 200, 1000"
    of_option = refused(lambda: Bybit().order_book_updates("BTC-27NOV26-100000-C", depth=depth))
    assert of_option == f"depth {depth!r}: option has 25, 100"


@pytest.mark.parametrize("interval", ["1min", "7m", "1H", "", "2", 1, None])
def test_a_wrong_interval_is_told_the_intervals(interval: Any) -> None:
    said = refused(lambda: Bybit().klines("BTCUSD", interval=interval))
    assert said.startswith(f"interval {interval!r}: use one of 1m (1), 3m (3)")
    for legal in ["5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d", "1w", "1M"]:
        assert f" {legal} (" in said


def test_a_wrong_coin_is_told_where_coins_are() -> None:
    client = Bybit()
    assert "upper-case letters" in refused(lambda: client.insurance("btc"))
    assert "at least one" in refused(lambda: client.insurance([]))
    assert "linear has USDT, USDC" in refused(lambda: client.insurance("BTC", category="linear"))
    assert "USDT is linear" in refused(lambda: client.insurance("USDT", category="inverse"))


@pytest.mark.parametrize("name", FACTORIES)
def test_an_unknown_keyword_is_named(name: str) -> None:
    with pytest.raises(TypeError, match="levels"):
        getattr(Bybit(), name)("BTCUSD", levels=5)


def test_an_unknown_parameter_of_a_topic_is_named() -> None:
    client = Bybit()
    said = refused(lambda: client.open(TRADES, ("BTCUSD",), levels=5))
    assert said == "trades: no parameter levels; there is none"


@pytest.mark.parametrize("name", OF_SYMBOLS)
def test_the_category_is_that_of_the_call_else_the_clients_else_the_symbols(name: str) -> None:
    async def main() -> None:
        world = World()
        spot: Category = "linear" if name == "liquidations" else "spot"
        cases: tuple[tuple[Category | None, Category | None, Category], ...] = (
            (None, None, "inverse"),
            (None, "linear", "linear"),
            (spot, None, spot),
            (spot, "inverse", "inverse"),
        )
        for client_has, call_has, wanted in cases:
            made = Bybit("http://exchange", category=client_has)
            assert made.category == client_has
            client, _ = wired(made, world.exchange, asyncio.get_running_loop().time)
            world.exchange.links.clear()
            options = {"category": call_has} if call_has else {}
            Plain(getattr(client, name)("BTCUSD", **options))
            await until(lambda: world.exchange.live)
            (link,) = world.exchange.live
            assert link.url == f"ws://exchange/v5/public/{wanted}"
            await client.aclose()

    run(main())


def test_insurance_takes_the_clients_category_too() -> None:
    async def main() -> None:
        world = World(category="linear")
        Plain(world.client.insurance())
        await until(lambda: len(world.subscribed) == 2)
        assert sorted(world.subscribed) == ["insurance.USDC", "insurance.USDT"]
        assert "BTC is inverse" in refused(lambda: world.client.insurance("BTC"))
        world.client.close()

    run(main())


# arguments of the client


@pytest.mark.parametrize(
    ("options", "legal"),
    [
        ({"environment": "mars"}, "environment: 'mars'.*mainnet, testnet, demo.*http://127"),
        ({"environment": ""}, "mainnet, testnet, demo"),
        ({"linger": -1}, "linger=-1: seconds, 0 or more"),
        ({"linger": math.nan}, "linger=nan: seconds, 0 or more"),
        ({"linger": "1"}, "linger='1': seconds, 0 or more"),
        ({"heartbeat": 0}, "heartbeat=0: seconds, more than 0"),
        ({"heartbeat": -1.5}, "heartbeat=-1.5: seconds, more than 0"),
        ({"heartbeat": None}, "heartbeat=None: seconds, more than 0"),
        ({"stale": 0}, "stale=0: seconds, more than 0"),
        ({"stale": -1.5}, "stale=-1.5: seconds, more than 0"),
        ({"stale": None}, "stale=None: seconds, more than 0"),
        ({"stale": True}, "stale=True: seconds, more than 0"),
        ({"stale": math.nan}, "stale=nan: seconds, more than 0"),
        ({"heartbeat": math.nan}, "heartbeat=nan: seconds, more than 0"),
        ({"numbers": int}, "numbers=.*int.*: Decimal or float"),
        ({"numbers": "float"}, "numbers='float': Decimal or float"),
        ({"backoff": 5}, "backoff=5: use None, or a Backoff"),
        ({"ssl": False}, "ssl=False: use None, or a SSLContext"),
        ({"runtime": "x"}, "runtime='x': use None, or a Runtime"),
        ({"proxy": "socks5://u:secret@h"}, "proxy: use the URL of an HTTP proxy, such as http"),
    ],
)
def test_a_wrong_option_is_told_what_is_legal(options: dict[str, Any], legal: str) -> None:
    with pytest.raises(ConfigurationError, match=legal) as caught:
        Bybit(**options)
    assert "secret" not in repr(caught.value)


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(TypeError, match="hearbeat"):
        Bybit(hearbeat=3)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]


def test_what_is_legal_is_taken() -> None:
    client = Bybit(
        "http://127.0.0.1:1",
        category="spot",
        linger=0,
        heartbeat=0.001,
        stale=0.5,
        backoff=Backoff(first=1, cap=2, budget=3),
        proxy="http://u:p@proxy:1",
        ssl=ssl.create_default_context(),
        numbers=float,
        strict=True,
        runtime=Runtime.current(),
        keep_alive=False,
    )
    settings = client._settings
    assert (settings.linger, settings.numbers, settings.strict) == (0, float, True)
    assert (settings.session.heartbeat, settings.session.backoff.budget) == (0.001, 3)
    assert settings.session.stale == 0.5
    assert "p@" not in repr(client)
    plain = Bybit()._settings
    assert (plain.linger, plain.numbers, plain.strict) == (0.0, Decimal, False)
    assert (plain.session.heartbeat, plain.session.backoff) == (20.0, Backoff())
    assert plain.session.stale == 10.0
    assert plain.session.ledger is settings.session.ledger is CONNECTS  # one for all clients


# environments


def test_the_variable_is_read_at_the_first_subscription_and_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        monkeypatch.setenv("RXBYBIT_ENVIRONMENT", "not read yet")
        world = World(environment=None)
        stream = world.client.trades("BTCUSD")
        monkeypatch.setenv("RXBYBIT_ENVIRONMENT", "http://one")
        Plain(stream)
        monkeypatch.setenv("RXBYBIT_ENVIRONMENT", "http://two")
        Plain(world.client.trades("BTCUSDT"))
        await until(lambda: len(world.exchange.live) == 2)
        urls = {link.url for link in world.exchange.live}
        assert urls == {"ws://one/v5/public/inverse", "ws://one/v5/public/linear"}
        world.client.close()

    run(main())


@pytest.mark.parametrize("name", ["status", "trades"])
def test_a_wrong_variable_is_told_at_the_subscription(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RXBYBIT_ENVIRONMENT", "moon")

    async def main() -> None:
        world = World(environment=None)
        stream = world.client.status() if name == "status" else world.client.trades("BTCUSD")
        with pytest.raises(ConfigurationError, match=r"^RXBYBIT_ENVIRONMENT: 'moon'.*mainnet"):
            stream.subscribe(print)
        monkeypatch.setenv("RXBYBIT_ENVIRONMENT", "http://mended")
        stream.subscribe(print).dispose()

    run(main())


def test_a_wrong_decoder_reaches_each_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RXBYBIT_DECODER", "json")

    async def main() -> None:
        world = World()
        for _ in range(2):
            (error,) = Plain(world.client.trades("BTCUSD")).ends
            assert isinstance(error, ConfigurationError)
            assert str(error) == "RXBYBIT_DECODER='json': use msgspec or marshmallow"
        monkeypatch.setenv("RXBYBIT_DECODER", "marshmallow")
        plain = Plain(world.client.trades("BTCUSD"))
        await until(lambda: world.subscribed)
        assert plain.ends == []
        world.client.close()

    run(main())


def test_the_variable_does_not_concern_a_client_that_names_its_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RXBYBIT_ENVIRONMENT", "moon")

    async def main() -> None:
        own = Environment(name="gate", public={"inverse": "ws://gate/i", "spot": "ws://gate/s"})
        world = World(environment=own)
        Plain(world.client.trades("BTCUSD"))
        Plain(world.client.trades("BTCUSDT", category="spot"))
        await until(lambda: len(world.exchange.live) == 2)
        assert {link.url for link in world.exchange.live} == {"ws://gate/i", "ws://gate/s"}
        said = refused(lambda: world.client.tickers("BTCUSD", "BTCUSDT"))
        assert said == "environment 'gate' has no linear; there is inverse, spot"
        world.client.close()

    run(main())


# closing


def test_closing_mutes_plain_subscribers_and_ends_every_link() -> None:
    async def main() -> None:
        world = World()
        plain = Plain(world.client.trades("BTCUSD"))
        piped = Plain(world.client.trades("BTCUSD").pipe(ops.map(lambda t: t.id)))
        timed = Plain(world.client.trades("BTCUSD").buffer_with_time(1))
        told = Plain(world.client.status())
        await until(lambda: world.subscribed)
        world.trade(1)
        await until(lambda: plain.heard and timed.heard)
        before = len(told.heard)
        ticks = len(timed.heard)
        world.trade(2)  # on its way
        world.client.close()
        await asyncio.sleep(5)
        assert [trade.id for trade in plain.heard] == piped.heard == ["1"]
        assert (len(told.heard), len(timed.heard)) == (before, ticks)
        assert plain.ends == piped.ends == timed.ends == told.ends == []
        assert world.exchange.live == []
        assert Runtime.current().subscriptions == 0
        for one in (plain, piped, timed, told):
            one.subscription.dispose()

    run(main())


def test_closed_is_closed_for_every_way_to_listen() -> None:
    async def main() -> None:
        world = World()
        stream, status = world.client.trades("BTCUSD"), world.client.status()
        world.client.close()
        world.client.close()
        for each in (stream, status, stream.pipe(ops.take(1)), stream.take(1)):
            with pytest.raises(ClosedError, match="the client is closed"):
                each.subscribe(print)
            with pytest.raises(ClosedError):
                await each
            iterator = each.iterate()
            for _ in range(2):
                with pytest.raises(ClosedError):
                    await anext(iterator)
        assert world.client.trades("BTCUSD") is not stream  # making one is no use, and no error
        assert world.transports == {}

    run(main())


def test_run_of_a_closed_client_raises() -> None:
    client, transports = wired(Bybit("http://exchange"), MemoryExchange())
    client.close()
    with pytest.raises(ClosedError):
        client.trades("BTCUSD").run()
    assert transports == {}


def test_whoever_waits_hears_that_the_client_closes() -> None:
    async def main() -> None:
        world = World()

        async def iterates() -> None:
            async for _ in world.client.trades("BTCUSD"):
                pass

        async def awaits() -> None:
            await world.client.trades("BTCUSD").pipe(ops.map(str))

        tasks = [asyncio.ensure_future(work()) for work in (iterates, awaits)]
        await until(lambda: world.subscribed)
        world.trade()
        await asyncio.sleep(1)
        await world.client.aclose()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(end) for end in ended] == [ClosedError, ClosedError]
        assert Runtime.current().subscriptions == 0

    run(main())


def test_run_hears_that_the_client_closes() -> None:
    exchange = MemoryExchange()
    client, _ = wired(Bybit("http://exchange"), exchange)
    closer = threading.Timer(0, lambda: None)

    def hears(_: Status) -> None:
        nonlocal closer
        closer = threading.Thread(target=client.close)  # type: ignore[assignment]
        closer.start()

    client.status().pipe(ops.filter(lambda s: isinstance(s, Connected))).subscribe(hears)
    with pytest.raises(ClosedError):
        client.trades("BTCUSD").run()
    closer.join(30)
    asyncio.run(client.aclose())
    assert exchange.live == []


@pytest.mark.parametrize("way", ["with", "async with", "in on_next", "thread"])
def test_there_are_several_ways_to_close(way: str) -> None:
    async def main() -> None:
        world = World()
        plain = Plain(world.client.trades("BTCUSD"))
        await until(lambda: world.subscribed)
        if way == "with":
            with world.client as same:
                assert same is world.client
        elif way == "async with":
            async with world.client as same:
                assert same is world.client
            assert world.exchange.live == []  # it waits
        elif way == "in on_next":
            world.client.trades("BTCUSD").subscribe(lambda _: world.client.close())
            world.trade()
            await until(lambda: plain.heard)
        else:
            thread = threading.Thread(target=world.client.close)
            thread.start()
            thread.join()
        await until(lambda: not world.exchange.live)
        world.client.close()
        await world.client.aclose()
        with pytest.raises(ClosedError):
            world.client.trades("BTCUSD").subscribe(print)
        assert plain.ends == []

    run(main())


def test_closing_ends_what_only_lingers() -> None:
    async def main() -> None:
        world = World(linger=3600)
        plain = Plain(world.client.trades("BTCUSD"))
        await until(lambda: world.subscribed)
        plain.subscription.dispose()
        await asyncio.sleep(60)
        assert len(world.exchange.live) == 1
        began = asyncio.get_running_loop().time()
        await world.client.aclose()
        assert asyncio.get_running_loop().time() - began < 1
        assert world.exchange.live == []

    run(main())


def test_an_error_in_its_block_closes_the_client_and_comes_out() -> None:
    async def main() -> None:
        world = World()

        async def fails() -> None:
            async with world.client:
                Plain(world.client.trades("BTCUSD"))
                await until(lambda: world.subscribed)
                raise KeyError

        with pytest.raises(KeyError):
            await fails()
        assert world.exchange.live == []

    run(main())


def test_aclose_waits_until_the_sockets_are_gone() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        world = World()
        Plain(world.client.trades("BTCUSD", "BTCUSDT"))
        await until(lambda: len(world.subscribed) == 2)
        for link in world.exchange.live:
            link.stalled = True  # the peer reads nothing: closing takes its whole budget
        began = loop.time()
        await world.client.aclose()
        assert world.exchange.live == []
        assert 0.5 <= loop.time() - began < 1
        (transport,) = world.transports.values()
        assert transport.released == 1
        assert len(asyncio.all_tasks()) == 1  # this one

    run(main())


def test_aclose_waits_for_links_on_another_loop() -> None:
    exchange = MemoryExchange()
    client, transports = wired(Bybit("http://exchange"), exchange)
    client.trades("BTCUSD").subscribe(print)
    until_true(lambda: any(exchange.subscribed.values()))

    async def main() -> None:
        await client.aclose()
        assert exchange.live == []
        (transport,) = transports.values()
        assert transport.released == 1

    asyncio.run(main())


def test_aclose_does_not_wait_for_a_loop_that_is_gone_or_stands_still() -> None:
    exchange = MemoryExchange()
    client, _ = wired(Bybit("http://exchange"), exchange)

    async def opens() -> None:
        client.trades("BTCUSD").subscribe(print)
        await until_async(lambda: exchange.live)

    asyncio.run(opens())  # its links end with it
    assert exchange.live == []

    async def listens() -> None:
        client.status().subscribe(print)

    gone = asyncio.new_event_loop()
    gone.run_until_complete(listens())
    gone.close()
    still = asyncio.new_event_loop()
    still.run_until_complete(opens())

    async def closes() -> None:
        async with asyncio.timeout(30):
            await client.aclose()

    asyncio.run(closes())
    assert len(exchange.live) == 1  # nobody runs the loop that could close it
    still.run_until_complete(until_async(lambda: exchange.live == []))
    still.run_until_complete(still.shutdown_asyncgens())
    still.close()


def test_a_loop_that_stops_while_aclose_waits_is_no_hang() -> None:
    exchange = MemoryExchange()
    client, _ = wired(Bybit("http://exchange"), exchange)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def opens() -> None:
        client.trades("BTCUSD").subscribe(print)
        await until_async(lambda: any(exchange.subscribed.values()))
        exchange.live[0].stalled = True

    asyncio.run_coroutine_threadsafe(opens(), loop).result(30)

    async def closes() -> None:
        async with asyncio.timeout(30):
            closing = asyncio.ensure_future(client.aclose())
            await asyncio.sleep(0.02)
            assert not closing.done()
            loop.call_soon_threadsafe(loop.stop)
            await closing

    asyncio.run(closes())
    thread.join(30)
    loop.run_until_complete(asyncio.wait(asyncio.all_tasks(loop), timeout=30))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    assert exchange.live == []


def test_closing_before_a_posted_subscription_begins_opens_nothing() -> None:
    exchange = MemoryExchange()
    client, transports = wired(Bybit("http://exchange"), exchange)
    background = Runtime.current()
    free = threading.Event()

    def wait() -> None:
        free.wait(30)

    background.post(wait)
    plain = Plain(client.trades("BTCUSD"))
    client.close()
    free.set()
    asyncio.run(client.aclose())
    passed = threading.Event()
    background.post(passed.set)
    assert passed.wait(30)
    assert (exchange.links, plain.heard, plain.ends) == ([], [], [])
    assert all(transport.attempts == [] for transport in transports.values())
    assert background.subscriptions == 0


def test_a_topic_that_is_named_twice_is_heard_once() -> None:
    async def main() -> None:
        world = World()
        named: tuple[Category, str] = ("inverse", "publicTrade.BTCUSD")
        plain = Plain(world.client.open_topics(TRADES, [named, named]))
        await until(lambda: world.subscribed)
        world.trade(1)
        world.trade(2)
        await until(lambda: len(plain.heard) >= 2)
        assert [trade.id for trade in plain.heard] == ["1", "2"]
        world.client.close()

    run(main())


# status


def test_status_opens_nothing_and_keeps_nothing_alive() -> None:
    async def main() -> None:
        world = World()
        Plain(world.client.status())
        await asyncio.sleep(60)
        assert world.transports == {}
        assert Runtime.current().subscriptions == 0
        Plain(world.client.trades("BTCUSD"))
        assert Runtime.current().subscriptions == 1
        world.client.close()

    run(main())


def test_a_client_that_keeps_nothing_alive() -> None:
    async def main() -> None:
        world = World(keep_alive=False)
        plain = Plain(world.client.trades("BTCUSD").pipe(ops.map(lambda t: t.id)))
        assert Runtime.current().subscriptions == 0
        assert world.client._on_closed
        await until(lambda: world.subscribed)
        world.trade()
        await until(lambda: plain.heard == ["1"])
        plain.subscription.dispose()
        assert not world.client._on_closed  # whoever has left is forgotten
        world.client.close()

    run(main())


def test_status_begins_now_and_tells_each_of_its_subscribers() -> None:
    async def main() -> None:
        world = World()
        one = Plain(world.client.status())
        Plain(world.client.trades("BTCUSD"))
        await until(lambda: any(type(s) is Connected for s in one.heard))
        two = Plain(world.client.status())
        world.exchange.live[0].cut()
        await until(lambda: any(type(s) is Connected for s in two.heard))
        names = [type(status).__name__ for status in two.heard]
        steps = [name for name in names if name != "Subscribed"]
        assert steps == ["Disconnected", "Reconnecting", "Connecting", "Connected"]
        assert one.heard[-len(two.heard) :] == two.heard
        assert all(status.time.tzinfo and status.connection == 1 for status in one.heard)
        two.subscription.dispose()
        count = len(two.heard)
        world.exchange.live[0].cut()
        await until(lambda: sum(type(s) is Connected for s in one.heard) == 3)
        assert len(two.heard) == count
        world.client.close()

    run(main())


def test_what_iterate_drops_is_told() -> None:
    async def main() -> None:
        world = World()
        told = Plain(world.client.status())
        iterator = world.client.trades("BTCUSD").iterate(buffer=3, overflow="drop_oldest")
        first = asyncio.ensure_future(anext(iterator))
        await until(lambda: world.subscribed)
        world.trade(1)
        assert (await first).id == "1"
        for n in range(2, 12):
            world.trade(n)
        await until(lambda: any(type(s) is Dropped for s in told.heard))
        (dropped,) = [s for s in told.heard if type(s) is Dropped]
        assert dropped.count == 7
        assert dropped.time.utcoffset() is not None
        assert [(await anext(iterator)).id for _ in range(3)] == ["9", "10", "11"]
        await iterator.aclose()
        world.client.close()

    run(main())


# runtimes


def test_one_client_has_links_of_its_own_on_each_runtime() -> None:
    exchange = MemoryExchange()
    client, transports = wired(Bybit("http://exchange"), exchange)
    seen: dict[str, list[Status]] = {"background": [], "loop": []}
    client.status().subscribe(seen["background"].append)
    client.trades("BTCUSD").subscribe(print)
    until_true(lambda: len(exchange.live) == 1)

    async def main() -> None:
        client.status().subscribe(seen["loop"].append)
        client.trades("BTCUSD").subscribe(print)
        await until_async(lambda: len(exchange.live) == 2 and seen["loop"])
        assert len(transports) == 2

    asyncio.run(main())
    assert len(exchange.live) == 1  # one has ended with its loop, the other goes on
    asyncio.run(client.aclose())
    assert exchange.live == []
    assert {status.connection for status in seen["background"]} == {1}
    assert {status.connection for status in seen["loop"]} == {2}


def test_a_loop_that_has_ended_leaves_no_pool_behind() -> None:
    exchange = MemoryExchange()
    client, _ = wired(Bybit("http://exchange"), exchange)

    async def once() -> None:
        client.trades("BTCUSD").subscribe(print)

    for _ in range(3):
        asyncio.run(once())
    assert len(client._pools) == 1


def test_the_end_of_a_loop_waits_for_nothing_that_is_not_there() -> None:
    exchange = MemoryExchange()
    client, transports = wired(Bybit("http://exchange"), exchange)

    async def main() -> asyncio.AbstractEventLoop:
        client.trades("BTCUSD").subscribe(print)
        await until(lambda: exchange.live)
        return asyncio.get_running_loop()

    assert virtually(main()).time() < runtime.GRACE_S / 2
    assert exchange.live == []
    assert [transport.released for transport in transports.values()] == [1]


def test_a_runtime_that_was_given_is_taken() -> None:
    exchange = MemoryExchange()
    background = Runtime.current()
    client, transports = wired(Bybit("http://exchange", runtime=background), exchange)
    threads: list[str] = []

    async def main() -> None:
        client.status().subscribe(lambda _: threads.append(threading.current_thread().name))
        client.trades("BTCUSD").subscribe(print)
        await until_async(lambda: threads)
        await client.aclose()

    asyncio.run(main())
    assert list(transports) == [background]
    assert set(threads) == {"rxbybit-loop"}


def test_a_client_does_not_cross_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        world = World()
        Plain(world.client.trades("BTCUSD"))
        await until(lambda: world.subscribed)
        here = os.getpid()
        monkeypatch.setattr(os, "getpid", lambda: here + 1)
        for stream in (world.client.trades("BTCUSD"), world.client.status()):
            with pytest.raises(RuntimeMisuse, match=r"make a new Bybit\(\) in the child"):
                stream.subscribe(print)
        world.exchange.live[0].stalled = True
        began = asyncio.get_running_loop().time()
        await world.client.aclose()  # what is to be closed is the parent's
        assert asyncio.get_running_loop().time() == began
        monkeypatch.undo()
        await world.client.aclose()

    run(main())


# hooks


class Noted(Hooks):
    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def status(self, status: Status) -> None:
        self.calls.append(("status", type(status).__name__))

    def slow_callback(self, topic: str, seconds: float) -> None:
        self.calls.append(("slow_callback", topic, seconds > 0))

    def unreachable(self, url: str, reason: str) -> None:
        self.calls.append(("unreachable", url, reason))

    def reached(self, url: str, after_s: float) -> None:
        self.calls.append(("reached", url, after_s > 0))

    def unhandled_frame(self, url: str, text: str) -> None:
        self.calls.append(("unhandled_frame", url, text))


def test_hooks_of_ones_own_hear_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        hooks = Noted()
        world = World(hooks=hooks)
        failures = iter([ConnectionFailed("no route"), ConnectionFailed("no route")])

        def before(url: str) -> None:
            for failure in failures:
                raise failure

        here = world.transports[Runtime.current()] = MemoryTransport(world.exchange)
        here.before = before
        heard = Plain(world.client.trades("BTCUSD"))
        await until(lambda: world.subscribed)
        url = world.exchange.live[0].url
        world.exchange.live[0].push({"op": "hello"})
        await until(lambda: len(hooks.calls) > 4 and hooks.calls[-1][0] == "unhandled_frame")
        monkeypatch.setattr("tests.memory.SLOW_NS", 0)
        world.trade()
        await until(lambda: heard.heard)
        world.client.close()
        names = [call[1] for call in hooks.calls if call[0] == "status"]
        assert names[:3] == ["Connecting", "Disconnected", "Reconnecting"]
        assert names.count("Connected") == 1
        others = [call for call in hooks.calls if call[0] != "status"]
        assert others == [
            ("unreachable", url, "no route"),  # once, not at each attempt
            ("reached", url, True),
            ("unhandled_frame", url, '{"op": "hello"}'),
            ("slow_callback", "publicTrade.BTCUSD", True),
        ]

    run(main())


# the default client


def test_use_replaces_the_client_of_the_module() -> None:
    async def main() -> None:
        world = World()
        rxbybit.use(world.client)
        plain = Plain(rxbybit.trades("BTCUSD"))
        told = Plain(rxbybit.status())
        await until(lambda: world.subscribed == ["publicTrade.BTCUSD"])
        world.trade()
        await until(lambda: plain.heard and told.heard)
        other = World()
        rxbybit.use(other.client)
        Plain(rxbybit.trades("BTCUSDT"))
        await until(lambda: other.subscribed == ["publicTrade.BTCUSDT"])
        assert world.subscribed == ["publicTrade.BTCUSD"]
        rxbybit.use(None)
        assert default._own is None
        rxbybit.trades("BTCUSD")
        assert default._own not in (None, world.client, other.client)
        await world.client.aclose()
        await other.client.aclose()

    run(main())


def test_the_module_has_one_client_whoever_asks_first(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Bybit] = []
    both = threading.Barrier(2)

    class Slow(Bybit):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)
            both.wait(0.2)  # broken where nobody else gets here, as it should be

    def ask() -> None:
        rxbybit.trades("BTCUSD")

    monkeypatch.setattr(default, "Bybit", lambda: _quietly(Slow))
    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def _quietly(make: Callable[[], Bybit]) -> Bybit:
    try:
        return make()
    except threading.BrokenBarrierError:
        return Bybit()


@pytest.mark.parametrize("name", [*FACTORIES, "status"])
def test_every_factory_of_the_module_passes_its_arguments_on(name: str) -> None:
    class Asked(Bybit):
        def open(self, spec: Any, symbols: Any, **options: Any) -> Any:
            return spec.name, symbols, options

        def open_topics(self, spec: Any, topics: Any, **options: Any) -> Any:
            return spec.name, tuple(topics), {}

        def status(self) -> Any:
            return "status", (), {}

    client = Asked()
    rxbybit.use(client)
    arguments: dict[str, Any] = {} if name == "status" else {"category": "linear"}
    symbols = () if name == "status" else ("USDT",)
    called = getattr(rxbybit, name)(*symbols, **arguments)
    assert called == getattr(client, name)(*symbols, **arguments)
    assert called[0] == name
