from reactivex import operators as ops

from rxbybit import trades

trades("BTCUSD").pipe(ops.buffer_with_time(1)).subscribe(print)
