"""The fees of each day and coin, rebates and funding included."""

from collections import defaultdict
from decimal import Decimal

from rxbybit import UserTrade, user_trades

fees: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)


def add(trade: UserTrade) -> None:
    day, coin = f"{trade.time:%Y-%m-%d}", trade.fee_coin or f"fee of {trade.symbol}"
    fees[day, coin] += trade.fee or 0
    print(f"{day} {coin} {fees[day, coin]:f}")


user_trades(funding=True).subscribe(add)
