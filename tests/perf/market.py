"""The benchmark's market: one symbol's messages, the same on every machine.

They are those of a public linear or inverse socket (V5 manual: "Trade", "Orderbook", "Ticker",
"Kline"), with the envelope's keys in the order in which the exchange sends them.
"""

from __future__ import annotations

import random
from bisect import insort
from collections.abc import Mapping
from itertools import pairwise

from msgspec.json import encode as _encode

EPOCH_MS = 1_767_225_600_000
DEPTH = 50
TICKS = ("PlusTick", "ZeroPlusTick", "MinusTick", "ZeroMinusTick")
TICKER_GROUPS = (
    ("lastPrice", "tickDirection", "price24hPcnt"),
    ("bid1Price", "bid1Size"),
    ("ask1Price", "ask1Size"),
    ("markPrice", "indexPrice"),
    ("turnover24h", "volume24h"),
    ("openInterest", "openInterestValue"),
)
"""Keys of a ticker that change together."""

Row = dict[str, object]
SNAPSHOT: Row = {"type": "snapshot"}


def trade_id(mark: str, stamp: int, number: int) -> str:
    """36 characters, as long as a real one: what it is, a time in ns, a number.

    ``T``: a trade, its time set as it is sent in a paced run; ``O``: the trade that opens a run;
    ``E``: the one that ends it, with the time at which the run began.
    """
    return f"{mark}{stamp:019d}-{number:015d}"


def read_stamp(trade_id: str) -> int:
    """The time in a trade id, in nanoseconds of the monotonic clock; 0 where none was set."""
    return int(trade_id[1:20])


def opening_trade(symbol: str) -> bytes:
    """The message before a run: older than every message of the market."""
    id_ = trade_id("O", 0, 0)
    return _lone_trade(symbol, id_, EPOCH_MS, 1)


def closing_trade(symbol: str, began_ns: int) -> bytes:
    """The last message of a run: newer than every message of the market."""
    id_ = trade_id("E", began_ns, 0)
    return _lone_trade(symbol, id_, EPOCH_MS + 86_400_000, 10**12)


class Side:
    """Half of a book: levels by their distance from a middle price that never moves.

    Prices stand in ticks of 0.10, sizes in thousandths. No change can cross the book.
    """

    def __init__(self, rng: random.Random, middle: int, sign: int, depth: int = DEPTH) -> None:
        self._rng, self._middle, self._sign, self._depth = rng, middle, sign, depth
        self._distances: list[int] = []
        self.sizes: dict[int, int] = {}
        for _ in range(depth):
            self._add(self._deeper())

    def change(self, told: dict[int, int]) -> None:
        """Change one level, mostly near the top; ``told`` takes each new size, 0 for gone."""
        at = min(int(self._rng.expovariate(0.15)), self._depth - 1)
        what = self._rng.random()
        if what < 0.15:
            # the next level comes into view as one leaves
            told[self._remove(at)] = 0
            new = self._deeper()
        elif what < 0.30 and (free := self._free()) is not None:
            told[self._remove(self._depth - 1)] = 0
            new = free
        else:
            new = self._remove(at)
        self._add(new)
        told[new] = self.sizes[new]

    def best(self) -> tuple[str, str]:
        """Price and size of the best level."""
        return self.rows({self._distances[0]: self.sizes[self._distances[0]]})[0]

    def rows(self, levels: Mapping[int, int]) -> list[tuple[str, str]]:
        """Levels as the wire spells them, best first."""
        return [
            (price_text(self._middle + self._sign * distance), size_text(size) if size else "0")
            for distance, size in sorted(levels.items())
        ]

    def _deeper(self) -> int:
        return (self._distances[-1] if self._distances else 0) + self._rng.randint(1, 3)

    def _free(self) -> int | None:
        """A price in the gap that is nearest to the middle, if there is one."""
        for nearer, farther in pairwise([0, *self._distances]):
            if farther - nearer > 1:
                return self._rng.randint(nearer + 1, farther - 1)
        return None

    def _add(self, distance: int) -> None:
        insort(self._distances, distance)
        self.sizes[distance] = self._rng.randint(1, 50_000)

    def _remove(self, at: int) -> int:
        distance = self._distances.pop(at)
        del self.sizes[distance]
        return distance


