"""What options say: trades by coin, and a ticker of its own kind.

V5 manual, "Trade" and "Ticker".
"""

from __future__ import annotations

from rxbybit.sim.market.candles import Day
from rxbybit.sim.market.feeds import Cause, Content
from rxbybit.sim.market.instruments import spelled
from rxbybit.sim.market.marks import Marks
from rxbybit.sim.market.matching import Book
from rxbybit.sim.market.options import OptionContract, OptionPrice, Worth
from rxbybit.sim.market.tape import Print, Tape

__all__ = ["OptionTape", "OptionTickerFeed", "option_texts"]


class OptionTape(Tape):
    """The trades of one option, in the topic of its coin."""

    def __init__(self, option: OptionContract, price: OptionPrice, seed: str, opening: int) -> None:
        super().__init__(option, seed, opening)
        self.option = option
        self.price = price

    def frame(self, ms: int) -> dict[str, object]:
        worth = self.price.worth()
        topic = f"publicTrade.{self.option.base}"
        return {
            "id": f"{topic}-{self.fresh[-1].seq}-{ms}",
            "topic": topic,
            "ts": ms,
            "data": [self._option_item(printed, worth) for printed in self.fresh],
            "type": "snapshot",
        }

    def _option_item(self, p: Print, worth: Worth) -> dict[str, object]:
        return {
            "p": self.option.price(p.price),
            "v": self.option.size(p.lots),
            "i": self.ident(p.number),
            "T": p.ms,
            "BT": False,
            "s": self.option.symbol,
            "S": p.side,
            "seq": p.seq,
            "mP": _text(worth.price, 2),
            "iP": _text(worth.underlying, 2),
            "mIv": _text(worth.volatility, 4),
            "iv": _text(worth.implied(p.price * self.option.tick), 4),
        }


def option_texts(book: Book, tape: OptionTape, day: Day, marks: Marks) -> dict[str, str]:
    """The whole ticker of an option but its symbol, in the names and the order of the topic."""
    option, worth = tape.option, tape.price.worth()
    texts: dict[str, str] = {}
    for side, top in (("bid", book.bids.top(1)), ("ask", book.asks.top(1))):
        price, lots = top[0] if top else (0, 0)
        texts[f"{side}Price"] = option.price(price)
        texts[f"{side}Size"] = option.size(lots) if lots else "0"
        implied = worth.implied(price * option.tick) if lots else 0.0
        texts[f"{side}Iv"] = _text(implied, 4)
    before = day.opening()
    texts |= {
        "lastPrice": option.price(tape.last),
        "highPrice24h": option.price(day.high),
        "lowPrice24h": option.price(day.low),
        "markPrice": _text(worth.price, 8),
        "indexPrice": _text(worth.underlying, 2),
        "markPriceIv": _text(worth.volatility, 4),
        "underlyingPrice": _text(worth.underlying, 2),
        "openInterest": option.size(marks.interest),
        "turnover24h": _notional(option, day.lots, worth),
        "volume24h": spelled(day.lots, option.size_scale, trim=True),
        "totalVolume": spelled(tape.lots, option.size_scale, trim=True),
        "totalTurnover": _notional(option, tape.lots, worth),
        "delta": _text(worth.delta, 8),
        "gamma": _text(worth.gamma, 8),
        "vega": _text(worth.vega, 8),
        "theta": _text(worth.theta, 8),
        "predictedDeliveryPrice": "0",
        "change24h": _text((tape.last - before) / before, 8),
    }
    return texts


class OptionTickerFeed:
    """``tickers.{symbol}`` of an option: always the whole."""

    causes = (Cause.BOOK, Cause.TRADE, Cause.MARK, Cause.MINUTE)
    every_ms = 100
    quiet_ms: int | None = None

    def __init__(self, book: Book, tape: OptionTape, day: Day, marks: Marks) -> None:
        self._symbol = tape.option.symbol
        self._book = book
        self._parts = book, tape, day, marks
        self._state = option_texts(*self._parts)
        self._seq = book.seq

    def flush(self, ms: int) -> list[Content]:
        state = option_texts(*self._parts)
        self._seq = self._book.seq
        if state == self._state:
            return []
        self._state = state
        return [self.snapshot(ms)]

    def repeat(self, ms: int) -> list[Content]:
        return []

    def snapshot(self, ms: int) -> Content:
        """The state as of the last flush."""
        topic = f"tickers.{self._symbol}"
        return {
            "id": f"{topic}-{self._seq}-{ms}",
            "topic": topic,
            "ts": ms,
            "data": {"symbol": self._symbol, **self._state},
            "type": "snapshot",
        }


def _notional(option: OptionContract, lots: int, worth: Worth) -> str:
    """What so much of the underlying costs now."""
    return _text(lots * option.lot * worth.underlying / 10**option.size_scale, 4)


def _text(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}".rstrip("0").removesuffix(".")
    return "0" if text == "-0" else text
