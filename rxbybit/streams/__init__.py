"""The streams, one file a family: event, schemas, spec and factory."""

from __future__ import annotations

from typing import Any

from rxbybit.schema.spec import StreamSpec, Wire
from rxbybit.streams.insurance import INSURANCE
from rxbybit.streams.kline import CLOSED_KLINES, KLINES
from rxbybit.streams.liquidation import LIQUIDATIONS
from rxbybit.streams.orderbook import ORDER_BOOK, ORDER_BOOK_25, ORDER_BOOK_UPDATES
from rxbybit.streams.ticker import TICKER_UPDATES, TICKERS
from rxbybit.streams.trade import TRADES

__all__ = ["SPECS", "find_spec"]

# Any: each has events of its own
SPECS: tuple[StreamSpec[Any], ...] = (
    TRADES,
    TICKERS,
    TICKER_UPDATES,
    KLINES,
    CLOSED_KLINES,
    ORDER_BOOK,
    ORDER_BOOK_25,
    ORDER_BOOK_UPDATES,
    LIQUIDATIONS,
    INSURANCE,
)


def find_spec(topic: str, wire_name: str = "v5") -> StreamSpec[Any] | None:
    """The stream that gives the frames of ``topic`` as they were sent.

    ``None`` for a topic that no stream offers.
    """
    for spec in SPECS:
        wire: Wire | None = {"v5": spec.v5, "legacy": spec.legacy}.get(wire_name)
        if wire is not None and spec.emit is None and wire.at(topic) is not None:
            return spec
    return None
