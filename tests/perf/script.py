"""What the feed plays: a fixed mix of messages over some symbols, made before anything is timed.

40 % trades, 42 % changes of a 50-level book, 15 % ticker changes, 3 % candles; about 410 bytes
a message. Or changes of the book alone. A short script is the beginning of a long one.
"""

from __future__ import annotations

import random

from tests.perf.market import DEPTH, EPOCH_MS, Market

MESSAGES_PER_MS = 20
SHARES = {"publicTrade": 40, f"orderbook.{DEPTH}": 42, "tickers": 15, "kline.1": 3}
BOOKS = dict.fromkeys(SHARES, 0) | {f"orderbook.{DEPTH}": 100}
MIXES = {"usual": SHARES, "books": BOOKS}
"""How many messages of a hundred are of each kind."""
MAKERS = (Market.trades, Market.book_delta, Market.ticker_delta, Market.candle)


def symbols_of(category: str, count: int) -> tuple[str, ...]:
    """The first ``count`` symbols of the benchmark's ``linear`` or ``inverse`` market."""
    quote = "USDT" if category == "linear" else "USD"
    majors = ("BTC", "ETH", "SOL", "XRP", "DOGE", "ADA")
    coins = (*majors, *(f"C{number:03d}" for number in range(len(majors), count)))
    return tuple(coin + quote for coin in coins[:count])


def topics_of(category: str, count: int) -> tuple[str, ...]:
    """The four topics of each symbol."""
    return tuple(f"{kind}.{symbol}" for symbol in symbols_of(category, count) for kind in SHARES)


class Script:
    """What a feed plays: the opening snapshots by topic, then ``messages`` in order."""

    def __init__(self, category: str, symbols: int, messages: int, mix: str = "usual") -> None:
        self.symbols = symbols_of(category, symbols)
        self.topics = topics_of(category, symbols)
        self.messages: list[bytes] = []
        self.topic_at: list[int] = []
        """Which of the topics each message belongs to."""
        self.trades_in = bytearray()
        """How many trades each message holds."""
        markets = [Market(symbol, seed) for seed, symbol in enumerate(self.symbols)]
        self.snapshots: dict[str, bytes] = {}
        for market in markets:
            self.snapshots[f"orderbook.{DEPTH}.{market.symbol}"] = market.book_snapshot(EPOCH_MS)
            self.snapshots[f"tickers.{market.symbol}"] = market.ticker_snapshot(EPOCH_MS)
        self._write(markets, messages, MIXES[mix])

    def _write(self, markets: list[Market], messages: int, mix: dict[str, int]) -> None:
        rng = random.Random(20_260_101)
        kinds, shares = range(len(MAKERS)), tuple(mix.values())
        for number in range(messages):
            kind = rng.choices(kinds, shares)[0]
            which = rng.randrange(len(markets))
            message = MAKERS[kind](markets[which], EPOCH_MS + number // MESSAGES_PER_MS)
            self.messages.append(message)
            self.topic_at.append(which * len(kinds) + kind)
            self.trades_in.append(message.count(b'"T":'))
