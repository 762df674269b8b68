"""Operators of a market: any Observable in, an Observable out, for `pipe`.

::

    from rxbybit import operators as rxo
    from rxbybit import trades

    trades("BTCUSD").pipe(rxo.vwap("1m")).subscribe(print)
"""

from __future__ import annotations

from rxbybit.operators.bar import Bar
from rxbybit.operators.bars import bars
from rxbybit.operators.closed import closed
from rxbybit.operators.conflate import conflate
from rxbybit.operators.detect_gaps import Hole, detect_gaps
from rxbybit.operators.ema import ema
from rxbybit.operators.imbalance import imbalance
from rxbybit.operators.map_async import map_async
from rxbybit.operators.merge_ticker import merge_ticker
from rxbybit.operators.microprice import microprice
from rxbybit.operators.on_slow import on_slow
from rxbybit.operators.order_flow import order_flow
from rxbybit.operators.pairs import TradeWithBook, TradeWithTicker
from rxbybit.operators.pause_when import pause_when
from rxbybit.operators.per_symbol import per_symbol
from rxbybit.operators.retry_backoff import retry_backoff
from rxbybit.operators.spread import spread
from rxbybit.operators.to_book import to_book
from rxbybit.operators.value import Value
from rxbybit.operators.vwap import vwap
from rxbybit.operators.with_book import with_book
from rxbybit.operators.with_latest import with_latest

__all__ = [
    "Bar",
    "Hole",
    "TradeWithBook",
    "TradeWithTicker",
    "Value",
    "bars",
    "closed",
    "conflate",
    "detect_gaps",
    "ema",
    "imbalance",
    "map_async",
    "merge_ticker",
    "microprice",
    "on_slow",
    "order_flow",
    "pause_when",
    "per_symbol",
    "retry_backoff",
    "spread",
    "to_book",
    "vwap",
    "with_book",
    "with_latest",
]
