"""What happens to accounts in the course of a market: funding, the end of trading, the agent."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from rxbybit.sim import DEMO_KEY, Exchange
from rxbybit.sim.accounts import Account, ApiKey, Desk
from rxbybit.sim.accounts.agent import set_off
from rxbybit.sim.market import Delisting, Instrument, Market, default_instruments
from rxbybit.sim.rest.refused import Refused
from tests.sim.accounts.asking import news, private
from tests.sim.accounts.trading import QUIET, Ear, Trader
from tests.sim.clock import Clock, passes
from tests.sim.market.journal import START_MS, small
from tests.sim.peer import run

DEMO = ApiKey(key=DEMO_KEY, secret="s", balances={"BTC": 2, "USDT": 100_000})


def emptied(one: Instrument, *script: Delisting) -> tuple[Market, Trader, Trader]:
    market = Market(seed=1, start_ms=START_MS, instruments=(one,), script=script)
    pit = market.pits[one.category, one.symbol]
    for number in list(pit.book.orders):
        pit.book.cancel(number)
    desk = Desk(market)
    return market, Trader(desk, "one", one), Trader(desk, "two", one)


@pytest.mark.parametrize(
    ("category", "symbol", "qty"), [("inverse", "BTCUSD", "1000"), ("linear", "BTCUSDT", "2.5")]
)
def test_the_long_pays_funding_to_the_short(category: Any, symbol: str, qty: str) -> None:
    one = small(category, symbol, funding_minutes=2, temper=QUIET)
    market, long, short = emptied(one)
    pit = market.pits[category, symbol]
    short.limit("Sell", qty, "65000")
    long.market("Buy", qty)
    for trader in (long, short):
        trader.ear.take()
    before = [dict(trader.account.balances) for trader in (long, short)]
    list(market.advance(START_MS + 119_999))
    assert long.ear.heard == short.ear.heard == []
    list(market.advance(START_MS + 120_000))
    ((ms, rate),) = pit.marks.paid
    assert (ms, rate > 0) == (START_MS + 120_000, True)
    fees: list[Decimal] = []
    for trader, had, side in zip((long, short), before, ("Buy", "Sell"), strict=True):
        heard = dict(trader.ear.take())
        assert list(heard) == ["execution", "position", "wallet"]
        (paid,) = heard["execution"]
        assert (paid["execType"], paid["orderType"], paid["side"]) == ("Funding", "UNKNOWN", side)
        assert Decimal(paid["feeRate"]) == Decimal(rate).scaleb(-8)
        assert (paid["execTime"], paid["isMaker"]) == (str(ms), False)
        size, mark = Decimal(qty), Decimal(paid["markPrice"])
        value = size / mark if one.inverse else size * mark
        fee = Decimal(paid["execFee"])
        sign = 1 if side == "Buy" else -1
        assert abs(fee - sign * value * Decimal(rate).scaleb(-8)) <= Decimal("2e-8")
        coin = one.settle
        assert trader.account.balances[coin] - had[coin] == -fee * 10**8
        fees.append(fee)
        assert heard["position"][0]["size"] == qty + ("00" if category == "linear" else "")
    assert sum(fees) == 0
    assert fees[0] > 0
    list(market.advance(START_MS + 240_000))
    assert [f["execType"] for f in long.account.executions] == ["Trade", "Funding", "Funding"]
    listed = long.read("/v5/execution/list", category=category, execType="Funding")
    assert len(listed["list"]) == 2


def test_the_end_of_trading_closes_all() -> None:
    script = Delisting(after_ms=30_000, category="inverse", symbol="BTCUSD")
    market, one, two = emptied(small(temper=QUIET), script)
    two.limit("Sell", "1000", "65000")
    one.market("Buy", "600")
    one.market("Sell", "600", triggerPrice="60000", triggerDirection=2)
    for trader in (one, two):
        trader.ear.take()
    list(market.advance(START_MS + 30_000))
    heard = dict(one.ear.take())
    assert [(o["orderStatus"], o["cancelType"]) for o in heard["order"]] == [
        ("Deactivated", "CancelBySettle")
    ]
    (settled,) = heard["execution"]
    assert (settled["execType"], settled["closedSize"], settled["execFee"]) == (
        "Settle",
        "600",
        "0",
    )
    assert [p["size"] for p in heard["position"]] == ["0"]
    heard = dict(two.ear.take())
    assert [(o["orderStatus"], o["cumExecQty"]) for o in heard["order"]] == [("Cancelled", "600")]
    for trader in (one, two):
        assert trader.account.open == {}
        gained = sum(
            Decimal(f["execPnl"]) - Decimal(f["execFee"]) for f in trader.account.executions
        )
        assert trader.account.balances["BTC"] == 100 * 10**8 + gained * 10**8
        assert trader.read("/v5/position/list")["list"] == []
        assert trader.read("/v5/execution/list")["list"][0]["execType"] == "Settle"
        with pytest.raises(Refused, match="does not trade"):
            trader.market("Buy", "100")
    list(market.advance(START_MS + 60_000))
    assert one.ear.heard == []


def test_a_desk_without_orders_changes_no_frame() -> None:
    def frames(*, with_desk: bool) -> list[str]:
        market = Market(seed=3, start_ms=START_MS)
        if with_desk:
            Desk(market).open_account(DEMO)
        for category in ("inverse", "linear", "spot", "option"):
            for topic in market.topics(category):
                market.want(category, topic)
        return [json.dumps(push) for push in market.advance(START_MS + 120_000)]

    assert frames(with_desk=True) == (pure := frames(with_desk=False))
    assert len(pure) > 5_000


def agent_at_work(seed: int, minutes: int) -> tuple[Market, Account, Ear, list[str]]:
    instruments = tuple(
        one for one in default_instruments(START_MS) if one.symbol in ("BTCUSD", "BTCUSDT")
    )
    market = Market(seed=seed, start_ms=START_MS, instruments=instruments, script=())
    desk = Desk(market, seed)
    account, ear = desk.open_account(DEMO), Ear()
    desk.news.enter(account, ear)
    set_off(desk, account, seed)
    for category, symbol in market.pits:
        if category == "spot":
            continue
        market.want(category, f"publicTrade.{symbol}")
        market.want(category, f"orderbook.50.{symbol}")
    pushes = [json.dumps(push) for push in market.advance(START_MS + minutes * 60_000)]
    return market, account, ear, pushes


def test_the_agent_does_all_that_a_trader_does() -> None:
    market, account, ear, pushes = agent_at_work(5, 60)
    heard: Counter[tuple[str, str]] = Counter()
    amended = 0
    seen: dict[str, dict[str, Any]] = {}
    for kind, items in ear.heard:
        for order in items if kind == "order" else ():
            heard[order["category"], order["orderStatus"]] += 1
            before = seen.get(order["orderId"])
            amended += before is not None and before["price"] != order["price"]
            seen[order["orderId"]] = order
    for category in ("inverse", "linear"):
        for status in ("New", "PartiallyFilled", "Filled", "Cancelled", "Untriggered", "Triggered"):
            assert heard[category, status] > 0, (category, status)
    assert amended > 20
    makers = Counter(f["isMaker"] for f in account.executions)
    assert makers[True] > 20
    assert makers[False] > 20
    # It stays small, and alive: its three quotes may fill before it gives something back.
    assert len(account.open) <= 12
    assert account.worth(market).available > 0
    for coin in ("BTC", "USDT"):
        fills = [f for f in account.executions if f["feeCurrency"] == coin]
        gained = sum(Decimal(f["execPnl"]) - Decimal(f["execFee"]) for f in fills)
        began = Decimal(DEMO.balances[coin])
        assert account.balances[coin] == (began + gained) * 10**8
    # What it trades is on the tape.
    contents = [json.loads(one)[3] for one in pushes if '"publicTrade.' in one]
    told = {trade["i"] for content in contents for trade in content["data"]}
    fills = [f for f in account.executions if f["execType"] == "Trade"]
    untold = [f for f in fills if f["execId"] not in told]
    # Where it has met itself, its resting side has an id of its own.
    assert all(f["isMaker"] for f in untold)
    assert len(untold) < len(fills) / 10
    largest = {"inverse": Decimal(6_000), "linear": Decimal("0.09")}
    sizes = [p for kind, items in ear.heard if kind == "position" for p in items]
    for size in sizes:
        assert Decimal(size["size"]) <= largest[size["category"]]


def test_the_same_seed_trades_the_same_way() -> None:
    first, again, other = (agent_at_work(seed, 5) for seed in (5, 5, 6))
    assert first[3] == again[3] != other[3]
    assert first[2].heard == again[2].heard != other[2].heard
    assert len(first[2].heard) > 50


def test_the_demo_account_trades_where_it_is_asked_to() -> None:
    async def main(*, demo: bool) -> set[str]:
        clock = Clock()
        market = Market(seed=1, start_ms=START_MS)
        async with (
            Exchange(market=market, clock=clock, demo=demo) as exchange,
            private(exchange, "order", "execution", "position", "wallet") as peer,
        ):
            await passes(exchange, clock, 60_000)
            return {one["topic"] for one in await news(peer)}

    assert run(main(demo=False)) == set()
    assert run(main(demo=True)) == {"order", "execution", "position", "wallet"}
