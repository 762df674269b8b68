"""Where the fast average of closed candles crosses the slow one."""

import reactivex
from reactivex import Observable
from reactivex import operators as ops

from rxbybit import Kline, klines
from rxbybit import operators as rxo

FAST, SLOW = 9, 21
Averages = tuple[rxo.Value, rxo.Value]


def averages(candles: Observable[Kline]) -> Observable[Averages]:
    return reactivex.zip(candles.pipe(rxo.ema(FAST)), candles.pipe(rxo.ema(SLOW)))


def is_above(both: Averages) -> bool:
    fast, slow = both
    return fast.value > slow.value


def tell(both: Averages) -> None:
    fast, slow = both
    way = "up" if is_above(both) else "down"
    print(f"{fast.time:%d %H:%M} crossed {way}: {fast.value:.2f} and {slow.value:.2f}")


klines("BTCUSD", interval="1m", closed=True, history=200).pipe(
    ops.publish(averages),  # both of the same candles
    ops.skip(SLOW),  # until then they know too little
    ops.distinct_until_changed(is_above),
    ops.skip(1),  # where they were at the beginning
).subscribe(tell)
