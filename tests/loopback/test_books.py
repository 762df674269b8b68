"""The books of the embedded exchange through the library and real sockets: whatever goes wrong on
the way, each that says ``synced`` stood so in the exchange at that update.
"""

from __future__ import annotations

from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import pytest

from rxbybit import Backoff, Bybit, Gap, OrderBook, Status, Stream, Trade, renewal
from rxbybit import operators as rxo
from rxbybit.config import Category
from rxbybit.operators import TradeWithBook
from rxbybit.sim import (
    Close,
    Corrupt,
    Cut,
    Duplicate,
    Fault,
    Mute,
    Reorder,
    Restart,
    Silence,
    Skip,
    SkipUpdate,
    WithholdSnapshot,
    serve_in_thread,
)
from rxbybit.sim.market.depth import BestFeed, DepthFeed
from tests.sim.clock import market

TOPIC = "orderbook.50.BTCUSD"
Levels = tuple[tuple[Decimal, Decimal], ...]
Key = tuple[str, str, int, int]


class Truth:
    """How every topic of a book stood at each of its updates, out of the exchange's own book."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._stood: dict[Key, tuple[Levels, Levels]] = {}
        # Any: the feeds show what they know to nobody
        self._now: dict[Any, tuple[Levels, Levels]] = {}
        for kind in (BestFeed, DepthFeed):
            for name in ("__init__", "flush", "restart"):
                monkeypatch.setattr(kind, name, self._watched(getattr(kind, name), name))

    def agrees(self, category: Category, book: OrderBook) -> bool:
        """Whether the book stood so at its update, if it says that it is synced."""
        if book.state != "synced":
            return True
        assert book.update_id is not None
        assert book.sequence is not None
        bids, asks = self._stood[category, book.meta.topic, book.update_id, book.sequence]
        return (book.bids, book.asks) == (bids[: book.depth], asks[: book.depth])

    def _watched(self, method: Any, name: str) -> Any:
        def watched(feed: Any, *arguments: Any) -> Any:
            if name == "__init__":
                method(feed, *arguments)
                feed.category = arguments[0].category
            given = None if name == "__init__" else method(feed, *arguments)
            if name != "restart":
                halves = feed._book.bids, feed._book.asks
                bids, asks = (feed._texts(half.top(feed._depth)) for half in halves)
                self._now[feed] = _numbers(bids), _numbers(asks)
            topic = f"orderbook.{feed._depth}.{feed._symbol}"
            self._stood[feed.category, topic, feed._number, feed._as_of[0]] = self._now[feed]
            return given

        return watched


def _numbers(side: list[list[str]]) -> Levels:
    return tuple((Decimal(price), Decimal(size)) for price, size in side)


class Watch:
    """Checks every book of a stream as it comes; keeps them all, or none."""

    last: OrderBook

    def __init__(self, truth: Truth, stream: Any, category: Category, *, keeps: bool) -> None:
        self.synced = 0
        self._truth, self._keeps = truth, keeps
        self._category: Category = category
        self._wrong: list[str] = []
        self._gaps: list[Gap] = []
        self._kept: list[tuple[OrderBook, Levels]] = []
        stream.subscribe(self._on_next, lambda error: self._wrong.append(repr(error)))

    def _on_next(self, book: OrderBook) -> None:
        bids, asks = book.bids, book.asks
        if bids and asks and bids[0][0] >= asks[0][0]:
            self._wrong.append(f"crossed: {book!r}")
        if not self._truth.agrees(self._category, book):
            self._wrong.append(f"not what the exchange has: {book!r}")
        if book.meta.gap is not None:
            self._gaps.append(book.meta.gap)
        if self._keeps:
            self.last = book
            self._kept.append((book, bids))
        else:
            self.last = book.__replace__(bids=bids[:1], asks=asks[:1])
        self.synced += book.state == "synced"

    def check(self, statuses: list[Status]) -> None:
        """Nothing was wrong, nothing that was kept has changed, and each hole was told."""
        assert self._wrong == []
        assert all(book.bids == bids for book, bids in self._kept)
        topic, link = self.last.meta.topic, self.last.meta.connection
        holes = [status for status in statuses if isinstance(status, Gap)]
        assert self._gaps == [h for h in holes if (h.topic, h.connection) == (topic, link)]


@pytest.fixture
def truth(monkeypatch: pytest.MonkeyPatch) -> Truth:
    return Truth(monkeypatch)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot is taken for lost after a moment."""
    monkeypatch.setattr(renewal, "LATE_S", 0.2)


