"""Frames of the legacy wire, written from its page with invented values, and their events."""

from __future__ import annotations

from decimal import Decimal as D
from pathlib import Path
from typing import Any

from rxbybit.book import BookDelta, BookSnapshot
from rxbybit.events import Event, Side, TickDirection
from rxbybit.order import OrderItem
from rxbybit.schema.spec import StreamSpec
from rxbybit.streams import AS_SENT as specs_as_sent
from rxbybit.streams.insurance import Insurance
from rxbybit.streams.kline import Kline
from rxbybit.streams.liquidation import Liquidation
from rxbybit.streams.position import Position
from rxbybit.streams.trade import Trade
from rxbybit.streams.user_trade import UserTrade
from rxbybit.streams.wallet import Balance
from rxbybit.ticker import TickerUpdate
from rxbybit.trading import (
    CancelType,
    CreateType,
    ExecutionType,
    OrderStatus,
    OrderType,
    PositionStatus,
    StopOrderType,
    TimeInForce,
    TriggerBy,
)

FOLDER = Path(__file__).parent / "frames" / "legacy"

# Any: each has events of its own
AS_SENT: dict[str, StreamSpec[Any]] = {
    path.stem: next(
        spec
        for spec in specs_as_sent
        if spec.name == path.stem.replace("tickers", "ticker_updates")
    )
    for path in sorted(FOLDER.glob("*.jsonl"))
}


def frames(name: str) -> list[bytes]:
    """The frames of a stream, one a line."""
    return (FOLDER / f"{name}.jsonl").read_bytes().splitlines()


def _update(symbol: str, **attributes: Any) -> TickerUpdate:  # Any: of every kind
    return TickerUpdate(symbol=symbol, changed=frozenset(attributes), **attributes)


SENT_MS: dict[str, list[int | None]] = {
    "tickers": [1662350400120, 1662350403201, 1564456372227, 1662350400233, 1662350412104],
    "klines": [1662350460100, 1662350460000, 1662350431377],
    "order_book_updates": [
        *(1662350400020, 1662350400041, 1662350400513, 1662350400613),
        *(1662350400904, 1662350400924),
    ],
}
"""When the exchange sent the frames; those of the others do not say."""

