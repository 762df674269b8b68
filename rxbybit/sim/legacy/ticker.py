"""``instrument_info.100ms``: a snapshot, then what has changed, integers beside texts.

Manual, "instrument_info", and captures of 2022, which have both spellings of each price.
"""

from __future__ import annotations

from datetime import UTC, datetime

from rxbybit.sim.legacy.spelling import e4, iso
from rxbybit.sim.market.feeds import Cause, Content
from rxbybit.sim.market.instruments import Instrument, spelled
from rxbybit.sim.market.pit import Pit

__all__ = ["TickerFeed"]

_TOP = "bid1_price_e4 bid1_price ask1_price_e4 ask1_price"
_STATE = (
    "prev_price_24h_e4 prev_price_24h price_24h_pcnt_e6 high_price_24h_e4"
    " high_price_24h low_price_24h_e4 low_price_24h prev_price_1h_e4 prev_price_1h"
    " price_1h_pcnt_e6 mark_price_e4 mark_price index_price_e4 index_price open_interest"
    " open_value_e8 total_turnover_e8 turnover_24h_e8 total_volume volume_24h"
)
_PERPETUAL = tuple(
    f"last_price_e4 last_price {_TOP} last_tick_direction {_STATE} funding_rate_e6"
    " predicted_funding_rate_e6 cross_seq created_at updated_at next_funding_time"
    " countdown_hour funding_rate_interval settle_time_e9 delisting_status".split()
)
_DATED = tuple(
    f"last_price_e4 last_price last_tick_direction {_TOP} {_STATE} fair_basis_e8"
    " fair_basis_rate_e8 basis_in_year_e8 expect_price_e4 expect_price"
    " cross_seq created_at_e9 updated_at_e9".split()
)
_ALWAYS = {"cross_seq", "created_at", "updated_at"}
"""What a delta says again, changed or not."""
_LASTING = (
    "symbol_name",
    "symbol_year",
    "contract_type",
    "coin",
    "quote_symbol",
    "mode",
    "start_trading_time_e9",
    "time_to_settle",
    "settle_time_e9",
)
"""What the delta of a dated contract says again of what goes before the prices."""
State = dict[str, int | str]


