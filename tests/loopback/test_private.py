"""Private streams over real sockets, of accounts that trade on the embedded exchange."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from rxbybit import (
    AuthenticationFailed,
    Backoff,
    Bybit,
    Credentials,
    ExecutionType,
    Gap,
    Order,
    OrderStatus,
    RequestFailed,
    Side,
    Status,
    StopOrder,
)
from rxbybit.sim import ApiKey, AuthReject, Exchange, Refuse, RestDown
from rxbybit.sim.market import Market
from tests import canary
from tests.promises.world import Ear, until
from tests.sim.accounts.asking import Client

QUICK = Backoff(first=0.01, cap=0.05)
START_MS = 1_767_225_600_000


class World:
    """An exchange, whoever trades there by REST, and a client that listens to him."""

    def __init__(self, exchange: Exchange, session: aiohttp.ClientSession) -> None:
        self.exchange = exchange
        self.trader = Client(exchange, session, canary.KEY, canary.SECRET)
        self.bybit = Bybit(
            exchange.environment,
            credentials=Credentials.hmac(canary.KEY, canary.SECRET),
            backoff=QUICK,
        )
        self.statuses: list[Status] = []
        self.bybit.status().subscribe(self.statuses.append)

    def of(self, kind: type[Any]) -> list[Any]:
        return [status for status in self.statuses if isinstance(status, kind)]

    def cut(self) -> None:
        for link in self.exchange.links:
            link.cut()

    async def order(self, side: str, qty: str, price: str | None = None, **more: Any) -> str:
        kind: dict[str, Any] = {"orderType": "Market"}
        if price is not None:
            kind = {"orderType": "Limit", "price": price}
        body = {"category": "inverse", "symbol": "BTCUSD", "side": side, "qty": qty}
        status, answer = await self.trader.post("/v5/order/create", {**body, **kind, **more})
        assert (status, answer["retCode"]) == (200, 0), answer
        return answer["result"]["orderId"]

    async def cancel(self, order_id: str) -> None:
        body = {"category": "inverse", "symbol": "BTCUSD", "orderId": order_id}
        _, answer = await self.trader.post("/v5/order/cancel", body)
        assert answer["retCode"] == 0, answer


def scenario(body: Callable[[World], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        market = Market(seed=3, start_ms=START_MS)
        account = ApiKey(key=canary.KEY, secret=canary.SECRET, balances={"BTC": 5})
        async with (
            Exchange(market=market, accounts=(account,), **options) as exchange,
            aiohttp.ClientSession() as session,
        ):
            world = World(exchange, session)
            await body(world)
            await world.bybit.aclose()
            await until(lambda: not exchange.links)

    asyncio.run(main())


def test_an_order_is_heard_from_its_entry_to_its_fill() -> None:
    async def body(world: World) -> None:
        bybit = world.bybit
        orders, fills = Ear(bybit.orders()), Ear(bybit.user_trades())
        positions, coins = Ear(bybit.positions()), Ear(bybit.balances("BTC"))
        account = Ear(bybit.account())
        await until(lambda: coins.heard and account.heard)
        assert [b.wallet_balance for b in coins.heard] == [Decimal(5)]
        assert coins.heard[0].meta.backfilled
        resting = await world.order("Buy", "100", "30000", orderLinkId="mine")
        await until(lambda: orders.heard)
        (first,) = orders.heard
        assert isinstance(first, Order)
        assert (first.order_id, first.client_order_id) == (resting, "mine")
        assert (first.status, first.side, first.price) == ("New", Side.BUY, Decimal(30000))
        assert not first.meta.backfilled
        taken = await world.order("Sell", "700")
        await until(lambda: sum(f.quantity for f in fills.heard) == 700)
        await until(lambda: positions.heard and positions.heard[-1].size == 700)
        assert {f.order_id for f in fills.heard} == {taken}
        assert {f.type for f in fills.heard} == {ExecutionType.TRADE}
        assert all(f.fee > 0 and not f.is_maker for f in fills.heard)
        position = positions.heard[-1]
        assert (position.symbol, position.side) == ("BTCUSD", Side.SELL)
        value = sum((f.value for f in fills.heard), Decimal(0))
        assert position.entry_price == pytest.approx(Decimal(700) / value, rel=Decimal("1e-6"))
        await until(lambda: len(coins.heard) > 1)
        fee = sum((f.fee for f in fills.heard), Decimal(0))
        assert coins.heard[-1].wallet_balance == Decimal(5) - fee
        filled = [o for o in orders.heard if o.order_id == taken]
        assert (filled[-1].status, filled[-1].filled_quantity) == ("Filled", Decimal(700))
        await world.cancel(resting)
        await until(lambda: orders.heard[-1].status == OrderStatus.CANCELLED)
        (link,) = [link for link in world.exchange.links if link.category == "private"]
        assert sorted(link.subscriptions) == ["execution", "order", "position", "wallet"]

    scenario(body)


def test_what_there_was_before_comes_first() -> None:
    async def body(world: World) -> None:
        resting = await world.order("Buy", "100", "30000")
        stop = await world.order("Sell", "200", triggerPrice="20000", triggerDirection=2)
        await world.order("Buy", "300")
        bybit = world.bybit
        orders, stops = Ear(bybit.orders("BTCUSD")), Ear(bybit.stop_orders())
        positions, fills = Ear(bybit.positions(category="inverse")), Ear(bybit.user_trades())
        await until(lambda: orders.heard and stops.heard and positions.heard)
        assert [o.order_id for o in orders.heard] == [resting]
        assert [(s.order_id, s.trigger_price) for s in stops.heard] == [(stop, Decimal(20000))]
        assert isinstance(stops.heard[0], StopOrder)
        assert [(p.symbol, p.size) for p in positions.heard] == [("BTCUSD", Decimal(300))]
        assert positions.heard[0].entry_price
        for ear in (orders, stops, positions):
            assert all(event.meta.backfilled for event in ear.heard)
        assert fills.heard == []

    scenario(body)


def test_what_happened_in_an_outage_is_told_after_it() -> None:
    async def body(world: World) -> None:
        resting, other = (
            await world.order("Buy", "100", "30000"),
            await world.order("Buy", "1", "2"),
        )
        await world.order("Buy", "300")
        orders, positions = Ear(world.bybit.orders()), Ear(world.bybit.positions())
        await until(lambda: len(orders.heard) == 2 and len(positions.heard) == 1)
        world.exchange.faults.add(Refuse(status=503, category="private", times=3))
        world.cut()
        await until(lambda: not world.exchange.links)
        await world.cancel(resting)
        late = await world.order("Buy", "50", "29000")
        await world.order("Sell", "300", reduceOnly=True)
        await until(lambda: len(orders.heard) >= 4 and len(positions.heard) >= 2)
        told = {(o.order_id, str(o.status.value), o.meta.backfilled) for o in orders.heard[2:]}
        assert {(resting, "Cancelled", True), (late, "New", True)} <= told
        assert other not in {o.order_id for o in orders.heard[2:]}
        assert [p.size for p in positions.heard[1:]] == [Decimal(0)]
        assert orders.heard[2].meta.gap is not None
        assert {gap.topic for gap in world.of(Gap)} == {"order", "position"}

    scenario(body)


@pytest.mark.parametrize(
    ("key", "secret"), [(canary.KEY, "another-secret-0123456789"), ("unknown", canary.SECRET)]
)
def test_a_wrong_key_or_secret_is_one_clear_sentence(key: str, secret: str) -> None:
    async def body(world: World) -> None:
        wrong = Bybit(world.exchange.environment, credentials=Credentials.hmac(key, secret))
        ears = [Ear(wrong.orders()), Ear(wrong.balances()), Ear(wrong.trades("BTCUSD"))]
        await until(lambda: ears[0].errors and ears[1].errors)
        for ear in ears[:2]:
            (error,) = ear.errors
            assert isinstance(error, AuthenticationFailed)
            assert str(error).startswith("the exchange refused the API key (")
            assert "\n" not in str(error)
        await until(lambda: ears[2].heard)
        asked = [r for r in world.exchange.requests if r.op == "auth"]
        assert len(asked) == 2
        await wrong.aclose()

    scenario(body)


def test_a_clock_that_is_an_hour_off_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = time.time_ns
    monkeypatch.setattr("rxbybit.rest.clock.time.time_ns", lambda: genuine() - 3_600 * 10**9)

    async def body(world: World) -> None:
        coins = Ear(world.bybit.balances())
        await until(lambda: coins.heard)
        assert not coins.errors

    scenario(body)


def test_an_exchange_that_rejects_it_once_is_asked_once_more() -> None:
    async def body(world: World) -> None:
        world.exchange.faults.add(AuthReject(times=1))
        coins = Ear(world.bybit.balances())
        await until(lambda: coins.heard)
        world.exchange.faults.add(AuthReject(times=2))
        world.cut()
        await until(lambda: coins.errors)
        assert isinstance(coins.errors[0], AuthenticationFailed)

    scenario(body)


def test_rest_that_is_down_for_a_while_delays_what_there_was() -> None:
    async def body(world: World) -> None:
        resting = await world.order("Buy", "100", "30000")
        world.exchange.faults.add(RestDown(path="/v5/order/realtime", times=3))
        orders = Ear(world.bybit.orders())
        await until(lambda: orders.heard)
        assert [o.order_id for o in orders.heard] == [resting]
        assert len(world.of(RequestFailed)) == 3

    scenario(body)


def test_nothing_secret_is_written_of_any_of_it(caplog: pytest.LogCaptureFixture) -> None:
    """The watch over the whole run looks through the rest: see :mod:`tests.canary`."""
    caplog.set_level(logging.DEBUG)

    async def body(world: World) -> None:
        asyncio.get_running_loop().set_debug(True)
        world.exchange.faults.add(AuthReject(times=1))
        streams: list[Any] = [
            world.bybit.orders(),
            world.bybit.stop_orders(),
            world.bybit.positions(),
            world.bybit.balances(),
            world.bybit.account(),
            world.bybit.user_trades(),
        ]
        ears = [Ear(stream) for stream in streams]
        await until(lambda: ears[3].heard)
        await world.order("Buy", "100")
        await until(lambda: ears[5].heard)
        world.exchange.faults.add(AuthReject(message=f"no {canary.KEY}", times=2))
        world.cut()
        await until(lambda: all(ear.errors for ear in ears))
        errors = [error for ear in ears for error in ear.errors]
        told = "".join(
            [
                *(repr(thing) for thing in (world.bybit, *streams, *world.statuses, *errors)),
                *(str(error) for error in errors),
                *(repr(request) for request in world.exchange.requests),
                repr(world.bybit.counters()),
                caplog.text,
            ]
        )
        assert canary.KEY not in told
        assert canary.SECRET not in told
        for thing in (world.bybit, *errors):
            assert not canary.expose(thing)

    scenario(body)
