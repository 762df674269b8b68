"""Run as a script, writes ``rxbybit/sim/recordings/demo_inverse.jsonl``.

A small invented market, the same bytes each time. Orders walk through one book a symbol; trades,
book updates, tickers and candles are all read from that one book, so they agree.
"""

from __future__ import annotations

import json
import random
import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

PATH = Path(__file__).parents[2] / "rxbybit" / "sim" / "recordings" / "demo_inverse.jsonl"

MINUTE_MS = 60_000
OPENING_MS = 1_767_614_400_000  # 2026-01-05 12:00:00 UTC; the recording begins 40 s later
FIRST_MS = OPENING_MS + 40_000
LAST_MS = FIRST_MS + 85_000
STEP_MS = 250
DEPTH = 50
COIN = Decimal("0.00000001")


@dataclass(frozen=True)
class Market:
    symbol: str
    tick: Decimal
    price: int
    """Where it begins, in ticks."""
    gap: int
    """Levels are up to so many ticks apart."""
    size: int
    """A typical order, in contracts of 1 USD."""


MARKETS = (
    Market("BTCUSD", Decimal("0.10"), 650_000, 9, 9_000),
    Market("ETHUSD", Decimal("0.01"), 190_000, 5, 3_000),
)


@dataclass
class Trade:
    time_ms: int
    side: str
    ticks: int
    size: int
    direction: str
    sequence: int
    id: str


@dataclass
class Candle:
    start_ms: int
    open: int
    high: int
    low: int
    close: int
    time_ms: int
    volume: int = 0
    turnover: Decimal = Decimal(0)

    @classmethod
    def born(cls, start_ms: int, price: int, now_ms: int) -> Candle:
        return cls(start_ms, price, price, price, price, now_ms)


@dataclass
class Exchange:
    """One symbol: its book, and what has been traded."""

    market: Market
    random: random.Random
    bids: dict[int, int] = field(default_factory=dict)
    asks: dict[int, int] = field(default_factory=dict)
    last: int = 0
    direction: str = "ZeroPlusTick"
    sequence: int = 0
    momentum: float = 0.0
    volume: int = 412_345_678
    turnover: Decimal = Decimal("6321.12345678")
    high: int = 0
    low: int = 0

    def __post_init__(self) -> None:
        price = self.market.price
        self.last = price
        self.high, self.low = price + 9_000, price - 7_000
        self.sequence = self.random.randrange(10**11, 10**12)
        self.bids[price] = self.order()
        self.asks[price + 1] = self.order()
        self.fill_the_depth()

    def order(self) -> int:
        return max(1, int(self.random.lognormvariate(0, 0.9) * self.market.size))

    def fill_the_depth(self) -> None:
        """Keep more levels than are shown, so that the window has something to slide over."""
        for side, sign in ((self.bids, -1), (self.asks, 1)):
            while len(side) < DEPTH + 10:
                far = sign * max(sign * price for price in side)
                side[far + sign * self.random.randint(1, self.market.gap)] = self.order()

    def best(self) -> tuple[int, int]:
        return max(self.bids), min(self.asks)

    def view(self) -> tuple[dict[int, int], dict[int, int]]:
        bids = {price: self.bids[price] for price in sorted(self.bids, reverse=True)[:DEPTH]}
        asks = {price: self.asks[price] for price in sorted(self.asks)[:DEPTH]}
        return bids, asks

    def step(self, now_ms: int) -> list[Trade]:
        self.sequence += self.random.randint(20, 900)
        self.momentum = 0.92 * self.momentum + self.random.gauss(0, 0.25)
        trades: list[Trade] = []
        while self.random.random() < 0.38:
            trades += self.take(now_ms)
        self.rest()
        self.fill_the_depth()
        return trades

    def take(self, now_ms: int) -> list[Trade]:
        """A market order eats from the touch: one trade a level, all of one sequence."""
        buys = self.random.random() < 0.5 + 0.35 * max(-1.0, min(1.0, self.momentum))
        side, choose = (self.asks, min) if buys else (self.bids, max)
        left = self.order() // 2 + 1
        self.sequence += self.random.randint(1, 60)
        trades: list[Trade] = []
        while left and len(trades) < 4:
            price = choose(side)
            size = min(left, side[price])
            left -= size
            side[price] -= size
            if not side[price]:
                del side[price]
            trades.append(self.print_trade(now_ms, "Buy" if buys else "Sell", price, size))
        return trades

    def print_trade(self, now_ms: int, side: str, price: int, size: int) -> Trade:
        if price > self.last:
            self.direction = "PlusTick"
        elif price < self.last:
            self.direction = "MinusTick"
        elif not self.direction.startswith("Zero"):
            self.direction = f"Zero{self.direction}"
        self.last = price
        self.high, self.low = max(self.high, price), min(self.low, price)
        self.volume += size
        self.turnover += self.coins(size, price)
        name = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        return Trade(now_ms, side, price, size, self.direction, self.sequence, name)

    def rest(self) -> None:
        """Limit orders: sizes change, and the spread is filled from the side that pushes."""
        bid, ask = self.best()
        while ask - bid > 1:
            if self.random.random() < 0.5 + 0.4 * max(-1.0, min(1.0, self.momentum)):
                bid += min(ask - bid - 1, self.random.randint(1, self.market.gap))
                self.bids[bid] = self.order()
            else:
                ask -= min(ask - bid - 1, self.random.randint(1, self.market.gap))
                self.asks[ask] = self.order()
        for side, best_first in ((self.bids, True), (self.asks, False)):
            for _ in range(self.random.randint(0, 2)):
                place = min(int(self.random.expovariate(0.12)), DEPTH - 1)
                price = sorted(side, reverse=best_first)[place]
                if place and self.random.random() < 0.25:
                    del side[price]
                else:
                    side[price] = self.order()

    def text(self, ticks: int) -> str:
        return str(ticks * self.market.tick)

    def short(self, ticks: int) -> str:
        return trimmed(ticks * self.market.tick)

    def coins(self, contracts: int, ticks: int) -> Decimal:
        return (contracts / (ticks * self.market.tick)).quantize(COIN)


