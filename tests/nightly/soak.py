"""A client of many topics and an exchange on which things go wrong, for minutes.

``python -m tests.nightly.soak [--minutes N] [--seed N]``

The exchange numbers the trades that it sends; what a subscriber hears must be those, in order and
each once, and whatever is missing must have been declared before the next one (``meta.gap``), or be
a frame that could not be read (``DecodeFailed``). Meanwhile books of an invented market are kept
over links that are cut as well. Memory, objects, descriptors, tasks and threads must not grow.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from rxbybit import BookState, Bybit, DecodeFailed, Gap
from rxbybit.limits import ConnectLedger
from rxbybit.sim import Corrupt, Duplicate, Market, Recording, ServedExchange, serve_in_thread
from tests.promises.world import QUICK, Ear, World, until

SYMBOLS = [f"{base}USD" for base in ("BTC", "ETH", "XRP", "EOS", "DOT", "SOL", "ADA", "LTC")]
PARTS = [f"publicTrade.{symbol}" for symbol in SYMBOLS]
HOWS: tuple[Literal["fin", "rst"], ...] = ("fin", "rst")
PROCESS = Path("/proc/self")
SLACK_KB = 32_000
"""What the memory of a process moves by itself, and the market's as it fills: a client that kept
its events would be past it in two minutes."""


class Ledger:
    """What was sent of one symbol, and who hears it."""

    def __init__(self, world: World, symbol: str) -> None:
        self.symbol = symbol
        self.topic = f"publicTrade.{symbol}"
        self.sent: list[str] = []
        self.failed = 0
        """Frames that could not be read since the last look."""
        self.ear = Ear(world.client.trades(symbol))

    def look(self) -> int:
        """Compare what came with what was sent; gives how many trades are missing, all declared."""
        heard = self.ear.heard
        ids = [event.id for event in heard]
        place = {id_: n for n, id_ in enumerate(self.sent)}
        assert self.ear.errors == []
        unknown = [id_ for id_ in ids if id_ not in place]
        assert not unknown, f"{self.topic}: nobody sent {unknown}"
        at = [place[id_] for id_ in ids]
        assert at == sorted(set(at)), f"{self.topic}: not in order, or not once: {ids}"
        missing = 0
        before, unread = -1, self.failed
        for event, now in zip(heard, at, strict=True):
            lost = now - before - 1
            if lost and event.meta.gap is None:
                unread -= 1  # a frame holds one trade
                assert lost == 1, f"{self.topic}: {lost} trades before {event.id} are missing"
                assert unread >= 0, f"{self.topic}: one before {event.id} is missing"
            missing += lost
            before = now
        # what was heard last begins the next look
        del self.sent[: before + 1], heard[:]
        self.failed = 0
        return missing


class Books:
    """Books of the market: none that says it is whole is crossed, or leaves an update out."""

    def __init__(self, client: Bybit) -> None:
        self.seen = self.resynced = 0
        self._last: dict[str, tuple[int, int | None]] = {}
        for symbol in ("BTCUSD", "ETHUSD"):
            client.order_book(symbol).subscribe(self.hear, self.failed)

    def hear(self, book: Any) -> None:
        self.seen += 1
        if book.state is not BookState.SYNCED:
            self._last.pop(book.symbol, None)
            self.resynced += 1
            return
        assert book.best_bid[0] < book.best_ask[0], f"crossed: {book!r}"
        last = self._last.get(book.symbol)
        if last is not None and book.meta.kind == "delta":
            assert book.update_id == last[0] + 1, f"after update {last[0]}: {book!r}"
        self._last[book.symbol] = book.update_id, book.meta.connection

    def failed(self, error: Exception) -> None:
        raise error


class Weight:
    """What the process holds."""

    def __init__(self) -> None:
        gc.collect()
        self.kb = int(_status("VmRSS").split()[0])
        self.descriptors = len(list(PROCESS.joinpath("fd").iterdir()))
        self.tasks = len(asyncio.all_tasks())
        self.threads = threading.active_count()
        self.objects = Counter(type(one).__qualname__ for one in gc.get_objects() if _ours(one))

    def __str__(self) -> str:
        return (
            f"{self.kb / 1024:.0f} MiB, {self.descriptors} descriptors, {self.tasks} tasks,"
            f" {self.threads} threads, {self.objects.total()} objects"
        )

    def grown_from(self, before: Weight) -> list[str]:
        """What has become more than chance makes it."""
        grown = [
            f"{name}: {count} objects more"
            for name, count in (self.objects - before.objects).items()
            if count > 200
        ]
        for name in ("descriptors", "tasks", "threads"):
            more = getattr(self, name) - getattr(before, name)
            if more > 8:
                grown.append(f"{more} {name} more")
        if self.kb > before.kb + SLACK_KB:
            grown.append(f"{self.kb - before.kb} KiB more")
        return grown


def _status(name: str) -> str:
    with PROCESS.joinpath("status").open(encoding="ascii") as lines:
        return next(line.partition(":")[2] for line in lines if line.startswith(name))


def _ours(one: object) -> bool:
    module = str(type(one).__module__)
    return module.startswith("rxbybit.") and not module.startswith("rxbybit.sim")


class Soak:
    """Both exchanges and both clients, until the time is up."""

    def __init__(self, served: ServedExchange, market: ServedExchange, seed: int) -> None:
        self.chance = random.Random(seed)
        self.world = World(served, heartbeat=2.0)
        self.market = market
        self.client = Bybit(market.url, backoff=QUICK, heartbeat=2.0)
        self.errors: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: self.errors.append(told))
        self.ledgers = [Ledger(self.world, symbol) for symbol in SYMBOLS]
        self.books = Books(self.client)
        self.others = [0]
        for stream in (self.client.tickers, self.client.klines, self.client.trades):
            stream("BTCUSD", "ETHUSD").subscribe(self.count)
        self.missing = self.heard = self.cuts = 0

    def count(self, event: object) -> None:
        self.others[0] += 1

    async def round(self) -> None:
        """Some trades of every symbol, then perhaps a fault, then a look at the ledgers."""
        for _ in range(self.chance.randint(1, 6)):
            for ledger in self.ledgers:
                ledger.sent += self.world.trade(ledger.symbol)
        match self.chance.randrange(4):
            case 0:
                self.cut(self.world.served)
            case 1:
                fault = self.chance.choice([Corrupt, Duplicate])
                # at once, and not on the first frame of the next link
                topic = self.chance.choice(PARTS)
                self.world.served.faults.add(fault(topic=topic, at_s=0.001))
            case 2:
                self.cut(self.market)
            case _:
                pass
        await self.settled()
        for failed in self.world.of(DecodeFailed):
            for ledger in self.ledgers:
                ledger.failed += ledger.topic == failed.topic
        assert all(gap.topic in PARTS for gap in self.world.of(Gap))
        self.heard += sum(len(ledger.ear.heard) for ledger in self.ledgers)
        self.missing += sum(ledger.look() for ledger in self.ledgers)
        assert self.errors == []
        self.world.statuses.clear()
        self.world.sent[:] = self.world.sent[-1:]
        for exchange in (self.world.served, self.market):
            exchange.run(exchange.exchange.requests.clear)
            exchange.run(exchange.exchange.connects.clear)

    def cut(self, served: ServedExchange) -> None:
        how = self.chance.choice(HOWS)
        self.cuts += 1
        served.run(lambda: [link.cut(how) for link in served.exchange.links])

    async def settled(self) -> None:
        """Every topic is heard again: each ear hears a trade that was sent last."""
        last: dict[str, set[str]] = {ledger.topic: set() for ledger in self.ledgers}

        def lags(ledger: Ledger) -> bool:
            heard = ledger.ear.heard
            return not heard or heard[-1].id not in last[ledger.topic]

        deadline = time.monotonic() + 60
        while late := [ledger for ledger in self.ledgers if lags(ledger)]:
            assert time.monotonic() < deadline, f"not heard again: {late[0].topic}"
            for ledger in late:
                carried = self.world.trade(ledger.symbol)
                ledger.sent += carried
                last[ledger.topic].update(carried)
            await asyncio.sleep(0.02)
        seen = self.books.seen
        await until(lambda: self.books.seen > seen, within_s=60)

    async def run(self, seconds: float, every_s: float, tell: Any) -> None:
        """Rounds until the time is up; what is weighed first has had a tenth of it."""
        began = time.monotonic()
        await self.settled()
        first: Weight | None = None
        due = began + seconds / 10
        while time.monotonic() < began + seconds:
            await self.round()
            if time.monotonic() >= due:
                now = Weight()
                first, due = first or now, time.monotonic() + every_s
                tell(f"{time.monotonic() - began:6.0f} s: {self}: {now}")
                assert not now.grown_from(first), now.grown_from(first)
        last = Weight()
        tell(f"{time.monotonic() - began:6.0f} s: {self}: {last}")
        if first is not None:
            assert not last.grown_from(first), last.grown_from(first)

    def __str__(self) -> str:
        return (
            f"{self.heard} trades heard, {self.missing} missing and declared, {self.cuts} cuts,"
            f" {self.books.seen} books, {self.others[0]} others"
        )

    async def close(self) -> None:
        for client in (self.world.client, self.client):
            await client.aclose()


def soak(seconds: float, seed: int, *, every_s: float = 30.0, tell: Any = print) -> Soak:
    """Run it for so long. Errors: ``AssertionError`` that says what is wrong."""

    async def main(served: ServedExchange, market: ServedExchange) -> Soak:
        made = Soak(served, market, seed)
        try:
            await made.run(seconds, every_s, tell)
        finally:
            await made.close()
        await until(lambda: len(asyncio.all_tasks()) == 1)
        return made

    silent = Recording([], extra_topics=PARTS)
    start_ms = time.time_ns() // 1_000_000
    with (
        serve_in_thread({"inverse": silent}) as served,
        serve_in_thread(market=Market(seed=seed, start_ms=start_ms), on_time=True, speed=5) as busy,
    ):
        return asyncio.run(main(served, busy))


def main(arguments: Sequence[str] | None = None) -> int:
    """Status 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.nightly.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    # A soak has more links than an exchange would let in: hours of them go into its minutes.
    from rxbybit import options

    options.CONNECTS = ConnectLedger(limit=10**9)
    print(f"soak: seed {given.seed}, {given.minutes:g} minutes")
    soak(given.minutes * 60, given.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
