"""One market, and one account that trades there, heard by the library through both wires.

What they tell of the same thing is the same event, but for what one of the wires does not say:
:data:`LACKS` is all of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from rxbybit import (
    Balance,
    Bybit,
    Credentials,
    DecodeFailed,
    Gap,
    Insurance,
    Kline,
    Liquidation,
    Order,
    OrderBook,
    Position,
    Rejected,
    Resynced,
    Status,
    StopOrder,
    Ticker,
    Trade,
    UserTrade,
)
from rxbybit.sim import ApiKey, Exchange
from rxbybit.sim.accounts.keys import DEMO
from rxbybit.sim.market import Market
from tests.promises.world import Ear, until
from tests.sim.accounts.asking import Client
from tests.sim.clock import Clock, passes
from tests.sim.legacy.talk import HOLDER, KEY, SECRET, market
from tests.sim.market.journal import START_MS

_NEVER = "the legacy wire never had it"
_NO_MORE = "V5 has it no more"
LACKS: dict[type, dict[str, str]] = {
    Trade: {"is_rpi": "orders of this kind are younger than the legacy wire"},
    Ticker: {
        **dict.fromkeys(("bid_size", "ask_size"), _NEVER),
        **dict.fromkeys(("single_open_interest", "single_open_interest_value"), _NEVER),
        "funding_cap": _NEVER,
        "change_1h": "V5 leaves it to be reckoned from the price of an hour ago",
        **dict.fromkeys(("total_volume", "total_turnover", "predicted_funding_rate"), _NO_MORE),
        "basis_rate_year": "each wire rounds it by itself",
        "changed": "what a frame repeats, which each wire decides by itself",
    },
    Insurance: {
        "symbols": _NEVER,
        "time_ms": "the legacy wire cuts it to seconds",
    },
    UserTrade: {
        **dict.fromkeys(("value", "fee_rate", "fee_coin", "closed_size", "realised_pnl"), _NEVER),
        **dict.fromkeys(("order_type", "order_price", "stop_order_type", "create_type"), _NEVER),
        **dict.fromkeys(("mark_price", "is_leverage", "sequence"), _NEVER),
    },
    Order: {
        **dict.fromkeys(
            ("price_on_created", "average_price", "leaves_value", "closed_pnl"), _NEVER
        ),
        **dict.fromkeys(("fee_coin", "fees", "created_ms", "reject_reason"), _NEVER),
        **dict.fromkeys(("position_index", "rpi_taker_access", "rpi_matched_quantity"), _NEVER),
        "last_fill_price": _NO_MORE,
    },
    StopOrder: {
        **dict.fromkeys(("price_on_created", "leaves_quantity", "leaves_value"), _NEVER),
        **dict.fromkeys(("average_price", "fee_coin", "fees"), _NEVER),
        **dict.fromkeys(("filled_quantity", "filled_value", "fee", "closed_pnl"), _NEVER),
        **dict.fromkeys(("created_ms", "reject_reason", "position_index"), _NEVER),
        **dict.fromkeys(("rpi_taker_access", "rpi_matched_quantity", "reduce_only"), _NEVER),
        "trigger_direction": _NEVER,
    },
    Position: {
        **dict.fromkeys(("mark_price", "break_even_price", "unrealised_pnl", "risk_limit"), _NEVER),
        **dict.fromkeys(("initial_margin_by_mark", "maintenance_margin"), _NEVER),
        **dict.fromkeys(("maintenance_margin_by_mark", "is_reduce_only", "sequence"), _NEVER),
        **dict.fromkeys(("adl_rank", "created_ms", "updated_ms", "opened_ms"), _NEVER),
        **dict.fromkeys(("order_margin", "closing_fee", "funding_fee", "is_isolated"), _NO_MORE),
        "realised_pnl": "on V5 of the position that is held, on the legacy wire of today",
        "liquidation_price": "nobody is liquidated here: V5 has nothing, legacy 0 of a long",
        "bankruptcy_price": "as the liquidation price",
    },
    Balance: {
        "available_balance": "V5 has it no more since January 2025",
        **dict.fromkeys(("equity", "usd_value", "unrealised_pnl", "locked", "bonus"), _NEVER),
        **dict.fromkeys(("cumulative_realised_pnl", "order_margin", "borrowed"), _NEVER),
        **dict.fromkeys(("position_initial_margin", "position_maintenance_margin"), _NEVER),
        **dict.fromkeys(("spot_borrowed", "accrued_interest", "spot_hedging_quantity"), _NEVER),
        **dict.fromkeys(("is_collateral", "can_be_collateral"), _NEVER),
    },
}
"""Attributes by event that one of the wires does not say, or says something else by; and why.

