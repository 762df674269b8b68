"""Bars of trades against the closed candles of the embedded market, field by field.

An exchange's candle opens at the close of the one before, with or without trades in between, and
its high and low include that; so does a bar of time. Turnover has no field in a bar: it is held
against ``vwap``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import reactivex
from reactivex import Observable
from reactivex.disposable import Disposable
from reactivex.scheduler import VirtualTimeScheduler

from rxbybit import Bybit, Kline, Side, Trade
from rxbybit import operators as rxo
from rxbybit.config import Category
from rxbybit.sim import serve_in_thread
from rxbybit.sim.market import Market, Push, Temper
from tests.fakes import until
from tests.operators.market import START_MS
from tests.sim.clock import market
from tests.sim.market.journal import small

MINUTE = 60_000
MINUTES = 40
LAZY = Temper(rate=0.05, spread=2, reach=90, patience=60, lots=500)
LIVELY = Temper(rate=4.0, spread=2, reach=90, patience=60, lots=500)
CATEGORIES: list[Category] = ["inverse", "linear", "spot"]


def pushed(category: Category, temper: Temper) -> tuple[list[Push], list[dict[str, Any]]]:
    """The trade frames of a market, and its closed candles of whole minutes."""
    one = small(category, temper=temper)
    whole = Market(seed=3, start_ms=START_MS + 17_000, instruments=(one,))
    whole.want(category, "publicTrade.BTCUSD")
    whole.want(category, "kline.1.BTCUSD")
    pushes = list(whole.advance(START_MS + MINUTES * MINUTE + 5_000))
    items = [i for p in pushes if p.topic == "kline.1.BTCUSD" for i in p.content["data"]]
    candles = [item for item in items if item["confirm"]]
    return [p for p in pushes if p.topic == "publicTrade.BTCUSD"], candles


def trades_of(push: Push) -> list[Trade]:
    return [
        Trade(
            symbol=item["s"],
            id=item["i"],
            side=Side(item["S"]),
            price=Decimal(item["p"]),
            size=Decimal(item["v"]),
            time_ms=item["T"],
        )
        for item in push.content["data"]
    ]


def same(bar: rxo.Bar, candle: dict[str, Any], *, inverse: bool) -> bool:
    """All that both have; of the turnover, whose trades the exchange cuts at 8 decimals (inverse),
    as much as is left of it.
    """
    assert (bar.start_ms, bar.end_ms) == (candle["start"], candle["end"])
    for name in ("open", "high", "low", "close", "volume"):
        assert getattr(bar, name) == Decimal(candle[name]), (name, bar, candle)
    turnover = Decimal(candle["turnover"])
    if not bar.count:
        assert bar.vwap is None
        assert turnover == bar.volume == 0
        return True
    assert bar.vwap is not None
    worth = bar.volume / bar.vwap if inverse else bar.volume * bar.vwap
    cut = bar.count * Decimal("1e-8") if inverse else Decimal("1e-18")
    assert -Decimal("1e-18") <= worth - turnover <= cut
    return True


@pytest.mark.parametrize("temper", [LAZY, LIVELY], ids=["lazy", "lively"])
@pytest.mark.parametrize("category", CATEGORIES)
def test_bars_are_the_candles(category: Category, temper: Temper) -> None:
    """By trades alone: each closed candle that has trades is a bar."""
    pushes, candles = pushed(category, temper)
    inverse = category == "inverse"
    out: list[rxo.Bar] = []
    trades = [trade for push in pushes for trade in trades_of(push)]
    reactivex.from_iterable(trades).pipe(rxo.bars("1m", inverse=inverse)).subscribe(out.append)
    first, *bars = out  # the first one began without us
    after = [candle for candle in candles if candle["start"] > first.start_ms]
    traded = [candle for candle in after if Decimal(candle["volume"])]
    traded = traded[: len(bars)]  # who is quiet closes its last one later than the exchange
    assert len(bars) >= 10
    assert len(traded) == len(bars)
    assert all(map(lambda *pair: same(*pair, inverse=inverse), bars, traded))


@pytest.mark.parametrize("temper", [LAZY, LIVELY], ids=["lazy", "lively"])
@pytest.mark.parametrize("category", CATEGORIES)
def test_filled_bars_are_all_candles(category: Category, temper: Temper) -> None:
    """On the clock: one a minute, each once, a second after its end at the latest."""
    pushes, candles = pushed(category, temper)
    clock = VirtualTimeScheduler(START_MS / 1_000)

    def subscribe(observer: Any, scheduler: Any = None) -> Disposable:
        for push in pushes:
            for trade in trades_of(push):
                clock.schedule_absolute(
                    push.ms / 1_000, lambda *_, trade=trade: observer.on_next(trade)
                )
        return Disposable()

    out: list[tuple[float, rxo.Bar]] = []
    inverse = category == "inverse"
    made = Observable(subscribe).pipe(rxo.bars("1m", fill=True, inverse=inverse))
    made.subscribe(lambda bar: out.append((clock.now.timestamp(), bar)), scheduler=clock)
    clock.advance_to((START_MS + MINUTES * MINUTE + 5_000) / 1_000)
    (_, first), *bars = out  # the first one began without us
    expected = [candle for candle in candles if candle["start"] > first.start_ms]
    assert [bar.start_ms for _, bar in bars] == [candle["start"] for candle in expected]
    assert len(bars) > MINUTES / 2
    for (at, bar), candle in zip(bars, expected, strict=True):
        assert same(bar, candle, inverse=inverse)
        # frames leave a moment after their trades, so the clock may be as much behind
        assert bar.end_ms < at * 1_000 <= bar.end_ms + 1_500


def test_through_the_library() -> None:
    """Over sockets, with the exchange's own candles as the library gives them."""
    bars: dict[tuple[str, int], rxo.Bar] = {}
    candles: dict[tuple[str, int], Kline] = {}
    failures: list[Exception] = []

    def settled(category: str) -> list[int]:
        """Whole bars that no trade can come for any more, as a later one was given: with candles,
        which the exchange sends after their trades.
        """
        starts = sorted(start_ms for where, start_ms in bars.copy() if where == category)
        return [start_ms for start_ms in starts[1:-1] if (category, start_ms) in candles]

    symbols: dict[Category, str] = {"inverse": "BTCUSD", "linear": "BTCUSDT", "spot": "BTCUSDT"}
    with serve_in_thread(market=market(), speed=50) as served, Bybit(served.url) as client:
        for category, symbol in symbols.items():
            client.trades(symbol, category=category).pipe(
                rxo.bars("1m", inverse=category == "inverse")
            ).subscribe(
                lambda bar, category=category: bars.update({(category, bar.start_ms): bar}),
                failures.append,
            )
            client.klines(symbol, category=category, closed=True).subscribe(
                lambda kline, category=category: candles.update(
                    {(category, kline.start_ms): kline}
                ),
                failures.append,
            )
        until(lambda: failures or all(len(settled(name)) >= 3 for name in symbols), within_s=90)
        assert failures == []
        compared = [(name, start_ms) for name in symbols for start_ms in settled(name)]
        for key in compared:
            kline = candles[key]
            names = ("open", "high", "low", "close", "volume", "turnover")
            fields = {name: getattr(kline, name) for name in names}
            item = {"start": kline.start_ms, "end": kline.end_ms, **fields}
            assert same(bars[key], item, inverse=key[0] == "inverse")
    assert failures == []
