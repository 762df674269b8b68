"""What an account can read of itself, path by path, in pages.

V5 manual, "Get Open & Closed Orders", "Get Order History", "Get Position Info", "Get Trade
History" and "Get Wallet Balance". A page begins behind the last item of the one before, whatever
has come since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar
from urllib.parse import quote, unquote

from rxbybit.config import Category
from rxbybit.sim.accounts.account import Account
from rxbybit.sim.accounts.items import order_item, position_item
from rxbybit.sim.accounts.order import Order
from rxbybit.sim.accounts.position import Position
from rxbybit.sim.accounts.wallet import wallet_item
from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.instruments import Instrument
from rxbybit.sim.market.market import Market
from rxbybit.sim.rest.query import Query, category_of, choice, limit_of, milliseconds, pit_of
from rxbybit.sim.rest.refused import Refused

__all__ = ["READS", "read"]

T = TypeVar("T")
_WEEK_MS = 7 * 86_400_000
_FILTERS = ("Order", "StopOrder", "tpslOrder", "OcoOrder", "BidirectionalTpslOrder")


def read(market: Market, account: Account, path: str, query: Query) -> Content:
    """The result at one of :data:`READS`. Errors: :class:`Refused`."""
    return READS[path](market, account, query)


def realtime(market: Market, account: Account, query: Query) -> Content:
    """Open orders, or the last closed ones, the newest first."""
    category = category_of(query)
    if category == "linear":
        _need(query, "symbol", "baseCoin", "settleCoin")
    closed = query.get("openOnly", "0")
    if closed not in ("", "0", "1"):
        raise Refused(f"params error: openOnly={closed}: use 0 or 1")
    orders = account.open.values() if closed in ("", "0") else account.closed
    return _orders(category, query, orders)


def history(market: Market, account: Account, query: Query) -> Content:
    """Closed orders, the newest first."""
    category = category_of(query)
    status = query.get("orderStatus")
    start_ms, end_ms = _span(market, query)
    orders = [
        one
        for one in account.closed
        if start_ms <= one.created_ms <= end_ms and (not status or one.status == status)
    ]
    return _orders(category, query, orders)


def positions(market: Market, account: Account, query: Query) -> Content:
    """The position of one symbol, flat or not; without a symbol all that are open."""
    category = category_of(query)
    if category == "linear":
        _need(query, "symbol", "settleCoin")
    found: list[Position] = []
    if category in ("inverse", "linear"):
        if query.get("symbol"):
            one = pit_of(market, category, query).instrument
            held = account.positions.get((category, one.symbol))
            found = [held or Position(one, market.now_ms)]
        else:
            mine = sorted(account.positions.items())
            found = [held for (where, _), held in mine if where == category and held.lots]
            found = [held for held in found if _fits(held.instrument, query)]
    names = [(held.instrument.symbol, held) for held in found]
    after = _after(query)
    page, cursor = _page([pair for pair in names if pair[0] > after], limit_of(query, 200, 20))
    items = [_position_item(market, held) for held in page]
    return {"list": items, "nextPageCursor": cursor, "category": category}


def executions(market: Market, account: Account, query: Query) -> Content:
    """Fills and funding, the newest first."""
    category = category_of(query)
    start_ms, end_ms = _span(market, query)
    kind = query.get("execType")
    wanted = {name: query[name] for name in ("orderId", "orderLinkId") if query.get(name)}
    first = account.executed - len(account.executions) + 1
    before = _before(query)
    found = [
        (str(rank), item)
        for rank, item in enumerate(account.executions, first)
        if rank < before
        and item["category"] == category
        and start_ms <= int(item["execTime"]) <= end_ms
        and (not kind or item["execType"] == kind)
        and all(item[name] == value for name, value in wanted.items())
        and _fits(account.positions[category, item["symbol"]].instrument, query)
    ]
    page, cursor = _page(found[::-1], limit_of(query, 100, 50))
    return {"nextPageCursor": cursor, "category": category, "list": [_execution(i) for i in page]}


def wallet(market: Market, account: Account, query: Query) -> Content:
    """The account and its balances: those of some coins, or all that are not 0."""
    choice(query, "accountType", ("UNIFIED",))
    coins = query.get("coin")
    named = None if not coins else {coin.strip() for coin in coins.split(",")}
    return {"list": [wallet_item(account, market, named)]}


READS: dict[str, Callable[[Market, Account, Query], Content]] = {
    "/v5/order/realtime": realtime,
    "/v5/order/history": history,
    "/v5/position/list": positions,
    "/v5/execution/list": executions,
    "/v5/account/wallet-balance": wallet,
}


def _orders(category: Category, query: Query, orders: Iterable[Order]) -> Content:
    kind = choice(query, "orderFilter", _FILTERS) if query.get("orderFilter") else ""
    order_id, link_id = query.get("orderId"), query.get("orderLinkId")
    before = _before(query)
    found = [
        one
        for one in orders
        if one.rank < before
        and one.instrument.category == category
        and _fits(one.instrument, query)
        and kind in ("", "StopOrder" if one.is_stop else "Order")
        and (not order_id or one.order_id == order_id)
        and (not link_id or one.link_id == link_id)
    ]
    found.sort(key=lambda one: one.rank, reverse=True)
    page, cursor = _page([(str(one.rank), one) for one in found], limit_of(query, 50, 20))
    items = [_order_item(one) for one in page]
    return {"list": items, "nextPageCursor": cursor, "category": category}


def _page(found: list[tuple[str, T]], limit: int) -> tuple[list[T], str]:
    """The first of them, and the text that asks for the rest: empty where there is none."""
    page = found[:limit]
    # Percent-encoded already in the answer: clients put it into their query as it is.
    cursor = quote(f"{page[0][0]}:{page[-1][0]}", safe="") if len(found) > limit else ""
    return [one for _, one in page], cursor


def _after(query: Query) -> str:
    """The name of the last item of the page before; empty without one."""
    cursor = query.get("cursor", "")
    last = unquote(cursor).rpartition(":")[2]
    if cursor and not last:
        raise Refused(f"params error: cursor={cursor}: use nextPageCursor unchanged")
    return last


def _before(query: Query) -> float:
    """The rank of the last item of the page before."""
    last = _after(query)
    if last and not (last.isascii() and last.isdigit()):
        raise Refused(f"params error: cursor={query['cursor']}: use nextPageCursor unchanged")
    return int(last) if last else float("inf")


def _span(market: Market, query: Query) -> tuple[int, int]:
    """From when to when: seven days at most, and where nothing is said the last seven."""
    start_ms, end_ms = milliseconds(query, "startTime"), milliseconds(query, "endTime")
    if start_ms is None:
        end_ms = market.now_ms if end_ms is None else end_ms
        return end_ms - _WEEK_MS, end_ms
    if end_ms is None:
        return start_ms, start_ms + _WEEK_MS
    if not 0 <= end_ms - start_ms <= _WEEK_MS:
        raise Refused("params error: startTime and endTime: use 7 days at most")
    return start_ms, end_ms


def _need(query: Query, *names: str) -> None:
    if not any(query.get(name) for name in names):
        raise Refused(f"params error: one of {', '.join(names)} is missing")


def _fits(one: Instrument, query: Query) -> bool:
    return (
        query.get("symbol", "") in ("", one.symbol)
        and query.get("baseCoin", "") in ("", one.base)
        and query.get("settleCoin", "") in ("", one.settle)
    )


def _order_item(order: Order) -> Content:
    item = order_item(order)
    del item["category"]
    return item


def _execution(execution: Content) -> Content:
    item = {key: value for key, value in execution.items() if key != "category"}
    return item | {"execFeeV2": ""}


def _position_item(market: Market, position: Position) -> Content:
    one = position.instrument
    pit = market.pits.get((one.category, one.symbol))
    item = position_item(position, 0 if pit is None else pit.marks.mark)
    del item["category"]
    return {("avgPrice" if key == "entryPrice" else key): item[key] for key in item}
