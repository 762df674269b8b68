"""A market made by hand: the frames of inverse symbols, so that what must be printed is known."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import count

from tests.sim.market.journal import START_MS

Level = tuple[str, str]
Deal = tuple[str, str, str]
"""Side of the taker, size, price."""
_numbers = count(1)


def _frame(topic: str, kind: str, data: object, **more: object) -> str:
    return json.dumps({"topic": topic, "type": kind, "ts": START_MS, "data": data, **more})


def book(seq: int, bids: Iterable[Level], asks: Iterable[Level]) -> str:
    """All of the book of BTCUSD."""
    content = {"s": "BTCUSD", "b": [*bids], "a": [*asks], "u": seq, "seq": seq}
    return _frame("orderbook.50.BTCUSD", "snapshot", content, cts=START_MS)


def change_after_a_lost_one(seq: int) -> str:
    """The change after one that is missing: from here on the book is in doubt."""
    content = {"s": "BTCUSD", "b": [], "a": [], "u": seq + 2, "seq": seq + 2}
    return _frame("orderbook.50.BTCUSD", "delta", content, cts=START_MS)


def traded(seq: int, *deals: Deal, symbol: str = "BTCUSD") -> str:
    """Trades of one deed, in one frame."""
    items = [
        {"T": START_MS, "s": symbol, "S": side, "v": size, "p": price, "L": "PlusTick"}
        | {"i": f"deal-{next(_numbers)}", "BT": False, "RPI": False, "seq": seq}
        for side, size, price in deals
    ]
    return _frame(f"publicTrade.{symbol}", "snapshot", items)


def marked(seq: int, price: str) -> str:
    """A ticker of BTCUSD with this mark price."""
    content = {
        "symbol": "BTCUSD",
        "tickDirection": "PlusTick",
        "price24hPcnt": "0.01",
        "lastPrice": price,
        "prevPrice24h": price,
        "highPrice24h": price,
        "lowPrice24h": price,
        "prevPrice1h": price,
        "markPrice": price,
        "indexPrice": price,
        "openInterest": "1",
        "openInterestValue": "1",
        "turnover24h": "1",
        "volume24h": "1",
        "fundingRate": "0.0001",
        "fundingIntervalHour": "8",
        "fundingCap": "0.005",
        "nextFundingTime": str(START_MS),
        "bid1Price": price,
        "bid1Size": "1",
        "ask1Price": price,
        "ask1Size": "1",
    }
    return _frame("tickers.BTCUSD", "snapshot", content, cs=seq)


def liquidated(*deals: Deal) -> str:
    """Positions that were closed by force, in one frame."""
    items = [
        {"T": START_MS, "s": "BTCUSD", "S": side, "v": size, "p": price}
        for side, size, price in deals
    ]
    return _frame("allLiquidation.BTCUSD", "snapshot", items)
