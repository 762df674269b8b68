"""The private frames of this wire.

Manual, "Private Topics". Optional trigger sources are left out where nothing is set, as in the
manual's examples.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import groupby

from rxbybit.sim.legacy.spelling import iso_millis
from rxbybit.sim.legacy.values import Balance, Fill, Order, Position, Told
from rxbybit.sim.market.feeds import Content

__all__ = [
    "execution_item",
    "frames_of",
    "order_item",
    "position_item",
    "stop_order_item",
    "wallet_item",
]

_TIME_IN_FORCE = {
    "GTC": "GoodTillCancel",
    "IOC": "ImmediateOrCancel",
    "FOK": "FillOrKill",
}
_WAITING = ("Untriggered", "Triggered", "Deactivated")
"""A conditional order in one of these is not yet, or never will be, a working one."""


def frames_of(told: Sequence[Told]) -> Iterator[tuple[str, bytes]]:
    """Topic and frame of all that happened at once; neighbours of one topic share a frame."""
    items = [pair for one in told for pair in _items(one)]
    for topic, group in groupby(items, key=lambda pair: pair[0]):
        frame = {"topic": topic, "data": [item for _, item in group]}
        yield topic, json.dumps(frame, separators=(",", ":"), ensure_ascii=False).encode()


def order_item(order: Order) -> Content:
    """A working order in ``order``."""
    return {
        "order_id": order.order_id,
        "order_link_id": order.order_link_id,
        "symbol": order.symbol,
        "side": order.side,
        "order_type": order.order_type,
        "price": _plain(order.price),
        "qty": order.qty,
        "time_in_force": _in_force(order),
        "create_type": order.create_type,
        "cancel_type": order.cancel_type,
        "order_status": order.status,
        "leaves_qty": order.leaves_qty,
        "cum_exec_qty": order.filled_qty,
        "cum_exec_value": _plain(order.filled_value),
        "cum_exec_fee": _plain(order.fee),
        "timestamp": iso_millis(order.time_ms),
        "take_profit": _plain(order.take_profit),
        **_if_set("tp_trigger_by", order.take_profit_by),
        "stop_loss": _plain(order.stop_loss),
        **_if_set("sl_trigger_by", order.stop_loss_by),
        "trailing_stop": _plain(order.trailing_stop),
        "trailing_active": _plain(order.trailing_active),
        "last_exec_price": _plain(order.last_price),
        "reduce_only": order.reduce_only,
        "close_on_trigger": order.close_on_trigger,
    }


def stop_order_item(order: Order) -> Content:
    """A conditional order in ``stop_order``; one that has become a working order is ``Active``."""
    return {
        "order_id": order.order_id,
        "order_link_id": order.order_link_id,
        "user_id": order.user_id,
        "symbol": order.symbol,
        "side": order.side,
        "order_type": order.order_type,
        "price": _plain(order.price),
        "qty": order.qty,
        "time_in_force": _in_force(order),
        "create_type": order.create_type,
        "cancel_type": order.cancel_type,
        "order_status": order.status if order.status in _WAITING else "Active",
        "stop_order_type": order.stop_type,
        "trigger_by": order.trigger_by or "LastPrice",
        "trigger_price": _plain(order.trigger_price),
        "close_on_trigger": order.close_on_trigger,
        "timestamp": iso_millis(order.time_ms),
        "take_profit": _plain(order.take_profit),
        "stop_loss": _plain(order.stop_loss),
    }


def execution_item(fill: Fill) -> Content:
    """A trade in ``execution``."""
    return {
        "symbol": fill.symbol,
        "side": fill.side,
        "order_id": fill.order_id,
        "exec_id": fill.exec_id,
        "order_link_id": fill.order_link_id,
        "price": _plain(fill.price),
        "order_qty": fill.order_qty,
        "exec_type": fill.exec_type,
        "exec_qty": fill.qty,
        "exec_fee": _plain(fill.fee),
        "leaves_qty": fill.leaves_qty,
        "is_maker": fill.is_maker,
        "trade_time": iso_millis(fill.time_ms),
    }


def position_item(position: Position) -> Content:
    """A position in ``position``."""
    return {
        "user_id": position.user_id,
        "symbol": position.symbol,
        "size": position.size,
        "side": position.side or "None",
        "position_value": _plain(position.value),
        "entry_price": _plain(position.entry_price),
        "liq_price": _plain(position.liq_price),
        "bust_price": _plain(position.bust_price),
        "leverage": _plain(position.leverage),
        "order_margin": _plain(position.order_margin),
        "position_margin": _plain(position.position_margin),
        "available_balance": _plain(position.available_balance),
        "take_profit": _plain(position.take_profit),
        "stop_loss": _plain(position.stop_loss),
        "realised_pnl": _plain(position.realised_pnl),
        "trailing_stop": _plain(position.trailing_stop),
        "trailing_active": _plain(position.trailing_active),
        "wallet_balance": _plain(position.wallet_balance),
        "risk_id": position.risk_id,
        "occ_closing_fee": _plain(position.closing_fee),
        "occ_funding_fee": _plain(position.funding_fee),
        "auto_add_margin": int(position.auto_add_margin),
        "cum_realised_pnl": _plain(position.cum_realised_pnl),
        "position_status": position.status,
        "position_seq": position.seq,
        "Isolated": position.isolated,
        "mode": position.mode,
        "position_idx": position.index,
        "tp_sl_mode": "Full",
        "tp_order_num": 0,
        "sl_order_num": 0,
        "tp_free_size_x": position.size,
        "sl_free_size_x": position.size,
    }


def wallet_item(balance: Balance) -> Content:
    """A coin in ``wallet``."""
    return {
        "user_id": balance.user_id,
        "coin": balance.coin,
        "available_balance": _plain(balance.available_balance),
        "wallet_balance": _plain(balance.wallet_balance),
    }


def _items(told: Told) -> Iterator[tuple[str, Content]]:
    match told:
        case Fill():
            # Funding is never pushed on this wire.
            if told.exec_type != "Funding":
                yield "execution", execution_item(told)
        case Position():
            yield "position", position_item(told)
        case Balance():
            yield "wallet", wallet_item(told)
        case Order():
            # What is conditional is told of here until it works, and from then on as an order.
            if told.stop_type and (told.status in _WAITING or told.activated):
                yield "stop_order", stop_order_item(told)
            if told.status not in _WAITING:
                yield "order", order_item(told)


def _in_force(order: Order) -> str:
    return _TIME_IN_FORCE.get(order.time_in_force, order.time_in_force)


def _if_set(key: str, text: str) -> dict[str, str]:
    return {key: text} if text else {}


def _plain(value: Decimal) -> str:
    """Decimal text without an exponent and without zeros at the end."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").removesuffix(".")
    return "0" if text == "-0" else text
