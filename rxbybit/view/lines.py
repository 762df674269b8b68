"""An event as a line of text for people: aligned, times in UTC."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import NamedTuple

from rxbybit.book import BookDelta, BookSnapshot, Level, OrderBook
from rxbybit.events import Event, Meta, Side, Status
from rxbybit.instrument import Instrument
from rxbybit.order import Order, StopOrder
from rxbybit.streams.insurance import Insurance
from rxbybit.streams.kline import Kline
from rxbybit.streams.liquidation import Liquidation
from rxbybit.streams.position import Position
from rxbybit.streams.trade import Trade
from rxbybit.streams.user_trade import UserTrade
from rxbybit.streams.wallet import Account, Balance
from rxbybit.ticker import Ticker, TickerUpdate
from rxbybit.trading import ExecutionType
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
            return _private(event)


def _private(event: Event) -> Line:
    """The line of what happens on an account."""
    match event:
        case Order():
            return _line(event.updated, "order", event.symbol, _order(event), _colour(event.side))
        case StopOrder():
            return _line(event.updated, "stop", event.symbol, _stop(event), _colour(event.side))
        case UserTrade(type=ExecutionType.FUNDING):
            text = f"{_charged('paid', event)}  rate {_percent(event.fee_rate, 4)}"
            return _line(event.time, "fund", event.symbol, text, "yellow")
        case UserTrade():
            return _line(event.time, "fill", event.symbol, _fill(event), _colour(event.side))
        case Position():
            return _line(event.updated, "held", event.symbol, _position(event), "cyan")
        case Balance():
            # the legacy wire does not say when
            at = event.meta.sent or _arrived(event.meta)
            return _line(at, "wallet", event.coin or "-", _balance(event), "yellow")
        case Account():
            return _line(event.meta.sent, "total", event.account_type, _account(event), "yellow")
        case _:
            return Line(printable(repr(event)))


def _arrived(meta: Meta) -> datetime | None:
    ns = meta.received_ns
    return datetime.fromtimestamp(ns / 1e9, timezone.utc) if ns else None


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


def _colour(side: Side | None) -> str:
    return "" if side is None else {Side.BUY: "green", Side.SELL: "red"}.get(side, "")


def _order(order: Order) -> str:
    # 0 is the price of market orders
    price = order.price if order.price else order.average_price
    return (
        f"{order.status:<15} {order.side or '':<4} {order.type or '':<6}"
        f" {_of(price or None, order.quantity)}  filled {number(order.filled_quantity):<10}"
        f"  id {order.client_order_id or order.order_id}"
    )


def _stop(stop: StopOrder) -> str:
    return (
        f"{stop.status:<15} {stop.side or '':<4} {stop.stop_order_type:<10}"
        f" {_of(stop.trigger_price, stop.quantity)}  by {stop.trigger_by or '-'}"
        f"  then {stop.type or '-'}  id {stop.client_order_id or stop.order_id}"
    )


def _fill(fill: UserTrade) -> str:
    role = "-" if fill.is_maker is None else "maker" if fill.is_maker else "taker"
    kind = "" if fill.type == ExecutionType.TRADE else f"  {fill.type}"
    profit = "" if not fill.realised_pnl else f"  profit {number(fill.realised_pnl)}"
    return (
        f"{fill.side or '':<4} {_of(fill.price, fill.quantity)}"
        f"  {role:<5}"
        f"  {_charged('fee', fill)}{profit}{kind}  order {fill.client_order_id or fill.order_id}"
    )


def _charged(name: str, fill: UserTrade) -> str:
    return f"{name} {number(fill.fee)} {fill.fee_coin or ''}".rstrip()


def _position(held: Position) -> str:
    if held.side is None or not held.size:
        return f"{'none':<5} realised {number(held.cumulative_realised_pnl)}"
    way = {Side.BUY: "long", Side.SELL: "short"}.get(held.side, str(held.side))
    return (
        f"{way:<5} {_of(held.entry_price, held.size)}  mark {number(held.mark_price)}"
        f"  unrealised {number(held.unrealised_pnl)}  realised {number(held.realised_pnl)}"
        f"  liquidation {number(held.liquidation_price)}"
    )


def _balance(balance: Balance) -> str:
    shown = [f"wallet {number(balance.wallet_balance):>16}"]
    for name in ("equity", "available_balance", "unrealised_pnl", "order_margin", "usd_value"):
        value: Decimal | None = getattr(balance, name)
        if value is not None:
            shown.append(f"{_SHORT.get(name, name)} {number(value)}")
    return "  ".join(shown)


def _account(account: Account) -> str:
    amounts = ("equity", "available_balance", "unrealised_pnl", "initial_margin")
    shown = [f"{_SHORT.get(name, name)} {_usd(getattr(account, name))}" for name in amounts]
    rate = account.maintenance_margin_rate
    share = "-" if rate is None else f"{rate * 100:.2f} %"
    return f"{'  '.join(shown)}  maintenance {_usd(account.maintenance_margin)} USD ({share})"


_SHORT = {
    "available_balance": "available",
    "unrealised_pnl": "unrealised",
    "order_margin": "orders",
    "initial_margin": "margin",
    "usd_value": "USD",
}


def _usd(value: Decimal | None) -> str:
    return "-" if value is None else f"{value:,.2f}"


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