class Market:
    """One symbol: a book of ``depth`` levels, and the trades, tickers and candles beside it."""

    def __init__(self, symbol: str, seed: int, depth: int = DEPTH) -> None:
        self.symbol = symbol
        self._book_topic = f"orderbook.{depth}.{symbol}"
        self._rng = random.Random(seed)
        self._middle = 600_000 + 7_001 * (seed % 89)
        below, above = (Side(self._rng, self._middle, sign, depth) for sign in (-1, 1))
        self._sides = below, above
        self._update_id = 1_000_000 + seed
        self._sequence = 7_000_000_000 + 1_000_000 * seed
        self._trades = 1_000_000_000 * seed

    def trades(self, ts: int) -> bytes:
        """One to five trades."""
        rows = [self._next_trade(ts) for _ in range(self._rng.randint(1, 5))]
        return _snapshot(f"publicTrade.{self.symbol}", ts, rows)

    def book_snapshot(self, ts: int) -> bytes:
        """The whole book."""
        bids, asks = self._sides
        return self._book("snapshot", ts, bids.sizes, asks.sizes)

    def book_delta(self, ts: int) -> bytes:
        """One to twelve changes of the book."""
        held = tuple(frozenset(side.sizes) for side in self._sides)
        told: tuple[dict[int, int], dict[int, int]] = ({}, {})
        for _ in range(self._rng.randint(1, 12)):
            which = self._rng.randrange(2)
            self._sides[which].change(told[which])
        # a level that came and went between two messages is never told
        bids, asks = (
            {distance: size for distance, size in new.items() if size or distance in old}
            for new, old in zip(told, held, strict=True)
        )
        self._update_id += 1
        self._sequence += 3
        return self._book("delta", ts, bids, asks)

    def ticker_snapshot(self, ts: int) -> bytes:
        """Every key of the ticker."""
        return self._ticker("snapshot", ts, self._ticker_keys())

    def ticker_delta(self, ts: int) -> bytes:
        """One to three groups of keys."""
        keys = self._ticker_keys()
        groups = self._rng.sample(TICKER_GROUPS, self._rng.randint(1, 3))
        return self._ticker("delta", ts, {key: keys[key] for group in groups for key in group})

    def candle(self, ts: int) -> bytes:
        """The open minute."""
        start = ts - ts % 60_000
        low, high = sorted(self._near() for _ in range(2))
        row: Row = {"start": start, "end": start + 59_999, "interval": "1"}
        row |= {"open": price_text(low), "close": price_text(high)}
        row |= {"high": price_text(high + 5), "low": price_text(low - 5)}
        row |= {"volume": self._size(90_000), "turnover": f"{self._rng.uniform(1e4, 1e6):.4f}"}
        row |= {"confirm": False, "timestamp": ts - 5}
        return _encode({"topic": f"kline.1.{self.symbol}", "data": [row], "ts": ts} | SNAPSHOT)

    def _next_trade(self, ts: int) -> Row:
        self._trades += 1
        self._sequence += 1
        bid, ask = self._sides
        side, (price, _) = self._rng.choice((("Buy", ask.best()), ("Sell", bid.best())))
        size, tick = self._size(9_000), self._rng.choice(TICKS)
        id_ = trade_id("T", 0, self._trades)
        return _trade(self.symbol, id_, side, size, price, tick, ts - 2, self._sequence)

    def _book(self, kind: str, ts: int, bids: Mapping[int, int], asks: Mapping[int, int]) -> bytes:
        bid, ask = self._sides
        data: Row = {"s": self.symbol, "b": bid.rows(bids), "a": ask.rows(asks)}
        data |= {"u": self._update_id, "seq": self._sequence}
        return _encode(
            {"topic": self._book_topic, "type": kind, "ts": ts, "data": data, "cts": ts - 2}
        )

    def _ticker(self, kind: str, ts: int, keys: Mapping[str, str]) -> bytes:
        data = {"symbol": self.symbol, **keys}
        row: Row = {"topic": f"tickers.{self.symbol}", "type": kind, "data": data}
        return _encode(row | {"cs": self._sequence, "ts": ts})

    def _ticker_keys(self) -> dict[str, str]:
        uniform = self._rng.uniform
        (bid, bid_size), (ask, ask_size) = (side.best() for side in self._sides)
        middle = self._middle
        return {
            "tickDirection": self._rng.choice(TICKS),
            "price24hPcnt": f"{uniform(-0.1, 0.1):.6f}",
            "lastPrice": price_text(self._near()),
            "prevPrice24h": price_text(middle - 900),
            "highPrice24h": price_text(middle + 2_000),
            "lowPrice24h": price_text(middle - 2_000),
            "prevPrice1h": price_text(middle - 100),
            "markPrice": price_text(self._near()),
            "indexPrice": price_text(self._near()),
            "openInterest": f"{uniform(1e5, 1e6):.3f}",
            "openInterestValue": f"{uniform(1e9, 9e9):.2f}",
            "turnover24h": f"{uniform(1e9, 9e9):.4f}",
            "volume24h": f"{uniform(1e4, 9e4):.4f}",
            "nextFundingTime": str(EPOCH_MS + 8 * 3_600_000),
            "fundingRate": "0.0001",
            "fundingIntervalHour": "8",
            "fundingCap": "0.005",
            "bid1Price": bid,
            "bid1Size": bid_size,
            "ask1Price": ask,
            "ask1Size": ask_size,
            "preOpenPrice": "",
            "preQty": "",
            "curPreListingPhase": "",
        }

    def _near(self) -> int:
        return self._middle + self._rng.randint(-20, 20)

    def _size(self, most: int) -> str:
        return size_text(self._rng.randint(1, most))


def price_text(ticks: int) -> str:
    """A price of ticks of 0.10, with two decimals."""
    return f"{ticks // 10}.{ticks % 10}0"


def size_text(thousandths: int) -> str:
    """A size with three decimals."""
    return f"{thousandths // 1000}.{thousandths % 1000:03d}"


def _trade(
    symbol: str, id_: str, side: str, size: str, price: str, tick: str, time_ms: int, sequence: int
) -> Row:
    row: Row = {"T": time_ms, "s": symbol, "S": side, "v": size, "p": price, "L": tick}
    return row | {"i": id_, "BT": False, "RPI": False, "seq": sequence}


def _lone_trade(symbol: str, id_: str, ts: int, sequence: int) -> bytes:
    trade = _trade(symbol, id_, "Buy", "1.000", "1.00", TICKS[0], ts, sequence)
    return _snapshot(f"publicTrade.{symbol}", ts, [trade])


def _snapshot(topic: str, ts: int, data: list[Row]) -> bytes:
    return _encode({"topic": topic} | SNAPSHOT | {"ts": ts, "data": data})
