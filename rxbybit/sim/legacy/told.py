"""What has happened in an account, as far as this wire tells it: of inverse contracts and coins."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from rxbybit.sim.accounts import account as accounts
from rxbybit.sim.accounts import order as orders
from rxbybit.sim.accounts import position as positions
from rxbybit.sim.accounts.items import create_type
from rxbybit.sim.accounts.money import LEVERAGE, rounded
from rxbybit.sim.accounts.news import News
from rxbybit.sim.legacy.values import Balance, Fill, Order, Position, Told
from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.market import Market

__all__ = ["told_of"]

_NO_RISK = Decimal(999_999)
"""Where a short is liquidated that nothing endangers (manual, "Position")."""


def told_of(account: accounts.Account, news: News, market: Market) -> list[Told]:
    """Orders, fills, positions and balances, in this order."""
    return [*_of_inverse(account, news, market), *_balances(account, news.coins, market)]


def _of_inverse(account: accounts.Account, news: News, market: Market) -> Iterator[Told]:
    for order in news.orders:
        if order.instrument.inverse:
            yield _order(account, order, activated=order in news.triggered)
    for execution in news.executions:
        if execution["category"] == "inverse":
            yield _fill(execution)
    coins = account.coins(market)
    for position in news.positions:
        one = position.instrument
        if one.inverse:
            coin = coins.get(one.settle, accounts.Coin())
            yield _position(account, position, coin, market.now_ms)


def _balances(account: accounts.Account, names: set[str], market: Market) -> Iterator[Balance]:
    for name, coin in account.coins(market).items():
        if name in names:
            yield Balance(
                user_id=account.number,
                coin=name,
                wallet_balance=_money(coin.wallet),
                available_balance=_available(coin),
            )


def _order(account: accounts.Account, order: orders.Order, *, activated: bool) -> Order:
    one = order.instrument
    return Order(
        user_id=account.number,
        symbol=one.symbol,
        order_id=order.order_id,
        order_link_id=order.link_id,
        side=order.side,
        order_type=order.kind,
        price=Decimal(one.price(order.price)),
        qty=int(one.size(order.lots)),
        leaves_qty=int(one.size(order.left)),
        filled_qty=int(one.size(order.filled)),
        filled_value=_money(order.value),
        fee=_money(order.fee),
        last_price=Decimal(one.price(order.last_fill)),
        time_in_force=order.tif,
        status=order.status,
        create_type=create_type(order),
        cancel_type=order.cancel_type,
        time_ms=order.updated_ms,
        reduce_only=order.reduce_only,
        close_on_trigger=order.close_on_trigger,
        stop_type="Stop" if order.is_stop else "",
        trigger_price=Decimal(one.price(order.trigger or 0)),
        trigger_by=order.trigger_by if order.is_stop else "",
        activated=activated,
    )


def _fill(execution: Content) -> Fill:
    """One that V5 has too; both have the fee in coin."""
    return Fill(
        symbol=execution["symbol"],
        side=execution["side"],
        order_id=execution["orderId"],
        order_link_id=execution["orderLinkId"],
        exec_id=execution["execId"],
        price=Decimal(execution["execPrice"]),
        order_qty=int(execution["orderQty"]),
        qty=int(execution["execQty"]),
        leaves_qty=int(execution["leavesQty"]),
        fee=Decimal(execution["execFee"]),
        exec_type=execution["execType"],
        is_maker=execution["isMaker"],
        time_ms=int(execution["execTime"]),
    )


def _position(
    account: accounts.Account, position: positions.Position, coin: accounts.Coin, ms: int
) -> Position:
    one = position.instrument
    # No account is liquidated: what a long fears would lie at 0.
    risk = Decimal(0) if position.lots > 0 else _NO_RISK
    ordered = sum(
        rounded(order.left_value, LEVERAGE)
        for order in account.resting(one)
        if not order.reduce_only
    )
    return Position(
        user_id=account.number,
        symbol=one.symbol,
        side=position.side,
        size=int(one.size(abs(position.lots))),
        value=_money(position.cost),
        entry_price=Decimal(position.average),
        liq_price=risk,
        bust_price=risk,
        leverage=Decimal(LEVERAGE),
        order_margin=_money(ordered),
        position_margin=_money(rounded(position.cost, LEVERAGE)),
        available_balance=_available(coin),
        wallet_balance=_money(coin.wallet),
        realised_pnl=_money(position.realised_today(ms)),
        cum_realised_pnl=_money(position.realised),
    )


def _available(coin: accounts.Coin) -> Decimal:
    """What no margin and no loss needs: all margin is cross."""
    used = coin.position_margin + coin.order_margin - min(coin.unrealised, 0)
    return _money(max(coin.wallet - used, 0))


def _money(units: int) -> Decimal:
    return Decimal(units).scaleb(-8)
