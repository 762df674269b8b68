"""What every venue promises, run against each: the same lines of a user, the same outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from reactivex import operators as ops

import rxbybit
from rxbybit import (
    Account,
    Balance,
    BookSnapshot,
    Bybit,
    ClosedError,
    ConfigurationError,
    Connected,
    Credentials,
    Instrument,
    Kline,
    Liquidation,
    Order,
    OrderBook,
    Position,
    Simulator,
    Subscribed,
    SubscriptionRejected,
    Ticker,
    TickerUpdate,
    Trade,
    UserTrade,
)
from rxbybit.sim import DEMO_KEY, DEMO_SECRET
from tests.promises.world import Ear, until

SPEED = 20
Venue = Callable[..., Any]  # a context manager that gives the venue


@contextmanager
def bybit(speed: float = SPEED, demo: bool = False, **options: Any) -> Iterator[Bybit]:
    """The client that programs use, on an exchange of its own."""
    options.setdefault("credentials", Credentials.hmac(DEMO_KEY, DEMO_SECRET))
    with (
        Simulator(speed=speed, demo=demo) as simulator,
        Bybit(simulator.environment, **options) as client,
    ):
        yield client


@contextmanager
def simulator(speed: float = SPEED, **options: Any) -> Iterator[Bybit]:
    with Simulator(speed=speed, **options) as venue:
        yield venue


@pytest.fixture(params=[bybit, simulator], ids=["Bybit", "Simulator"])
def venue(request: pytest.FixtureRequest) -> Venue:
    return request.param


def first(stream: Any, count: int = 1) -> list[Any]:
    """The first events, as a script gets them."""
    return stream.pipe(ops.take(count), ops.to_list(), ops.timeout(30)).run()


STREAMS: list[tuple[str, tuple[Any, ...], dict[str, Any], type]] = [
    ("trades", ("BTCUSD",), {}, Trade),
    ("trades", ("BTCUSDT",), {"category": "spot"}, Trade),
    ("tickers", ("BTCUSDT",), {}, Ticker),
    ("tickers", ("BTCUSDT",), {"category": "spot"}, Ticker),
    ("ticker_updates", ("ETHUSD",), {}, TickerUpdate),
    ("klines", ("BTCUSD",), {"interval": "5m"}, Kline),
    ("klines", ("BTCUSDT",), {"category": "spot"}, Kline),
    ("order_book_updates", ("BTCUSD",), {"depth": 1}, BookSnapshot),
    ("order_book_updates", ("BTCUSDT",), {"depth": 200}, BookSnapshot),
    ("instruments", ("linear",), {}, Instrument),
]


@pytest.mark.parametrize(("name", "args", "options", "kind"), STREAMS)
def test_a_stream_gives_its_events(
    venue: Venue, name: str, args: tuple[Any, ...], options: dict[str, Any], kind: type
) -> None:
    with venue() as opened:
        (event,) = first(getattr(opened, name)(*args, **options))
        assert type(event) is kind
        if kind is not Instrument:
            assert event.symbol == args[0]
            assert event.meta.topic.endswith(args[0])
        assert event.meta.received_ns > 0
        assert event.meta.gap is None


PUBLIC_LEGACY: list[tuple[str, tuple[Any, ...], dict[str, Any], type]] = [
    ("trades", ("BTCUSD",), {}, Trade),
    ("tickers", ("ETHUSD",), {}, Ticker),
    ("ticker_updates", ("ETHUSD",), {}, TickerUpdate),
    ("klines", ("BTCUSD",), {"interval": "5m"}, Kline),
    ("order_book", ("BTCUSD",), {}, OrderBook),
    ("order_book", ("BTCUSD",), {"depth": 200}, OrderBook),
    ("order_book_updates", ("ETHUSD",), {"depth": 25}, BookSnapshot),
]


@pytest.mark.parametrize(("name", "args", "options", "kind"), PUBLIC_LEGACY)
def test_a_stream_of_the_legacy_wire_gives_its_events(
    venue: Venue, name: str, args: tuple[Any, ...], options: dict[str, Any], kind: type
) -> None:
    with venue(wire="legacy") as opened:
        for names in (args, ()):
            (event,) = first(getattr(opened, name)(*names, **options))
            assert type(event) is kind
            assert event.meta.topic.endswith(event.symbol)
            assert event.symbol in (names or (event.symbol,))


PRIVATE: list[tuple[str, type]] = [
    ("orders", Order),
    ("positions", Position),
    ("balances", Balance),
    ("user_trades", UserTrade),
]


@pytest.mark.parametrize("wire", ["v5", "legacy"])
@pytest.mark.parametrize(("name", "kind"), PRIVATE)
def test_a_private_stream_gives_what_the_account_does(
    venue: Venue, name: str, kind: type, wire: str
) -> None:
    with venue(demo=True, wire=wire) as opened:
        for event in first(getattr(opened, name)(), 3):
            assert type(event) is kind


def test_the_account_as_a_whole_is_there_at_once(venue: Venue) -> None:
    with venue() as opened:
        (account,) = first(opened.account())
        assert type(account) is Account
        assert account.meta.backfilled
        assert first(opened.balances("USDT"))[0].coin == "USDT"


def test_liquidations_and_pools_are_streams_too(venue: Venue) -> None:
    with venue(speed=300) as opened:  # they are rare
        pools = first(opened.insurance(), 2)
        assert {pool.coin for pool in pools} <= {"BTC", "ETH"}
        (liquidation,) = first(opened.liquidations())
        assert type(liquidation) is Liquidation
        assert liquidation.position in ("long", "short")


def trade_symbol(trade: Trade) -> str:
    return trade.symbol


def ticker_symbol(ticker: Ticker) -> str:
    return ticker.symbol


def test_several_an_iterable_and_every_symbol(venue: Venue) -> None:
    with venue() as opened:
        several = opened.trades("BTCUSD", "ETHUSD")
        listed = opened.trades(name for name in ("BTCUSD", "ETHUSD"))
        for stream in (several, listed):
            found = first(stream.pipe(ops.distinct(trade_symbol)), 2)
            assert {trade.symbol for trade in found} == {"BTCUSD", "ETHUSD"}
        listed_now = first(opened.instruments("inverse"), 3)
        tickers = first(opened.tickers().pipe(ops.distinct(ticker_symbol)), 3)
        assert {t.symbol for t in tickers} == {i.symbol for i in listed_now}


def test_candles_begin_with_their_history(venue: Venue) -> None:
    with venue() as opened:
        candles = first(opened.klines("BTCUSD", history=30), 32)
        past, live = candles[:30], candles[30:]
        assert all(candle.closed and candle.meta.backfilled for candle in past)
        assert [c.start_ms for c in past] == [past[0].start_ms + 60_000 * n for n in range(30)]
        assert live[0].start_ms == past[-1].start_ms + 60_000
        assert not live[0].meta.backfilled
        assert all(candle.low <= candle.open <= candle.high for candle in candles)


def test_status_tells_and_opens_nothing(venue: Venue) -> None:
    async def main() -> None:
        with venue() as opened:
            statuses = Ear(opened.status())
            await asyncio.sleep(0)
            assert statuses.heard == []
            ear = Ear(opened.trades("BTCUSD"))
            await until(lambda: any(isinstance(s, Subscribed) for s in statuses.heard))
            kinds = [type(status) for status in statuses.heard]
            assert kinds.index(Connected) < kinds.index(Subscribed)
            ear.leave()
            await opened.aclose()

    asyncio.run(main())


def test_a_late_subscriber_of_a_state_has_it_at_once(venue: Venue) -> None:
    async def main() -> None:
        with venue() as opened:
            early = Ear(opened.tickers("BTCUSD"))
            await until(lambda: early.heard)
            late = Ear(opened.tickers("BTCUSD"))
            assert late.heard
            assert isinstance(late.heard[0].last_price, Decimal)
            await opened.aclose()

    asyncio.run(main())


def test_async_for(venue: Venue) -> None:
    async def main() -> list[Trade]:
        with venue() as opened:
            found: list[Trade] = []
            async with opened:
                async for trade in opened.trades("BTCUSD", "BTCUSDT"):
                    found.append(trade)
                    if len(found) == 3:
                        return found
            return found

    assert len(asyncio.run(main())) == 3


def test_an_unknown_symbol_ends_its_stream_only(venue: Venue) -> None:
    async def main() -> None:
        with venue() as opened:
            wrong, right = Ear(opened.trades("NOPEUSD")), Ear(opened.trades("BTCUSD"))
            await until(lambda: wrong.errors and right.heard)
            assert [type(error) for error in wrong.errors] == [SubscriptionRejected]
            assert right.errors == []
            await opened.aclose()

    asyncio.run(main())


WRONG: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("trades", ("btcusd",), {}, "BTCUSD"),
    ("trades", ([],), {}, "at least one"),
    ("trades", ("BTCUSD",), {"category": "futures"}, "inverse, linear, spot, option"),
    ("klines", ("BTCUSD",), {"interval": "7m"}, "1m"),
    ("klines", ("BTCUSD",), {"history": -1}, "0 to 10000"),
    ("klines", ("BTCUSD",), {"closed": "yes"}, "True or False"),
    ("account", (), {"snapshot": None}, "True or False"),
    ("user_trades", (), {"funding": 1}, "True or False"),
    ("order_book_updates", ("BTCUSD",), {"depth": 3}, "1, 25, 50, 200, 1000"),
    ("liquidations", ("BTCUSDT",), {"category": "spot"}, "inverse, linear"),
    ("instruments", ("futures",), {}, "inverse, linear, spot, option"),
]


@pytest.mark.parametrize(("name", "args", "options", "legal"), WRONG)
def test_what_cannot_be_is_told_at_the_call(
    venue: Venue, name: str, args: tuple[Any, ...], options: dict[str, Any], legal: str
) -> None:
    with venue() as opened, pytest.raises(ConfigurationError, match=legal):
        getattr(opened, name)(*args, **options)


def test_the_clients_category_is_the_calls_default(venue: Venue) -> None:
    with venue(category="spot") as opened:
        (trade,) = first(opened.trades("BTCUSDT"))
        assert trade.tick_direction is None  # as on spot


def test_closing_mutes_and_is_told_to_who_asks_again(venue: Venue) -> None:
    async def main() -> None:
        with venue() as opened:
            ear = Ear(opened.trades("BTCUSD"))
            await until(lambda: ear.heard)
            await opened.aclose()
            heard = len(ear.heard)
            assert ear.errors == []
            with pytest.raises(ClosedError):
                await opened.trades("BTCUSD").pipe(ops.take(1))
            assert len(ear.heard) == heard

    asyncio.run(main())


def test_counters_count(venue: Venue) -> None:
    with venue() as opened:
        trades = first(opened.trades("BTCUSD"), 5)
        counted = opened.counters()
        assert counted.events >= len(trades)
        assert counted.decode_failures == counted.reconnects == counted.gaps == 0


@pytest.mark.parametrize("name", ["trades", "tickers", "klines"])
def test_module_level_functions_take_any_venue(
    venue: Venue, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with venue() as opened:
        rxbybit.use(opened)
        try:
            (event,) = first(getattr(rxbybit, name)("BTCUSD"))
        finally:
            rxbybit.use(None)
        assert event.symbol == "BTCUSD"