BOOKS: list[tuple[Category, str, int]] = [
    ("inverse", "BTCUSD", 1),
    ("inverse", "BTCUSD", 25),
    ("inverse", "BTCUSD", 50),
    ("inverse", "BTCUSD", 200),
    ("inverse", "BTCUSD", 1000),
    ("linear", "BTCUSDT", 50),
    ("spot", "BTCUSDT", 50),
    ("spot", "BTCUSDT", 1),
]

SCRIPTS: dict[str, tuple[Fault, ...]] = {
    "health": (),
    "skip": tuple(SkipUpdate(topic=TOPIC, nth=nth) for nth in (3, 12, 13, 40)),
    "lost": (Skip(topic=TOPIC, nth=4), Mute(topic=TOPIC, nth=30, frames=12)),
    "twice": (Duplicate(topic=TOPIC, nth=2), Duplicate(topic=TOPIC, nth=9)),
    "reorder": (Reorder(topic=TOPIC, nth=2), Reorder(topic=TOPIC, nth=30)),
    "first": (Reorder(topic=TOPIC, nth=1), Duplicate(topic=TOPIC, nth=1)),
    "corrupt": (
        Corrupt(topic=TOPIC, nth=1, how="cut"),
        Corrupt(topic=TOPIC, nth=7, how="reversed"),
        Corrupt(topic=TOPIC, nth=20, how="cut"),
    ),
    "restart": (Restart(after=40), Restart(after=300)),
    "missed restart": (WithholdSnapshot(topic=TOPIC), Restart(category="inverse")),
    "withheld": (WithholdSnapshot(), WithholdSnapshot(topic=TOPIC)),
    "cut": (Cut(after=30), Cut(after=60, how="rst"), Close(after=90)),
    "half-open": (Silence(after=30),),
}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_synced_book_is_that_of_the_exchange(truth: Truth, name: str) -> None:
    early = () if name == "missed restart" else SCRIPTS[name]
    statuses: list[Status] = []
    pairs: list[TradeWithBook[Trade]] = []
    with ExitStack() as ends:
        exchange = ends.enter_context(serve_in_thread(market=market(), speed=10, faults=early))
        quick = Backoff(first=0.01, cap=0.05)
        client = ends.enter_context(Bybit(exchange.url, backoff=quick, heartbeat=1.0))
        client.status().subscribe(statuses.append)
        streams: list[tuple[Category, Stream[OrderBook]]] = [
            (c, client.order_book(s, depth=d, category=c)) for c, s, d in BOOKS
        ]
        folded = client.order_book_updates("BTCUSD").pipe(rxo.to_book())
        streams.insert(3, ("inverse", folded))
        watches = [
            Watch(truth, stream, category, keeps=place % 2 == 0)
            for place, (category, stream) in enumerate(streams)
        ]
        met = client.trades("BTCUSD").pipe(rxo.with_book(client.order_book("BTCUSD", depth=200)))
        met.subscribe(pairs.append)

        def in_step(before: list[int]) -> bool:
            counts = zip(watches, before, strict=True)
            return all(w.synced > seen + 3 and w.last.state == "synced" for w, seen in counts)

        exchange.until(lambda: in_step([0] * len(watches)))
        exchange.faults.add(*(fault for fault in SCRIPTS[name] if not early))
        exchange.until(lambda: not exchange.faults.pending)
        before = [watch.synced for watch in watches]
        exchange.until(lambda: in_step(before) and len(pairs) > 3)
    for watch in watches:
        watch.check(statuses)
    for pair in pairs:
        assert (pair.book.sequence or 0) < (pair.trade.sequence or 0)
        assert truth.agrees("inverse", pair.book)


@pytest.mark.parametrize("kept_first", [True, False])
def test_a_topic_that_was_heard_in_both_readings_lingers_and_is_let_go(kept_first: bool) -> None:
    with (
        serve_in_thread(market=market(), speed=10) as exchange,
        Bybit(exchange.url, linger=0.3) as client,
    ):
        streams: list[Stream[Any]] = [client.order_book("BTCUSD")]
        streams.insert(1 if kept_first else 0, client.order_book_updates("BTCUSD"))
        for stream in streams:
            heard: list[Any] = []
            subscription = stream.subscribe(heard.append)
            exchange.until(lambda heard=heard: bool(heard))
            subscription.dispose()
        assert exchange.links
        exchange.until(lambda: not exchange.links, timeout_s=5.0)
        exchange.until(lambda: not client.counters().links, timeout_s=5.0)
        assert client.counters().topics == ()
