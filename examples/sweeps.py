"""Buyers who took all that the best ask had, and more."""

from reactivex import operators as ops

from rxbybit import Side, Trade, order_book, trades
from rxbybit import operators as rxo


def is_sweep(pair: rxo.TradeWithBook[Trade]) -> bool:
    """A buyer who pays more than the best ask has taken all of it before."""
    best = pair.book.best_ask
    return pair.trade.side is Side.BUY and best is not None and pair.trade.price > best[0]


def tell(pair: rxo.TradeWithBook[Trade]) -> None:
    price, size = pair.book.best_ask or (None, None)
    trade = pair.trade
    print(f"{trade.time:%H:%M:%S} took all {size} at {price}, then {trade.size} at {trade.price}")


# each trade with the book that its taker met, and not with the one that it left
met = trades("BTCUSD").pipe(rxo.with_book(order_book("BTCUSD")))
met.pipe(ops.filter(is_sweep)).subscribe(tell)
