"""What a market maker would quote: around the microprice, and nothing on a book in doubt."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

from reactivex import operators as ops

from rxbybit import OrderBook, order_book

TICK = Decimal("0.50")  # of BTCUSD; `instruments()` has it for every symbol
EDGE = Decimal("2.00")  # from the fair price to either quote


class Quote(NamedTuple):
    bid: Decimal
    ask: Decimal


def quote(book: OrderBook) -> Quote | None:
    fair = book.microprice
    if book.state != "synced" or fair is None:
        return None  # withdraw
    bid = ((fair - EDGE) / TICK).to_integral_value(ROUND_FLOOR) * TICK
    ask = ((fair + EDGE) / TICK).to_integral_value(ROUND_CEILING) * TICK
    return Quote(bid, ask)


def place(quote: Quote | None) -> None:
    print(f"quote {quote.bid} / {quote.ask}" if quote else "withdraw")


order_book("BTCUSD").pipe(
    ops.map(quote),
    ops.distinct_until_changed(),
).subscribe(place)
