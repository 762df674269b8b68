"""The four paths by which orders come in (V5 manual, "Place Order" and the pages behind it).

Each answers that the order was accepted, or why not; what becomes of it comes by websocket.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, cast

from rxbybit.sim.accounts.account import Account
from rxbybit.sim.accounts.body import (
    Body,
    contract,
    flag,
    order_of,
    price,
    quantity,
    refuse_unmodelled,
    whole,
    within,
    words,
)
from rxbybit.sim.accounts.desk import Desk
from rxbybit.sim.accounts.order import Order, OrderType, TimeInForce, TriggerBy
from rxbybit.sim.market.feeds import Content, Push
from rxbybit.sim.market.matching import Side
from rxbybit.sim.market.pit import Pit
from rxbybit.sim.rest.query import Query, category_of, choice, required
from rxbybit.sim.rest.refused import Refused

__all__ = ["ENTRIES", "Done", "enter"]

_LINK_ID = 36
_TIFS = ("GTC", "IOC", "FOK", "PostOnly")
_TRIGGERS = ("LastPrice", "MarkPrice", "IndexPrice")
_MOST_OPEN = 500


class Done(NamedTuple):
    """What is answered, and what the public hears of it at once."""

    result: Content
    pushes: list[Push]


def enter(desk: Desk, account: Account, path: str, body: Body) -> Done:
    """Do what was asked for at one of :data:`ENTRIES`. Errors: :class:`Refused`."""
    return ENTRIES[path](desk, account, body)


def create(desk: Desk, account: Account, body: Body) -> Done:
    """A new order."""
    refuse_unmodelled(body)
    pit = contract(desk.market, body)
    whole(body, "positionIdx", (0,))
    if len(account.open) >= _MOST_OPEN:
        raise Refused(f"there are {_MOST_OPEN} open orders already", 110020)
    order = _new(desk, pit, body)
    if order.link_id and account.has_used(order.link_id):
        raise Refused("OrderLinkedID is duplicate", 110072)
    stand = desk.stand(pit.instrument)
    if order.is_stop:
        _check_trigger(desk, order, order.trigger or 0)
    else:
        if order.reduce_only and not desk.reducible(account, order):
            raise Refused("Reduce-only rule not satisfied: there is nothing to reduce", 110017)
        _check_margin(desk, account, order, order.price or stand.worst(order.side), order.lots)
    desk.enter(account, order)
    return Done(_names(order), desk.settle(pit.instrument))


def amend(desk: Desk, account: Account, body: Body) -> Done:
    """Another quantity, price or trigger price of an open order."""
    refuse_unmodelled(body)
    pit = contract(desk.market, body)
    query = words(body, "orderId", "orderLinkId", "qty", "price", "triggerPrice")
    order = order_of(account, pit, query)
    one = pit.instrument
    limit = order.price
    if query.get("price"):
        if order.kind == "Market":
            raise Refused("params error: a market order has no price to amend")
        limit = price(one, query["price"])
        within(pit, order.side, limit)
    lots = order.lots
    if query.get("qty"):
        at, closing = limit or pit.tape.last, order.reduce_only
        lots = quantity(pit, query["qty"], order.kind, at, closing=closing)
        if lots <= order.filled:
            raise Refused(f"params error: qty={query['qty']}: that much is filled already")
    trigger = order.trigger
    if query.get("triggerPrice"):
        if not order.waits:
            raise Refused("params error: triggerPrice: the order does not wait for one")
        trigger = price(one, query["triggerPrice"], "triggerPrice")
        _check_trigger(desk, order, trigger)
    if (lots, limit, trigger) == (order.lots, order.price, order.trigger):
        raise Refused("The order remains unchanged as the parameters are those it has", 10001)
    if not order.waits:
        _check_margin(desk, account, order, limit, lots - order.filled)
    desk.amend(account, order, lots=lots, price=limit, trigger=trigger)
    return Done(_names(order), desk.settle(one))


def cancel(desk: Desk, account: Account, body: Body) -> Done:
    """One open order less."""
    pit = contract(desk.market, body)
    order = order_of(account, pit, words(body, "orderId", "orderLinkId"))
    desk.cancel(account, order)
    return Done(_names(order), desk.settle(pit.instrument))


def cancel_all(desk: Desk, account: Account, body: Body) -> Done:
    """All open orders of a symbol, a base coin, a settle coin."""
    query = words(body, "category", "symbol", "baseCoin", "settleCoin", "orderFilter")
    category = category_of(query, ("inverse", "linear"))
    if not any(query.get(name) for name in ("symbol", "baseCoin", "settleCoin")):
        raise Refused("params error: one of symbol, baseCoin, settleCoin is missing")
    chosen = ""
    if query.get("orderFilter"):
        chosen = choice(query, "orderFilter", ("Order", "StopOrder"))
    stop_type = words(body, "stopOrderType").get("stopOrderType")
    found = [
        order
        for order in account.open.values()
        if order.instrument.category == category
        and query.get("symbol", order.instrument.symbol) in ("", order.instrument.symbol)
        and query.get("baseCoin", order.instrument.base) in ("", order.instrument.base)
        and query.get("settleCoin", order.instrument.settle) in ("", order.instrument.settle)
        and chosen in ("", "StopOrder" if order.waits else "Order")
        and (not stop_type or (stop_type == "Stop" and order.waits))
    ]
    for order in found:
        desk.cancel(account, order)
    instruments = {order.instrument.symbol: order.instrument for order in found}
    pushes = [push for one in instruments.values() for push in desk.settle(one)]
    return Done({"list": [_names(order) for order in found], "success": "1"}, pushes)


ENTRIES: dict[str, Callable[[Desk, Account, Body], Done]] = {
    "/v5/order/create": create,
    "/v5/order/amend": amend,
    "/v5/order/cancel": cancel,
    "/v5/order/cancel-all": cancel_all,
}


def _new(desk: Desk, pit: Pit, body: Body) -> Order:
    one = pit.instrument
    query = words(
        body, "side", "orderType", "qty", "price", "timeInForce", "orderLinkId", "triggerPrice"
    )
    side = cast("Side", choice(query, "side", ("Buy", "Sell")))
    kind = cast("OrderType", choice(query, "orderType", ("Market", "Limit")))
    tif = choice(query, "timeInForce", _TIFS) if query.get("timeInForce") else "GTC"
    limit = 0
    if kind == "Market":
        tif = "IOC"
    else:
        limit = price(one, required(query, "price"))
        within(pit, side, limit)
    link_id = query.get("orderLinkId", "")
    if len(link_id) > _LINK_ID:
        raise Refused(f"params error: orderLinkId: use {_LINK_ID} characters at most")
    trigger, direction, trigger_by = _trigger(pit, body, query)
    reduce_only = flag(body, "reduceOnly")
    qty, at = required(query, "qty"), limit or pit.tape.last
    return Order(
        instrument=one,
        order_id=desk.ident(),
        link_id=link_id,
        side=side,
        kind=kind,
        tif=cast("TimeInForce", tif),
        price=limit,
        lots=quantity(pit, qty, kind, at, closing=reduce_only),
        reduce_only=reduce_only,
        close_on_trigger=flag(body, "closeOnTrigger"),
        trigger=trigger,
        direction=direction,
        trigger_by=trigger_by,
        created_ms=desk.market.now_ms,
        updated_ms=desk.market.now_ms,
        last_on_created=pit.tape.last,
    )


def _trigger(pit: Pit, body: Body, query: Query) -> tuple[int | None, int, TriggerBy]:
    """Of a stop order: at which price, in which direction, of which kind."""
    direction = whole(body, "triggerDirection", (1, 2))
    given = words(body, "triggerBy")
    by = choice(given, "triggerBy", _TRIGGERS) if given.get("triggerBy") else "LastPrice"
    if not query.get("triggerPrice"):
        if direction:
            raise Refused("params error: triggerPrice is missing")
        return None, 0, "LastPrice"
    if not direction:
        raise Refused("params error: triggerDirection is missing: use 1 (rise) or 2 (fall)")
    ticks = price(pit.instrument, query["triggerPrice"], "triggerPrice")
    return ticks, direction, cast("TriggerBy", by)


def _check_trigger(desk: Desk, order: Order, ticks: int) -> None:
    """Refuse a trigger price that has been reached already."""
    units = desk.stand(order.instrument).units(order.trigger_by)
    trigger = ticks * order.instrument.tick
    if order.direction == 1 and trigger <= units:
        raise Refused("expect Rising, but trigger_price is not above the current price", 110092)
    if order.direction == 2 and trigger >= units:
        raise Refused("expect Falling, but trigger_price is not below the current price", 110093)


def _check_margin(desk: Desk, account: Account, order: Order, at: int, lots: int) -> None:
    if not desk.affords(account, order, at, lots):
        raise Refused("Available balance is insufficient for the margin of the order", 110007)


def _names(order: Order) -> Content:
    return {"orderId": order.order_id, "orderLinkId": order.link_id}
