"""Liquidations trade, are told, and move the pool by what they brought."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rxbybit.sim.market import Temper
from rxbybit.sim.market.liquidations import Position
from tests.sim.market.journal import START_MS, of, small, snapshot_of, watched_market
from tests.sim.market.test_candles import decimals

BUSY = Temper(rate=4.0, spread=2, reach=400, patience=200, lots=500)
TOPICS = {"inverse": "insurance.inverse", "linear": "insurance.USDT"}


@pytest.mark.parametrize("category", ["inverse", "linear"])
def test_who_is_liquidated_trades_and_the_pool_settles(monkeypatch, category) -> None:
    one = small(category, temper=BUSY)
    market, seen = watched_market(monkeypatch, seed=11, start_ms=START_MS, instruments=(one,))
    (watched,) = seen.values()
    pools = TOPICS[category]
    for topic in ("allLiquidation.BTCUSD", pools):
        market.want(category, topic)
    assert market.snapshot(category, "allLiquidation.BTCUSD") is None
    (item,) = snapshot_of(market, category, pools)["data"]
    coin = "BTC" if category == "inverse" else "USDT"
    assert (item["coin"], item["symbols"]) == (coin, "BTCUSD")
    balance = first = Decimal(item["balance"])
    pushes = list(market.advance(START_MS + 1_800_000))
    liquidations, sides = [], set()
    for push in of(pushes, "allLiquidation.BTCUSD"):
        assert push.ms % 500 == 0
        assert push.content["type"] == "snapshot"
        assert push.content["ts"] == push.ms
        for one_ in push.content["data"]:
            assert push.ms - 500 < one_["T"] <= push.ms
            liquidations.append(one_)
    assert len(liquidations) > 5
    tape = list(watched.trades)
    for liquidation in liquidations:
        side = {"Buy": "Sell", "Sell": "Buy"}[liquidation["S"]]
        sides.add(side)
        bankrupt = Decimal(liquidation["p"])
        left = Decimal(liquidation["v"])
        while left:
            place = next(n for n, t in enumerate(tape) if t[0] == liquidation["T"] and t[1] == side)
            _, _, price, lots, _ = tape.pop(place)
            at, volume, got = decimals(category, price, lots)
            due = decimals(category, int(bankrupt * 2), lots)[2]
            left -= volume
            assert left >= 0
            balance += (got - due) * (1 if (side == "Sell") == (category == "linear") else -1)
            assert bankrupt < at * Decimal("1.01") if side == "Sell" else bankrupt * 2 > at
    assert sides == {"Buy", "Sell"}
    assert balance != first
    for push in of(pushes, pools):
        assert push.ms % 1_000 == 0
        assert push.content["type"] == "delta"
        (item,) = push.content["data"]
        assert item["updateTime"] == str(push.ms)
    assert Decimal(of(pushes, pools)[-1].content["data"][0]["balance"]) == balance
    assert snapshot_of(market, category, pools)["data"][0]["balance"] == f"{balance:.8f}"
    told = {push.ms for push in of(pushes, pools)}
    assert told <= {-(-liquidation["T"] // 1_000) * 1_000 for liquidation in liquidations}


def test_a_position_ends_when_the_mark_price_reaches_it() -> None:
    from rxbybit.sim.market.liquidations import Positions

    positions = Positions("seed")
    for _ in range(2_000):
        positions.traded("Buy", 100_000, 7)
        positions.traded("Sell", 100_000, 8)
    assert positions.due(100_000) == []
    lows = [positions.due(mark) for mark in range(99_900, 96_000, -10)]
    highs = [positions.due(mark) for mark in range(100_100, 104_000, 10)]
    longs, shorts = [p for due in lows for p in due], [p for due in highs for p in due]
    assert 50 < len(longs) < 200
    assert 50 < len(shorts) < 200
    assert {(p.side, p.lots) for p in longs} == {("Buy", 7)}
    assert {(p.side, p.lots) for p in shorts} == {("Sell", 8)}
    for sign, marks, ended in (
        (1, range(99_900, 96_000, -10), lows),
        (-1, range(100_100, 104_000, 10), highs),
    ):
        for mark, due in zip(marks, ended, strict=True):
            for position in due:
                trigger = 100_000 - (100_000 - position.bankrupt) / 1.2
                assert -2 <= sign * (trigger - mark) <= 12
    assert positions.due(1) == positions.due(10**9) == []


def test_a_liquidation_opens_no_position_on_credit() -> None:
    from rxbybit.sim.market import Market

    market = Market(seed=11, start_ms=START_MS, instruments=(small(temper=BUSY),))
    pit = market.pits["inverse", "BTCUSD"]
    opened: list[bool] = []
    credit, settle = pit._positions.traded, pit.pool.settle
    forced = [False]

    def traded(side, price, lots):
        opened.append(forced[0])
        credit(side, price, lots)

    def due(mark):
        forced[0] = True
        return [Position("Buy", 3, 100)]

    def settled(position, fills):
        forced[0] = False
        settle(position, fills)

    pit._positions.traded = traded
    pit._positions.due = due
    pit.pool.settle = settled
    list(market.advance(START_MS + 60_000))
    assert market.pits["inverse", "BTCUSD"].pool.changes == 30
    assert opened
    assert not any(opened)


def test_no_more_positions_are_followed_than_the_limit() -> None:
    from rxbybit.sim.market.liquidations import Positions

    positions = Positions("seed")
    for _ in range(20_000):
        positions.traded("Buy", 100_000, 7)
    assert len(positions.due(1)) == 400
