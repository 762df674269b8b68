"""Every depth rebuilt from its frames, against the true book of that moment."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rxbybit.sim.market import Market
from tests.sim.market.journal import START_MS, of, small, snapshot_of, watched_market

EVERY_MS = {1: 10, 50: 20, 200: 100, 1000: 200}
STEP = {"inverse": (Decimal("0.50"), Decimal(1)), "spot": (Decimal("0.5"), Decimal("0.000001"))}


class Rebuilt:
    """A client's book: it knows frames only."""

    def __init__(self, snapshot) -> None:
        assert snapshot["type"] == "snapshot"
        self.sides = {"b": {}, "a": {}}
        self.u = snapshot["data"]["u"] - 1
        self.apply(snapshot)

    def apply(self, content) -> None:
        data = content["data"]
        assert data["u"] == self.u + 1
        self.u = data["u"]
        for name, side in self.sides.items():
            prices = [Decimal(price) for price, _ in data[name]]
            assert prices == sorted(prices, reverse=name == "b")
            for price, size in data[name]:
                assert side.get(price, "0") != size, "a level is said that has not changed"
                if size == "0":
                    del side[price]
                else:
                    side[price] = size

    def levels(self, name):
        pairs = [(Decimal(price), Decimal(size)) for price, size in self.sides[name].items()]
        return sorted(pairs, reverse=name == "b")


def truth(watched, side, depth, category):
    tick, lot = STEP[category]
    return [(price * tick, lots * lot) for price, lots in watched.book.levels(side)[:depth]]


@pytest.mark.parametrize("category", ["inverse", "spot"])
@pytest.mark.parametrize("depth", [50, 200, 1000])
def test_deltas_on_the_snapshot_are_the_true_book(monkeypatch, category, depth) -> None:
    one = small(category)
    market, seen = watched_market(monkeypatch, seed=8, start_ms=START_MS, instruments=(one,))
    (watched,) = seen.values()
    topic = f"orderbook.{depth}.BTCUSD"
    market.want(category, topic)
    snapshot = snapshot_of(market, category, topic)
    rebuilt = Rebuilt(snapshot)
    deep = 0
    for push in market.advance(START_MS + 90_000):
        content = push.content
        assert content["type"] == "delta"
        assert content["ts"] == push.ms
        assert push.ms % EVERY_MS[depth] == 0
        assert content["cts"] == watched.changed_ms
        assert push.ms - EVERY_MS[depth] < content["cts"] <= push.ms
        assert content["data"]["seq"] == START_MS + watched.deeds
        assert content["data"]["s"] == "BTCUSD"
        rebuilt.apply(content)
        assert rebuilt.levels("b") == truth(watched, "Buy", depth, category)
        assert rebuilt.levels("a") == truth(watched, "Sell", depth, category)
        deep += len(rebuilt.levels("b")) == 50
    assert rebuilt.u > snapshot["data"]["u"] + 200
    assert depth != 50 or deep > 0


def test_a_window_runs_short_and_fills_again(monkeypatch) -> None:
    from rxbybit.sim.market.depth import BookClock, DepthFeed
    from rxbybit.sim.market.matching import Book

    book = Book()
    feed = DepthFeed(small(), book, BookClock(small(), 0), 50)
    rebuilt = Rebuilt(feed.snapshot(0))
    numbers = [book.place("Sell", 1_000 + step, 1)[0] for step in range(60)]
    for round_ in ([], numbers[:30], [], numbers[30:55], []):
        for number in round_:
            book.cancel(number)
        if not round_:
            numbers += [book.place("Sell", 900 - len(numbers) - step, 2)[0] for step in range(9)]
        for content in feed.flush(20):
            rebuilt.apply(content)
        expected = [(p * Decimal("0.50"), Decimal(n)) for p, n in book.asks.top(50)]
        assert rebuilt.levels("a") == expected
    assert feed.flush(40) == []
    feed.close()
    book.place("Buy", 5, 1)
    assert feed.flush(60) == []


def test_a_late_subscriber_gets_what_the_next_delta_fits_on(monkeypatch) -> None:
    market, seen = watched_market(monkeypatch, seed=8, start_ms=START_MS, instruments=(small(),))
    (watched,) = seen.values()
    topic = "orderbook.50.BTCUSD"
    market.want("inverse", topic)
    early = Rebuilt(snapshot_of(market, "inverse", topic))
    for step in range(1, 800):
        now = START_MS + step * 7
        for push in market.advance(now):
            early.apply(push.content)
        market.want("inverse", topic)
        snapshot = snapshot_of(market, "inverse", topic)
        late = Rebuilt(snapshot)
        assert snapshot["ts"] == now
        assert (late.sides, late.u) == (early.sides, early.u)
        assert snapshot["data"]["seq"] <= START_MS + watched.deeds
        prices = [Decimal(price) for price, _ in snapshot["data"]["b"]]
        assert prices == sorted(prices, reverse=True)


