"""Markets on the terminal: the live view, or lines where there is no terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import reactivex
from reactivex import operators as ops

from rxbybit.cli.follow import follow_lines
from rxbybit.client import Bybit
from rxbybit.errors import ConfigurationError
from rxbybit.stream import Stream, lift
from rxbybit.view.board import Board
from rxbybit.view.lines import Line, line_of, note_line, quote_line, status_line
from rxbybit.view.live import own_streams, watch
from rxbybit.view.screen import can_draw

__all__ = ["show"]

QUOTES_S = 1.0
"""How often lines tell the best bid and ask, in seconds."""
_SECONDS = re.compile(r"([1-9]\d?)s")


def show(
    client: Bybit,
    symbols: Sequence[str],
    *,
    source: str,
    candles: str,
    seconds: float | None,
    notes: Stream[str] | None = None,
    account: bool = False,
) -> None:
    """Show these symbols for so many seconds, ``None``: until Ctrl-C; the client is closed.

    ``source`` names where it comes from. ``candles`` are those of the exchange (``1m``), or made
    of trades (``5s``). ``notes`` are lines to show beside. ``account``: also what the account has
    of them.
    Errors: those of the streams, ``ConfigurationError`` for what cannot be.
    """
    if not symbols:
        raise ConfigurationError("name at least one symbol, as in 'BTCUSD'")
    found = _SECONDS.fullmatch(candles)
    if not can_draw():
        made = None if found else candles
        lines = _lines(client, symbols, made, notes, account=account)
        follow_lines(client, lines, seconds)
        return
    board = Board.of(
        list(dict.fromkeys(symbols)),
        source=source,
        chart=candles,
        chart_ms=int(found[1]) * 1000 if found else None,
        account=account,
    )
    watch(client, board, seconds=seconds, notes=notes)


def _lines(
    client: Bybit,
    symbols: Sequence[str],
    candles: str | None,
    notes: Stream[str] | None,
    *,
    account: bool,
) -> Stream[Line]:
    # The status first: it must be heard before a subscription opens the connection.
    sources: list[Stream[Line]] = [client.status().pipe(ops.map(status_line))]
    if notes is not None:
        sources.append(notes.pipe(ops.map(lambda text: note_line(datetime.now(UTC), text))))
    sources.append(client.trades(*symbols).pipe(ops.map(line_of)))
    if candles is not None:
        sources.append(client.klines(*symbols, interval=candles).pipe(ops.map(line_of)))
    sources += [_quotes(client, symbol) for symbol in symbols]
    if account:
        sources += [stream.pipe(ops.map(line_of)) for stream in own_streams(client, symbols)]
    return lift(reactivex.merge(*sources))


def _quotes(client: Bybit, symbol: str) -> Stream[Line]:
    return client.tickers(symbol).pipe(ops.sample(QUOTES_S), ops.map(quote_line))
