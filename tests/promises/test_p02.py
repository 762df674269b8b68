"""P2: Within one subscription, trades come in exchange order, each exactly once, across any number
of reconnects. If an outage was longer than REST can fill, the next trade says so in `meta.gap`,
and `status()` says it too: a subscriber that never looks at `status()` can still tell that
something is missing.

Where the exchange has no REST, every outage is longer than it can fill, and what it cost is
declared; on the embedded market all of it is filled.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rxbybit import Bybit, Disconnected, Gap, Subscribed
from rxbybit.sim import RestDown, ServedExchange, WithholdAck, serve_in_thread
from rxbybit.sim.market.tape import Print
from tests.promises.world import BOOK, QUICK, TICKER, TRADES, Ear, World, scenario, until
from tests.sim.clock import market

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


class Ledger:
    """Every trade of a symbol as the market made it, and who heard which."""

    def __init__(self, served: ServedExchange, symbol: str, category: Any, stream: Any) -> None:
        self.ear = Ear(stream)
        self._made: list[Print] = []
        market = served.exchange.market
        assert market is not None
        self._tape = market.pits[category, symbol].tape

        def note() -> None:
            self._tape.hearers += (self._made,)

        served.run(note)

    @property
    def ids(self) -> list[str]:
        return [self._tape.ident(printed.number) for printed in list(self._made)]

    def check(self) -> None:
        """Since the first that was heard: each once, in order, or the loss of it was declared."""
        made = self.ids
        heard = self.ear.ids
        assert len(set(heard)) == len(heard)
        at = made.index(heard[0]) if heard[0] in made else -1
        for event in self.ear.heard:
            if event.id not in made:  # of before the ledger was begun
                continue
            place = made.index(event.id)
            assert place == at or event.meta.gap is not None, "missing without a word"
            at = place + 1


def traded(body: Callable[[ServedExchange, Bybit, list[Any]], Awaitable[None]]) -> None:
    async def main(served: ServedExchange) -> None:
        async with asyncio.timeout(100), Bybit(served.url, backoff=QUICK) as client:
            statuses: list[Any] = []
            client.status().subscribe(statuses.append)
            await body(served, client, statuses)

    with serve_in_thread(market=market(), speed=30) as served:
        asyncio.run(main(served))


async def cut_all(served: ServedExchange, statuses: list[Any], how: Any) -> None:
    known = sum(isinstance(status, Disconnected) for status in statuses)
    served.run(lambda: [link.cut(how) for link in served.exchange.links])
    await until(lambda: sum(isinstance(s, Disconnected) for s in statuses) > known)


PLACES: list[tuple[str, Any]] = [("BTCUSD", "inverse"), ("BTCUSDT", "linear"), ("BTCUSDT", "spot")]


def test_outages_of_a_market_are_filled_without_a_hole() -> None:
    chance = random.Random(5)

    async def body(served: ServedExchange, client: Bybit, statuses: list[Any]) -> None:
        ledgers = [
            Ledger(served, symbol, category, client.trades(symbol, category=category))
            for symbol, category in PLACES
        ]
        closed = Ear(client.klines("BTCUSD", closed=True))
        grown = Ear(client.klines("BTCUSD"))
        await until(lambda: all(ledger.ear.heard for ledger in ledgers) and grown.heard)
        for _ in range(8):
            heard = [len(ledger.ear.heard) for ledger in ledgers]
            await until(
                lambda: all(len(one.ear.heard) > n for one, n in zip(ledgers, heard, strict=True))  # noqa: B023
            )
            await cut_all(served, statuses, chance.choice(["fin", "rst"]))
        minutes = len(closed.heard)
        await until(lambda: len(closed.heard) > minutes + 1, within_s=60)
        for ledger in ledgers:
            last = ledger.ids[-1]
            await until(lambda: last in ledger.ear.ids)  # noqa: B023
            ledger.check()
        for ledger in ledgers[:2]:  # of spot the list has the last 60, which a slow machine needs
            assert [event.id for event in ledger.ear.heard if event.meta.gap is not None] == []
        filled = sum(event.meta.backfilled for one in ledgers for event in one.ear.heard)
        gaps = [status for status in statuses if isinstance(status, Gap)]
        assert {gap.lost for gap in gaps if gap.topic != "publicTrade.BTCUSDT"} <= {0}
        of_trades = [gap for gap in gaps if gap.topic.startswith("publicTrade")]
        assert sum(gap.filled for gap in of_trades) == filled > 0
        starts = [candle.start_ms for candle in closed.heard]
        assert starts == list(range(starts[0], starts[-1] + 1, 60_000))

    traded(body)


def test_what_rest_does_not_give_in_time_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rxbybit.rest.healing.HELD_S", 0.5)

    async def body(served: ServedExchange, client: Bybit, statuses: list[Any]) -> None:
        ledger = Ledger(served, "BTCUSD", "inverse", client.trades("BTCUSD"))
        await until(lambda: ledger.ear.heard)
        served.run(lambda: served.faults.add(RestDown(path="/v5/market/recent-trade", times=None)))
        for _ in range(3):
            heard = len(ledger.ear.heard)
            await until(lambda: len(ledger.ear.heard) > heard)  # noqa: B023
            await cut_all(served, statuses, "rst")
            made = len(ledger.ids)
            await until(lambda: len(ledger.ids) > made + 3)  # noqa: B023
        made = len(ledger.ids)
        await until(lambda: ledger.ear.ids[-1] in ledger.ids[made:])
        ledger.check()
        gaps = [s for s in statuses if isinstance(s, Gap) and s.lost != 0]
        assert gaps == [e.meta.gap for e in ledger.ear.heard if e.meta.gap is not None]

    traded(body)
