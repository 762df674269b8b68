"""Options over a real socket: trades by coin, acknowledgements by topic lists."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from rxbybit import Backoff, BookSnapshot, Bybit, Rejected, SubscriptionRejected
from rxbybit.sim import Recording, ServedExchange, serve_in_thread
from tests.promises.world import Ear, until

CALL, PUT = "BTC-27NOV26-100000-C", "BTC-27NOV26-90000-P-USDT"
ETHER = "ETH-27NOV26-4000-C"
NOW_MS = 1_790_000_000_000


def trades(topic: str, *symbols: str) -> str:
    """Source: protocol, public trade: option frames have an ``id`` and cover the whole coin."""
    items = [
        {"p": "1200", "v": "0.5", "i": f"{symbol}/{n}", "T": NOW_MS + n, "BT": False, "s": symbol}
        | {"S": "Buy", "mP": "1190.5", "iP": "98000.1", "mIv": "0.45", "iv": "0.46", "seq": 10 + n}
        for n, symbol in enumerate(symbols)
    ]
    frame = {"id": f"{topic}-1-{NOW_MS}", "topic": topic, "ts": NOW_MS, "data": items}
    return json.dumps({**frame, "type": "snapshot"}, separators=(",", ":"))


def book(depth: int, symbol: str) -> str:
    data = {"s": symbol, "b": [["1190", "2"]], "a": [["1210", "3"]], "u": 7, "seq": 70}
    topic = f"orderbook.{depth}.{symbol}"
    frame = {"id": "b-1", "topic": topic, "ts": NOW_MS, "data": data, "type": "snapshot"}
    return json.dumps(frame, separators=(",", ":"))


def ticker(symbol: str) -> str:
    data = {"symbol": symbol, "bidPrice": "0", "markPriceIv": "0.4896", "delta": "0.047831"}
    frame = {"id": "t-1", "topic": f"tickers.{symbol}", "ts": NOW_MS, "data": data}
    return json.dumps({**frame, "type": "snapshot"}, separators=(",", ":"))


def served(*frames: str) -> ServedExchange:
    known = ["publicTrade.BTC", "publicTrade.ETH", f"tickers.{CALL}", f"tickers.{PUT}"]
    known += [f"orderbook.{depth}.{CALL}" for depth in (25, 100)]
    return serve_in_thread({"option": Recording(frames, extra_topics=known)})


async def connected(exchange: ServedExchange, *topics: str) -> None:
    await until(lambda: sorted(exchange.subscriptions) == sorted(topics))


def test_trades_of_named_contracts_come_out_of_the_topic_of_their_coin() -> None:
    async def main(exchange: ServedExchange) -> None:
        async with Bybit(exchange.url) as client:
            both, call = Ear(client.trades(CALL, ETHER)), Ear(client.trades(CALL))
            put = Ear(client.trades(PUT, category="option"))
            await connected(exchange, "publicTrade.BTC", "publicTrade.ETH")
            exchange.send("publicTrade.BTC", trades("publicTrade.BTC", CALL, PUT, CALL))
            exchange.send("publicTrade.ETH", trades("publicTrade.ETH", ETHER))
            await until(lambda: len(both.heard) == 3 and len(put.heard) == 1)
            assert both.ids == [f"{CALL}/0", f"{CALL}/2", f"{ETHER}/0"]
            assert (call.ids, put.ids) == ([f"{CALL}/0", f"{CALL}/2"], [f"{PUT}/1"])
            assert str(put.heard[0].mark_volatility) == "0.45"
            put.leave()
            call.leave()
            assert [r.args for r in exchange.requests] == [("publicTrade.BTC", "publicTrade.ETH")]
            both.leave()
            await until(lambda: not exchange.links)

    with served() as exchange:
        asyncio.run(main(exchange))


def test_another_contract_after_a_reconnect_is_no_repetition() -> None:
    """Its sequence may be lower than the last one of the connection before."""

    async def main(exchange: ServedExchange) -> None:
        async with Bybit(exchange.url, backoff=Backoff(first=0.01, cap=0.05)) as client:
            ear = Ear(client.trades(CALL, PUT, category="option"))
            await connected(exchange, "publicTrade.BTC")
            exchange.send("publicTrade.BTC", trades("publicTrade.BTC", PUT, PUT, CALL))
            await until(lambda: len(ear.heard) == 3)
            exchange.run(lambda: exchange.exchange.links[0].cut())
            await until(lambda: [link.number for link in exchange.links] == [2])
            await connected(exchange, "publicTrade.BTC")
            exchange.send("publicTrade.BTC", trades("publicTrade.BTC", CALL))
            await until(lambda: len(ear.heard) == 4)
            assert ear.heard[3].sequence < ear.heard[2].sequence
            assert ear.heard[3].meta.gap is not None

    with served() as exchange:
        asyncio.run(main(exchange))


@pytest.mark.parametrize("depth", [25, 100])
def test_books_and_tickers_of_a_contract(depth: int) -> None:
    async def main(exchange: ServedExchange) -> None:
        async with Bybit(exchange.url) as client:
            books = Ear(client.order_book_updates(CALL, depth=depth))
            whole, updates = Ear(client.tickers(CALL)), Ear(client.ticker_updates(CALL))
            await connected(exchange, f"orderbook.{depth}.{CALL}", f"tickers.{CALL}")
            exchange.send(f"orderbook.{depth}.{CALL}", book(depth, CALL))
            exchange.send(f"tickers.{CALL}", ticker(CALL))
            await until(lambda: books.heard and whole.heard and updates.heard)
            (snapshot,) = books.heard
            assert isinstance(snapshot, BookSnapshot)
            assert (snapshot.symbol, snapshot.depth, snapshot.update_id) == (CALL, depth, 7)
            assert str(whole.heard[0].mark_volatility) == "0.4896"
            assert updates.heard[0].changed == {"bid_price", "mark_volatility", "delta"}

    with served() as exchange:
        asyncio.run(main(exchange))


def test_a_contract_that_is_listed_as_failed_costs_no_other() -> None:
    async def main(exchange: ServedExchange) -> None:
        async with Bybit(exchange.url) as client:
            statuses: list[Any] = []
            client.status().subscribe(statuses.append)
            gone = "BTC-27NOV26-1-C"
            wrong, right = Ear(client.tickers(gone)), Ear(client.tickers(PUT))
            await until(lambda: wrong.errors)
            (error,) = wrong.errors
            assert isinstance(error, SubscriptionRejected)
            assert error.topic == f"tickers.{gone}"
            (rejected,) = [s for s in statuses if isinstance(s, Rejected)]
            assert rejected.topic == f"tickers.{gone}"
            await connected(exchange, f"tickers.{PUT}")
            exchange.send(f"tickers.{PUT}", ticker(PUT))
            await until(lambda: right.heard)
            assert right.errors == []

    with served() as exchange:
        asyncio.run(main(exchange))
