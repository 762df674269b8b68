"""What an operator works out of a market: a number, of a symbol, at a time."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from rxbybit.events import utc

__all__ = ["Value"]


class Value(Struct, frozen=True, kw_only=True):
    """A number that an operator worked out; the operator's docstring says what it means."""

    symbol: str
    time_ms: int
    """Exchange time of the event that it was worked out at, in milliseconds."""
    value: Decimal

    time = utc[datetime]("time_ms")
