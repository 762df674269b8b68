"""The streams, one file a family: event, schemas, spec and factory."""

from __future__ import annotations

from typing import Any

from rxbybit.schema.spec import StreamSpec, Wire
from rxbybit.streams.insurance import INSURANCE
from rxbybit.streams.kline import CLOSED_KLINES, KLINES
from rxbybit.streams.liquidation import LIQUIDATIONS
from rxbybit.streams.order import ORDER_ITEMS, ORDERS, STOP_ORDERS
from rxbybit.streams.orderbook import ORDER_BOOK, ORDER_BOOK_25, ORDER_BOOK_UPDATES
from rxbybit.streams.position import POSITIONS
from rxbybit.streams.ticker import TICKER_UPDATES, TICKERS
from rxbybit.streams.trade import TRADES
from rxbybit.streams.user_trade import USER_TRADES
from rxbybit.streams.wallet import ACCOUNT, BALANCES

__all__ = ["AS_SENT", "SPECS", "find_specs"]

# Any: each has events of its own
AS_SENT: tuple[StreamSpec[Any], ...] = (
    TRADES,
    TICKER_UPDATES,
    KLINES,
    ORDER_BOOK_UPDATES,
    LIQUIDATIONS,
    INSURANCE,
    ACCOUNT,
    BALANCES,
    POSITIONS,
    ORDER_ITEMS,
    USER_TRADES,
)
"""The streams that give what was sent, whatever was sent before: ``emit``, where there is one,
takes ``None`` in place of a state."""
SPECS: tuple[StreamSpec[Any], ...] = (
    *AS_SENT,
    TICKERS,
    CLOSED_KLINES,
    ORDER_BOOK,
    ORDER_BOOK_25,
    ORDERS,
    STOP_ORDERS,
)


def find_specs(topic: str, wire_name: str = "v5") -> tuple[StreamSpec[Any], ...]:
    """The streams that give the frames of ``topic`` as they were sent, all of what is in them.

    Empty for a topic that no stream offers; of the wallet there are two.
    """

    def offers(spec: StreamSpec[Any]) -> bool:
        wire: Wire | None = {"v5": spec.v5, "legacy": spec.legacy}.get(wire_name)
        return wire is not None and wire.at(topic) is not None

    return tuple(filter(offers, AS_SENT))
