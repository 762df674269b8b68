"""How long a market day takes: ``python -m tests.sim.market.day [hours]``.

The default market with trades, books of 50, tickers and one-minute candles of everything wanted.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

from rxbybit.config import CATEGORIES
from rxbybit.sim.market import Market
from tests.sim.market.journal import START_MS

KINDS = ("publicTrade", "orderbook.50", "tickers", "kline.1")


def main(hours: float) -> None:
    market = Market(seed=1, start_ms=START_MS)
    for category in CATEGORIES:
        for topic in market.topics(category):
            if topic.rpartition(".")[0] in KINDS:
                market.want(category, topic)
    began = time.perf_counter()
    frames = Counter(
        push.topic.rpartition(".")[0] for push in market.advance(START_MS + int(hours * 3_600_000))
    )
    took = time.perf_counter() - began
    print(f"{hours:g} h in {took:.1f} s, {frames.total()} frames: {dict(frames)}")
    for (category, symbol), pit in market.pits.items():
        print(f"{category} {symbol}: {pit.tape.count / hours / 3_600:.2f} trades a second")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 24)
