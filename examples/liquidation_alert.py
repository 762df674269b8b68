"""An alert when more than so many USD of positions were liquidated within five seconds."""

from decimal import Decimal

from reactivex import operators as ops

from rxbybit import Liquidation, liquidations

ALERT_USD = Decimal(500)


def usd(forced: list[Liquidation]) -> Decimal:
    return sum((one.size for one in forced), Decimal(0))  # a contract of BTCUSD is 1 USD


def alert(forced: list[Liquidation]) -> None:
    longs = usd([one for one in forced if one.position == "long"])
    print(f"{forced[-1].time:%H:%M:%S} {usd(forced)} USD liquidated, {longs} of them long")


liquidations("BTCUSD").pipe(
    ops.buffer_with_time(5, 1),  # the last five seconds, each second
    ops.filter(lambda forced: usd(forced) > ALERT_USD),
).subscribe(alert)
