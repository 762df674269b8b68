"""P11, at length and on virtual time: what is let go leaves nothing, however often it happens.

Two equal states are compared: how many objects there are of each class, and how many blocks of
memory Python has handed out, which counts what no class is (numbers, texts, the tables of small
dicts). ``RXBYBIT_EFFORT`` is how many times as long they last; the nightly run has more of it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count, islice
from typing import Any

import pytest
from reactivex import abc

from rxbybit import Gap, Hooks, Resynced
from rxbybit import operators as rxo
from rxbybit.errors import ConnectionFailed
from tests import virtual
from tests.promises.still import BEGAN_MS, Still, trades_frame

EFFORT = max(0.5, float(os.environ.get("RXBYBIT_EFFORT", "1")))
pytestmark = pytest.mark.timeout(120 + 60 * EFFORT)


@pytest.fixture(autouse=True)
def collected_by_hand() -> Iterator[None]:
    """Where there are so many objects, each look for cycles takes a while."""
    gc.disable()
    yield
    gc.enable()


class Mark:
    """What there is of each class, and how many blocks of memory are in use."""

    def __init__(self) -> None:
        gc.collect()
        self.kinds = Counter(map(type, gc.get_objects()))
        self.blocks = sys.getallocatedblocks()

    def grown(self, since: Mark) -> dict[str, int]:
        """The classes that have a dozen objects more, and how many more they are."""
        return {repr(k): n for k, n in (self.kinds - since.kinds).items() if n >= 12}


def forget(still: Still) -> None:
    """What the test and its exchange write down is not the client's."""
    exchange = still.exchange
    still.statuses.clear()
    still.transport.attempts.clear()
    still.transport.asked.clear()
    exchange.links[:] = exchange.live
    for link in list(exchange.subscribed):
        link.texts.clear()
        if link.closed:
            del exchange.subscribed[link]


def assert_flat(marks: Sequence[Mark], *, blocks: int) -> None:
    """Nothing grows from the first equal state to the last."""
    first, last = marks[0], marks[-1]
    assert last.grown(first) == {}
    assert last.blocks - first.blocks < blocks, [mark.blocks for mark in marks]


GROUP = 100
TOPICS = 10_000


