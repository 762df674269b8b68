"""Reading the body of a request that enters or changes an order.

As with the parameters of reads, the texts of refusals are ours. The codes above 110000 are those of
the manual's page "Error Codes".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from rxbybit.sim.accounts.account import Account
from rxbybit.sim.accounts.order import Order
from rxbybit.sim.market.instruments import Instrument, spelled
from rxbybit.sim.market.market import Market
from rxbybit.sim.market.pit import Pit
from rxbybit.sim.rest.query import Query, category_of, pit_of
from rxbybit.sim.rest.refused import Refused

__all__ = [
    "Body",
    "contract",
    "decimal",
    "flag",
    "order_of",
    "price",
    "quantity",
    "refuse_unmodelled",
    "whole",
    "within",
    "words",
]

Body = Mapping[str, object]
NO_ORDER = 110001
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")
_UNMODELLED = (
    "takeProfit",
    "stopLoss",
    "tpLimitPrice",
    "slLimitPrice",
    "slippageTolerance",
    "orderIv",
)


def words(body: Body, *names: str) -> Query:
    """Those of the body's fields that are text; one that is there and is no text is refused."""
    found: dict[str, str] = {}
    for name in names:
        value = body.get(name)
        if isinstance(value, str):
            found[name] = value
        elif value is not None:
            raise Refused(f'params error: {name} is text, such as "{value}"')
    return found


def flag(body: Body, name: str) -> bool:
    """A truth value, false where it is not there."""
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise Refused(f"params error: {name} is true or false")
    return value


def whole(body: Body, name: str, legal: tuple[int, ...]) -> int:
    """One of a few whole numbers, 0 where it is not there."""
    value = body.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or value not in (0, *legal):
        raise Refused(f"params error: {name}={value}: use one of {', '.join(map(str, legal))}")
    return value


def refuse_unmodelled(body: Body) -> None:
    """Refuse what the real exchange can do and this one cannot, rather than leave it undone."""
    for name in _UNMODELLED:
        if body.get(name) not in (None, "", "0"):
            raise Refused(f"params error: {name} is not modelled by the embedded exchange")


def contract(market: Market, body: Body) -> Pit:
    """Where the contract that the body names is traded."""
    query = words(body, "category", "symbol")
    category = category_of(query)
    if category in ("spot", "option"):
        raise Refused(
            f"params error: category={category}: the embedded exchange takes orders for inverse"
            " and linear only"
        )
    return pit_of(market, category, query)


def decimal(text: str, name: str) -> Decimal:
    """A number above 0."""
    number = Decimal(text) if _NUMBER.fullmatch(text) else Decimal(0)
    if not number:
        raise Refused(f"params error: {name}={text}: use a decimal above 0")
    return number


def price(one: Instrument, text: str, name: str = "price") -> int:
    """A price, in ticks."""
    return _steps(text, name, one.tick, one.price_scale)


def quantity(pit: Pit, text: str, kind: str, at: int, *, closing: bool = False) -> int:
    """A quantity in lots, as many as the instrument allows; ``at`` is a price in ticks.

    What closes a position may be as small as one lot.
    """
    one = pit.instrument
    lots = _steps(text, "qty", one.lot, one.size_scale)
    most = one.temper.lots * (5_000 if kind == "Market" else 10_000)
    if lots > most:
        raise Refused(f"params error: qty={text}: use {one.size(most)} at most")
    least = 1 if one.inverse else 5
    worth = lots * one.lot if one.inverse else one.value(at, lots)
    if not closing and worth < least * 10 ** (one.size_scale if one.inverse else one.value_scale):
        coin = "USD" if one.inverse else one.quote
        raise Refused(f"Order notional value below the lower limit of {least} {coin}", 110094)
    return lots


def within(pit: Pit, side: str, ticks: int) -> None:
    """Refuse a limit that is too far on the wrong side of the mark price."""
    one, (lowest, highest) = pit.instrument, pit.marks.limits()
    if side == "Buy" and ticks > highest:
        raise Refused(f"Order price exceeds the allowable range: {one.price(highest)}", 110003)
    if side == "Sell" and ticks < lowest:
        raise Refused(f"Order price exceeds the allowable range: {one.price(lowest)}", 110003)


def order_of(account: Account, pit: Pit, query: Query) -> Order:
    """The open order that a request names."""
    order_id, link_id = query.get("orderId", ""), query.get("orderLinkId", "")
    if not order_id and not link_id:
        raise Refused("params error: orderId or orderLinkId is missing")
    order = account.find(order_id, link_id)
    if order is None or order.instrument is not pit.instrument:
        raise Refused("Order does not exist, or is closed already", NO_ORDER)
    return order


def _steps(text: str, name: str, step: int, scale: int) -> int:
    steps = decimal(text, name) * 10**scale / step
    if steps > 10**15 or steps != int(steps):
        raise Refused(f"params error: {name}={text}: use a multiple of {spelled(step, scale)}")
    return int(steps)
