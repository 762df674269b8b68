"""Frames written from the protocol's pages, with invented values, and the events they mean."""

from __future__ import annotations

from decimal import Decimal as D
from pathlib import Path
from typing import Any

from rxbybit.book import BookDelta, BookSnapshot
from rxbybit.events import Event, Side, TickDirection
from rxbybit.schema.spec import StreamSpec
from rxbybit.streams import AS_SENT as specs_as_sent
from rxbybit.streams.insurance import Insurance
from rxbybit.streams.kline import Kline
from rxbybit.streams.liquidation import Liquidation
from rxbybit.streams.trade import Trade
from rxbybit.ticker import TickerUpdate
from tests.conformance.golden_private import PRIVATE

FOLDER = Path(__file__).parent / "frames" / "v5"

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


def _kline(symbol: str, interval: str, start: int, end: int, *rest: str | bool | int) -> Kline:
    opened, close, high, low, volume, turnover, closed, time_ms = rest
    return Kline(
        symbol=symbol,
        interval=interval,
        start_ms=start,
        end_ms=end,
        open=D(str(opened)),
        close=D(str(close)),
        high=D(str(high)),
        low=D(str(low)),
        volume=D(str(volume)),
        turnover=D(str(turnover)),
        closed=bool(closed),
        time_ms=int(time_ms),
    )


def _update(symbol: str, **attributes: Any) -> TickerUpdate:  # Any: of every kind
    return TickerUpdate(symbol=symbol, changed=frozenset(attributes), **attributes)


