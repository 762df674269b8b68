"""The ticker of an instrument: a snapshot, then what has changed; on spot snapshots only.

V5 manual, "Ticker". The day is the last 1440 one-minute candles, the running one included.
"""

from __future__ import annotations

from rxbybit.sim.market.candles import Day
from rxbybit.sim.market.feeds import Cause, Content
from rxbybit.sim.market.instruments import Instrument, spelled
from rxbybit.sim.market.marks import Marks
from rxbybit.sim.market.matching import Book
from rxbybit.sim.market.tape import Tape

__all__ = ["SpotTickerFeed", "TickerFeed", "day_texts"]

_PERPETUAL = (
    "tickDirection",
    "price24hPcnt",
    "lastPrice",
    "prevPrice24h",
    "highPrice24h",
    "lowPrice24h",
    "prevPrice1h",
    "markPrice",
    "indexPrice",
    "openInterest",
    "openInterestValue",
    "turnover24h",
    "volume24h",
    "fundingIntervalHour",
    "fundingCap",
    "singleOpenInterest",
    "singleOpenInterestValue",
    "nextFundingTime",
    "fundingRate",
    "bid1Price",
    "bid1Size",
    "ask1Price",
    "ask1Size",
)
_DATED = (
    "tickDirection",
    "price24hPcnt",
    "lastPrice",
    "prevPrice24h",
    "highPrice24h",
    "lowPrice24h",
    "prevPrice1h",
    "markPrice",
    "indexPrice",
    "openInterest",
    "openInterestValue",
    "turnover24h",
    "volume24h",
    "deliveryTime",
    "basisRate",
    "deliveryFeeRate",
    "predictedDeliveryPrice",
    "basis",
    "basisRateYear",
    "singleOpenInterest",
    "singleOpenInterestValue",
    "nextFundingTime",
    "fundingRate",
    "bid1Price",
    "bid1Size",
    "ask1Price",
    "ask1Size",
)
_SPOT = (
    "lastPrice",
    "highPrice24h",
    "lowPrice24h",
    "prevPrice24h",
    "volume24h",
    "turnover24h",
    "price24hPcnt",
    "usdIndexPrice",
)


def day_texts(instrument: Instrument, day: Day, last: int) -> dict[str, str]:
    """The 24-hour statistics, as tickers and REST spell them."""
    before = day.opening()
    change = round((last - before) * 1_000_000 / before)
    return {
        "price24hPcnt": spelled(change, 6, trim=True),
        "lastPrice": instrument.price(last),
        "prevPrice24h": instrument.price(before),
        "highPrice24h": instrument.price(day.high),
        "lowPrice24h": instrument.price(day.low),
        "prevPrice1h": instrument.price(day.opening(60)),
        "turnover24h": spelled(day.value, instrument.value_scale, trim=True),
        "volume24h": instrument.size(day.lots),
    }


