"""What the factories ask of the venue, and which topics they name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from rxbybit.bookkeeping import BookKeeper, NoRenewal
from rxbybit.config import Category
from rxbybit.errors import ConfigurationError
from rxbybit.events import Side
from rxbybit.schema.spec import StreamSpec
from rxbybit.streams import SPECS, find_specs
from rxbybit.streams.insurance import INSURANCE, insurance
from rxbybit.streams.kline import CLOSED_KLINES, KLINES, klines
from rxbybit.streams.liquidation import LIQUIDATIONS, Liquidation, liquidations
from rxbybit.streams.order import ORDER_ITEMS, ORDERS, STOP_ORDERS, orders, stop_orders
from rxbybit.streams.orderbook import (
    ORDER_BOOK,
    ORDER_BOOK_25,
    ORDER_BOOK_UPDATES,
    order_book,
    order_book_updates,
)
from rxbybit.streams.position import POSITIONS, positions
from rxbybit.streams.ticker import TICKER_UPDATES, TICKERS, ticker_updates, tickers
from rxbybit.streams.trade import TRADES, trades
from rxbybit.streams.user_trade import USER_TRADES, no_funding, user_trades
from rxbybit.streams.wallet import ACCOUNT, BALANCES, Balance, account, balances


class Venue:
    """Notes what it is asked to open."""

    wire = "v5"

    def __init__(self, category: Category | None = None) -> None:
        self.category: Category | None = category
        self.asked: list[tuple[Any, ...]] = []
        self.keep: Callable[[Any], bool] | None = None

    def open(
        self,
        spec: StreamSpec[Any],
        symbols: tuple[str | Iterable[str], ...],
        *,
        category: Category | None = None,
        history: int = 0,
        **params: object,
    ) -> Any:
        past = {"history": history} if history else {}
        self.asked.append((spec, symbols, category, {**params, **past}))
        return self.asked

    def open_topics(
        self,
        spec: StreamSpec[Any],
        topics: Sequence[tuple[Category, str]],
        *,
        keep: Callable[[Any], bool] | None = None,
        history: int = 0,
    ) -> Any:
        self.asked.append((spec, list(topics)))
        self.keep = keep
        return self.asked

    def open_private(
        self,
        spec: StreamSpec[Any],
        symbols: tuple[str | Iterable[str], ...] = (),
        *,
        category: Category | None = None,
        keep: Callable[[Any], bool] | None = None,
        snapshot: bool = False,
        late: bool = True,
    ) -> Any:
        self.asked.append((spec, symbols, category, snapshot, late))
        self.keep = keep
        return self.asked


def test_factories_open_their_specs() -> None:
    venue = Venue()
    assert trades(venue, "A", ["B"], category="spot") is venue.asked
    tickers(venue, "A")
    ticker_updates(venue, "A", category="linear")
    klines(venue, "A")
    klines(venue, "A", interval="1h", closed=True, category="spot")
    klines(venue, "A", history=7)
    order_book_updates(venue, "A")
    order_book_updates(venue, "A", depth=200, category="spot")
    liquidations(venue, "A", category="inverse")
    assert venue.asked == [
        (TRADES, ("A", ["B"]), "spot", {}),
        (TICKERS, ("A",), None, {}),
        (TICKER_UPDATES, ("A",), "linear", {}),
        (KLINES, ("A",), None, {"interval": "1m"}),
        (CLOSED_KLINES, ("A",), "spot", {"interval": "1h"}),
        (KLINES, ("A",), None, {"interval": "1m", "history": 7}),
        (ORDER_BOOK_UPDATES, ("A",), None, {"depth": None}),
        (ORDER_BOOK_UPDATES, ("A",), "spot", {"depth": 200}),
        (LIQUIDATIONS, ("A",), "inverse", {}),
    ]


@pytest.mark.parametrize(
    ("coins", "category", "topics"),
    [
        ((), None, ["inverse"]),
        ((), "inverse", ["inverse"]),
        ((), "linear", ["USDT", "USDC"]),
        (("BTC",), None, ["inverse"]),
        (("BTC", ["ETH", "BTC"]), "inverse", ["inverse"]),
        (("USDT",), None, ["USDT"]),
        (("USDC",), "linear", ["USDC"]),
        (("BTC", "USDT", "ETH", "USDC"), None, ["inverse", "USDT", "USDC"]),
    ],
)
def test_pools(coins: Any, category: Category | None, topics: list[str]) -> None:
    venue = Venue()
    insurance(venue, *coins, category=category)
    [(spec, asked)] = venue.asked
    assert spec is INSURANCE
    of = {"inverse": "inverse", "USDT": "linear", "USDC": "linear"}
    assert asked == [(of[name], f"insurance.{name}") for name in topics]
    kept = (
        [] if venue.keep is None else list(filter(venue.keep, map(_pool, ("BTC", "XRP", "USDT"))))
    )
    named = {name for coin in coins for name in ([coin] if isinstance(coin, str) else coin)}
    assert (venue.keep is None) == (not coins)
    assert {pool.coin for pool in kept} == named & {"BTC", "XRP", "USDT"}


def _pool(coin: str) -> SimpleNamespace:
    return SimpleNamespace(coin=coin)


@pytest.mark.parametrize(
    ("coins", "category", "said"),
    [
        (("BTC",), "linear", "BTC is inverse; linear has USDT, USDC, inverse all others"),
        (("USDT",), "inverse", "USDT is linear; linear has USDT, USDC"),
        ((), "spot", "spot has none; there is inverse, linear"),
        ((), "option", "option has none"),
        ((), "futures", "use one of inverse, linear, spot, option"),
        (("btc",), None, "upper-case"),
        (([],), None, "empty"),
    ],
)
def test_pools_that_are_not(coins: Any, category: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        insurance(Venue(), *coins, category=category)


@pytest.mark.parametrize(
    ("spec", "category", "params", "topic"),
    [
        (TRADES, "spot", {}, "publicTrade.X"),
        (TICKERS, "option", {}, "tickers.X"),
        (TICKER_UPDATES, "inverse", {}, "tickers.X"),
        (LIQUIDATIONS, "linear", {}, "allLiquidation.X"),
        *((ORDER_BOOK_UPDATES, "linear", {"depth": d}, f"orderbook.{c}.X")
          for d, c in {None: 50, 1: 1, 25: 50, 50: 50, 200: 200, 1000: 1000}.items()),
        *((ORDER_BOOK_UPDATES, "option", {"depth": d}, f"orderbook.{c}.X")
          for d, c in {None: 25, 25: 25, 100: 100}.items()),
    ],
)  # fmt: skip
def test_topics(
    spec: StreamSpec[Any], category: Category, params: dict[str, object], topic: str
) -> None:
    assert spec.topic("v5", category, "X", **params) == topic
    [found] = find_specs(topic)
    assert found.name == spec.name.replace("tickers", "ticker_updates")


@pytest.mark.parametrize("depth", [0, 2, 100, 500, -1, "50", 50.0, True])
def test_what_is_no_depth(depth: object) -> None:
    with pytest.raises(ConfigurationError, match=r"linear has 1, 25, 50, 200, 1000$"):
        ORDER_BOOK_UPDATES.topic("v5", "linear", "X", depth=depth)


def test_what_is_no_depth_of_options() -> None:
    with pytest.raises(ConfigurationError, match=r"option has 25, 100$"):
        ORDER_BOOK_UPDATES.topic("v5", "option", "X", depth=50)


@pytest.mark.parametrize("category", ["spot", "option"])
def test_no_liquidations(category: Category) -> None:
    with pytest.raises(ConfigurationError, match="there is inverse, linear"):
        LIQUIDATIONS.topic("v5", category, "X")


def test_topics_to_specs() -> None:
    assert find_specs("tickers.BTCUSD") == (TICKER_UPDATES,)
    assert find_specs("kline.D.BTCUSD") == (KLINES,)
    assert find_specs("liquidation.BTCUSD") == (LIQUIDATIONS,)
    assert find_specs("orderbook.500.BTCUSD") == (ORDER_BOOK_UPDATES,)
    assert find_specs("insurance.USDC") == (INSURANCE,)
    for other in (
        *("", "tickers", "tickers.", "orderbook.rpi.X", "orderbook.full.X", "orderbook.050.X"),
        *("kline.7.X", "order.X", "greeks", "priceLimit.X", "adlAlert.USDT", "xtickers.X"),
    ):
        assert find_specs(other) == ()
    assert find_specs("tickers.BTCUSD", "legacy") == ()
    assert find_specs("tickers.BTCUSD", "v6") == ()


def test_private_streams_open_their_one_topic() -> None:
    venue = Venue()
    assert orders(venue, "A", ["B"], category="spot") is venue.asked
    orders(venue, snapshot=False)
    stop_orders(venue, "A")
    stop_orders(venue, snapshot=False)
    positions(venue, "A", category="linear")
    positions(venue, snapshot=False)
    account(venue)
    account(venue, snapshot=False)
    user_trades(venue, "A")
    assert venue.keep is no_funding
    user_trades(venue, funding=True)
    assert venue.keep is None
    assert venue.asked == [
        (ORDERS, ("A", ["B"]), "spot", True, True),
        (ORDERS, (), None, False, False),
        (STOP_ORDERS, ("A",), None, True, True),
        (STOP_ORDERS, (), None, False, False),
        (POSITIONS, ("A",), "linear", True, True),
        (POSITIONS, (), None, False, True),
        (ACCOUNT, (), None, True, True),
        (ACCOUNT, (), None, False, True),
        (USER_TRADES, ("A",), None, False, True),
        (USER_TRADES, (), None, False, True),
    ]


def test_balances_are_picked_by_their_coin() -> None:
    venue = Venue()
    balances(venue, "BTC", ["USDT"])
    assert venue.keep is not None
    assert [c for c in ("BTC", "ETH", "USDT") if venue.keep(Balance(coin=c))] == ["BTC", "USDT"]
    balances(venue, snapshot=False)
    assert venue.keep is None
    assert venue.asked == [(BALANCES, (), None, True, True), (BALANCES, (), None, False, True)]
    wrongs: tuple[Any, ...] = ("btc", [], 7)
    for wrong in wrongs:
        with pytest.raises(ConfigurationError):
            balances(venue, wrong)


def test_what_the_engine_is_told() -> None:
    told = {
        spec: (spec.renew, spec.wire("v5").snapshot_first, spec.state, spec.late is not None)
        for spec in SPECS
    }
    stale = {spec for spec in SPECS if spec.wire("v5").goes_stale}
    assert stale == {TICKERS, TICKER_UPDATES, ORDER_BOOK, ORDER_BOOK_25, ORDER_BOOK_UPDATES}
    both = [s for s in SPECS if s.v5 is not None and s.legacy is not None]
    assert {s for s in both if s.wire("legacy").goes_stale} == stale
    assert all(wire.goes_stale for wire in TICKERS.wire("v5").also)
    assert told == {
        TRADES: (False, False, None, False),
        TICKERS: (False, True, TICKERS.state, True),
        TICKER_UPDATES: (False, True, TICKERS.state, True),
        KLINES: (False, False, None, False),
        CLOSED_KLINES: (False, False, CLOSED_KLINES.state, False),
        ORDER_BOOK: (False, True, BookKeeper, True),
        ORDER_BOOK_25: (False, True, BookKeeper, True),
        ORDER_BOOK_UPDATES: (True, True, None, False),
        LIQUIDATIONS: (False, False, None, False),
        INSURANCE: (False, False, None, False),
        ACCOUNT: (False, False, ACCOUNT.state, True),
        BALANCES: (False, False, BALANCES.state, True),
        POSITIONS: (False, False, POSITIONS.state, True),
        ORDER_ITEMS: (False, False, None, False),
        ORDERS: (False, False, ORDERS.state, True),
        STOP_ORDERS: (False, False, ORDERS.state, True),
        USER_TRADES: (False, False, None, False),
    }


def test_what_was_liquidated() -> None:
    def of(side: Side) -> Liquidation:
        return Liquidation(symbol="X", side=side, price=Decimal(1), size=Decimal(1), time_ms=0)

    assert [of(s).position for s in (Side.BUY, Side.SELL, Side("?"))] == ["long", "short", None]


def test_tickers_merge() -> None:
    from tests.conformance.golden import EVENTS

    assert TICKERS.state is not None
    assert TICKERS.emit is not None
    state = TICKERS.state(NoRenewal(), Decimal)
    [snapshot] = EVENTS["tickers"][0]
    state.apply(snapshot)
    merged = TICKERS.emit(state, snapshot)
    assert merged is not None
    assert merged.last_price == Decimal("64210.50")
    assert TICKERS.late is not None
    assert TICKER_UPDATES.late is not None
    assert TICKERS.late(state) == (TICKERS.emit(state, snapshot),)
    assert TICKER_UPDATES.late(state) == (snapshot,)
    empty = TICKERS.state(NoRenewal(), Decimal)
    assert TICKERS.late(empty) == TICKER_UPDATES.late(empty) == ()


@pytest.mark.parametrize(
    ("depth", "spec"), [(None, ORDER_BOOK), (50, ORDER_BOOK), (25, ORDER_BOOK_25)]
)
def test_a_book_of_25_is_a_view(depth: int | None, spec: StreamSpec[Any]) -> None:
    venue = Venue()
    order_book(venue, "BTCUSD", depth=depth)
    assert venue.asked == [(spec, ("BTCUSD",), None, {"depth": depth})]
    assert spec.topic("v5", "inverse", "BTCUSD", depth=depth) == "orderbook.50.BTCUSD"
