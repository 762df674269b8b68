"""The average price of the last minute against the mark price, told when it strays."""

from decimal import Decimal

from reactivex import operators as ops

from rxbybit import operators as rxo
from rxbybit import tickers, trades

STRAYS = Decimal("0.0001")  # of the mark price


def stray(pair: rxo.TradeWithTicker[rxo.Value]) -> Decimal:
    mark = pair.ticker.mark_price
    return Decimal(0) if mark is None else (pair.trade.value - mark) / mark


vwap = trades("BTCUSD").pipe(rxo.vwap("1m", inverse=True))
vwap.pipe(
    rxo.with_latest(tickers("BTCUSD")),
    ops.map(stray),
    ops.map(lambda share: "above" if share > STRAYS else "below" if share < -STRAYS else "near"),
    ops.distinct_until_changed(),
).subscribe(lambda where: print(f"the average of a minute is {where} the mark price"))
