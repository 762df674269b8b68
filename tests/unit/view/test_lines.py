"""Events as lines: what a person reads, exactly."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal

import pytest

from rxbybit import (
    Account,
    Balance,
    BookDelta,
    BookSnapshot,
    BookState,
    Connected,
    Connecting,
    ContractType,
    DecodeFailed,
    Disconnected,
    Dropped,
    Event,
    Gap,
    Instrument,
    InstrumentStatus,
    Insurance,
    Kline,
    Meta,
    Order,
    OrderBook,
    OrderStatus,
    OrderType,
    Position,
    Reconnecting,
    Rejected,
    Resynced,
    Side,
    Stale,
    Status,
    StopOrder,
    StopOrderType,
    Subscribed,
    Ticker,
    TickerUpdate,
    Trade,
    TriggerBy,
    UserTrade,
)
from rxbybit.streams.liquidation import Liquidation
from rxbybit.trading import ExecutionType
from rxbybit.view.lines import line_of, note_line, quote_line, status_line

AT_MS = 1_767_614_440_250  # 2026-01-05 12:00:40.250 UTC
AT = datetime(2026, 1, 5, 12, 0, 40, 250_000, tzinfo=timezone.utc)
META = Meta(sent_ms=AT_MS)
D = Decimal


class Unknown(Event, frozen=True, kw_only=True):
    text: str


class Novel(Status, frozen=True, kw_only=True):
    text: str


EVENTS: list[tuple[Event | OrderBook, str, str]] = [
    (
        Trade(
            symbol="BTCUSD",
            id="1",
            side=Side.SELL,
            price=D("64999.60"),
            size=D("1E+3"),
            time_ms=AT_MS,
        ),
        "12:00:40.250  trade   BTCUSD     Sell    64999.60 x 1000",
        "red",
    ),
    (
        Ticker(
            meta=META,
            symbol="BTCUSD",
            last_price=D("65012.5"),
            change_24h=D("-0.0123"),
            bid_price=D("65012"),
            funding_rate=D("0.0001"),
            open_interest=D("523"),
        ),
        (
            "12:00:40.250  ticker  BTCUSD     last     65012.5  24h   -1.23 %  bid       65012"
            "  ask           -  funding  +0.0100 %  interest 523"
        ),
        "cyan",
    ),
    (
        TickerUpdate(
            meta=META,
            symbol="BTCUSD",
            bid_size=D(900),
            next_funding_ms=5,
            changed=frozenset({"bid_size", "next_funding_ms", "ask_size", "symbol"}),
        ),
        "12:00:40.250  update  BTCUSD     ask_size None  bid_size 900  next_funding_ms 5",
        "cyan",
    ),
    (
        Kline(
            meta=META,
            symbol="BTCUSD",
            interval="1m",
            start_ms=AT_MS - 40_250,
            end_ms=AT_MS,
            open=D(1),
            high=D("2.5"),
            low=D(1),
            close=D(2),
            volume=D(77),
            turnover=D(1),
            closed=True,
        ),
        (
            "12:00:40.250  candle  BTCUSD     1m  2026-01-05 12:00  open           1"
            "  high         2.5  low           1  close           2  volume 77            closed"
        ),
        "yellow",
    ),
    (
        BookSnapshot(
            meta=META,
            symbol="BTCUSD",
            depth=50,
            bids=((D(9), D(1)), (D(8), D(2))),
            asks=((D(10), D(3)),),
            update_id=7,
        ),
        (
            "12:00:40.250  book    BTCUSD     snapshot   50     2 bids from           9 x 1"
            "              1 asks from          10 x 3           update 7"
        ),
        "blue",
    ),
    (
        BookDelta(meta=META, symbol="BTCUSD", depth=50, bids=(), asks=((D(10), D(0)),)),
        (
            "12:00:40.250  book    BTCUSD     delta      50     0 bids from           - x -"
            "              1 asks from          10 x 0           update None"
        ),
        "blue",
    ),
    (
        OrderBook(
            symbol="BTCUSD",
            depth=50,
            bids=[(D("64999.5"), D(1)), (D(8), D(2))],
            asks=[(D(65000), D(3))],
            time_ms=AT_MS,
        ),
        (
            "12:00:40.250  book    BTCUSD     synced       50 levels  bid     64999.5 x 1"
            "           ask       65000 x 3           spread 0.5"
        ),
        "blue",
    ),
    (
        OrderBook(symbol="BTCUSD", depth=1, bids=(), asks=(), state=BookState.RESYNCING),
        (
            "------------  book    BTCUSD     resyncing     1 levels  bid           - x -"
            "           ask           - x -           spread -"
        ),
        "blue",
    ),
    (
        Liquidation(symbol="BTCUSD", side=Side.BUY, price=D(5), size=D(6), time_ms=AT_MS),
        "12:00:40.250  liquidation  BTCUSD     long            5 x 6",
        "green",
    ),
    (
        Insurance(coin="BTC", symbols=("A", "B"), balance=D("1.5"), time_ms=AT_MS),
        "12:00:40.250  pool    BTC                         1.5  A, B",
        "yellow",
    ),
    (
        Instrument(
            meta=META,
            category="linear",
            symbol="BTCUSDT",
            contract_type=ContractType.LINEAR_PERPETUAL,
            status=InstrumentStatus.TRADING,
            base_coin="BTC",
            quote_coin="USDT",
            tick_size=D("0.10"),
            quantity_step=D("0.001"),
            min_quantity=D("0.001"),
            max_quantity=D(1190),
        ),
        (
            "12:00:40.250  listed  BTCUSDT    Trading    tick      0.10  step     0.001"
            "  min     0.001  max      1190  LinearPerpetual"
        ),
        "cyan",
    ),
    (
        Order(
            category="inverse",
            symbol="BTCUSD",
            order_id="o-1",
            client_order_id="mine",
            side=Side.BUY,
            type=OrderType.LIMIT,
            status=OrderStatus.PARTIALLY_FILLED,
            price=D("64999.50"),
            quantity=D(500),
            filled_quantity=D(100),
            updated_ms=AT_MS,
        ),
        (
            "12:00:40.250  order   BTCUSD     PartiallyFilled Buy  Limit     64999.50 x 500       "
            "  filled 100         id mine"
        ),
        "green",
    ),
    (
        Order(  # a market order, by the price that it was filled at; of a status nobody knows
            category="inverse",
            symbol="BTCUSD",
            order_id="o-2",
            status=OrderStatus("Novel"),
            type=OrderType.MARKET,
            price=D("0.00"),
            average_price=D(65000),
            quantity=D(1),
        ),
        (
            "------------  order   BTCUSD     Novel                Market       65000 x 1         "
            "  filled -           id o-2"
        ),
        "",
    ),
    (
        StopOrder(
            category="inverse",
            symbol="BTCUSD",
            order_id="o-3",
            side=Side.SELL,
            type=OrderType.MARKET,
            status=OrderStatus.UNTRIGGERED,
            quantity=D(500),
            stop_order_type=StopOrderType.STOP_LOSS,
            trigger_price=D("64900.00"),
            trigger_by=TriggerBy.MARK_PRICE,
            updated_ms=AT_MS,
        ),
        (
            "12:00:40.250  stop    BTCUSD     Untriggered     Sell StopLoss      64900.00 x 500   "
            "      by MarkPrice  then Market  id o-3"
        ),
        "red",
    ),
    (
        UserTrade(
            category="inverse",
            symbol="BTCUSD",
            trade_id="t",
            order_id="o-1",
            side=Side.SELL,
            price=D(65001),
            quantity=D(97),
            fee=D("3E-7"),
            fee_coin="BTC",
            is_maker=False,
            realised_pnl=D("1E-8"),
            type=ExecutionType.LIQUIDATION,
            time_ms=AT_MS,
        ),
        (
            "12:00:40.250  fill    BTCUSD     Sell       65001 x 97          taker  fee 0.0000003"
            " BTC  profit 0.00000001  BustTrade  order o-1"
        ),
        "red",
    ),
    (
        UserTrade(
            category="inverse",
            symbol="BTCUSD",
            trade_id="t",
            price=D(65001),
            quantity=D(97),
            fee=D("-0.5"),
            fee_rate=D("-0.0001"),
            type=ExecutionType.FUNDING,
            time_ms=AT_MS,
        ),
        "12:00:40.250  fund    BTCUSD     paid -0.5  rate -0.0100 %",
        "yellow",
    ),
    (
        Position(
            category="inverse",
            symbol="BTCUSD",
            side=Side.SELL,
            size=D(500),
            entry_price=D("65001.5"),
            mark_price=D(65005),
            unrealised_pnl=D("-4.8E-7"),
            realised_pnl=D(0),
            liquidation_price=D(71000),
            updated_ms=AT_MS,
        ),
        (
            "12:00:40.250  held    BTCUSD     short     65001.5 x 500         mark 65005"
            "  unrealised -0.00000048  realised 0  liquidation 71000"
        ),
        "cyan",
    ),
    (
        Position(category="inverse", symbol="BTCUSD", size=D(0), cumulative_realised_pnl=D("-0.1")),
        "------------  held    BTCUSD     none  realised -0.1",
        "cyan",
    ),
    (
        Balance(meta=META, coin="BTC", wallet_balance=D(2), equity=D("2.1"), usd_value=D(136500)),
        "12:00:40.250  wallet  BTC        wallet                2  equity 2.1  USD 136500",
        "yellow",
    ),
    (
        Balance(  # of the legacy wire, which does not say when
            meta=Meta(received_ns=AT_MS * 1_000_000), coin="BTC", available_balance=D("1.5")
        ),
        "12:00:40.250  wallet  BTC        wallet                -  available 1.5",
        "yellow",
    ),
    (
        Account(
            meta=META,
            account_type="UNIFIED",
            equity=D("268003.7"),
            available_balance=D(1000),
            maintenance_margin=D("2.5"),
            maintenance_margin_rate=D("0.0345"),
        ),
        (
            "12:00:40.250  total   UNIFIED    equity 268,003.70  available 1,000.00"
            "  unrealised -  margin -  maintenance 2.50 USD (3.45 %)"
        ),
        "yellow",
    ),
    (Unknown(text="x\x1b[2J"), "Unknown(text='x\\x1b[2J')", ""),
]


@pytest.mark.parametrize(("event", "text", "style"), EVENTS, ids=lambda v: type(v).__name__)
def test_the_line_of_each_event(event: Event | OrderBook, text: str, style: str) -> None:
    assert line_of(event) == (text, style)


def test_the_line_of_a_quote() -> None:
    ticker = Ticker(
        meta=META, symbol="BTCUSD", bid_price=D(1), bid_size=D(2), ask_price=D(3), ask_size=D(4)
    )
    assert quote_line(ticker).text == (
        "12:00:40.250  quote   BTCUSD     bid           1 x 2            ask           3 x 4"
    )


STATUSES: list[tuple[Status, str]] = [
    (Connecting(time=AT, connection=1, url="ws://x"), "link 1 connecting to ws://x"),
    (Connected(time=AT, connection=1, url="ws://x"), "link 1 connected to ws://x"),
    (Subscribed(time=AT, connection=2, topics=("a", "b")), "link 2 subscribed to a, b"),
    (Disconnected(time=AT, connection=1, reason="gone"), "link 1 disconnected: gone"),
    (
        Reconnecting(time=AT, connection=1, attempt=3, delay_s=0.44),
        "link 1 reconnecting in 0.4 s (attempt 3)",
    ),
    (
        Gap(time=AT, connection=1, topic="t", after_ms=1000, before_ms=3500, filled=2, lost=1),
        "link 1 gap of 2.5 s in t: 1 lost, 2 filled in",
    ),
    (
        Gap(time=AT, topic="t", after_ms=None, before_ms=3500),
        "gap in t: an unknown number lost, 0 filled in",
    ),
    (Rejected(time=AT, topic="t", message="no\x1b[31m"), "refused t: no?[31m"),
    (
        Stale(time=AT, connection=1, topic="t"),
        "link 1 no data of t for a while: it is subscribed anew",
    ),
    (
        Resynced(time=AT, connection=1, topic="t", reason="update 7 came after 5"),
        "link 1 t was subscribed anew: update 7 came after 5",
    ),
    (
        DecodeFailed(time=AT, topic="t", raw="{}", messages={"p": ["missing"]}),
        "could not decode a message of t: {'p': ['missing']}",
    ),
    (Dropped(time=AT, count=3), "dropped 3 events: the reader is slow"),
    (Dropped(time=AT, count=3, topic="t"), "dropped 3 events of t: the reader is slow"),
    (Novel(time=AT, text="x"), "Novel text=x"),
]


@pytest.mark.parametrize(("status", "words"), STATUSES, ids=lambda v: type(v).__name__)
def test_the_line_of_each_status(status: Status, words: str) -> None:
    assert status_line(status).text == f"12:00:40.250  status  {words}"


def test_a_long_status_is_cut_and_an_event_is_not() -> None:
    words = status_line(Rejected(time=AT, topic="t", message="x" * 1000)).text
    assert words.endswith("x…")
    assert len(words) < 400
    long = Insurance(coin="BTC", symbols=("A" * 1000,), balance=D(1), time_ms=AT_MS)
    assert line_of(long).text.endswith("A" * 1000)


def test_a_note_is_a_line_of_its_own() -> None:
    assert note_line(AT, "now").text == "12:00:40.250  note    now"


def test_what_came_without_a_time_says_so() -> None:
    ticker = Ticker(symbol="BTCUSD")
    assert quote_line(ticker).text.startswith("------------  quote   BTCUSD")
