"""What the examples print of an account, against what the exchange's lists say of it."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from rxbybit.sim import DEMO_KEY, DEMO_SECRET, Market, ServedExchange, serve_in_thread
from tests.child import PATIENCE_S, ROOT, Child
from tests.process.test_examples import SLOW, living_market
from tests.sim.accounts.asking import by_rest
from tests.sim.market.journal import START_MS

KEYS = {"BYBIT_API_KEY": DEMO_KEY, "BYBIT_API_SECRET": DEMO_SECRET}
MOST_LINES = 200
"""So many are looked at."""
FAR = {"orderType": "Limit", "price": "62000.00"}
"""Of a bid that nobody meets."""
BTCUSD = "category=inverse&symbol=BTCUSD"


def order(served: ServedExchange, side: str, quantity: int, **more: Any) -> str:
    """A market order, unless ``more`` says otherwise; its id."""
    body = {"side": side, "orderType": "Market", "qty": str(quantity), **more}
    return by_rest(served, lambda client: client.order(**body))["orderId"]


def cancel(served: ServedExchange, order_id: str) -> None:
    by_rest(served, lambda client: client.order("cancel", orderId=order_id))


def listed(
    served: ServedExchange, path: str, query: str = f"{BTCUSD}&limit=50"
) -> list[dict[str, Any]]:
    """The oldest first."""
    return by_rest(served, lambda client: client.read(path, query))["list"][::-1]


def executions(served: ServedExchange) -> list[dict[str, Any]]:
    return listed(served, "/v5/execution/list")


class Still(NamedTuple):
    """An exchange whose time passes only when a test says so: its book waits for orders."""

    served: ServedExchange
    begun: list[int]

    def pass_time(self, ms: int) -> None:
        self.begun[0] += ms
        served = self.served
        served.until(lambda: served.exchange.lag_ms < 20)


@contextmanager
def standing_still() -> Iterator[Still]:
    """Where nobody but the test has orders in the account."""
    begun = [0]
    market = Market(seed=3, start_ms=START_MS)
    with serve_in_thread(market=market, clock=lambda: begun[0]) as served:
        still = Still(served, begun)
        still.pass_time(2_000)
        yield still


SNAPSHOTS = {
    "fill_latency": ("/v5/order/realtime", 5),
    "realised_profit": ("/v5/position/list", 1),
    "wallet_changes": ("/v5/account/wallet-balance", 1),
}
"""What an example reads first, and by how many requests: what happens later is news to it."""


@contextmanager
def running(name: str, served: ServedExchange, topic: str) -> Iterator[Child]:
    """An example that has subscribed to ``topic`` and knows how the account stands."""
    path, count = SNAPSHOTS.get(name, ("", 0))

    def asked() -> int:
        return served.run(lambda: sum(call.path == path for call in served.exchange.calls))

    count += asked()
    command = [sys.executable, str(ROOT / "examples" / f"{name}.py")]
    with Child(command, env={"RXBYBIT_ENVIRONMENT": served.url, **KEYS}) as child:
        served.until(lambda: served.subscriptions.get(topic) == 1, timeout_s=PATIENCE_S)
        served.until(lambda: asked() >= count, timeout_s=PATIENCE_S)
        yield child


def finish(child: Child, status: int = 130) -> list[str]:
    """What it still says; it must end well."""
    if status:
        child.interrupt()
    ended, rest, errors = child.end()
    said = [line for line in errors.splitlines() if SLOW not in line]
    assert (ended, said) == (status, [])
    return rest


def lines_until(child: Child, is_last: Callable[[list[str]], bool]) -> list[str]:
    lines: list[str] = []
    while not (lines and is_last(lines)):
        assert len(lines) < MOST_LINES, lines
        lines.append(child.line())
    return lines


def test_the_fees_are_those_of_the_executions() -> None:
    with standing_still() as (served, _), running("fees_per_day", served, "execution") as child:
        for side, quantity in (("Buy", 1000), ("Buy", 200), ("Sell", 700)):
            order(served, side, quantity)
        done = executions(served)
        lines = [child.line() for _ in done]
        assert finish(child) == []
    sums = accumulate(Decimal(one["execFee"]) for one in done)
    assert len(done) >= 3
    assert lines == [f"2026-01-05 BTC {fees:f}" for fees in sums]


def test_what_was_filled_has_waited_as_long_as_the_order_list_says() -> None:
    with standing_still() as still, running("fill_latency", still.served, "order") as child:
        served = still.served
        order(served, "Buy", 100)  # no limit order
        cancel(served, order(served, "Buy", 10, **FAR))  # nor one that was filled
        for wait_ms in (150, 1_000):
            fill_later(still, wait_ms)
        filled = [
            one
            for one in listed(served, "/v5/order/history")
            if (one["orderType"], one["orderStatus"]) == ("Limit", "Filled")
        ]
        lines = [child.line() for _ in filled]
        assert finish(child) == []
    waited = [int(one["updatedTime"]) - int(one["createdTime"]) for one in filled]
    assert (len(waited), min(waited) > 0) == (2, True)
    assert lines == [f"BTCUSD Buy filled after {ms / 1000:.3f} s" for ms in waited]


def fill_later(still: Still, wait_ms: int) -> None:
    """A bid at the best price of all, which is filled some time later."""
    served = still.served
    book = by_rest(served, lambda client: client.read("/v5/market/orderbook", BTCUSD))
    order_id = order(served, "Buy", 10, orderType="Limit", price=book["b"][0][0])
    still.pass_time(wait_ms)
    order(served, "Sell", 50_000)
    served.until(lambda: status_of(served, order_id) == "Filled")


def now_ms(served: ServedExchange) -> int:
    assert served.exchange.market is not None
    return served.exchange.market.now_ms


def status_of(served: ServedExchange, order_id: str) -> str:
    [one] = listed(served, "/v5/order/realtime", f"{BTCUSD}&orderId={order_id}") or listed(
        served, "/v5/order/history", f"{BTCUSD}&orderId={order_id}"
    )
    return one["orderStatus"]


def test_the_kill_switch_comes_at_the_loss_that_is_too_much() -> None:
    with standing_still() as (served, _), running("kill_switch", served, "execution") as child:
        order(served, "Buy", 10, **FAR)
        order(served, "Buy", 100)  # whose fee is a tenth of what may be lost
        order(served, "Sell", 10_000)
        line = child.line()
        assert finish(child, 0) == []
        left = listed(served, "/v5/order/realtime", "category=inverse")
        changes = [Decimal(one["execPnl"]) - Decimal(one["execFee"]) for one in executions(served)]
    sums = list(accumulate(changes))
    lost = next(total for total in sums if total < Decimal("-0.00001"))
    assert sums[0] > lost
    assert line == f"{lost} -> cancel all: OK"
    assert left == []


def test_the_margin_alarm_goes_off_and_ends() -> None:
    alarm, fine = "ALARM: reduce your positions", "margin is fine"
    rates = {"0.79": None, "0.8": alarm, "0.799": fine, "0.95": alarm, "1.2": None}
    rates |= {"": "margin is isolated: watch the positions", "0.1": fine}
    with standing_still() as (served, _), running("margin_alarm", served, "wallet") as child:
        assert child.line() == fine
        query = "accountType=UNIFIED"
        [wallet] = by_rest(served, lambda c: c.read("/v5/account/wallet-balance", query))["list"]
        for number, rate in enumerate(rates, 1):
            frame = {"id": f"wallet-{number}", "topic": "wallet"}
            frame |= {"creationTime": now_ms(served) + number * 1000}
            data = [{**wallet, "accountMMRate": rate}]
            assert served.send("wallet", json.dumps({**frame, "data": data})) == 1
        expected = [said for said in rates.values() if said]
        assert [child.line() for _ in expected] == expected
        assert finish(child) == []


def test_the_profit_is_what_the_position_has_realised_since() -> None:
    def realised(served: ServedExchange) -> Decimal:
        [position] = listed(served, "/v5/position/list", BTCUSD)
        return Decimal(position["cumRealisedPnl"])

    with standing_still() as (served, _):
        order(served, "Buy", 1000)
        before = realised(served)
        with running("realised_profit", served, "position") as child:
            first = child.line()
            order(served, "Sell", 400)
            order(served, "Sell", 600)
            lines = lines_until(child, lambda lines: " flat " in lines[-1])
            earned = realised(served) - before
            finish(child)
    assert before < 0
    assert first.startswith("BTCUSD     Buy 1000       earned +0")
    assert any(" Buy 600 " in line for line in lines)
    assert lines[-1].startswith(f"BTCUSD     flat           earned {earned:+f}, open ")


def test_the_distance_of_each_stop_is_that_of_the_prices() -> None:
    pattern = re.compile(
        r"(Buy|Sell) stop at ([\d.]+) is ([+-][\d.]+%) from the mark price ([\d.]+)"
    )
    with serve_in_thread(market=living_market(), speed=10) as served:
        [ticker] = listed(served, "/v5/market/tickers", BTCUSD)
        price = Decimal(ticker["markPrice"]).quantize(Decimal(1))
        low, high = price - 3000, price + 3000
        stops = [
            order(served, "Sell", 10, triggerPrice=f"{low}.00", triggerDirection=2),
            order(served, "Buy", 10, triggerPrice=f"{high}.00", triggerDirection=1),
        ]
        with running("stop_distance", served, "order") as child:
            lines = lines_until(child, lambda lines: {line[:3] for line in lines} == {"Buy", "Sel"})
            cancel(served, stops[0])
            # Both are told of at each price: two of one after another, and one has gone.
            lines += lines_until(child, lambda lines: [x[:3] for x in lines[-2:]] == ["Buy"] * 2)
            finish(child)
    for line in lines:
        found = pattern.fullmatch(line)
        assert found, line
        side, trigger, share, mark = found.groups()
        assert Decimal(trigger) == (low if side == "Sell" else high)
        assert f"{Decimal(trigger) / Decimal(mark) - 1:+.3%}" == share
        assert abs(Decimal(mark) - price) < 1000


def test_the_changes_of_the_wallet_lead_to_what_it_holds() -> None:
    def wallet(served: ServedExchange) -> Decimal:
        query = "accountType=UNIFIED&coin=BTC"
        [one] = by_rest(served, lambda c: c.read("/v5/account/wallet-balance", query))["list"]
        return Decimal(one["coin"][0]["walletBalance"])

    with standing_still() as (served, _):
        balances = [wallet(served)]
        with running("wallet_changes", served, "wallet") as child:
            deadline = time.monotonic() + PATIENCE_S
            while not child.has_said:  # what comes before it has read its snapshot is no change
                assert time.monotonic() < deadline
                order(served, "Buy", 10)
                balances.append(wallet(served))
            for quantity in (1000, 200):
                order(served, "Buy", quantity)
            now = wallet(served)
            lines = lines_until(child, lambda lines: lines[-1].endswith(f" to {now}"))
            assert finish(child) == []
    words = [line.split() for line in lines]
    changes = [Decimal(change) for _, change, _, _ in words]
    held = [Decimal(amount) for _, _, _, amount in words]
    assert {coin for coin, *_ in words} == {"BTC"}
    assert held[0] - changes[0] in balances
    assert [after - before for before, after in pairwise(held)] == changes[1:]
    assert len(lines) >= 3
