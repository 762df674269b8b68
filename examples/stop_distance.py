"""How far the mark price is from each stop order, as a share of it."""

import reactivex
from reactivex import operators as ops

from rxbybit import StopOrder, Ticker, lift, stop_orders, tickers

SYMBOL = "BTCUSD"
waiting: dict[str, StopOrder] = {}


def keep(stop: StopOrder) -> None:
    if stop.status == "Untriggered":
        waiting[stop.order_id] = stop
    else:
        waiting.pop(stop.order_id, None)


def tell(ticker: Ticker) -> None:
    for stop in waiting.values():
        if stop.trigger_price and ticker.mark_price:
            share = stop.trigger_price / ticker.mark_price - 1
            where = f"{share:+.3%} from the mark price {ticker.mark_price}"
            print(f"{stop.side} stop at {stop.trigger_price} is {where}")


kept = stop_orders(SYMBOL).pipe(ops.do_action(keep), ops.ignore_elements())
marks = tickers(SYMBOL).pipe(
    ops.distinct_until_changed(lambda ticker: ticker.mark_price), ops.do_action(tell)
)
lift(reactivex.merge(kept, marks)).subscribe()
