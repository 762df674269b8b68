"""A signal from the book: which side weighs more, told when it changes."""

from decimal import Decimal

from reactivex import operators as ops

from rxbybit import OrderBook, order_book

LEVELS = 10
STRONG = Decimal("0.3")  # of -1 (asks only) to 1 (bids only)


def signal(book: OrderBook) -> str:
    imbalance = book.imbalance(LEVELS)
    if book.state != "synced" or imbalance is None:
        return "no book to trust"
    if imbalance > STRONG:
        return "more buyers"
    return "more sellers" if imbalance < -STRONG else "balanced"


order_book("BTCUSD").pipe(
    ops.map(signal),
    ops.distinct_until_changed(),
).subscribe(print)
