"""The panel of an account: its position in a market, its open orders and its last fills."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.text import Text

from rxbybit.events import Side
from rxbybit.order import Order, StopOrder
from rxbybit.streams.position import Position
from rxbybit.streams.user_trade import UserTrade
from rxbybit.view.holding import Holding
from rxbybit.view.rows import amount, below, beside, digits, money, packed, title
from rxbybit.view.words import clock, printable

__all__ = ["own", "rows_for"]

GREEN, RED = "green", "red"
BESIDE = 52
"""From this width on fills stand beside the orders, in cells."""


def rows_for(height: int) -> int:
    """How many of ``height`` rows an account gets; none where a market needs them all."""
    return 0 if height < 12 else min(9, height // 3)


def own(holding: Holding, width: int, height: int) -> list[Text]:
    """The position in a row, and below it orders and fills."""
    head = _head(holding, width)
    if height < 2:
        return below([head], width, height)
    rest = height - 1
    if width < BESIDE:
        return [*below([head], width, 1), *_orders(holding, width, rest)]
    left = (width - 3) // 2
    both = beside(_orders(holding, left, rest), _fills(holding, width - left - 3, rest))
    return [*below([head], width, 1), *both]


def _head(holding: Holding, width: int) -> Text:
    label = Text("Position", style="bold")
    held = holding.held
    if not held:
        return Text.assemble(label, ("  none", "dim"))
    rows = packed([label, *(part for one in held for part in _position(one))], width, 1)
    return rows[0] if rows else label


def _position(one: Position) -> list[Text]:
    buy = one.side == Side.BUY
    size, places = amount(one.size, digits((one.size,))), digits((one.mark_price,))
    words = f"{'long' if buy else 'short'} {size} at {money(one.entry_price, places)}"
    parts = [Text(words, style=GREEN if buy else RED)]
    for name, value in (("unrealised", one.unrealised_pnl), ("realised", one.realised_pnl)):
        if value is not None:
            parts.append(Text.assemble((f"{name} ", "dim"), (f"{value:+,f}", _mood(value))))
    return parts


def _mood(value: Decimal) -> str:
    return GREEN if value > 0 else RED if value < 0 else ""


def _orders(holding: Holding, width: int, height: int) -> list[Text]:
    shown = list(holding.orders.values())[-max(1, height - 1) :][::-1]
    prices = [_price(order) for order in shown]
    left = [order.leaves_quantity or order.quantity for order in shown]
    places, size_places = digits(prices), digits(left)
    texts = [money(price, places) for price in prices]
    sizes = [amount(size, size_places) for size in left]
    price_width, size_width = _widest(texts), _widest(sizes)
    rows = [title("Orders", f"{len(holding.orders)} open", width)]
    for order, price, size in zip(shown, texts, sizes, strict=True):
        rows.append(
            Text.assemble(
                _arrow(order.side, f"{price:>{price_width}}"),
                f" {size:>{size_width}} ",
                (_kind(order), "dim"),
            )
        )
    return below(rows, width, height)


def _price(order: Order | StopOrder) -> Decimal | None:
    return order.trigger_price if isinstance(order, StopOrder) else order.price or None


def _kind(order: Order | StopOrder) -> str:
    if isinstance(order, StopOrder):
        return printable(f"{order.stop_order_type}".lower())
    return "partly filled" if order.filled_quantity else ""


def _fills(holding: Holding, width: int, height: int) -> list[Text]:
    shown: Sequence[UserTrade] = list(holding.fills)[: max(0, height - 1)]
    places, size_places = digits(f.price for f in shown), digits(f.quantity for f in shown)
    prices = [money(fill.price, places) for fill in shown]
    sizes = [amount(fill.quantity, size_places) for fill in shown]
    price_width, size_width = _widest(prices), _widest(sizes)
    rows = [title("Fills", "" if shown else "none yet", width)]
    for fill, price, size in zip(shown, prices, sizes, strict=True):
        profit = fill.realised_pnl
        rows.append(
            Text.assemble(
                (clock(fill.time)[:8], "dim"),
                " ",
                _arrow(fill.side, f"{price:>{price_width}}"),
                f" {size:>{size_width}}",
                (f" {profit:+,f}" if profit else "", _mood(profit or Decimal(0))),
            )
        )
    return below(rows, width, height)


def _arrow(side: Side | None, text: str) -> tuple[str, str]:
    buy = side == Side.BUY
    if side is None:
        return f"  {text}", ""
    return f"{'▲' if buy else '▼'} {text}", GREEN if buy else RED


def _widest(texts: Sequence[str]) -> int:
    return max(map(len, texts), default=0)