def test_10000_topics_that_come_and_go_leave_nothing() -> None:
    """A tenth of them is replaced by others that were never there before, and comes again.

    Meanwhile every link is cut, so that what is kept over reconnects is let go as well.
    """

    async def main() -> None:
        still = Still(heartbeat=3600.0)
        numbers = count()

        def fresh() -> list[str]:
            return [f"C{n:06d}USD" for n in islice(numbers, GROUP)]

        def hear(symbols: list[str]) -> abc.DisposableBase:
            return still.hear(still.client.trades(symbols))

        async def subscribed(symbols: list[str]) -> None:
            topic = f"publicTrade.{symbols[-1]}"

            def there() -> bool:
                have = [still.exchange.subscribed[link] for link in still.exchange.live]
                return sum(map(len, have)) == TOPICS and any(topic in one for one in have)

            await virtual.until(there)

        stays = [fresh() for _ in range(TOPICS // GROUP)]
        hearing = [hear(symbols) for symbols in stays]
        await subscribed(stays[-1])
        tenth = range(len(stays) // 10)

        async def replace(by: list[list[str]]) -> None:
            for n in tenth:
                hearing[n].dispose()
            await asyncio.sleep(1)
            for n in tenth:
                hearing[n] = hear(by[n])
            await subscribed(by[-1])
            for symbol in by[0]:
                still.push(f"publicTrade.{symbol}", trades_frame(symbol, 1))
            await asyncio.sleep(1)

        async def turn() -> Mark:
            await replace([fresh() for _ in tenth])
            for link in still.exchange.live:
                link.cut()
            await asyncio.sleep(2)  # longer than the first pause
            await replace(stays[: len(tenth)])
            await asyncio.sleep(200)  # 600 requests in 5 s: until each has its list, or has none
            forget(still)
            return Mark()

        marks = [await turn() for _ in range(round(2 + EFFORT))][1:]
        assert still.errors == []
        assert len(still.client.counters().topics) == TOPICS
        assert_flat(marks, blocks=1_000)  # a topic takes some 60
        still.client.close()

    virtual.run(main())


class Market:
    """Says on each connection what an exchange says, and repeats what it said last."""

    def __init__(self, still: Still) -> None:
        self.still = still
        self.number = 100

    def _push(self, topic: str, kind: str, data: object) -> None:
        frame = {"topic": topic, "type": kind, "ts": BEGAN_MS + self.number, "data": data}
        self.still.push(topic, json.dumps(frame, separators=(",", ":")).encode())

    def speak(self) -> None:
        first, self.number = self.number - 3, self.number + 7  # three were there already
        ticker = {"symbol": "BTCUSD", "lastPrice": f"{self.number}"}
        self._push("tickers.BTCUSD", "snapshot", ticker)
        for kind in ("snapshot", "delta"):
            book = {"s": "BTCUSD", "u": self.number, "seq": self.number}
            book |= {"b": [["65000", f"{self.number}"]], "a": [["65001", "1"]]}
            self._push("orderbook.50.BTCUSD", kind, book)
            self.number += 1
        self.still.push("publicTrade.BTCUSD", trades_frame("BTCUSD", first, 10, every_ms=1_000))


def everything(still: Still) -> Iterator[Any]:
    """Streams, and operators that keep something."""
    client = still.client
    yield client.trades("BTCUSD")
    yield client.tickers("BTCUSD")
    yield client.order_book_updates("BTCUSD").pipe(rxo.to_book(), rxo.imbalance(5))
    yield client.order_book_updates("BTCUSD").pipe(rxo.detect_gaps())
    yield client.ticker_updates("BTCUSD").pipe(rxo.merge_ticker())
    yield client.trades("BTCUSD").pipe(rxo.with_book(client.order_book("BTCUSD")))
    yield client.trades("BTCUSD").pipe(rxo.with_latest(client.tickers("BTCUSD")))
    yield client.trades("BTCUSD").pipe(rxo.vwap("1m"), rxo.conflate(every=1.0))
    yield client.trades("BTCUSD").pipe(rxo.bars("1m"))
    yield client.trades("BTCUSD").pipe(rxo.pause_when(client.status()))
    yield client.trades("BTCUSD").pipe(rxo.map_async(_late, buffer=5, overflow="drop_oldest"))


class Silent(Hooks):
    """Logs nothing, as pytest would keep it."""


async def _late(event: object) -> object:
    await asyncio.sleep(120)
    return event


def test_a_week_of_reconnects_leaves_nothing() -> None:
    """Every 15 minutes a connection is lost, every tenth time for 5 minutes."""

    async def main() -> None:
        still = Still(heartbeat=60.0, hooks=Silent())
        market = Market(still)
        for stream in everything(still):
            still.hear(stream)
        stands_still = still.client.trades("BTCUSD").iterate(buffer=20, overflow="drop_oldest")
        first = asyncio.ensure_future(anext(stands_still))
        down = [False]

        def connect(url: str) -> None:
            if down[0]:
                raise ConnectionFailed("nobody there")

        still.transport.before = connect
        gaps = 0

        async def quarter(number: int) -> None:
            nonlocal gaps
            subscribed = still.exchange.subscribed
            await virtual.until(lambda: any(len(subscribed[x]) == 3 for x in still.exchange.live))
            for _ in range(3):
                market.speak()
                await asyncio.sleep(100)
            down[0] = number % 10 == 0
            still.exchange.live[0].cut()
            await asyncio.sleep(300)
            down[0] = False
            await asyncio.sleep(300)
            gaps += len(still.of(Gap))
            assert not still.of(Resynced)
            forget(still)

        day = round(96 * EFFORT)
        marks: list[Mark] = []
        for number in range(7 * day):
            await quarter(number)
            if number % day == day // 2:
                marks.append(Mark())
        assert first.done()
        assert still.errors == []
        assert gaps >= 3 * (7 * day - 1)  # each of the three topics, each time
        assert_flat(marks, blocks=500)
        await stands_still.aclose()
        still.client.close()

    virtual.run(main(), within=8 * 86_400 * max(1.0, EFFORT))
