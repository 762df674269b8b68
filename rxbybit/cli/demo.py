"""The library on a market of invented prices, all of it on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import datetime
from decimal import Decimal
from typing import NoReturn

import reactivex
from reactivex import operators as ops
from rich.console import Console
from rich.text import Text

from rxbybit.client import Bybit
from rxbybit.events import Side, Status
from rxbybit.sim import Exchange, Recording
from rxbybit.stream import Stream, lift
from rxbybit.streams.kline import Kline
from rxbybit.streams.trade import Trade
from rxbybit.ticker import Ticker

__all__ = ["play"]

SYMBOLS = ("BTCUSD", "ETHUSD")
QUOTES_S = 1.0
"""How often the best bid and ask are looked at, in seconds."""

Line = tuple[str, str]
"""A line and its style."""


class _Screen(Console):
    def on_broken_pipe(self) -> NoReturn:
        # rich would end the process here, whatever is still open.
        raise BrokenPipeError


def play(seconds: float | None) -> None:
    """Print lines of the packaged market for so many seconds; ``None``: until Ctrl-C.

    Errors: ``BrokenPipeError`` when the reader of standard output has left.
    """
    screen = _Screen(highlight=False, markup=False, emoji=False, soft_wrap=True)
    asyncio.run(_play(seconds, lambda line: screen.print(Text(line[0], style=line[1]))))


async def _play(seconds: float | None, show: Callable[[Line], None]) -> None:
    async with Exchange({"inverse": Recording.demo()}) as exchange, Bybit(exchange.url) as bybit:
        show((f"Invented prices, served on {exchange.url}. Ctrl-C ends this.", "bold"))
        async with aclosing(_lines(bybit).iterate()) as lines:
            try:
                async with asyncio.timeout(seconds):
                    await _each(lines, show)
            except TimeoutError:
                return


async def _each(lines: AsyncIterator[Line], show: Callable[[Line], None]) -> None:
    async for line in lines:
        show(line)


def _lines(bybit: Bybit) -> Stream[Line]:
    # The status first: it must be heard before a subscription opens the connection.
    return lift(
        reactivex.merge(
            bybit.status().pipe(ops.map(_status)),
            bybit.trades(*SYMBOLS).pipe(ops.map(_trade)),
            bybit.klines(*SYMBOLS, interval="1m").pipe(ops.map(_kline)),
            *(_quotes(bybit, symbol) for symbol in SYMBOLS),
        )
    )


def _quotes(bybit: Bybit, symbol: str) -> Stream[Line]:
    return bybit.tickers(symbol).pipe(ops.sample(QUOTES_S), ops.map(_quote))


def _quote(ticker: Ticker) -> Line:
    bid = f"{_number(ticker.bid_price)} x {_number(ticker.bid_size)}"
    ask = f"{_number(ticker.ask_price)} x {_number(ticker.ask_size)}"
    return _line(ticker.meta.sent, "quote", ticker.symbol, f"bid {bid}   ask {ask}"), "cyan"


def _trade(trade: Trade) -> Line:
    text = f"{trade.side:<4} {trade.size} at {trade.price}"
    style = "green" if trade.side == Side.BUY else "red"
    return _line(trade.time, "trade", trade.symbol, text), style


def _kline(kline: Kline) -> Line:
    text = (
        f"{kline.start:%H:%M} open {kline.open} high {kline.high} low {kline.low}"
        f" close {kline.close} volume {kline.volume}{' closed' if kline.closed else ''}"
    )
    return _line(kline.meta.sent, "candle", kline.symbol, text), "yellow"


def _status(status: Status) -> Line:
    told = (
        f"{name}={_told(getattr(status, name))}"
        for name in status.__struct_fields__
        if name not in ("time", "connection")
    )
    return _line(status.time, "status", type(status).__name__, " ".join(told)), "magenta"


def _told(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)  # pyright: ignore[reportUnknownArgumentType]


def _number(value: Decimal | None) -> str:
    return "none" if value is None else str(value)


def _line(at: datetime | None, kind: str, name: str, text: str) -> str:
    shown = f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}" if at else " " * 12
    return f"{shown}  {kind:<6}  {name:<9} {text}"
