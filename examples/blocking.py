"""Wait for something in a plain script: the first trade above a size."""

from decimal import Decimal

from reactivex import operators as ops

from rxbybit import trades

large = trades("BTCUSD").pipe(ops.filter(lambda trade: trade.size >= Decimal(100)), ops.take(1))
print(large.run())