MARKET: dict[str, list[tuple[Event, ...]]] = {
    "trades": [
        (
            Trade(
                symbol="BTCUSD",
                id="0e9a1b52-7c44-5d0e-9f2a-3b1c5d7e9f10",
                side=Side.BUY,
                price=D("19810.5"),
                size=D("1500"),
                tick_direction=TickDirection.PLUS,
                time_ms=1662350400120,
                sequence=9007199254740993,
            ),
            Trade(
                symbol="BTCUSD",
                id="6d3c2f11-08ab-5e77-8a10-c4d5e6f70812",
                side=Side.SELL,
                price=D("19810"),
                size=D("20"),
                tick_direction=TickDirection.MINUS,
                time_ms=1662350400121,
                sequence=9007199254740993,
            ),
        ),
        (
            Trade(
                symbol="ETHUSDU22",
                id="9d229f26-09a8-42f8-aff3-0ba047b0449d",
                side=Side.SELL,
                price=D("1563.15"),
                size=D("7"),
                tick_direction=TickDirection.ZERO_MINUS,
                time_ms=1558537473461,
                sequence=163261271,
            ),
        ),
        (
            Trade(
                symbol="SOLUSDT",
                id="1250f670-85e6-5ab7-bdd0-52e7a4d97111",
                side=Side.BUY,
                price=D("31.070"),
                size=D("0.3"),
                tick_direction=TickDirection.ZERO_PLUS,
                time_ms=1662350410662,
                is_block=True,
            ),
        ),
    ],
    "tickers": [
        (
            _update(
                "BTCUSD",
                last_price=D("19810.50"),
                bid_price=D("19810.00"),
                ask_price=D("19810.50"),
                tick_direction=TickDirection.ZERO_PLUS,
                prev_price_24h=D("20061.50"),
                change_24h=D("-0.012512"),
                high_24h=D("20100.00"),
                low_24h=D("19555.50"),
                prev_price_1h=D("19800.50"),
                change_1h=D("0.000505"),
                mark_price=D("19810.12"),
                index_price=D("19809.87"),
                open_interest=D("410500600"),
                open_interest_value=D("20721.54000010"),
                total_turnover=D("2206146119.78549345"),
                turnover_24h=D("57303.17572180"),
                total_volume=D("2747007694755"),
                volume_24h=D("1745270625"),
                funding_rate=D("0.000100"),
                predicted_funding_rate=D("-0.000031"),
                next_funding_ms=1662364800000,
                funding_interval_hours=8,
                delivery_ms=None,
            ),
        ),
        (_update("BTCUSD", bid_price=D("19809.50"), volume_24h=D("1745271613")),),
        (_update("BTCUSD", last_price=D("8157.5000"), funding_rate=D("-0.003750")),),
        (
            _update(
                "BTCUSDZ22",
                last_price=D("19800.00"),
                delivery_ms=1672387200000,
                delivery_fee_rate=D("0.00050000"),
                basis=D("-17.52000000"),
                basis_rate=D("-0.00066712"),
                basis_rate_year=D("-0.00762899"),
                predicted_delivery_price=D("0.00"),
            ),
        ),
        (
            _update(
                "SOLUSDT",
                last_price=D("31.0700"),
                change_24h=D("-0.027141"),
                open_interest=D("14304.51650000"),
                total_turnover=D("52979350007.83200000"),
                volume_24h=D("75112.38200000"),
                next_funding_ms=1662364800000,
                funding_interval_hours=8,
            ),
        ),
    ],
    "klines": [
        (
            Kline(
                symbol="BTCUSD",
                interval="1m",
                start_ms=1662350400000,
                end_ms=1662350459999,
                open=D("19810.5"),
                high=D("19841.5"),
                low=D("19805"),
                close=D("19830"),
                volume=D("152300"),
                turnover=D("7.688247899999999"),
                closed=True,
                time_ms=1662350459871,
            ),
            Kline(
                symbol="BTCUSD",
                interval="1m",
                start_ms=1662350460000,
                end_ms=1662350519999,
                open=D("19830"),
                high=D("19830"),
                low=D("19830"),
                close=D("19830"),
                volume=D("0"),
                turnover=D("0"),
                closed=False,
                time_ms=1662350460002,
            ),
        ),
        (
            Kline(
                symbol="ETHUSDU22",
                interval="1M",
                start_ms=1661990400000,
                end_ms=1664582399999,
                open=D("1553.7"),
                high=D("1652.05"),
                low=D("1495"),
                close=D("1563.15"),
                volume=D("8812344"),
                turnover=D("5642.10000001"),
                closed=False,
                time_ms=1662350459999,
            ),
        ),
        (
            Kline(
                symbol="SOLUSDT",
                interval="4h",
                start_ms=1662350400000,
                end_ms=1662364799999,
                open=D("31.05"),
                high=D("31.1"),
                low=D("31"),
                close=D("31.07"),
                volume=D("9001.1"),
                turnover=D("279664.1775"),
                closed=False,
                time_ms=1662350431377,
            ),
        ),
    ],
    "order_book_updates": [
        (
            BookSnapshot(
                symbol="BTCUSD",
                depth=25,
                bids=((D("19810.00"), D("33100")), (D("19809.50"), D("1200"))),
                asks=((D("19810.50"), D("87000")), (D("19811.00"), D("5"))),
                sequence=5938955347,
            ),
        ),
        (
            BookDelta(
                symbol="BTCUSD",
                depth=25,
                bids=(
                    (D("19810.00"), D("33600")),
                    (D("19809.50"), D("0")),
                    (D("19809.00"), D("2")),
                ),
                asks=((D("19811.00"), D("9")), (D("19811.50"), D("410"))),
                sequence=5938955349,
            ),
        ),
        (
            BookSnapshot(
                symbol="ETHUSDU22",
                depth=200,
                bids=((D("1563.10"), D("85235")),),
                asks=((D("1563.15"), D("7")),),
                sequence=2573877429,
            ),
        ),
        (BookDelta(symbol="ETHUSDU22", depth=200, bids=(), asks=(), sequence=2573877430),),
        (
            BookSnapshot(
                symbol="SOLUSDT",
                depth=25,
                bids=((D("31.065"), D("8.3550005")),),
                asks=((D("31.070"), D("1654")),),
                sequence=5737704047,
            ),
        ),
        (
            BookDelta(
                symbol="SOLUSDT",
                depth=25,
                bids=(),
                asks=((D("31.070"), D("0")), (D("31.075"), D("0.4"))),
                sequence=5737704048,
            ),
        ),
    ],
    "liquidations": [
        (
            Liquidation(
                symbol="BTCUSD",
                side=Side.BUY,
                price=D("19550.50"),
                size=D("5000"),
                time_ms=1662350400420,
            ),
        ),
        (
            Liquidation(
                symbol="SOLUSDT",
                side=Side.SELL,
                price=D("32.14"),
                size=D("0.3"),
                time_ms=1662350400499,
            ),
        ),
    ],
    "insurance": [
        (Insurance(coin="BTC", balance=D("512.00034512"), time_ms=1662321600000),),
        (Insurance(coin="EOS", balance=D("90071992.54740993"), time_ms=1540382400000),),
    ],
}
ACCOUNT: dict[str, list[tuple[Event, ...]]] = {
    "balances": [
        (
            Balance(coin="BTC", wallet_balance=D("1.60"), available_balance=D("1.50121026")),
            Balance(coin="ETH", wallet_balance=D("0.00000001"), available_balance=D("0")),
        ),
        (Balance(wallet_balance=D("1.50175786"), available_balance=D("1.5")),),
    ],
    "positions": [
        (
            Position(
                category="inverse",
                symbol="BTCUSD",
                side=Side.BUY,
                size=D("200"),
                position_index=0,
                value=D("0.0099975"),
                entry_price=D("20005.00125031"),
                leverage=D("5"),
                liquidation_price=D("489"),
                bankruptcy_price=D("488.5"),
                take_profit=D("25000"),
                trailing_stop=D("150"),
                trailing_activation_price=D("21000.5"),
                realised_pnl=D("0.00055631"),
                cumulative_realised_pnl=D("-0.00055105"),
                initial_margin=D("0.39929535"),
                order_margin=D("0.01"),
                closing_fee=D("0.0002454"),
                funding_fee=D("0"),
                is_isolated=True,
                auto_add_margin=True,
                risk_id=1,
                status=PositionStatus.NORMAL,
            ),
            Position(
                category="inverse",
                symbol="ETHUSDZ22",
                size=D("0"),
                position_index=2,
                value=D("0"),
                entry_price=D("0"),
                leverage=D("10"),
                realised_pnl=D("0.10"),
                cumulative_realised_pnl=D("0.12"),
                initial_margin=D("0"),
                order_margin=D("0"),
                closing_fee=D("0"),
                funding_fee=D("0.1"),
                is_isolated=False,
                auto_add_margin=False,
                risk_id=131,
                status=PositionStatus.DELEVERAGING,
            ),
        ),
        (
            Position(
                category="linear",
                symbol="SOLUSDT",
                side=Side.SELL,
                size=D("0.5"),
                position_index=2,
                value=D("15.535"),
                entry_price=D("31.07"),
                leverage=D("99"),
                liquidation_price=D("62.5"),
                bankruptcy_price=D("63"),
                realised_pnl=D("-4.189762"),
                cumulative_realised_pnl=D("-13.640625"),
                initial_margin=D("19.6383"),
                order_margin=D("0"),
                closing_fee=D("0.000003"),
                is_isolated=False,
                auto_add_margin=False,
                risk_id=1,
                status=PositionStatus.NORMAL,
                adl_rank=2,
            ),
        ),
    ],
    "user_trades": [
        (
            UserTrade(
                category="inverse",
                symbol="BTCUSD",
                trade_id="77c2e1d0-55aa-5c34-8b66-c3d2fcd352f6",
                order_id="a6f3dd4a-7b1e-4d0c-9a8f-4a973eb5c418",
                client_order_id="mine-1",
                side=Side.BUY,
                type=ExecutionType.TRADE,
                price=D("19810.5"),
                quantity=D("10"),
                fee=D("0.00000038"),
                is_maker=False,
                order_quantity=D("30"),
                leaves_quantity=D("20"),
                time_ms=1662350400629,
            ),
            UserTrade(
                category="inverse",
                symbol="BTCUSDZ22",
                trade_id="88c2e1d0-55aa-5c34-8b66-c3d2fcd352f6",
                order_id="b1f3dd4a-7b1e-4d0c-9a8f-4a973eb5c418",
                side=Side.SELL,
                type=ExecutionType.LIQUIDATION,
                price=D("19700"),
                quantity=D("5"),
                fee=D("-0.00000006"),
                is_maker=True,
                order_quantity=D("5"),
                leaves_quantity=D("0"),
                time_ms=1662350400629,
            ),
        ),
        (
            UserTrade(
                category="linear",
                symbol="SOLUSDT",
                trade_id="99c2e1d0-55aa-5c34-8b66-c3d2fcd352f6",
                order_id="c2f3dd4a-7b1e-4d0c-9a8f-4a973eb5c418",
                client_order_id="x",
                side=Side.SELL,
                price=D("31.07"),
                quantity=D("0.1"),
                fee=D("0.00864563"),
                is_maker=True,
                leaves_quantity=D("0"),
                time_ms=1548168578000,
            ),
        ),
    ],
    "order_items": [
        (
            OrderItem(
                category="inverse",
                symbol="BTCUSD",
                order_id="1640b725-75e9-407d-bea9-aae4fc666d33",
                client_order_id="mine-2",
                side=Side.SELL,
                type=OrderType.LIMIT,
                time_in_force=TimeInForce.GTC,
                status=OrderStatus.PARTIALLY_FILLED,
                price=D("19900.5"),
                quantity=D("200"),
                last_fill_price=D("19900.5"),
                leaves_quantity=D("150"),
                filled_quantity=D("50"),
                filled_value=D("0.00251250"),
                fee=D("0.00000151"),
                create_type=CreateType.USER,
                take_profit=D("18500"),
                take_profit_trigger_by=TriggerBy.MARK_PRICE,
                reduce_only=False,
                close_on_trigger=True,
                updated_ms=1662350400505,
            ),
            OrderItem(
                category="inverse",
                symbol="BTCUSDZ22",
                order_id="2751b725-75e9-407d-bea9-aae4fc666d33",
                side=Side.BUY,
                type=OrderType.MARKET,
                time_in_force=TimeInForce.IOC,
                status=OrderStatus.PENDING_CANCEL,
                price=D("19950"),
                quantity=D("3"),
                leaves_quantity=D("0"),
                filled_quantity=D("0"),
                filled_value=D("0"),
                fee=D("0"),
                create_type=CreateType.CLOSING,
                cancel_type=CancelType.REDUCE_ONLY,
                updated_ms=1662350400506,
            ),
        ),
        (
            OrderItem(
                category="linear",
                symbol="SOLUSDT",
                order_id="3862b725-75e9-407d-bea9-aae4fc666d33",
                side=Side.SELL,
                type=OrderType.LIMIT,
                time_in_force=TimeInForce.FOK,
                status=OrderStatus.CREATED,
                price=D("31.07"),
                quantity=D("0.1"),
                leaves_quantity=D("0.1"),
                filled_quantity=D("0"),
                filled_value=D("0"),
                fee=D("0"),
                position_index=1,
                create_type=CreateType.USER,
                reduce_only=True,
                close_on_trigger=False,
                created_ms=1662350400519,
                updated_ms=1662350400560,
            ),
        ),
        (
            OrderItem(
                category="inverse",
                symbol="BTCUSD",
                order_id="4973b725-75e9-407d-98fb-335aaa6c613b",
                side=Side.BUY,
                type=OrderType.LIMIT,
                time_in_force=TimeInForce.POST_ONLY,
                status=OrderStatus.NEW,
                price=D("20100.5"),
                quantity=D("1"),
                create_type=CreateType.STOP_ORDER,
                take_profit=D("21000"),
                stop_loss=D("19500"),
                close_on_trigger=False,
                updated_ms=1662350401062,
                stop_order_type=StopOrderType.STOP,
                trigger_price=D("20000.5"),
                trigger_by=TriggerBy.LAST_PRICE,
            ),
        ),
        (
            OrderItem(
                category="inverse",
                symbol="BTCUSD",
                order_id="5a84b725-75e9-407d-98fb-335aaa6c613b",
                side=Side.SELL,
                type=OrderType.MARKET,
                time_in_force=TimeInForce.IOC,
                status=OrderStatus.UNTRIGGERED,
                price=D("0"),
                quantity=D("1000"),
                stop_order_type=StopOrderType("TrailingProfit"),
                trigger_price=D("9270"),
            ),
        ),
        (
            OrderItem(
                category="linear",
                symbol="SOLUSDT",
                order_id="6b95b725-75e9-407d-98fb-335aaa6c613b",
                side=Side.SELL,
                type=OrderType.MARKET,
                time_in_force=TimeInForce.IOC,
                status=OrderStatus.UNTRIGGERED,
                price=D("0"),
                quantity=D("0.1"),
                position_index=1,
                create_type=CreateType.TAKE_PROFIT,
                take_profit=D("0.65"),
                stop_loss=D("0.25"),
                reduce_only=True,
                close_on_trigger=True,
                created_ms=1662350335402,
                updated_ms=1662350400960,
                stop_order_type=StopOrderType.TAKE_PROFIT,
                trigger_price=D("35.5"),
            ),
        ),
    ],
}
EVENTS = MARKET | ACCOUNT
CASES = [(name, index) for name in EVENTS for index in range(len(EVENTS[name]))]
