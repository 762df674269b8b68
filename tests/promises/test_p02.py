"""P2: Within one subscription, trades come in exchange order, each exactly once, across any number
of reconnects. If an outage was longer than REST can fill, the next trade says so in `meta.gap`,
and `status()` says it too: a subscriber that never looks at `status()` can still tell that
something is missing.

Filling is not built yet: every outage is longer than it, and whatever it cost is declared.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from rxbybit import Disconnected, Gap, Subscribed
from rxbybit.sim import WithholdAck
from tests.promises.world import BOOK, TICKER, TRADES, Ear, World, scenario, until

ETH = "publicTrade.ETHUSD"


def assert_declared(ear: Ear, ledger: list[list[str]]) -> None:
    """``ledger``: the ids that each connection carried; between two of them there is a hole."""
    heard = ear.ids
    assert len(set(heard)) == len(heard)
    assert heard == [id_ for carried in ledger for id_ in carried]
    marked = [event.id for event in ear.heard if event.meta.gap is not None]
    assert marked == [carried[0] for carried in ledger[1:]]


@pytest.mark.parametrize("seed", range(3))
def test_a_ledger_over_many_cuts(seed: int) -> None:
    """What the exchange sent against what came: in order, once, and every hole declared."""
    chance = random.Random(seed)

    async def body(world: World) -> None:
        order: list[Any] = []
        world.client.status().subscribe(order.append)
        ear, other = (
            Ear(world.client.trades("BTCUSD")),
            Ear(world.client.trades("BTCUSD", "ETHUSD")),
        )
        world.client.trades("BTCUSD").subscribe(order.append)
        await world.subscribed(TRADES, ETH)
        ledger: list[list[str]] = []
        for round_ in range(15):
            await world.subscribed(TRADES, ETH)
            sent = [id_ for _ in range(chance.randint(1, 4)) for id_ in world.trade(count=3)]
            world.trade("ETHUSD")
            if chance.random() < 0.8:
                await until(lambda: ear.ids[-1:] == sent[-1:])  # noqa: B023
                how: Any = chance.choice(["fin", "rst"])
            else:
                how = "fin"  # what was written comes before the end
            (link,) = world.served.links
            known = len(world.of(Disconnected))
            world.served.run(lambda: link.cut(how))  # noqa: B023
            missed = world.trade(count=2)
            assert missed == []
            await until(lambda: len(world.of(Disconnected)) > known)  # noqa: B023
            ledger.append(sent)
            assert round_ == len(world.of(Disconnected)) - 1
        await world.subscribed(TRADES, ETH)
        ledger.append(world.trade())
        await until(lambda: ear.ids[-1:] == ledger[-1])
        assert_declared(ear, ledger)
        assert [e.id for e in other.heard if e.symbol == "BTCUSD"] == ear.ids
        gaps = [gap for gap in world.of(Gap) if gap.topic == TRADES]
        assert gaps == [event.meta.gap for event in ear.heard if event.meta.gap is not None]
        for gap in gaps:
            place = order.index(gap)
            after = next(e for e in order[place:] if not hasattr(e, "connection"))
            assert after.meta.gap == gap
            assert gap.before_ms == after.time_ms
            before = [e for e in order[:place] if hasattr(e, "id")]
            assert gap.after_ms == before[-1].time_ms
        assert {event.meta.connection for event in ear.heard} == {1}

    scenario(body)


def test_a_cut_before_the_first_trade_is_a_hole_too() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await until(lambda: world.of(Subscribed))
        await cut(world)
        await world.subscribed(TRADES)
        world.trade()
        await until(lambda: ear.heard)
        (gap,) = world.of(Gap)
        assert ear.heard[0].meta.gap == gap
        assert (gap.after_ms, gap.lost, gap.filled) == (None, None, 0)

    scenario(body)


def test_two_cuts_without_a_trade_between_are_one_hole() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await world.subscribed(TRADES)
        world.trade()
        await until(lambda: ear.heard)
        await cut(world)
        await until(lambda: len(world.of(Subscribed)) == 2)
        await cut(world)
        await world.subscribed(TRADES)
        world.trade()
        await until(lambda: len(ear.heard) == 2)
        (gap,) = world.of(Gap)
        assert ear.heard[1].meta.gap == gap
        assert gap.after_ms == ear.heard[0].time_ms

    scenario(body)


def test_a_cut_of_what_never_was_subscribed_is_no_hole() -> None:
    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await world.subscribed(TRADES)  # there; here nothing has come of it
        assert world.of(Subscribed) == []
        await cut(world)
        await until(lambda: world.of(Subscribed))
        world.trade()
        await until(lambda: ear.heard)
        assert world.of(Gap) == []
        assert ear.heard[0].meta.gap is None

    scenario(body, faults=(WithholdAck(),))


def test_a_hole_while_a_topic_is_renewed_is_declared() -> None:
    async def body(world: World) -> None:
        first = Ear(world.client.order_book_updates("BTCUSD"))
        await world.subscribed(BOOK)
        world.book("snapshot", 1)
        await until(lambda: first.heard)
        world.served.faults.add(WithholdAck())
        late = Ear(world.client.order_book_updates("BTCUSD"))
        await until(lambda: world.asked("subscribe") == [BOOK, BOOK])
        await cut(world)
        await world.subscribed(BOOK)
        world.book("snapshot", 9)
        await until(lambda: len(first.heard) == 2 and late.heard)
        (gap,) = world.of(Gap)
        assert first.heard[1].meta.gap == gap

    scenario(body)


def test_deltas_of_a_new_link_wait_for_their_snapshot() -> None:
    async def body(world: World) -> None:
        book, ticker = (
            Ear(world.client.order_book_updates("BTCUSD")),
            Ear(world.client.tickers("BTCUSD")),
        )
        await world.subscribed(BOOK, TICKER)
        for kind in ("delta", "snapshot", "delta"):
            world.book(kind, len(world.sent))
            world.ticker(kind, lastPrice=str(len(world.sent)))
        await until(lambda: len(book.heard) == len(ticker.heard) == 2)
        await cut(world)
        await world.subscribed(BOOK, TICKER)
        for kind in ("delta", "snapshot", "delta"):
            world.book(kind, len(world.sent))
            world.ticker(kind, lastPrice=str(len(world.sent)))
        await until(lambda: len(book.heard) == len(ticker.heard) == 4)
        for ear in (book, ticker):
            assert [event.meta.kind for event in ear.heard] == ["snapshot", "delta"] * 2
            assert [event.meta.gap is not None for event in ear.heard] == [
                False,
                False,
                True,
                False,
            ]
        assert [gap.topic for gap in world.of(Gap)] == [BOOK, TICKER]

    scenario(body)


def test_a_stream_that_leaves_events_out_still_says_that_something_is_missing() -> None:
    """Of closed candles and of one pool of many, the first event after a hole is often not sent."""

    async def body(world: World) -> None:
        closed = Ear(world.client.klines("BTCUSD", closed=True))
        pool = Ear(world.client.insurance("BTC"))
        await world.subscribed("kline.1.BTCUSD", "insurance.inverse")
        candle(world, 1, closed=True)
        insured(world, "BTC")
        await until(lambda: closed.heard and pool.heard)
        await cut(world)
        await world.subscribed("kline.1.BTCUSD", "insurance.inverse")
        candle(world, 5, closed=False)
        candle(world, 5, closed=True)
        candle(world, 6, closed=True)
        insured(world, "ETH")
        insured(world, "BTC")
        insured(world, "BTC")
        await until(lambda: len(closed.heard) == len(pool.heard) == 3)
        for ear, topic in ((closed, "kline.1.BTCUSD"), (pool, "insurance.inverse")):
            (gap,) = [gap for gap in world.of(Gap) if gap.topic == topic]
            assert [event.meta.gap for event in ear.heard] == [None, gap, None]

    scenario(body)


def candle(world: World, minute: int, *, closed: bool) -> None:
    start = minute * 60_000
    item = {"start": start, "end": start + 59_999, "interval": "1", "confirm": closed}
    item |= dict.fromkeys(("open", "close", "high", "low", "volume", "turnover"), "1")
    world.push("kline.1.BTCUSD", "snapshot", [{**item, "timestamp": start + 1}])


def insured(world: World, coin: str) -> None:
    item = {"coin": coin, "symbols": f"{coin}USD", "balance": "1", "updateTime": "1700000000000"}
    world.push("insurance.inverse", "snapshot", [item])


async def cut(world: World) -> None:
    """End every link and wait until the client knows."""
    known = len(world.of(Disconnected))
    world.served.run(lambda: [link.cut("rst") for link in world.served.exchange.links])
    await until(lambda: len(world.of(Disconnected)) > known)
    await asyncio.sleep(0)


def test_what_the_exchange_repeats_comes_once() -> None:
    """A frame sent twice on a link, and the last ones once more after a cut."""

    async def body(world: World) -> None:
        ear = Ear(world.client.trades("BTCUSD"))
        await world.subscribed(TRADES)
        first = world.trade(count=3)
        world.numbered -= 100
        world.trade(count=3)
        second = world.trade(count=2)
        await until(lambda: ear.ids == first + second)
        await cut(world)
        world.numbered -= 100
        world.trade(count=2)
        third = world.trade(count=1)
        await until(lambda: ear.ids == first + second + third)
        assert [event.id for event in ear.heard if event.meta.gap is not None] == third

    scenario(body)