def test_numbers_go_on_when_a_book_is_wanted_again(monkeypatch) -> None:
    market, seen = watched_market(monkeypatch, seed=8, start_ms=START_MS, instruments=(small(),))
    (watched,) = seen.values()
    topic = "orderbook.50.BTCUSD"
    market.want("inverse", topic)
    first = Rebuilt(snapshot_of(market, "inverse", topic))
    for push in market.advance(START_MS + 5_003):
        first.apply(push.content)
    market.forget("inverse", topic)
    assert market.snapshot("inverse", topic) is None
    assert not list(market.advance(START_MS + 10_000))
    market.want("inverse", topic)
    again = Rebuilt(snapshot_of(market, "inverse", topic))
    assert again.u == first.u + 1
    assert again.levels("b") == truth(watched, "Buy", 50, "inverse")
    for push in market.advance(START_MS + 15_000):
        again.apply(push.content)
        assert again.levels("a") == truth(watched, "Sell", 50, "inverse")


def test_the_best_level_comes_as_snapshots_and_again_when_it_is_quiet(monkeypatch) -> None:
    from rxbybit.sim.market import Temper

    one = small(temper=Temper(rate=0.6, spread=2, reach=90, patience=60, lots=50))
    market, seen = watched_market(monkeypatch, seed=2, start_ms=START_MS, instruments=(one,))
    (watched,) = seen.values()
    topic = "orderbook.1.BTCUSD"
    market.want("inverse", topic)
    last = snapshot_of(market, "inverse", topic)
    repeated = fresh = 0
    for push in market.advance(START_MS + 300_000):
        content = push.content
        assert content["type"] == "snapshot"
        data, was = content["data"], last["data"]
        if data["u"] == was["u"]:
            repeated += 1
            assert push.ms == last["ts"] + 3_000
            assert (data["b"], data["a"]) == (was["b"], was["a"])
        else:
            fresh += 1
            assert data["u"] == was["u"] + 1
            assert push.ms % 10 == 0
            assert push.ms <= last["ts"] + 3_000
            assert (data["b"], data["a"]) != (was["b"], was["a"])
        bids, asks = ([(Decimal(p), Decimal(s)) for p, s in data[side]] for side in "ba")
        if push.ms % 10 == 0:
            assert bids == truth(watched, "Buy", 1, "inverse")
            assert asks == truth(watched, "Sell", 1, "inverse")
        assert was["seq"] <= data["seq"] <= START_MS + watched.deeds
        last = content
    assert repeated > 5
    assert fresh > 50


def test_a_restart_counts_from_one_again() -> None:
    market = Market(seed=1, start_ms=START_MS, instruments=(small(), small("spot", "BTCUSDT")))
    topics = [f"orderbook.{depth}.BTCUSD" for depth in (1, 50, 200)]
    for topic in topics:
        market.want("inverse", topic)
    market.want("inverse", "tickers.BTCUSD")
    market.want("spot", "orderbook.50.BTCUSDT")
    before = list(market.advance(START_MS + 20_007))
    spot = snapshot_of(market, "spot", "orderbook.50.BTCUSDT")
    held = {topic: snapshot_of(market, "inverse", topic) for topic in topics}
    pushes = market.restart("inverse")
    assert [(push.ms, push.category, push.topic) for push in pushes] == [
        (START_MS + 20_007, "inverse", topic) for topic in topics
    ]
    for push in pushes:
        assert push.content["type"] == "snapshot"
        was = held[push.topic]["data"]
        assert push.content["data"] == was | {"u": 1}
        assert was["u"] > 1_000_000
    assert snapshot_of(market, "spot", "orderbook.50.BTCUSDT") == spot
    after = list(market.advance(START_MS + 40_000))
    for topic in topics:
        us = [push.content["data"]["u"] for push in of(after, topic)]
        assert sorted(set(us)) == list(range(2, len(set(us)) + 2))
    assert before
    market.want("inverse", "orderbook.1000.BTCUSD")
    assert snapshot_of(market, "inverse", "orderbook.1000.BTCUSD")["data"]["u"] == 1