class TickerFeed:
    """``tickers.{symbol}`` of contracts."""

    causes = (Cause.BOOK, Cause.TRADE, Cause.MARK, Cause.MINUTE)
    every_ms = 100
    quiet_ms: int | None = None

    def __init__(
        self, instrument: Instrument, book: Book, tape: Tape, day: Day, marks: Marks, ms: int
    ) -> None:
        self._instrument = instrument
        self._book = book
        self._tape = tape
        self._day = day
        self._marks = marks
        self._known: tuple[object, ...] = ()
        self._tops: tuple[object, ...] = ()
        self._marked = -1
        self._seq = book.seq
        facts = {
            "fundingIntervalHour": str(instrument.funding_minutes // 60),
            "fundingCap": "0.005",
            "deliveryTime": instrument.delivery,
            "deliveryFeeRate": "0.0005",
            "predictedDeliveryPrice": instrument.price(0),
        }
        keys = _PERPETUAL if instrument.perpetual else _DATED
        if instrument.category == "linear":
            keys = (*keys, "preOpenPrice", "preQty", "curPreListingPhase")
        self._state = {key: facts.get(key, "") for key in keys}
        # In deltas they come last, as captures show.
        single = ("singleOpenInterest", "singleOpenInterestValue")
        self._order = (*(key for key in keys if key not in single), *single)
        self._update(ms)

    def flush(self, ms: int) -> list[Content]:
        changed = self._update(ms)
        if not changed:
            return []
        said = {"symbol": self._instrument.symbol}
        said.update((key, self._state[key]) for key in self._order if key in changed)
        return [self._frame("delta", said, ms)]

    def repeat(self, ms: int) -> list[Content]:
        return []

    def snapshot(self, ms: int) -> Content:
        """The state as of the last flush."""
        return self._frame("snapshot", {"symbol": self._instrument.symbol, **self._state}, ms)

    def _frame(self, kind: str, data: dict[str, str], ms: int) -> Content:
        topic = f"tickers.{self._instrument.symbol}"
        return {"topic": topic, "type": kind, "data": data, "cs": self._seq, "ts": ms}

    def _update(self, ms: int) -> set[str]:
        """Bring the state up to date; gives the keys to be said."""
        fresh: dict[str, str] = {}
        known = (self._tape.count, self._day.running_ms)
        if known != self._known:
            self._known = known
            fresh["tickDirection"] = self._tape.tick
            fresh |= day_texts(self._instrument, self._day, self._tape.last)
        if self._marked != self._marks.version:
            self._marked = self._marks.version
            fresh |= self._marks.texts(ms)
        state = self._state
        changed = {key for key, value in fresh.items() if state[key] != value}
        bid, ask = self._book.bids.top(1), self._book.asks.top(1)
        if self._tops != (bid, ask):
            self._tops = (bid, ask)
            for side, top in (("bid1", bid), ("ask1", ask)):
                price, size = self._level(top)
                if (price, size) != (state[f"{side}Price"], state[f"{side}Size"]):
                    fresh[f"{side}Price"], fresh[f"{side}Size"] = price, size
                    changed |= {f"{side}Price", f"{side}Size"}
        state |= fresh
        self._seq = self._book.seq
        return changed

    def _level(self, top: list[tuple[int, int]]) -> tuple[str, str]:
        if not top:
            return "", ""
        ((price, lots),) = top
        return self._instrument.price(price), self._instrument.size(lots)


class SpotTickerFeed:
    """``tickers.{symbol}`` on spot."""

    causes = (Cause.TRADE, Cause.MARK, Cause.MINUTE)
    every_ms = 50
    quiet_ms: int | None = None

    def __init__(
        self, instrument: Instrument, book: Book, tape: Tape, day: Day, marks: Marks
    ) -> None:
        self._instrument = instrument
        self._book = book
        self._tape = tape
        self._day = day
        self._marks = marks
        self._known: tuple[object, ...] = ()
        self._seq = book.seq
        self._state: dict[str, str] = {}
        self._update()

    def flush(self, ms: int) -> list[Content]:
        return [self.snapshot(ms)] if self._update() else []

    def repeat(self, ms: int) -> list[Content]:
        return []

    def snapshot(self, ms: int) -> Content:
        """The state as of the last flush."""
        symbol = self._instrument.symbol
        data = {"symbol": symbol, **self._state}
        head: Content = {"topic": f"tickers.{symbol}", "ts": ms, "type": "snapshot"}
        return head | {"cs": self._seq, "data": data}

    def _update(self) -> bool:
        """Bring the state up to date; gives whether anything in it is new."""
        known = (self._tape.count, self._day.running_ms, self._marks.version)
        if known == self._known:
            return False
        self._known = known
        texts = day_texts(self._instrument, self._day, self._tape.last)
        texts["usdIndexPrice"] = self._marks.texts(0)["indexPrice"]
        state = {key: texts[key] for key in _SPOT}
        was, self._state = self._state, state
        self._seq = self._book.seq
        return was != state