Candles and liquidations have none. A book has a number of its updates on V5 only.
"""
SYMBOLS = ("BTCUSD", "ETHUSD", "BTCUSDH26")
DEEP = ("BTCUSD", "ETHUSD")
"""Of the default market, where books have more than 200 levels a side."""


def alike(events: Iterable[Any]) -> list[Any]:
    """The events without what one of the wires lacks."""
    return [replace(event, **dict.fromkeys(LACKS.get(type(event), ()))) for event in events]


def at(events: Sequence[Any], ms: int) -> Any:
    """The last one that was sent by then."""
    return [event for event in events if event.meta.sent_ms <= ms][-1]


class Both:
    """An exchange whose clock stands still until it is told to go on, and a client on each wire."""

    def __init__(self, exchange: Exchange, clock: Clock, account: ApiKey) -> None:
        key = Credentials.hmac(account.key, account.secret)
        self.exchange = exchange
        self.clock = clock
        self.v5 = Bybit(exchange.environment, credentials=key)
        self.legacy = Bybit(exchange.environment, credentials=key, wire="legacy")
        self.statuses: list[Status] = []
        self.ended = 0
        for client in (self.v5, self.legacy):
            client.status().subscribe(self.statuses.append)

    def hear(self, ask: Callable[[Bybit], Any]) -> tuple[Ear, Ear]:
        """What one stream is on either wire."""
        return Ear(ask(self.v5)), Ear(ask(self.legacy))

    async def subscribed(self, *topics: str) -> None:
        await until(lambda: set(topics) <= set(self.exchange.subscriptions))

    async def passes(self, seconds: float) -> None:
        await passes(self.exchange, self.clock, round(seconds * 1_000))

    async def heard_all(self) -> None:
        """Every link says something that is no frame, last, and that it was read is reported."""
        links = self.exchange.links
        for link in links:
            await link.send("the end")
        self.ended += len(links)
        await until(lambda: len(self.of(DecodeFailed)) >= self.ended)

    def of(self, kind: Any) -> list[Status]:
        return [status for status in self.statuses if isinstance(status, kind)]


def scenario(
    body: Callable[[Both], Awaitable[None]], made: Market, account: ApiKey = DEMO, **options: Any
) -> None:
    async def main() -> None:
        clock = Clock()
        async with Exchange(market=made, clock=clock, **options) as exchange:
            both = Both(exchange, clock, account)
            await body(both)
            assert both.of(Gap | Rejected | Resynced) == []
            assert len(both.of(DecodeFailed)) == both.ended
            await both.v5.aclose()
            await both.legacy.aclose()

    asyncio.run(main())


@pytest.mark.timeout(120)
def test_trades_candles_and_liquidations_are_equal() -> None:
    async def body(both: Both) -> None:
        trades = both.hear(lambda client: client.trades())
        candles = both.hear(lambda client: client.klines("BTCUSD", interval="5m"))
        forced = both.hear(lambda client: client.liquidations(*SYMBOLS))
        await both.subscribed(
            *(f"publicTrade.{s}" for s in SYMBOLS),
            *(f"allLiquidation.{s}" for s in SYMBOLS),
            *(f"liquidation.{s}" for s in SYMBOLS),
            *("trade.*", "kline.5.BTCUSD", "klineV2.5.BTCUSD"),
        )
        for _ in range(36):
            await both.passes(20)
        await both.heard_all()
        for new, old in (trades, candles, forced):
            assert new.errors == old.errors == []
            assert sorted_(alike(new.heard)) == sorted_(alike(old.heard))
        assert {trade.symbol for trade in trades[1].heard} == set(SYMBOLS)
        assert len(trades[1].heard) > 1_000
        assert any(candle.closed for candle in candles[1].heard)
        assert isinstance(candles[1].heard[0], Kline)
        assert len(forced[1].heard) > 5
        assert isinstance(forced[1].heard[0], Liquidation)
        # Of one symbol they come in order too.
        for symbol in SYMBOLS:
            ids = [[t.id for t in ear.heard if t.symbol == symbol] for ear in trades]
            assert ids[0] == ids[1]

    scenario(body, market(start_ms=START_MS - 86_400_000 + (20 * 60 - 8) * 60_000))


def sorted_(events: list[Any]) -> list[Any]:
    """Links of two symbols are read one after the other: the order between symbols is none."""
    return sorted(events, key=lambda event: event.symbol)


@pytest.mark.timeout(120)
def test_books_are_equal() -> None:
    async def body(both: Both) -> None:
        wide = [both.hear(lambda c, s=s: c.order_book(s, depth=200)) for s in DEEP]
        narrow = [both.hear(lambda c, s=s: c.order_book(s, depth=25)) for s in DEEP]
        await both.subscribed(
            *(f"orderbook.200.{s}" for s in DEEP),
            *(f"orderbook.50.{s}" for s in DEEP),
            *(f"orderBook_200.100ms.{s}" for s in DEEP),
            *(f"orderBookL2_25.{s}" for s in DEEP),
        )
        for _ in range(12):
            await both.passes(5)
        await both.heard_all()
        for new, old in (*wide, *narrow):
            assert new.errors == old.errors == []
            assert len(old.heard) > 5
            for book in old.heard:
                assert told(book) == told(at(new.heard, book.meta.sent_ms))
            assert levels(new.heard[-1]) == levels(old.heard[-1])

    scenario(body, Market(seed=2, start_ms=START_MS))


def levels(book: OrderBook) -> Any:
    return book.symbol, book.state, book.bids, book.asks


def told(book: OrderBook) -> Any:
    return (*levels(book), book.sequence)


@pytest.mark.timeout(120)
def test_tickers_are_equal() -> None:
    async def body(both: Both) -> None:
        tickers = [both.hear(lambda c, s=s: c.tickers(s)) for s in SYMBOLS]
        await both.subscribed(
            *(f"tickers.{s}" for s in SYMBOLS), *(f"instrument_info.100ms.{s}" for s in SYMBOLS)
        )
        for _ in range(40):
            await both.passes(3)
        await both.heard_all()
        for new, old in tickers:
            assert new.errors == old.errors == []
            assert len(old.heard) > 50
            for ticker in old.heard:
                same = at(new.heard, ticker.meta.sent_ms)
                assert alike([ticker]) == alike([rounded(same)])

    scenario(body, market())


def rounded(ticker: Ticker) -> Ticker:
    """Rates have six decimals on the legacy wire."""
    rate = ticker.funding_rate
    return ticker if rate is None else replace(ticker, funding_rate=round(rate, 6))


class Trader(Client):
    """Who enters orders of ``BTCUSD`` by REST."""

    async def take(self, side: str, qty: int) -> str:
        return (await self.order(side=side, orderType="Market", qty=str(qty)))["orderId"]

    async def rest(self, side: str, qty: int, price: str, **more: Any) -> str:
        body = {"side": side, "orderType": "Limit", "qty": str(qty), "price": price, **more}
        return (await self.order(**body))["orderId"]

    async def stop(self, side: str, qty: int, trigger: str, direction: int) -> str:
        return (
            await self.order(
                side=side,
                orderType="Market",
                qty=str(qty),
                triggerPrice=trigger,
                triggerDirection=direction,
            )
        )["orderId"]

    async def cancel(self, order_id: str) -> None:
        await self.order("cancel", orderId=order_id)


WAITING = ("Untriggered", "Triggered", "Deactivated")


class Account:
    """All that is private, on both wires."""

    def __init__(self, both: Both) -> None:
        self.orders = both.hear(lambda c: c.orders(snapshot=False))
        self.stops = both.hear(lambda c: c.stop_orders(snapshot=False))
        self.fills = both.hear(lambda c: c.user_trades())
        self.positions = both.hear(lambda c: c.positions(snapshot=False))
        self.coins = both.hear(lambda c: c.balances(snapshot=False))
        self._both = both

    async def subscribed(self) -> None:
        seen = self._both.exchange
        both = ("order", "execution", "position", "wallet")
        await until(lambda: all(seen.subscriptions.get(topic) == 2 for topic in both))
        await self._both.subscribed("stop_order")

    def compare(self) -> None:
        for new, old in (self.orders, self.fills, self.positions, self.coins):
            assert new.errors == old.errors == []
            assert alike(old.heard) == alike(of_inverse(new.heard))
            assert len(old.heard) > 3
        new, old = self.stops
        # Behind its trigger V5 goes on to tell of it, and the legacy wire says New, once.
        waiting = [stop for stop in old.heard if stop.status in WAITING]
        assert alike(waiting) == alike(s for s in of_inverse(new.heard) if s.status in WAITING)
        working = [stop for stop in old.heard if stop.status not in WAITING]
        triggered = [stop.order_id for stop in waiting if stop.status == "Triggered"]
        assert [(stop.order_id, stop.status) for stop in working] == [
            (order_id, "New") for order_id in triggered
        ]


def of_inverse(events: Iterable[Any]) -> list[Any]:
    """What the legacy wire tells; coins have no category, and it tells all of them."""
    return [event for event in events if getattr(event, "category", "inverse") == "inverse"]


@pytest.mark.timeout(120)
def test_what_an_account_does_is_equal() -> None:
    async def body(both: Both) -> None:
        account = Account(both)
        await account.subscribed()
        async with aiohttp.ClientSession() as session:
            trader = Trader(both.exchange, session, KEY, SECRET)
            resting = await trader.rest("Buy", 100, "60000", orderLinkId="mine")
            await trader.take("Buy", 700)
            await trader.cancel(await trader.stop("Sell", 50, "60000", 2))
            triggered = await trader.stop("Sell", 400, "64990", 2)
            near = await trader.rest("Sell", 300, "65010", timeInForce="PostOnly")
            for _ in range(60):
                await both.passes(2)
            await trader.order("amend", orderId=resting, qty="80")
            await trader.take("Sell", 900)
            await trader.cancel(resting)
            await both.passes(1)
            linear = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy"}
            await trader.order(**linear, orderType="Market", qty="0.01")
        await both.heard_all()
        account.compare()
        orders = account.orders[1].heard
        assert [o.status for o in orders if o.order_id == triggered] == ["Filled"]
        assert next(o.status for o in orders if o.order_id == near) == "New"
        assert [(o.status, o.quantity) for o in orders if o.order_id == resting] == [
            ("New", 100),
            ("New", 80),
            ("Cancelled", 80),
        ]
        assert {coin.coin for coin in account.coins[1].heard} == {"BTC", "USDT"}
        stops = [(stop.status, stop.trigger_price) for stop in account.stops[1].heard]
        assert ("Deactivated", Decimal(60000)) in stops

    scenario(body, market(), HOLDER, accounts=(HOLDER,))


@pytest.mark.timeout(120)
def test_what_the_account_that_trades_by_itself_does_is_equal() -> None:
    async def body(both: Both) -> None:
        account = Account(both)
        await account.subscribed()
        for _ in range(60):
            await both.passes(10)
        await both.heard_all()
        account.compare()
        assert any(stop.status == "Triggered" for stop in account.stops[1].heard)

    scenario(body, market(), demo=True)


@pytest.mark.timeout(60)
def test_insurance_is_the_sum_of_the_pools() -> None:
    async def body(both: Both) -> None:
        new, old = both.hear(lambda client: client.insurance("BTC", "ETH"))
        await until(lambda: new.heard and old.heard)
        for _ in range(30):
            await both.passes(20)
        await both.heard_all()
        assert new.errors == old.errors == []
        # At once, and at 20 h UTC.
        assert [event.coin for event in old.heard] in (["BTC", "ETH"] * 2, ["ETH", "BTC"] * 2)
        for event in old.heard:
            pools = {
                pool.symbols: pool
                for pool in new.heard
                if pool.coin == event.coin and pool.meta.sent_ms <= event.time_ms
            }
            balance = sum((pool.balance for pool in pools.values()), Decimal(0))
            same = replace(next(iter(pools.values())), balance=balance)
            assert alike([event]) == alike([same])

    scenario(body, market(start_ms=START_MS - 86_400_000 + (20 * 60 - 8) * 60_000))
