"""Orders and stop orders of the account: two streams out of one topic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rxbybit.config import CATEGORIES, Category
from rxbybit.order import Order, OrderItem, OrderSplit, StopOrder, order_or_stop
from rxbybit.order_items import OrderLegacy, OrderV5, StopOrderLegacy
from rxbybit.schema.private import legacy_private_wire, private_wire
from rxbybit.schema.spec import Otherwise, Renewal, StreamSpec
from rxbybit.schema.standing import Standing, listed, with_category
from rxbybit.stream import Stream
from rxbybit.venue import Opens

__all__ = [
    "ORDERS",
    "ORDER_ITEMS",
    "STOP_ORDERS",
    "orders",
    "stop_orders",
]


_CATEGORIES: tuple[Category, ...] = ("inverse", "linear", "spot", "option")
_V5 = private_wire("order", OrderV5, categories=_CATEGORIES)
_UPDATED = Otherwise("timestamp", "update_time")
_LEGACY_STOPS = legacy_private_wire(
    "stop_order", StopOrderLegacy, otherwise=(Otherwise("order_id", "stop_order_id"), _UPDATED)
)
_LEGACY = legacy_private_wire("order", OrderLegacy, otherwise=(_UPDATED,))
_LEGACY_BOTH = legacy_private_wire(
    "order", OrderLegacy, otherwise=(_UPDATED,), also=(_LEGACY_STOPS,)
)


def _split(renewal: Renewal, numbers: type) -> OrderSplit:
    return OrderSplit()


def _order(split: OrderSplit, item: OrderItem) -> Order | None:
    return split.order


def _stop_order(split: OrderSplit, item: OrderItem) -> StopOrder | None:
    return split.stop_order


def _open_orders(split: OrderSplit) -> Sequence[Order]:
    return split.orders


def _open_stop_orders(split: OrderSplit) -> Sequence[StopOrder]:
    return split.stop_orders


def _open_lists(category: Category) -> Sequence[dict[str, str]]:
    return [{**query, "openOnly": "0", "limit": "50"} for query in listed(category)]


def _closed_lists(missing: Sequence[OrderItem]) -> Sequence[dict[str, str]]:
    """Orders that were open and are no more: the exchange lists the last 500 of them."""
    gone = {item.category for item in missing}
    return [
        {**query, "openOnly": "1", "limit": "50"}
        for category in CATEGORIES
        if category in gone
        for query in listed(category)
    ]


_STANDING = Standing[Any](  # Any: of orders and stop orders, by one list
    path="/v5/order/realtime",
    queries=_open_lists,
    schema=OrderV5,
    rows=with_category,
    gone=_closed_lists,
)


def _as_sent(nothing: None, item: OrderItem) -> Order | StopOrder:
    return order_or_stop(item)


# Both are decoded once, as they decode to the same, and share the state on a topic.
ORDERS = StreamSpec(
    "orders",
    Order,
    decoded=OrderItem,
    v5=_V5,
    legacy=_LEGACY,
    categories=_CATEGORIES,
    state=_split,
    emit=_order,
    late=_open_orders,
    standing=_STANDING,
)
STOP_ORDERS = StreamSpec(
    "stop_orders",
    StopOrder,
    decoded=OrderItem,
    v5=_V5,
    legacy=_LEGACY_STOPS,
    categories=_CATEGORIES,
    state=_split,
    emit=_stop_order,
    late=_open_stop_orders,
    standing=_STANDING,
)
# One event an item, whatever was before: for frames without a history.
ORDER_ITEMS: StreamSpec[Order | StopOrder] = StreamSpec(
    "order_items",
    Order,
    decoded=OrderItem,
    v5=_V5,
    legacy=_LEGACY_BOTH,
    categories=_CATEGORIES,
    emit=_as_sent,
)


def orders(
    self: Opens,
    *symbols: str | Iterable[str],
    snapshot: bool = True,
    category: Category | None = None,
) -> Stream[Order]:
    """The account's orders: those that are open, then each change of one.

    ``symbols``: one, several, or an iterable of them; none at all for every order. ``snapshot``:
    whether the open orders come first, read over REST and marked ``meta.backfilled``; after an
    outage what has changed meanwhile is read and told in the same way (without it, too, as long as
    another subscriber wants it). ``category``: only of this
    one; nothing is read from the symbol. A stop order is among them once it was triggered, as
    :func:`stop_orders` says. Whatever is asked for, the exchange is asked for one topic.
    Errors: ``ConfigurationError`` at the call for arguments that cannot be, and without
    credentials; ``AuthenticationFailed`` on the stream when the exchange refuses them;
    ``RequestRefused`` when the key may not read orders.
    Sources: V5 manual, "Order" (private stream) and "Get Open & Closed Orders".

    ::

        orders("BTCUSD").subscribe(lambda order: print(order.status, order.leaves_quantity))
    """
    return self.open_private(ORDERS, symbols, category=category, snapshot=snapshot, late=snapshot)


def stop_orders(
    self: Opens,
    *symbols: str | Iterable[str],
    snapshot: bool = True,
    category: Category | None = None,
) -> Stream[StopOrder]:
    """The account's stop orders: those that wait, then each change of one.

    Also take-profits, stop-losses and trailing stops. One that is triggered becomes a working
    order: from then on it is among :func:`orders` as well. One that is cancelled before ends
    here, with the status ``Deactivated`` or ``Cancelled``. Arguments and errors: see
    :func:`orders`.

    ::

        stop_orders("BTCUSD").subscribe(lambda order: print(order.status, order.trigger_price))
    """
    return self.open_private(
        STOP_ORDERS, symbols, category=category, snapshot=snapshot, late=snapshot
    )
