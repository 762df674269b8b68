"""What the balance of each coin has changed by, whenever it does."""

from reactivex import operators as ops

from rxbybit import Balance, balances


def tell(pair: list[Balance]) -> None:
    before, now = pair
    if before.wallet_balance is not None and now.wallet_balance is not None:
        change = now.wallet_balance - before.wallet_balance
        if change:
            print(f"{now.coin} {change:+f} to {now.wallet_balance}")


balances().pipe(
    ops.group_by(lambda balance: balance.coin),
    ops.map(lambda coin: coin.pipe(ops.buffer_with_count(2, 1), ops.filter(lambda b: len(b) == 2))),
    ops.merge_all(),
).subscribe(tell)
