"""Operators of a market: any Observable in, an Observable out, for `pipe`.

::

    from rxbybit import operators as rxo
    from rxbybit import trades

    trades("BTCUSD").pipe(rxo.vwap("1m")).subscribe(print)
"""

from __future__ import annotations

from rxbybit.operators.closed import closed
from rxbybit.operators.merge_ticker import merge_ticker
from rxbybit.operators.pairs import TradeWithBook, TradeWithTicker
from rxbybit.operators.value import Value
from rxbybit.operators.with_book import with_book
from rxbybit.operators.with_latest import with_latest

__all__ = [
    "TradeWithBook",
    "TradeWithTicker",
    "Value",
    "closed",
    "merge_ticker",
    "with_book",
    "with_latest",
]
