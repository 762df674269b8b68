"""A market under watch: every order and cancel that reached a book, and every frame, in order."""

from __future__ import annotations

from dataclasses import dataclass, field

from rxbybit.sim.market import Instrument, Market, Push, Temper
from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.matching import Book
from tests.sim.market.naive import NaiveBook

START_MS = 1_767_571_200_000
"""A Monday, 0 h UTC."""


@dataclass
class Watched:
    """What is known of one book from its orders alone."""

    book: NaiveBook = field(default_factory=NaiveBook)
    seq: int | None = None
    deeds: int = 0
    changed_ms: int = 0
    trades: list[tuple[int, str, int, int, int]] = field(default_factory=list)
    """(ms, side of the taker, price, lots, deed)"""


def watched_market(monkeypatch, **arguments) -> tuple[Market, dict[int, Watched]]:
    """A market, and by ``id`` of each book what a naive one makes of the same orders."""
    seen: dict[int, Watched] = {}
    clock: list[Market] = []
    place, cancel = Book.place, Book.cancel

    def now() -> int:
        return clock[0].now_ms if clock else arguments["start_ms"]

    def watching_place(self, side, price, lots):
        watched = seen.setdefault(id(self), Watched())
        before = watched.book.levels("Buy"), watched.book.levels("Sell")
        fills = watched.book.place(side, price, lots)
        if before != (watched.book.levels("Buy"), watched.book.levels("Sell")):
            watched.deeds += 1
            watched.changed_ms = now()
        watched.trades += [(now(), side, p, n, watched.deeds) for p, n, _ in fills]
        return place(self, side, price, lots)

    def watching_cancel(self, number):
        watched = seen.setdefault(id(self), Watched())
        if watched.book.cancel(number):
            watched.deeds += 1
            watched.changed_ms = now()
        return cancel(self, number)

    monkeypatch.setattr(Book, "place", watching_place)
    monkeypatch.setattr(Book, "cancel", watching_cancel)
    market = Market(**arguments)
    clock.append(market)
    return market, seen


def small(category="inverse", symbol="BTCUSD", **changes) -> Instrument:
    """A lively instrument with a small book, so that windows slide and run short."""
    temper = Temper(rate=8.0, spread=2, reach=90, patience=60, lots=500)
    kinds = {
        "inverse": {"quote": "USD", "contract": "InversePerpetual", "price_scale": 2, "tick": 50},
        "linear": {"quote": "USDT", "contract": "LinearPerpetual", "price_scale": 2, "tick": 50}
        | {"size_scale": 3},
        "spot": {"quote": "USDT", "price_scale": 1, "tick": 5, "size_scale": 6},
    }
    base = {"category": category, "symbol": symbol, "base": "BTC", "temper": temper}
    return Instrument(**(base | kinds[category] | changes))


def snapshot_of(market: Market, category, topic: str) -> Content:
    content = market.snapshot(category, topic)
    assert content is not None
    return content


def of(pushes: list[Push], topic: str) -> list[Push]:
    return [push for push in pushes if push.topic == topic]
