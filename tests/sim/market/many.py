"""What fifteen hundred symbols cost: ``python -m tests.sim.market.many [minutes]``.

Once with nobody there, once with all trades and tickers, and with books of 50 too.
"""

from __future__ import annotations

import sys
import time

from rxbybit.sim.market import Market, many_instruments
from tests.sim.market.journal import START_MS

INSTRUMENTS = (*many_instruments("spot", 600), *many_instruments("linear", 900))
STEP_MS = 50


def main(minutes: float) -> None:
    for kinds in ((), ("publicTrade", "tickers"), ("publicTrade", "tickers", "orderbook.50")):
        began = time.perf_counter()
        market = Market(seed=1, start_ms=START_MS, instruments=INSTRUMENTS)
        opened = time.perf_counter()
        for one in INSTRUMENTS:
            for kind in kinds:
                market.want(one.category, f"{kind}.{one.symbol}")
        wanted = time.perf_counter()
        frames, worst = 0, 0.0
        for now_ms in range(START_MS, START_MS + int(minutes * 60_000), STEP_MS):
            step = time.perf_counter()
            frames += sum(1 for _ in market.advance(now_ms))
            worst = max(worst, time.perf_counter() - step)
        took = time.perf_counter() - wanted
        print(
            f"{', '.join(kinds) or 'nothing wanted'}: opened in {opened - began:.1f} s, a second"
            f" takes {took / minutes / 60:.3f} s, the longest step {worst:.3f} s, {frames} frames"
        )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 3)
