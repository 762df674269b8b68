"""What users write, for the type checker only: it is checked under pyright strict, never run."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import ssl
from datetime import datetime, timedelta
from decimal import Decimal
from typing import assert_type

import reactivex
from reactivex import ConnectableObservable, Observable, abc
from reactivex import operators as ops
from reactivex.disposable import Disposable
from reactivex.scheduler import EventLoopScheduler, ImmediateScheduler

import rxbybit
from rxbybit import (
    Backoff,
    BookDelta,
    BookSnapshot,
    BookState,
    Bybit,
    Environment,
    Gap,
    Instrument,
    Insurance,
    Kline,
    Liquidation,
    LoggingHooks,
    Meta,
    OrderBook,
    Reconnecting,
    Resynced,
    Side,
    Stale,
    Status,
    TickDirection,
    Ticker,
    TickerUpdate,
    Trade,
    use,
)
from rxbybit import operators as rxo
from rxbybit.iteration import Iteration
from rxbybit.runtime import Runtime
from rxbybit.stream import Stream, lift


class Tick:
    """Stands for an event."""

    price: float
    symbol: str


def source(runtime: Runtime, observer: abc.ObserverBase[Tick]) -> abc.DisposableBase:
    """A source of a stream."""
    return Disposable()


def price(tick: Tick) -> float:
    """A mapper with types."""
    return tick.price


stream = Stream(source)
assert_type(stream, Stream[Tick])
observable: Observable[Tick] = stream

# Subscribing.
assert_type(stream.subscribe(), abc.DisposableBase)
assert_type(stream.subscribe(print), abc.DisposableBase)
stream.subscribe(lambda tick: print(tick.price), lambda error: print(error), lambda: print())
stream.subscribe(print, scheduler=ImmediateScheduler())

# pipe gives a stream again, of what the last operator makes.
assert_type(stream.pipe(), Stream[Tick])
assert_type(stream.pipe(ops.map(price)), Stream[float])
assert_type(stream.pipe(ops.buffer_with_time(1)), Stream[list[Tick]])
assert_type(stream.pipe(ops.map(price), ops.buffer_with_count(3)), Stream[list[float]])
assert_type(
    stream.pipe(ops.map(price), ops.pairwise(), ops.buffer_with_time(timedelta(seconds=1))),
    Stream[list[tuple[float, float]]],
)
four = stream.pipe(ops.map(price), ops.take(9), ops.skip(1), ops.to_list())
assert_type(four, Stream[list[float]])
assert_type(
    stream.pipe(ops.map(price), ops.take(9), ops.skip(1), ops.map(str), ops.to_set()),
    Stream[set[str]],
)
assert_type(
    stream.pipe(ops.map(price), ops.take(9), ops.skip(1), ops.skip(1), ops.map(str), ops.to_set()),
    Stream[set[str]],
)
assert_type(
    stream.pipe(
        ops.map(price),
        ops.take(9),
        ops.skip(1),
        ops.skip(1),
        ops.skip(1),
        ops.map(str),
        ops.to_set(),
    ),
    Stream[set[str]],
)


def count(observable: Observable[Tick]) -> int:
    """What is no operator comes out as is."""
    return 1 if observable else 0


assert_type(stream.pipe(count), int)

# The fluent methods.
assert_type(stream.map(price), Stream[float])
assert_type(stream.map(lambda tick: tick.symbol), Stream[str])
assert_type(stream.filter(lambda tick: tick.price > 1).take(3).skip(1), Stream[Tick])
assert_type(stream.take_while(lambda tick: tick.price > 1, inclusive=True), Stream[Tick])
assert_type(stream.distinct_until_changed(lambda tick: tick.price), Stream[Tick])
assert_type(stream.map(price).scan(lambda total, one: total + one, 0.0), Stream[float])
assert_type(stream.buffer_with_time(1.0), Stream[list[Tick]])
assert_type(stream.buffer_with_count(10), Stream[list[Tick]])
assert_type(stream.throttle_first(1.0).debounce(0.5).sample(timedelta(seconds=1)), Stream[Tick])
assert_type(stream.pairwise(), Stream[tuple[Tick, Tick]])
assert_type(stream.do_action(print), Stream[Tick])
assert_type(stream.merge(stream.map(price)), Stream[Tick | float])

# Leaving Rx.
assert_type(stream.run(), Tick)
assert_type(stream.iterate(buffer=10, overflow="latest"), Iteration[Tick])


async def reads() -> None:
    """Asynchronous iteration and await."""
    async for tick in stream:
        assert_type(tick, Tick)
    async for tick in stream.iterate(overflow="drop_oldest"):
        assert_type(tick, Tick)
    assert_type(await stream, Tick)
    assert_type(await stream.map(price).take(1), float)


# What lost its clock takes it back.
merged: Observable[Tick] = reactivex.merge(stream, stream)
assert_type(lift(merged), Stream[Tick])
assert_type(lift(stream), Stream[Tick])

# What is connectable stays so.
assert_type(stream.pipe(ops.publish()), ConnectableObservable[Tick])
assert_type(stream.pipe(ops.map(price), ops.publish()), ConnectableObservable[float])

# The factories, as functions and as methods: one symbol, several, an iterable.
assert_type(rxbybit.trades("BTCUSD"), Stream[Trade])
assert_type(rxbybit.trades("BTCUSD", ["ETHUSD"], category="inverse"), Stream[Trade])
assert_type(rxbybit.tickers({"BTCUSD", "ETHUSD"}), Stream[Ticker])
assert_type(rxbybit.ticker_updates("BTCUSD"), Stream[TickerUpdate])
assert_type(rxbybit.klines("BTCUSD", interval="1h", closed=True), Stream[Kline])
assert_type(rxbybit.klines("BTCUSD", history=200), Stream[Kline])
assert_type(rxbybit.instruments("linear"), Stream[Instrument])
assert_type(
    rxbybit.order_book_updates("BTCUSD", depth=200, category="linear"),
    Stream[BookSnapshot | BookDelta],
)
assert_type(rxbybit.order_book("BTCUSD"), Stream[OrderBook])
assert_type(rxbybit.order_book("BTCUSDT", ["ETHUSDT"], depth=1, category="spot"), Stream[OrderBook])
assert_type(rxbybit.liquidations("BTCUSD"), Stream[Liquidation])
assert_type(rxbybit.insurance(), Stream[Insurance])
assert_type(rxbybit.status(), Stream[Status])
rxbybit.trades("BTCUSD", category="futures")  # pyright: ignore[reportArgumentType]
rxbybit.trades("BTCUSD", depth=50)  # pyright: ignore[reportCallIssue]
rxbybit.order_book("BTCUSD", depth="50")  # pyright: ignore[reportArgumentType]
rxbybit.klines("BTCUSD", history="all")  # pyright: ignore[reportArgumentType]
rxbybit.klines("BTCUSD", closed="yes")  # pyright: ignore[reportArgumentType]
rxbybit.status("BTCUSD")  # pyright: ignore[reportCallIssue]

bybit = Bybit(
    Environment(name="gate", public={"spot": "wss://gate/spot"}),
    category="spot",
    linger=5,
    heartbeat=10.5,
    backoff=Backoff(first=1, cap=60, budget=10),
    proxy="http://proxy:3128",
    ssl=ssl.create_default_context(),
    numbers=float,
    strict=True,
    listings=5,
    keep_alive=False,
    hooks=LoggingHooks(),
)
assert_type(bybit.trades("BTCUSDT", category="spot"), Stream[Trade])
assert_type(bybit.order_book("BTCUSDT"), Stream[OrderBook])
assert_type(bybit.order_book_updates("BTCUSDT"), Stream[BookSnapshot | BookDelta])
assert_type(bybit.status(), Stream[Status])
Bybit("testnet", 5)  # pyright: ignore[reportCallIssue]
Bybit(numbers=str)  # pyright: ignore[reportArgumentType]
Bybit(category="futures")  # pyright: ignore[reportArgumentType]
use(bybit)
use(None)

# What is in them.
rxbybit.trades("BTCUSD").pipe(ops.buffer_with_time(1)).subscribe(print)
notional = rxbybit.trades("BTCUSD").map(lambda trade: trade.price * trade.size)
assert_type(notional, Stream[Decimal])
buys = rxbybit.trades("BTCUSD").filter(lambda trade: trade.side is Side.BUY)
assert_type(buys.take(1).run(), Trade)


# Operators.
assert_type(rxbybit.trades("BTCUSD").pipe(rxo.bars("1m")), Stream[rxo.Bar])
assert_type(rxbybit.trades("BTCUSD").pipe(rxo.bars("1m"), rxo.ema(20)), Stream[rxo.Value])
assert_type(rxbybit.trades("BTCUSD").pipe(rxo.vwap("1m", inverse=True)), Stream[rxo.Value])
assert_type(rxbybit.trades("BTCUSD").pipe(rxo.order_flow("500 trades")), Stream[rxo.Value])
assert_type(rxbybit.klines("BTCUSD", closed=True).pipe(rxo.ema(20)), Stream[rxo.Value])
highs = rxbybit.klines("BTCUSD").pipe(rxo.ema(20, key=lambda kline: kline.high))
assert_type(highs, Stream[rxo.Value])
assert_type(rxbybit.order_book("BTCUSD").pipe(rxo.spread()), Stream[rxo.Value])
assert_type(rxbybit.order_book("BTCUSD").pipe(rxo.imbalance(5)), Stream[rxo.Value])
assert_type(rxbybit.order_book("BTCUSD").pipe(rxo.microprice(), rxo.ema(9)), Stream[rxo.Value])
mids = rxbybit.order_book("BTCUSD").pipe(rxo.ema(9, key=lambda book: book.mid))
assert_type(mids, Stream[rxo.Value])
rxbybit.klines("BTCUSD").pipe(rxo.vwap("1m"))  # pyright: ignore[reportCallIssue, reportArgumentType]
rxbybit.tickers("BTCUSD").pipe(rxo.ema(20))  # pyright: ignore[reportCallIssue, reportArgumentType]


def reads_a_bar(bar: rxo.Bar) -> None:
    """The attributes of what operators give."""
    assert_type(bar.close, Decimal)
    assert_type(bar.vwap, Decimal | None)
    assert_type(bar.start, datetime)


# The flow operators keep or name the type of the events.
all_trades = rxbybit.trades("BTCUSD")
assert_type(all_trades.pipe(rxo.conflate(lambda trade: trade.symbol, every=1)), Stream[Trade])
assert_type(all_trades.pipe(rxo.conflate()), Stream[Trade])
worker = EventLoopScheduler()
assert_type(all_trades.pipe(rxo.on_slow(9, "latest", scheduler=worker)), Stream[Trade])
assert_type(all_trades.pipe(rxo.on_slow(9, scheduler=worker, on_drop=print)), Stream[Trade])
rxo.on_slow(9)  # pyright: ignore[reportCallIssue]
assert_type(all_trades.pipe(rxo.pause_when(rxbybit.status(), on_drop=print)), Stream[Trade])
assert_type(all_trades.pipe(rxo.pause_when(all_trades.map(lambda t: t.is_block))), Stream[Trade])
assert_type(all_trades.pipe(rxo.retry_backoff(first=1, budget=9)), Stream[Trade])
assert_type(all_trades.pipe(rxo.retry_backoff(Backoff(cap=9))), Stream[Trade])
pairs = all_trades.pipe(rxo.per_symbol(lambda one: one.pipe(ops.pairwise()), idle=60))
assert_type(pairs, Stream[tuple[Trade, Trade]])
rxbybit.insurance().pipe(rxo.per_symbol(ops.pairwise()))  # pyright: ignore[reportCallIssue, reportArgumentType]
marked = rxbybit.order_book_updates("BTCUSD").pipe(rxo.detect_gaps())
assert_type(marked, Stream[BookSnapshot | BookDelta | rxo.Hole])
assert_type(rxbybit.klines("BTCUSD").pipe(rxo.detect_gaps()), Stream[Kline | rxo.Hole])
all_trades.pipe(rxo.detect_gaps())  # pyright: ignore[reportCallIssue, reportArgumentType]


async def asks(trade: Trade) -> Decimal:
    """A coroutine that an operator runs."""
    return trade.price


assert_type(all_trades.pipe(rxo.map_async(asks, max_in_flight=4)), Stream[Decimal])
plain: Observable[Trade] = reactivex.of()
assert_type(plain.pipe(rxo.conflate(lambda trade: trade.symbol)), Observable[Trade])
assert_type(plain.pipe(rxo.map_async(asks)), Observable[Decimal])


def reads_a_trade(trade: Trade) -> None:
    """The attributes of an event, and of its meta."""
    assert_type(trade.price, Decimal)
    assert_type(trade.time_ms, int)
    assert_type(trade.time, datetime)
    assert_type(trade.side, Side)
    assert_type(trade.side.known, bool)
    assert_type(trade.tick_direction, TickDirection | None)
    assert_type(trade.meta.sent, datetime | None)
    assert_type(trade.meta.gap, Gap | None)
    assert_type(trade.to_json(meta=True), bytes)
    trade.price = Decimal(1)  # pyright: ignore[reportAttributeAccessIssue]


def reads_a_book(book: OrderBook) -> None:
    """What a book shows, and what is worked out of it."""
    assert_type(book.symbol, str)
    assert_type(book.depth, int)
    assert_type(book.bids, tuple[tuple[Decimal, Decimal], ...])
    assert_type(book.asks, tuple[tuple[Decimal, Decimal], ...])
    assert_type(book.best_bid, tuple[Decimal, Decimal] | None)
    assert_type(book.best_ask, tuple[Decimal, Decimal] | None)
    for number in (book.mid, book.spread, book.microprice, book.imbalance(), book.imbalance(5)):
        assert_type(number, Decimal | None)
    assert_type(book.fill_price("Buy", Decimal(5), inverse=True), Decimal | None)
    assert_type(book.fill_price(Side.SELL, Decimal(5)), Decimal | None)
    bids, asks = book.cumulative(5)
    assert_type(bids, tuple[tuple[Decimal, Decimal], ...])
    assert_type(asks, tuple[tuple[Decimal, Decimal], ...])
    assert_type(book.limited(5), OrderBook)
    assert_type(book.update_id, int | None)
    assert_type(book.sequence, int | None)
    assert_type(book.time_ms, int | None)
    assert_type(book.time, datetime | None)
    assert_type(book.state, BookState)
    assert_type(book.state is BookState.SYNCED, bool)
    assert_type(book.meta, Meta)
    assert_type(book.meta.gap, Gap | None)
    assert_type(book.to_json(meta=True), bytes)
    book.state = BookState.STALE  # pyright: ignore[reportAttributeAccessIssue]
    book.fill_price("Buy", 5.0)  # pyright: ignore[reportArgumentType]
    match book:
        case OrderBook(state=BookState.SYNCED, best_ask=(price, size)):
            assert_type(price, Decimal)
            assert_type(size, Decimal)
        case _:
            pass


def reads_a_book_update(update: BookSnapshot | BookDelta) -> None:
    """The two kinds of an update tell themselves apart."""
    match update:
        case BookSnapshot(bids=bids):
            assert_type(bids, tuple[tuple[Decimal, Decimal], ...])
        case BookDelta():
            assert_type(update, BookDelta)


def reads_a_status(status: Status) -> None:
    """A status by its kind."""
    assert_type(status.time, datetime)
    match status:
        case Gap(topic=topic, lost=lost):
            assert_type(topic, str)
            assert_type(lost, int | None)
        case Resynced(topic=topic, reason=reason):
            assert_type(reason, str)
        case Stale(topic=topic, connection=connection):
            assert_type(topic, str)
            assert_type(connection, int | None)
        case Reconnecting(delay_s=delay_s):
            assert_type(delay_s, float)
        case _:
            pass


async def closes() -> None:
    """The client in its blocks."""
    with Bybit() as one:
        assert_type(one, Bybit)
    async with Bybit("testnet") as two:
        assert_type(two, Bybit)
        async for trade in two.trades("BTCUSD"):
            assert_type(trade, Trade)
        async for ticker in two.tickers("BTCUSD").iterate(overflow="latest"):
            assert_type(ticker.funding_rate, Decimal | None)
    await two.aclose()


# Operators: each knows what comes out.
assert_type(rxbybit.klines("BTCUSD").pipe(rxo.closed()), Stream[Kline])
assert_type(rxbybit.ticker_updates("BTCUSD").pipe(rxo.merge_ticker()), Stream[Ticker])
assert_type(rxbybit.order_book_updates("BTCUSD").pipe(rxo.to_book()), Stream[OrderBook])
rxbybit.trades("BTCUSD").pipe(rxo.to_book())  # pyright: ignore[reportCallIssue, reportArgumentType]
rxbybit.tickers("BTCUSD").pipe(rxo.merge_ticker())  # pyright: ignore[reportCallIssue, reportArgumentType]
with_ticker = rxbybit.trades("BTCUSD").pipe(rxo.with_latest(rxbybit.tickers("BTCUSD")))
assert_type(with_ticker, Stream[rxo.TradeWithTicker[Trade]])
updates_as_tickers = rxo.with_latest(
    rxbybit.ticker_updates("BTCUSD")  # pyright: ignore[reportArgumentType]
)


def joins_books(books: Observable[OrderBook]) -> None:
    """A pair knows the trade that it was made of."""
    with_book = rxbybit.trades("BTCUSD").pipe(rxo.with_book(books, wait=0.5))
    assert_type(with_book, Stream[rxo.TradeWithBook[Trade]])
    assert_type(with_book.map(lambda pair: pair.trade.is_block), Stream[bool])
    rxbybit.tickers("BTCUSD").pipe(rxo.with_book(books))  # pyright: ignore[reportCallIssue, reportArgumentType]
