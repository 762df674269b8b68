"""``trade``: what was traded in the last 100 milliseconds.

Manual, "trade".
"""

from __future__ import annotations

from rxbybit.sim.legacy.spelling import iso_millis, number
from rxbybit.sim.market.feeds import Cause, Closes, Content
from rxbybit.sim.market.instruments import Instrument
from rxbybit.sim.market.tape import Print, Tape

__all__ = ["TradeFeed"]


class TradeFeed(Closes):
    """The trades of one instrument, from now on."""

    causes = (Cause.TRADE,)
    every_ms = 100
    quiet_ms: int | None = None

    def __init__(self, instrument: Instrument, tape: Tape) -> None:
        self._instrument = instrument
        self._tape = tape
        self._pending: list[Print] = []
        tape.hearers = (*tape.hearers, self._pending)

    def close(self) -> None:
        self._tape.hearers = tuple(h for h in self._tape.hearers if h is not self._pending)

    def flush(self, ms: int) -> list[Content]:
        data = [self._item(printed) for printed in self._pending]
        self._pending.clear()
        return [{"topic": f"trade.{self._instrument.symbol}", "data": data}] if data else []

    def repeat(self, ms: int) -> list[Content]:
        return []

    def snapshot(self, ms: int) -> None:
        return None

    def _item(self, printed: Print) -> Content:
        one = self._instrument
        return {
            "trade_time_ms": printed.ms,
            "timestamp": iso_millis(printed.ms // 1000 * 1000),
            "symbol": one.symbol,
            "side": printed.side,
            "size": printed.lots * one.lot,
            "price": number(printed.price * one.tick, one.price_scale),
            "tick_direction": printed.tick,
            "trade_id": self._tape.ident(printed.number),
            "cross_seq": printed.seq,
        }
