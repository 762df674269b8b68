"""Everything that happens to the connections, beside the trades."""

from rxbybit import Bybit

bybit = Bybit()
bybit.status().subscribe(print)
bybit.trades("BTCUSD").subscribe(print)
