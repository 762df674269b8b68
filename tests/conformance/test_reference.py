"""Each of the 23 methods of the reference client, answered by our call on both wires.

The rows are those of docs/explanation/two-wires.md, which must say the same.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import pytest

import rxbybit
from rxbybit import (
    Balance,
    Bybit,
    Credentials,
    Event,
    Insurance,
    Kline,
    Liquidation,
    Order,
    OrderBook,
    Position,
    StopOrder,
    Stream,
    Ticker,
    Trade,
    UserTrade,
)
from rxbybit.sim import DEMO_KEY, DEMO_SECRET, Market, ServedExchange, serve_in_thread
from rxbybit.sim.market import default_instruments
from tests.child import ROOT
from tests.sim.accounts.asking import Client, by_rest

PAGE = ROOT / "docs" / "explanation" / "two-wires.md"
PATIENCE_S = 60.0
SPEED = 400
"""So that what is seldom comes soon: liquidations, insurance pools."""
START_MS = 1_790_000_000_000


class Row(NamedTuple):
    """A method of the reference client, and ours."""

    number: int
    method: str
    call: str
    event: type[Event | OrderBook]
    names: frozenset[str] = frozenset()
    """The symbols or coins that its events are of; nothing: whatever there is."""
    deed: str = ""
    """What an account must do before there is one."""


BTC = frozenset({"BTCUSD"})
BOTH = frozenset({"BTCUSD", "ETHUSD"})
COINS = frozenset({"BTC", "ETH"})
TOPICS = {
    "v5": {19: "position", 20: "execution", 21: "order", 22: "order", 23: "wallet"},
    "legacy": {19: "position", 20: "execution", 21: "order", 22: "stop_order", 23: "wallet"},
}
ROWS = (
    Row(1, "SubscribeToTradesUpdates()", "trades()", Trade),
    Row(2, "SubscribeToTradeUpdates(S)", 'trades("BTCUSD")', Trade, BTC),
    Row(3, "SubscribeToTradeUpdates(S1, S2)", 'trades("BTCUSD", "ETHUSD")', Trade, BOTH),
    Row(4, "SubscribeToTickersUpdates()", "tickers()", Ticker),
    Row(5, "SubscribeToTickerUpdates(S)", 'tickers("BTCUSD")', Ticker, BTC),
    Row(6, "SubscribeToTickerUpdates(S1, S2)", 'tickers("BTCUSD", "ETHUSD")', Ticker, BOTH),
    Row(7, "SubscribeToOrderBooksUpdates(limit)", "order_book(depth=25)", OrderBook),
    Row(
        8,
        "SubscribeToOrderBookUpdates(S, limit)",
        'order_book("BTCUSD", depth=200)',
        OrderBook,
        BTC,
    ),
    Row(
        9,
        "SubscribeToOrderBookUpdates(S1, S2, limit)",
        'order_book("BTCUSD", "ETHUSD", depth=25)',
        OrderBook,
        BOTH,
    ),
    Row(10, "SubscribeToInsurancesUpdates()", "insurance()", Insurance),
    Row(11, "SubscribeToInsuranceUpdates(C)", 'insurance("BTC")', Insurance, frozenset({"BTC"})),
    Row(12, "SubscribeToInsuranceUpdates(C1, C2)", 'insurance("BTC", "ETH")', Insurance, COINS),
    Row(13, "SubscribeToKlinesUpdates(interval)", 'klines(interval="1m")', Kline),
    Row(14, "SubscribeToKlineUpdates(S, interval)", 'klines("BTCUSD", interval="1m")', Kline, BTC),
    Row(
        15,
        "SubscribeToKlineUpdates(S1, S2, interval)",
        'klines("BTCUSD", "ETHUSD", interval="1m")',
        Kline,
        BOTH,
    ),
    Row(16, "SubscribeToLiquidationsUpdates()", "liquidations()", Liquidation),
    Row(17, "SubscribeToLiquidationUpdates(S)", 'liquidations("BTCUSD")', Liquidation, BTC),
    Row(
        18,
        "SubscribeToLiquidationUpdates(S1, S2)",
        'liquidations("BTCUSD", "ETHUSD")',
        Liquidation,
        BOTH,
    ),
    Row(19, "SubscribeToPositionUpdates()", "positions()", Position, BTC, "Market"),
    Row(20, "SubscribeToUserTradeUpdates()", "user_trades()", UserTrade, BTC, "Market"),
    Row(21, "SubscribeToOrderUpdates()", "orders()", Order, BTC, "Market"),
    Row(22, "SubscribeToStopOrderUpdates()", "stop_orders()", StopOrder, BTC, "Stop"),
    Row(23, "SubscribeToBalanceUpdates()", "balances()", Balance, frozenset({"BTC"}), "Market"),
)


@pytest.fixture(scope="module")
def served() -> Iterator[ServedExchange]:
    # both wires have these; a market of no more can be made to run faster
    inverse = tuple(one for one in default_instruments(START_MS) if one.category == "inverse")
    market = Market(seed=3, start_ms=START_MS, instruments=inverse)
    with serve_in_thread(market=market, speed=SPEED) as served:
        yield served


def called(venue: Bybit, call: str) -> Stream[Any]:
    """The stream that the text ``call`` makes of ``venue``."""
    node = ast.parse(call, mode="eval").body
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    options = {word.arg: ast.literal_eval(word.value) for word in node.keywords if word.arg}
    return getattr(venue, node.func.id)(*map(ast.literal_eval, node.args), **options)


def name(event: Any) -> str:
    return event.coin if isinstance(event, Insurance | Balance) else event.symbol


async def act(client: Client, deed: str) -> None:
    """An order that is filled at once, or one that waits for a price that is far away."""
    order: dict[str, Any] = {"side": "Buy", "orderType": "Market", "qty": "100"}
    if deed == "Stop":
        order |= {"side": "Sell", "triggerPrice": "20000.00", "triggerDirection": 2}
    await client.order(**order)


@pytest.mark.parametrize("wire", ["v5", "legacy"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.number}-{row.call}")
def test_our_call_gives_what_the_method_gives(
    row: Row, wire: Literal["v5", "legacy"], served: ServedExchange
) -> None:
    credentials = Credentials.hmac(DEMO_KEY, DEMO_SECRET)
    found: list[Any] = []

    def has_them() -> bool:
        # what the account had before is no answer to what it did
        names = [name(event) for event in list(found) if not (row.deed and event.meta.backfilled)]
        return bool(names) and row.names <= set(names)

    with Bybit(served.url, wire=wire, credentials=credentials) as bybit:
        subscription = called(bybit, row.call).subscribe(found.append)
        if row.deed:
            served.until(lambda: served.subscriptions.get(TOPICS[wire][row.number]) == 1)
            by_rest(served, lambda client: act(client, row.deed))
        served.until(has_them, timeout_s=PATIENCE_S)
        subscription.dispose()
    assert {type(event) for event in found} == {row.event}
    if row.names and not row.deed:
        assert {name(event) for event in found} == row.names
    if row.event is OrderBook:
        assert {book.depth for book in found} == {200 if "200" in row.call else 25}


def test_the_page_has_every_row() -> None:
    table = [line.split("|")[1:4] for line in PAGE.read_text(encoding="utf-8").splitlines()]
    rows = [[cell.strip().strip("`") for cell in cells] for cells in table if len(cells) == 3]
    told = [cells for cells in rows if cells[0].isdecimal()]
    assert told == [[str(row.number), row.method, row.call] for row in ROWS]
    assert [row.number for row in ROWS] == list(range(1, 24))
    assert all(hasattr(rxbybit, row.call.partition("(")[0]) for row in ROWS)
