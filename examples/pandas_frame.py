"""Trades, and the book that each one met, as a frame of pandas."""

import sys

from reactivex import operators as ops

from rxbybit import Trade, order_book, trades
from rxbybit import operators as rxo

try:
    import pandas as pd
except ModuleNotFoundError:
    sys.exit("this example needs pandas: pip install pandas")


def row(pair: rxo.TradeWithBook[Trade]) -> dict[str, object]:
    trade, book = pair.trade, pair.book
    return {
        "time": trade.time,
        "side": str(trade.side),
        "price": float(trade.price),
        "size": float(trade.size),
        "mid": float(book.mid) if book.mid is not None else None,
        "spread": float(book.spread) if book.spread is not None else None,
    }


rows = trades("BTCUSD").pipe(
    rxo.with_book(order_book("BTCUSD")), ops.take(100), ops.map(row), ops.to_list()
)
frame = pd.DataFrame(rows.run()).set_index("time")
print(frame)
print(frame.groupby("side")["size"].sum())