class TickerFeed:
    """The ticker of one instrument."""

    causes = (Cause.BOOK, Cause.TRADE, Cause.MARK, Cause.MINUTE)
    every_ms = 100
    quiet_ms: int | None = None

    def __init__(self, pit: Pit, ms: int) -> None:
        self._pit = pit
        one = self._instrument = pit.instrument
        past = list(pit.candles.newest("M", 0, ms))
        self._lots = sum(candle.lots for candle in past) - pit.tape.lots
        self._value = sum(candle.value for candle in past) - pit.tape.value
        self._keys = _PERPETUAL if one.perpetual else _DATED
        self._state = _facts(one)
        self._seq = pit.book.seq
        self._version = -1
        self._changed_ms = ms
        self._update(ms)

    def flush(self, ms: int) -> list[Content]:
        changed = self._update(ms)
        if not changed:
            return []
        self._changed_ms = ms
        said, whole = self._head(ms), self._whole(ms)
        if not self._instrument.perpetual:
            said |= {key: value for key, value in self._dated(ms).items() if key in _LASTING}
        said |= {key: whole[key] for key in self._keys if key in changed or key in _ALWAYS}
        return [self._frame("delta", {"delete": [], "update": [said], "insert": []}, ms)]

    def repeat(self, ms: int) -> list[Content]:
        return []

    def snapshot(self, ms: int) -> Content:
        """The state as of the last flush."""
        head = self._head(ms)
        if not self._instrument.perpetual:
            head |= self._dated(ms)
        return self._frame("snapshot", head | self._whole(ms), ms)

    def _frame(self, kind: str, data: Content, ms: int) -> Content:
        topic = f"instrument_info.100ms.{self._instrument.symbol}"
        head: Content = {"topic": topic, "type": kind, "data": data}
        return head | {"cross_seq": self._seq, "timestamp_e6": ms * 1000}

    def _head(self, ms: int) -> Content:
        return {"id": self._pit.number + 1, "symbol": self._instrument.symbol}

    def _whole(self, ms: int) -> Content:
        """All that changes, in the order of the wire."""
        state: Content = {**self._state, "cross_seq": self._seq}
        if self._instrument.perpetual:
            state["updated_at"] = iso(self._changed_ms)
        else:
            state["updated_at_e9"] = self._changed_ms * 10**6
        return {key: state[key] for key in self._keys}

    def _dated(self, ms: int) -> Content:
        """What a dated contract says before its prices."""
        one, ends_ms = self._instrument, self._instrument.delivery_ms or 0
        ends = datetime.fromtimestamp(ends_ms // 1000, tz=UTC)
        return {
            "symbol_name": f"{one.base}{one.quote}{ends:%m%d}",
            "symbol_year": ends.year,
            "contract_type": one.contract,
            "coin": one.base,
            "quote_symbol": f"{one.base}{one.quote}",
            "mode": "BothSide",
            "is_up_borrowable": 0,
            "import_time_e9": 0,
            "start_trading_time_e9": one.launch_ms * 10**6,
            "time_to_settle": max(ends_ms - ms, 0) // 1000,
            "settle_time_e9": ends_ms * 10**6,
            "settle_fee_rate_e8": 50_000,
            "contract_status": self._pit.status if self._pit.closed else "Trading",
            "system_subsidy_e8": 0,
        }

    def _update(self, ms: int) -> set[str]:
        """Bring the state up to date; gives the keys to be said."""
        fresh, marks = self._traded(), self._pit.marks
        if self._version != marks.version:
            self._version = marks.version
            fresh |= self._marked(ms)
        state = self._state
        changed = {key for key, value in fresh.items() if state.get(key) != value}
        state |= fresh
        self._seq = self._pit.book.seq
        return changed

    def _traded(self) -> State:
        """What follows from orders and trades."""
        pit, one, day = self._pit, self._instrument, self._pit.candles.day
        last, before, hour_ago = pit.tape.last, day.opening(), day.opening(60)
        return {
            **self._pair("last_price", last),
            **self._pair("bid1_price", pit.book.best_bid),
            **self._pair("ask1_price", pit.book.best_ask),
            "last_tick_direction": pit.tape.tick,
            **self._pair("prev_price_24h", before),
            "price_24h_pcnt_e6": round((last - before) * 1_000_000 / before),
            **self._pair("high_price_24h", day.high),
            **self._pair("low_price_24h", day.low),
            **self._pair("prev_price_1h", hour_ago),
            "price_1h_pcnt_e6": round((last - hour_ago) * 1_000_000 / hour_ago),
            "total_turnover_e8": self._value + pit.tape.value,
            "turnover_24h_e8": day.value,
            "total_volume": (self._lots + pit.tape.lots) * one.lot,
            "volume_24h": day.lots * one.lot,
        }

    def _marked(self, ms: int) -> State:
        """What follows from the index."""
        one, marks, scale = self._instrument, self._pit.marks, self._instrument.price_scale
        state: State = {
            "mark_price_e4": e4(marks.mark, scale),
            "mark_price": spelled(marks.mark, scale),
            "index_price_e4": e4(marks.index, scale),
            "index_price": spelled(marks.index, scale),
            "open_interest": marks.interest * one.lot,
            "open_value_e8": one.worth(marks.mark, marks.interest),
        }
        if one.perpetual:
            rate = round(marks.rate / 100)
            state["funding_rate_e6"] = state["predicted_funding_rate_e6"] = rate
            state["next_funding_time"] = iso(marks.next_funding_ms)
            state["countdown_hour"] = max(marks.next_funding_ms - ms, 0) // 3_600_000
        else:
            basis, ratio, yearly = marks.basis(ms)
            state["fair_basis_e8"] = basis * 10**8 // 10**scale
            state["fair_basis_rate_e8"] = ratio
            state["basis_in_year_e8"] = yearly
        return state

    def _pair(self, name: str, ticks: int | None) -> State:
        """Both spellings of a price; nothing has no text."""
        one = self._instrument
        if ticks is None:
            return {f"{name}_e4": 0, name: ""}
        return {f"{name}_e4": e4(ticks * one.tick, one.price_scale), name: one.price(ticks)}


def _facts(one: Instrument) -> State:
    """What never changes."""
    if one.perpetual:
        return {
            "created_at": iso(one.launch_ms),
            "funding_rate_interval": one.funding_minutes // 60,
            "settle_time_e9": 0,
            "delisting_status": "0",
        }
    return {"expect_price_e4": 0, "expect_price": one.price(0), "created_at_e9": 0}
