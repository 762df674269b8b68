"""An alarm when the maintenance margin of the account comes near the point of liquidation."""

from decimal import Decimal

from reactivex import operators as ops

from rxbybit import Account, account

ALARM = Decimal("0.8")  # of the margin balance; at 1 the account is liquidated


def level(now: Account) -> str:
    rate = now.maintenance_margin_rate
    if rate is None:
        return "margin is isolated: watch the positions"
    return "ALARM: reduce your positions" if rate >= ALARM else "margin is fine"


account().pipe(
    ops.map(level),
    ops.distinct_until_changed(),
).subscribe(print)
