"""What happens to accounts without their doing: funding, too large reduce-only orders, the end."""

from __future__ import annotations

from typing import Protocol

from rxbybit.sim.accounts.account import Account
from rxbybit.sim.accounts.items import Booked, execution_item
from rxbybit.sim.accounts.money import rounded
from rxbybit.sim.accounts.news import Newsroom
from rxbybit.sim.accounts.order import Order
from rxbybit.sim.accounts.position import Position
from rxbybit.sim.accounts.stand import Stand
from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.instruments import spelled
from rxbybit.sim.market.market import Market
from rxbybit.sim.market.matching import Side

__all__ = ["end_of_trading", "pay_funding", "trim"]


class _Desk(Protocol):
    market: Market
    news: Newsroom
    accounts: dict[str, Account]

    def ident(self) -> str: ...
    def cancel(self, account: Account, order: Order, kind: str = ...) -> None: ...
    def note(self, account: Account, order: Order) -> None: ...


def pay_funding(desk: _Desk, stand: Stand) -> None:
    """For each rate that has come due, who is long pays it to who is short; below 0 the reverse.

    It is taken of the value at the mark price.
    """
    pit = stand.pit
    while stand.paid < len(pit.marks.paid):
        ms, rate = pit.marks.paid[stand.paid]
        stand.paid += 1
        for account, position in _holders(desk, stand):
            value = position.value(pit.marks.mark)
            fee = rounded(value * rate, 10**8) * (1 if position.lots > 0 else -1)
            position.renew(ms)
            account.pay(position, pnl=0, fee=fee)
            side: Side = "Buy" if position.lots > 0 else "Sell"
            lots = abs(position.lots)
            fill = Booked(ident=desk.ident(), price=0, lots=lots, value=value, fee=fee, ms=ms)
            item = _item(desk, stand, side, fill)
            item |= {"execType": "Funding", "feeRate": spelled(rate, 8, trim=True)}
            _tell(desk, account, position, item)


def trim(desk: _Desk, stand: Stand) -> None:
    """Make reduce-only orders as small as what is left of their positions, the youngest first."""
    room: dict[Account, int] = {}
    for account, order in tuple(stand.resting.values()):
        if not order.reduce_only or order.number is None:
            continue
        held = account.held(order.instrument)
        against = max(held if order.side == "Sell" else -held, 0)
        left = room.setdefault(account, against) if against else 0
        fewer = order.left - min(order.left, left)
        if not left:
            desk.cancel(account, order, "CancelByReduceOnly")
            continue
        if fewer:
            stand.pit.book.reduce(order.number, fewer)
            order.lots -= fewer
            desk.note(account, order)
        room[account] = left - order.left


def end_of_trading(desk: _Desk, stand: Stand) -> None:
    """The instrument is delisted: orders end, and positions are closed at the mark price."""
    pit, ms = stand.pit, desk.market.now_ms
    for account, order in (*stand.resting.values(), *stand.stops.values()):
        status = "Deactivated" if order.waits else "Cancelled"
        order.close(status, ms, cancel="CancelBySettle")
        desk.note(account, order)
    for account, position in _holders(desk, stand):
        side: Side = "Sell" if position.lots > 0 else "Buy"
        lots, value = abs(position.lots), position.value(pit.marks.mark)
        closed = position.fill(side, lots, value, ms)
        account.pay(position, pnl=closed.pnl, fee=0)
        fill = Booked(ident=desk.ident(), price=0, lots=lots, value=value, closed=closed, ms=ms)
        item = _item(desk, stand, side, fill)
        _tell(desk, account, position, item | {"execType": "Settle", "feeRate": "0"})


def _holders(desk: _Desk, stand: Stand) -> list[tuple[Account, Position]]:
    one = stand.pit.instrument
    found = [(a, a.positions.get((one.category, one.symbol))) for a in desk.accounts.values()]
    return [(account, held) for account, held in found if held is not None and held.lots]


def _item(desk: _Desk, stand: Stand, side: Side, fill: Booked) -> Content:
    """An execution of no order of the account's, at the mark price."""
    one = stand.pit.instrument
    order = Order(
        instrument=one,
        order_id=desk.ident(),
        link_id="",
        side=side,
        kind="Market",
        tif="IOC",
        price=0,
        lots=fill.lots,
        created_ms=fill.ms,
        updated_ms=fill.ms,
        status="Filled",
    )
    return execution_item(order, stand.pit, fill) | {
        "execPrice": spelled(stand.pit.marks.mark, one.price_scale),
        "orderType": "UNKNOWN",
        "createType": "CreateBySettle" if fill.closed.lots else "",
    }


def _tell(desk: _Desk, account: Account, position: Position, item: Content) -> None:
    account.execute(item)
    news = desk.news.of(account)
    news.executions.append(item)
    news.positions[position] = None
    news.coins.add(position.instrument.settle)
