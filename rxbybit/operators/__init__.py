"""Operators of a market: any Observable in, an Observable out, for `pipe`.

::

    from rxbybit import operators as rxo
    from rxbybit import trades

    trades("BTCUSD").pipe(rxo.vwap("1m")).subscribe(print)
"""

from __future__ import annotations

from rxbybit.operators.closed import closed
from rxbybit.operators.merge_ticker import merge_ticker
from rxbybit.operators.value import Value

__all__ = ["Value", "closed", "merge_ticker"]