def trimmed(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class Feed:
    """What the exchange sends of one symbol."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.symbol = exchange.market.symbol
        self.random = exchange.random
        self.frames: list[tuple[int, dict[str, object]]] = []
        self.shown: tuple[dict[int, int], dict[int, int]] | None = None
        self.update = self.random.randrange(10**6, 10**7)
        self.ticker: dict[str, str] = {}
        self.mark = Decimal(exchange.last) * exchange.market.tick
        self.candle = Candle.born(OPENING_MS, exchange.last, OPENING_MS)
        self.candle_changed = True

    def step(self, now_ms: int) -> None:
        trades = self.exchange.step(now_ms)
        closed = self.candles(now_ms, trades)
        if now_ms < FIRST_MS:
            return
        if trades:
            self.send("publicTrade", now_ms + 2, [self.trade(trade) for trade in trades])
        self.book(now_ms)
        if now_ms % 500 == 0:
            self.tickers(now_ms)
        if closed or (now_ms % 1_000 == 0 and self.candle_changed):
            data = [self.kline(c, confirm=c is closed) for c in (closed, self.candle) if c]
            self.send("kline.1", now_ms + 9, data)
            self.candle_changed = False

    def send(self, kind: str, ts: int, data: object, **more: object) -> None:
        head = {"topic": f"{kind}.{self.symbol}", "type": "snapshot", "ts": ts, "data": data}
        self.frames.append((ts, head | more))

    def trade(self, trade: Trade) -> dict[str, object]:
        return {
            "T": trade.time_ms,
            "s": self.symbol,
            "S": trade.side,
            "v": str(trade.size),
            "p": self.exchange.text(trade.ticks),
            "L": trade.direction,
            "i": trade.id,
            "BT": False,
            "RPI": False,
            "seq": trade.sequence,
        }

    def book(self, now_ms: int) -> None:
        before, self.shown = self.shown, self.exchange.view()
        sides: list[list[list[str]]] = []
        for place, best_first in ((0, True), (1, False)):
            now = self.shown[place]
            old = before[place] if before else {}
            changed = [
                price for price in now.keys() | old.keys() if now.get(price) != old.get(price)
            ]
            sides.append(
                [
                    [self.exchange.text(price), str(now.get(price, 0))]
                    for price in sorted(changed, reverse=best_first)
                ]
            )
        if not any(sides):
            return
        self.update += 1
        data = {
            "s": self.symbol,
            "b": sides[0],
            "a": sides[1],
            "u": self.update,
            "seq": self.exchange.sequence,
        }
        kind = "delta" if before else "snapshot"
        self.send("orderbook.50", now_ms + 5, data, type=kind, cts=now_ms)

    def tickers(self, now_ms: int) -> None:
        exchange = self.exchange
        last = exchange.last * exchange.market.tick
        if now_ms % 2_000 == 0 or not self.ticker:
            self.mark = (self.mark * 3 + last) / 4
        state = self.ticker_state(last)
        changed = {key: value for key, value in state.items() if self.ticker.get(key) != value}
        for pair in ({"bid1Price", "bid1Size"}, {"ask1Price", "ask1Size"}):
            if pair & changed.keys():
                changed = {key: state[key] for key in state if key in changed or key in pair}
        kind = "delta" if self.ticker else "snapshot"
        self.ticker = state
        if changed:
            data = {"symbol": self.symbol} | changed
            self.send("tickers", now_ms + 7, data, type=kind, cs=exchange.sequence)

    def ticker_state(self, last: Decimal) -> dict[str, str]:
        exchange = self.exchange
        bid, ask = exchange.best()
        tick = exchange.market.tick
        before = (exchange.market.price - 4_321) * tick
        interest = 523_456_789 if self.symbol == "BTCUSD" else 98_765_432
        mark = self.mark.quantize(tick)
        return {
            "tickDirection": exchange.direction,
            "price24hPcnt": str((last / before - 1).quantize(Decimal("0.000001"))),
            "lastPrice": exchange.text(exchange.last),
            "prevPrice24h": str(before),
            "highPrice24h": exchange.text(exchange.high),
            "lowPrice24h": exchange.text(exchange.low),
            "prevPrice1h": exchange.text(exchange.market.price - 777),
            "markPrice": str(mark),
            "indexPrice": str((self.mark + 3 * tick).quantize(tick)),
            "openInterest": str(interest),
            "openInterestValue": str((interest / mark).quantize(Decimal("0.01"))),
            "turnover24h": str(exchange.turnover.quantize(Decimal("0.0001"))),
            "volume24h": str(exchange.volume),
            "fundingIntervalHour": "8",
            "fundingCap": "0.005",
            "nextFundingTime": str(OPENING_MS + 4 * 3_600_000),
            "fundingRate": "0.0001",
            "bid1Price": exchange.text(bid),
            "bid1Size": str(exchange.bids[bid]),
            "ask1Price": exchange.text(ask),
            "ask1Size": str(exchange.asks[ask]),
        }

    def candles(self, now_ms: int, trades: list[Trade]) -> Candle | None:
        """Count the trades into the open candle; gives the one that they or the clock closed."""
        closed = None
        start_ms = now_ms - now_ms % MINUTE_MS
        if start_ms != self.candle.start_ms:
            closed = self.candle
            self.candle = Candle.born(start_ms, closed.close, now_ms)
        for trade in trades:
            candle = self.candle
            candle.high = max(candle.high, trade.ticks)
            candle.low = min(candle.low, trade.ticks)
            candle.close = trade.ticks
            candle.volume += trade.size
            candle.turnover += self.exchange.coins(trade.size, trade.ticks)
            candle.time_ms = trade.time_ms
            self.candle_changed = True
        return closed

    def kline(self, candle: Candle, *, confirm: bool) -> dict[str, object]:
        short = self.exchange.short
        return {
            "start": candle.start_ms,
            "end": candle.start_ms + MINUTE_MS - 1,
            "interval": "1",
            "open": short(candle.open),
            "close": short(candle.close),
            "high": short(candle.high),
            "low": short(candle.low),
            "volume": str(candle.volume),
            "turnover": trimmed(candle.turnover),
            "confirm": confirm,
            "timestamp": candle.time_ms,
        }

    def liquidation(self, now_ms: int, side: str, size: int) -> None:
        bid, ask = self.exchange.best()
        away = 40 if side == "Sell" else -40
        price = self.exchange.text((ask if side == "Sell" else bid) + away)
        item = {"T": now_ms - 120, "s": self.symbol, "S": side, "v": str(size), "p": price}
        self.send("allLiquidation", now_ms + 11, [item])


def insurance(now_ms: int, kind: str, balances: dict[str, str]) -> dict[str, object]:
    data = [
        {"coin": coin, "symbols": f"{coin}USD", "balance": balance, "updateTime": str(now_ms)}
        for coin, balance in balances.items()
    ]
    return {"topic": "insurance.inverse", "type": kind, "ts": now_ms, "data": data}


def lines() -> list[str]:
    """The recording, a frame a line, in the order of their ``ts``."""
    feeds = [Feed(Exchange(market, random.Random(f"demo {market.symbol}"))) for market in MARKETS]
    frames: list[tuple[int, dict[str, object]]] = []
    liquidations = {
        FIRST_MS + 9_000: (0, "Buy", 12_500),
        FIRST_MS + 31_500: (1, "Sell", 4_200),
        FIRST_MS + 52_000: (0, "Sell", 850),
        FIRST_MS + 70_500: (1, "Buy", 990),
    }
    for now_ms in range(OPENING_MS, LAST_MS, STEP_MS):
        for feed in feeds:
            feed.step(now_ms)
        if now_ms in liquidations:
            which, side, size = liquidations[now_ms]
            feeds[which].liquidation(now_ms, side, size)
    for feed in feeds:
        frames += feed.frames
    pools = {"BTC": "1523.41876502", "ETH": "20441.07715534"}
    later = {"BTC": "1523.42051183"}
    frames.append((FIRST_MS + 20, insurance(FIRST_MS + 20, "snapshot", pools)))
    frames.append((FIRST_MS + 44_020, insurance(FIRST_MS + 44_020, "delta", later)))
    frames.sort(key=lambda frame: frame[0])
    return [json.dumps(content, separators=(",", ":")) for _, content in frames]


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text("\n".join(lines()) + "\n")
    print(f"{PATH}: {PATH.stat().st_size} bytes")
