"""An event as a line of text for people: aligned, times in UTC."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from rxbybit.book import BookDelta, BookSnapshot, Level, OrderBook
from rxbybit.events import Event, Side, Status
from rxbybit.instrument import Instrument
from rxbybit.streams.insurance import Insurance
from rxbybit.streams.kline import Kline
from rxbybit.streams.liquidation import Liquidation
from rxbybit.streams.trade import Trade
from rxbybit.ticker import Ticker, TickerUpdate
from rxbybit.view.words import clock, number, printable, status_words

__all__ = ["Line", "line_of", "note_line", "quote_line", "status_line"]


class Line(NamedTuple):
    """A line and the colour a terminal shows it in."""

    text: str
    style: str = ""


def line_of(event: Event | OrderBook) -> Line:
    """The line of any event; of one that this module does not know, its repr."""
    match event:
        case Trade():
            text = f"{event.side:<4} {_of(event.price, event.size)}"
            return _line(event.time, "trade", event.symbol, text, _colour(event.side))
        case Ticker():
            return _line(event.meta.sent, "ticker", event.symbol, _ticker(event), "cyan")
        case TickerUpdate():
            return _line(event.meta.sent, "update", event.symbol, _changes(event), "cyan")
        case Kline():
            return _line(event.meta.sent, "candle", event.symbol, _candle(event), "yellow")
        case BookSnapshot() | BookDelta():
            return _line(event.meta.sent, "book", event.symbol, _update(event), "blue")
        case OrderBook():
            return _line(event.time, "book", event.symbol, _book(event), "blue")
        case Liquidation():
            text = f"{event.position or event.side:<5} {_of(event.price, event.size)}"
            return _line(event.time, "liquidation", event.symbol, text, _colour(event.side))
        case Insurance():
            text = f"{number(event.balance):>20}  {', '.join(event.symbols)}"
            return _line(event.time, "pool", event.coin, text, "yellow")
        case Instrument():
            return _line(event.meta.sent, "listed", event.symbol, _instrument(event), "cyan")
        case _:
            return Line(printable(repr(event)))


def quote_line(ticker: Ticker) -> Line:
    """The best bid and ask of a ticker."""
    bid, ask = _of(ticker.bid_price, ticker.bid_size), _of(ticker.ask_price, ticker.ask_size)
    return _line(ticker.meta.sent, "quote", ticker.symbol, f"bid {bid}   ask {ask}", "cyan")


def status_line(status: Status) -> Line:
    """What happened to a connection."""
    return _line(status.time, "status", "", status_words(status), "magenta")


def note_line(at: datetime, text: str) -> Line:
    """Something that is said beside the events."""
    return _line(at, "note", "", text, "bold")


def _line(at: datetime | None, kind: str, name: str, text: str, style: str) -> Line:
    named = f"{printable(name):<10} " if name else ""
    return Line(f"{clock(at)}  {kind:<6}  {named}{printable(text)}".rstrip(), style)


def _of(price: Decimal | None, size: Decimal | None) -> str:
    return f"{number(price):>11} x {number(size):<10}"


def _colour(side: Side) -> str:
    return {Side.BUY: "green", Side.SELL: "red"}.get(side, "")


def _ticker(ticker: Ticker) -> str:
    shown = [
        f"last {number(ticker.last_price):>11}",
        f"24h {_percent(ticker.change_24h, 2):>9}",
        f"bid {number(ticker.bid_price):>11}",
        f"ask {number(ticker.ask_price):>11}",
    ]
    if ticker.mark_price is not None:
        shown.append(f"mark {number(ticker.mark_price):>11}")
    if ticker.index_price is not None:
        shown.append(f"index {number(ticker.index_price):>11}")
    if ticker.funding_rate is not None:
        shown.append(f"funding {_percent(ticker.funding_rate, 4):>10}")
    if ticker.open_interest is not None:
        shown.append(f"interest {number(ticker.open_interest)}")
    return "  ".join(shown)


def _percent(ratio: Decimal | None, digits: int) -> str:
    return "-" if ratio is None else f"{ratio * 100:+.{digits}f} %"


def _changes(update: TickerUpdate) -> str:
    told = ((name, getattr(update, name)) for name in sorted(update.changed - {"symbol"}))
    return "  ".join(f"{n} {number(v) if isinstance(v, Decimal) else v}" for n, v in told)


def _candle(kline: Kline) -> str:
    prices = (("open", kline.open), ("high", kline.high), ("low", kline.low))
    shown = "  ".join(f"{n} {number(v):>11}" for n, v in (*prices, ("close", kline.close)))
    end = "  closed" if kline.closed else ""
    return (
        f"{kline.interval:<3} {kline.start:%Y-%m-%d %H:%M}  {shown}"
        f"  volume {number(kline.volume):<12}{end}"
    )


def _instrument(one: Instrument) -> str:
    quantities = (("step", one.quantity_step), ("min", one.min_quantity), ("max", one.max_quantity))
    shown = "  ".join(f"{name} {number(value):>9}" for name, value in quantities)
    return f"{one.status:<10} tick {number(one.tick_size):>9}  {shown}  {one.contract_type or ''}"


def _book(book: OrderBook) -> str:
    bid, ask = (_of(*(best or (None, None))) for best in (book.best_bid, book.best_ask))
    levels = f"{book.depth:>4} levels"
    return f"{book.state:<10} {levels}  bid {bid}  ask {ask}  spread {number(book.spread)}"


def _update(event: BookSnapshot | BookDelta) -> str:
    kind = "snapshot" if isinstance(event, BookSnapshot) else "delta"
    sides = f"{_levels('bids', event.bids)}  {_levels('asks', event.asks)}"
    return f"{kind:<8} {event.depth:>4}  {sides}  update {event.update_id}"


def _levels(side: str, levels: tuple[Level, ...]) -> str:
    # of a delta these are changes, so the first is not the best of the book
    first = _of(*levels[0]) if levels else _of(None, None)
    return f"{len(levels):>4} {side} from {first}"
