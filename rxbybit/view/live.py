"""The live view: streams fold into a board on their own thread, and this one draws it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime, timezone
from typing import TypeVar

from reactivex import abc
from reactivex import operators as ops

from rxbybit.book import OrderBook
from rxbybit.client import Bybit
from rxbybit.events import Event, Status
from rxbybit.runtime import Runtime, shutdown_background
from rxbybit.stream import Stream
from rxbybit.symbols import read_symbols
from rxbybit.view.board import Board
from rxbybit.view.holding import Owned
from rxbybit.view.render import columns_in, render
from rxbybit.view.screen import Screen

__all__ = ["Feed", "own_streams", "watch"]

REFRESH_S = 1 / 8
TURN_S = 5.0
"""How long a market is shown where nobody can press a key for the next."""

T = TypeVar("T")


class Feed:
    """Subscribes to all that a board shows, and applies it on the streams' own thread.

    ``ended`` is set when one of the streams has ended; ``error`` is why.
    """

    def __init__(self, client: Bybit, board: Board, notes: Stream[str] | None = None) -> None:
        self.ended = threading.Event()
        self.error: Exception | None = None
        self._client = client
        self._board = board
        self._notes = notes
        self._runtime = Runtime.current()
        self._subscriptions: list[abc.DisposableBase] = []

    def open(self) -> None:
        """Subscribe. Errors: ``ConfigurationError`` for a symbol that cannot be."""
        client, board, symbols = self._client, self._board, list(self._board.markets)
        # The status first: it must be heard before a subscription opens the connection.
        self._hear(client.status(), self._apply)
        if self._notes is not None:
            self._hear(self._notes, lambda text: board.note(datetime.now(timezone.utc), text))
        self._hear(client.tickers(*symbols), self._apply)
        self._hear(client.trades(*symbols), self._apply)
        if not board.makes_candles:
            self._hear(client.klines(*symbols, interval=board.chart), self._apply)
        self._hear(client.order_book(*symbols), self._apply)
        if board.shows_account:
            for stream in own_streams(client, symbols):
                self._hear(stream, self._apply)

    def board(self) -> Board:
        """A copy of the board as it is now, for another thread to draw."""
        answer: Future[Board] = Future()
        self._runtime.post(lambda: answer.set_result(self._board.copied()))
        return answer.result()

    def close(self) -> None:
        """Hear nothing more."""
        for subscription in self._subscriptions:
            subscription.dispose()

    def _apply(self, event: Event | OrderBook | Status) -> None:
        self._board.apply(event, time.monotonic())

    def _hear(self, stream: Stream[T], on_next: Callable[[T], None]) -> None:
        self._subscriptions.append(stream.subscribe(on_next, self._fail))

    def _fail(self, error: Exception) -> None:
        self.error = self.error or error
        self.ended.set()


def own_streams(client: Bybit, symbols: Sequence[str]) -> tuple[Stream[Owned], ...]:
    """What happens to the account in these markets, and in no others of their names.

    Errors: ``ConfigurationError`` without credentials.
    """
    markets = frozenset(read_symbols(tuple(symbols), client.category))

    def concerns(event: Owned) -> bool:
        return (event.category, event.symbol) in markets

    return (
        client.positions(*symbols).pipe(ops.filter(concerns)),
        client.orders(*symbols).pipe(ops.filter(concerns)),
        client.stop_orders(*symbols).pipe(ops.filter(concerns)),
        client.user_trades(*symbols).pipe(ops.filter(concerns)),
    )


def watch(
    client: Bybit,
    board: Board,
    *,
    seconds: float | None = None,
    notes: Stream[str] | None = None,
) -> None:
    """Draw ``board`` with what ``client`` streams of its symbols, until Ctrl-C or ``q``.

    ``seconds``: how long at most. ``notes`` are lines for the log. The terminal is restored and
    the client closed at the end. It takes the main thread; the streams run on another one, so
    that a slow terminal delays none of them: it is shown less often.
    Errors: those of the streams, ``ConfigurationError`` for symbols that cannot be.
    """
    feed = Feed(client, board, notes)
    try:
        with client:
            feed.open()
            with Screen() as screen:
                _draw(feed, screen, list(board.markets), seconds)
            feed.close()
    finally:
        shutdown_background()
    if feed.error is not None:
        raise feed.error


def _draw(feed: Feed, screen: Screen, symbols: Sequence[str], seconds: float | None) -> None:
    began = time.monotonic()
    first = 0
    while not feed.ended.is_set():
        now = time.monotonic()
        left = REFRESH_S if seconds is None else min(REFRESH_S, began + seconds - now)
        if left <= 0:
            return
        width, height = screen.size
        keys = "q quit" if screen.has_keys else "Ctrl-C quit"
        if columns_in(width, len(symbols)) < len(symbols):
            if screen.has_keys:
                keys += "  ←→ market"
            else:
                first = int((now - began) / TURN_S) % len(symbols)
        rows = render(feed.board(), width, height, now_s=now, first=first, keys=keys)
        screen.draw(rows, width, height)
        if not screen.has_keys:
            feed.ended.wait(left)
            continue
        match screen.key(left):
            case "quit":
                return
            case "next":
                first = (first + 1) % len(symbols)
            case "previous":
                first = (first - 1) % len(symbols)
            case "redraw":
                screen.redraw()
            case str(digit) if 0 < int(digit) <= len(symbols):
                first = int(digit) - 1
            case _:
                pass