EVENTS: dict[str, list[tuple[Event, ...]]] = {
    **PRIVATE,
    "trades": [
        (
            Trade(
                symbol="BTCUSD",
                id="0e9a1b52-7c44-5d0e-9f2a-3b1c5d7e9f10",
                side=Side.BUY,
                price=D("64210.50"),
                size=D("1500"),
                tick_direction=TickDirection.PLUS,
                time_ms=1790000000120,
                sequence=880001,
                is_block=False,
                is_rpi=False,
            ),
            Trade(
                symbol="BTCUSD",
                id="6d3c2f11-08ab-5e77-8a10-c4d5e6f70812",
                side=Side.SELL,
                price=D("64210.00"),
                size=D("20"),
                tick_direction=TickDirection.MINUS,
                time_ms=1790000000121,
                sequence=880002,
                is_block=True,
                is_rpi=True,
            ),
        ),
        (
            Trade(
                symbol="ETHUSDT",
                id="f00dfeed-1234-5678-9abc-def012345678",
                side=Side.SELL,
                price=D("1850.15"),
                size=D("0.25"),
                tick_direction=TickDirection.ZERO_MINUS,
                time_ms=1690000000005,
            ),
        ),
        (
            Trade(
                symbol="SOLUSDT",
                id="2290000000000000042",
                side=Side.BUY,
                price=D("151.07"),
                size=D("3.4"),
                time_ms=1790000000999,
                sequence=770012,
                is_rpi=False,
            ),
        ),
        (
            Trade(
                symbol="BTC-25DEC26-70000-C",
                id="b1946ac9-2492-5d2f-8a3c-5b8d1f0e2a44",
                side=Side.SELL,
                price=D("1250"),
                size=D("0.3"),
                time_ms=1790000001990,
                mark_price=D("1248.5"),
                index_price=D("64205.11"),
                mark_volatility=D("0.512"),
                volatility=D("0.5187"),
            ),
        ),
    ],
    "tickers": [
        (
            _update(
                "BTCUSD",
                tick_direction=TickDirection.ZERO_PLUS,
                change_24h=D("-0.0125"),
                last_price=D("64210.50"),
                prev_price_24h=D("65023.30"),
                high_24h=D("65500.00"),
                low_24h=D("63900.00"),
                prev_price_1h=D("64100.00"),
                mark_price=D("64211.20"),
                index_price=D("64215.75"),
                open_interest=D("410500600"),
                open_interest_value=D("6393.03"),
                turnover_24h=D("1402.7781"),
                volume_24h=D("90210000"),
                funding_interval_hours=8,
                funding_cap=D("0.005"),
                single_open_interest=D("205250300"),
                single_open_interest_value=D("3196.52"),
                next_funding_ms=1790006400000,
                funding_rate=D("-0.000031"),
                bid_price=D("64210.00"),
                bid_size=D("33100"),
                ask_price=D("64210.50"),
                ask_size=D("87000"),
                pre_open_price=None,
                pre_quantity=None,
                pre_listing_phase=None,
            ),
        ),
        (_update("BTCUSD", bid_price=D("64210.00"), bid_size=D("33600")),),
        (
            _update(
                "BTCUSD",
                tick_direction=TickDirection.MINUS,
                last_price=D("64209.50"),
                funding_rate=None,
            ),
        ),
        (
            _update(
                "BTC-25DEC26",
                tick_direction=TickDirection.PLUS,
                change_24h=D("0"),
                last_price=D("65900.00"),
                delivery_ms=1798185600000,
                basis_rate=D("0.0262"),
                delivery_fee_rate=D("0"),
                predicted_delivery_price=D("0.00"),
                basis=D("1684.25"),
                basis_rate_year=D("0.1021"),
                next_funding_ms=None,
                funding_rate=None,
                bid_price=D("65890.00"),
                bid_size=D("0.5"),
                ask_price=D("65910.50"),
                ask_size=D("1.25"),
            ),
        ),
        (
            _update(
                "ETHPERP",
                last_price=D("1200.05"),
                next_funding_ms=1672329600000,
                funding_rate=D("0.0001"),
                predicted_funding_rate=D("0.00012"),
            ),
        ),
        (
            _update(
                "XYZUSDT",
                last_price=D("0.0712"),
                high_24h=D("0.08"),
                low_24h=D("0.07"),
                prev_price_24h=D("0.0755"),
                volume_24h=D("120034.5"),
                turnover_24h=D("8911.002"),
                change_24h=D("-0.057"),
                usd_index_price=None,
            ),
        ),
        (
            _update(
                "BTC-25DEC26-70000-C",
                bid_price=D("1240"),
                bid_size=D("2.5"),
                bid_volatility=D("0.505"),
                ask_price=D("1260"),
                ask_size=D("3"),
                ask_volatility=D("0.519"),
                last_price=D("1250"),
                high_24h=D("1400"),
                low_24h=D("1100"),
                mark_price=D("1248.51"),
                index_price=D("64205.11"),
                mark_volatility=D("0.512"),
                underlying_price=D("65900.4"),
                open_interest=D("88.2"),
                turnover_24h=D("5500.1"),
                volume_24h=D("4.4"),
                total_volume=D("310"),
                total_turnover=D("400100"),
                delta=D("0.3312"),
                gamma=D("0.00002"),
                vega=D("85.1"),
                theta=D("-20.25"),
                predicted_delivery_price=D("0"),
                change_24h=D("-0.1071"),
            ),
        ),
    ],
    "klines": [
        (
            _kline(
                *("BTCUSD", "1m", 1790000040000, 1790000099999),
                *("64210.5", "64230", "64241.5", "64205", "152300", "2.371", True, 1790000099871),
            ),
            _kline(
                *("BTCUSD", "1m", 1790000100000, 1790000159999),
                *("64230", "64230", "64230", "64230", "0", "0", False, 1790000100002),
            ),
        ),
        (
            _kline(
                *("SOLUSDT", "1d", 1789948800000, 1790035199999, "150.2", "151.07", "153.4"),
                *("149.9", "88123.4", "13300456.12", False, 1790000000999),
            ),
        ),
        (
            _kline(
                *("ETHUSDT", "4h", 1789992000000, 1790006399999, "1850", "1855.5", "1860"),
                *("1849.95", "9001.1", "16690000.5", False, 1790000000777),
            ),
        ),
    ],
    "order_book_updates": [
        (
            BookSnapshot(
                symbol="BTCUSD",
                depth=50,
                bids=((D("64210.00"), D("33100")), (D("64209.50"), D("1200"))),
                asks=((D("64210.50"), D("87000")), (D("64211.00"), D("5"))),
                update_id=70001,
                sequence=880001,
            ),
        ),
        (
            BookDelta(
                symbol="BTCUSD",
                depth=50,
                bids=((D("64210.00"), D("33600")), (D("64209.50"), D("0"))),
                asks=((D("64211.50"), D("410")),),
                update_id=70002,
                sequence=880004,
            ),
        ),
        (
            BookDelta(
                symbol="SOLUSDT",
                depth=200,
                bids=(),
                asks=((D("151.08"), D("12.5")),),
                update_id=15,
                sequence=770013,
            ),
        ),
        (
            BookSnapshot(
                symbol="ETHUSDT",
                depth=1,
                bids=((D("1850.10"), D("4.2")),),
                asks=((D("1850.15"), D("0.9")),),
                update_id=1,
                sequence=5,
            ),
        ),
        (
            BookSnapshot(
                symbol="BTC-25DEC26-70000-C",
                depth=25,
                bids=((D("1240"), D("2.5")),),
                asks=((D("1260"), D("3")),),
                update_id=3,
                sequence=41,
            ),
        ),
        (
            BookSnapshot(
                symbol="XRPUSDT",
                depth=500,
                bids=((D("0.5"), D("10")),),
                asks=(),
                update_id=8,
                sequence=77,
            ),
        ),
    ],
    "liquidations": [
        (
            Liquidation(
                symbol="BTCUSD",
                side=Side.BUY,
                price=D("63850.50"),
                size=D("5000"),
                time_ms=1790000000420,
            ),
            Liquidation(
                symbol="BTCUSD",
                side=Side.SELL,
                price=D("65100.00"),
                size=D("12"),
                time_ms=1790000000431,
            ),
        ),
        (
            Liquidation(
                symbol="ETHUSDT",
                side=Side.SELL,
                price=D("1901.4"),
                size=D("0.35"),
                time_ms=1790000000499,
            ),
        ),
        (
            Liquidation(
                symbol="DOGEUSDT",
                side=Side.BUY,
                price=D("0.03803"),
                size=D("1637"),
                time_ms=1690000000590,
            ),
        ),
    ],
    "insurance": [
        (
            Insurance(
                coin="BTC",
                symbols=("BTCUSD",),
                balance=D("512.00034512"),
                time_ms=1790000000000,
            ),
            Insurance(
                coin="ETH",
                symbols=("ETHUSD", "ETHUSDZ26"),
                balance=D("7001.5"),
                time_ms=1790000000000,
            ),
        ),
        (
            Insurance(
                coin="USDT",
                symbols=("XYZUSDT",),
                balance=D("20000.12"),
                time_ms=1790000001750,
            ),
        ),
    ],
}
CASES = [(name, index) for name in EVENTS for index in range(len(EVENTS[name]))]
