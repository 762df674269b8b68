"""How long a limit order has waited until it was filled, by the exchange's clock."""

from reactivex import operators as ops

from rxbybit import Order, OrderStatus, OrderType, orders


def is_filled(order: Order) -> bool:
    return order.type == OrderType.LIMIT and order.status == OrderStatus.FILLED


def tell(order: Order) -> None:
    if order.created is not None and order.updated is not None:
        waited = order.updated - order.created
        print(f"{order.symbol} {order.side} filled after {waited.total_seconds():.3f} s")


orders().pipe(ops.filter(is_filled)).subscribe(tell)
