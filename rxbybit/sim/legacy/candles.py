"""``klineV2``: the candles of V5 in seconds, numbers and microseconds.

Manual, "klineV2". Not documented, chosen here: who subscribes gets the running candle at once.
"""

from __future__ import annotations

from rxbybit.sim.legacy.spelling import number
from rxbybit.sim.market.candle import Candle, end_of
from rxbybit.sim.market.candles import Candles, KlineFeed
from rxbybit.sim.market.feeds import Content
from rxbybit.sim.market.instruments import Instrument
from rxbybit.sim.market.matching import Book

__all__ = ["CandleFeed"]


class CandleFeed(KlineFeed):
    """``klineV2.{interval}.{symbol}``: each second while it changes, and when it closes."""

    def __init__(self, instrument: Instrument, candles: Candles, interval: str, book: Book) -> None:
        super().__init__(instrument, candles, interval)
        self._book = book
        self._topic = f"klineV2.{interval}.{instrument.symbol}"

    def _frame(self, ms: int, items: list[Content]) -> Content:
        return {"topic": self._topic, "data": items, "timestamp_e6": ms * 1000}

    def _item(self, candle: Candle, ms: int, *, confirm: bool) -> Content:
        one = self._instrument
        opening, close, high, low = (
            number(ticks * one.tick, one.price_scale)
            for ticks in (candle.open, candle.close, candle.high, candle.low)
        )
        return {
            "start": candle.start_ms // 1000,
            "end": (end_of(self.interval, candle.start_ms) + 1) // 1000,
            "open": opening,
            "close": close,
            "high": high,
            "low": low,
            "volume": candle.lots * one.lot,
            "turnover": number(candle.value, one.value_scale),
            "confirm": confirm,
            "cross_seq": self._book.seq,
            "timestamp": (ms if candle.last_ms is None else candle.last_ms) * 1000,
        }
