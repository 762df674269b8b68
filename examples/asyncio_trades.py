"""The first trades of two symbols, in asyncio."""

import asyncio

from reactivex import operators as ops

from rxbybit import Bybit


async def main() -> None:
    async with Bybit() as bybit:
        async for trade in bybit.trades("BTCUSD", "ETHUSD").pipe(ops.take(5)):
            print(trade.time, trade.symbol, trade.side, trade.size, trade.price)


asyncio.run(main())
