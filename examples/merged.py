"""What happens to the connection, best bid and ask, and candles, in one loop."""

import asyncio

import reactivex
from reactivex import operators as ops

from rxbybit import Bybit, lift


async def main() -> None:
    async with Bybit() as bybit:
        quotes = bybit.tickers("BTCUSD").pipe(
            ops.map(lambda ticker: (ticker.bid_price, ticker.ask_price)),
            ops.distinct_until_changed(),
        )
        candles = bybit.klines("BTCUSD", interval="1m")
        # `merge` has lost the clock of the streams; `lift` gives it back.
        merged = lift(reactivex.merge(bybit.status(), quotes, candles))
        async for event in merged.pipe(ops.take(12)):
            print(event)


asyncio.run(main())
