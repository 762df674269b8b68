"""A stream on standard output, an event a line, until it ends or its time is up."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, TypeVar

from rich.console import Console
from rich.text import Text

from rxbybit.book import OrderBook
from rxbybit.client import Bybit
from rxbybit.events import (
    Connected,
    DecodeFailed,
    Disconnected,
    Dropped,
    Event,
    Gap,
    Reconnecting,
    Rejected,
    RequestFailed,
    Resynced,
    Stale,
    Status,
)
from rxbybit.stream import Stream
from rxbybit.view.lines import Line, line_of, status_line

__all__ = ["Trouble", "event_writer", "follow", "follow_lines", "json_writer", "line_writer"]

T = TypeVar("T")
Write = Callable[[T], None]
Shown = Event | OrderBook
"""What a stream of the command line gives."""


class _Screen(Console):
    def on_broken_pipe(self) -> NoReturn:
        # rich would end the process here, whatever is still open.
        raise BrokenPipeError


def line_writer() -> Write[Line]:
    """Writes lines to standard output, in colour where that is a terminal."""
    screen = _Screen(highlight=False, markup=False, emoji=False, soft_wrap=True)
    if not screen.is_terminal:
        return lambda line: print(line.text)
    return lambda line: screen.print(Text(line.text, style=line.style))


def event_writer() -> Write[Shown]:
    """Writes events to standard output as lines."""
    write = line_writer()
    return lambda event: write(line_of(event))


def json_writer(*, meta: bool) -> Write[Shown]:
    """Writes events to standard output as JSON."""
    out = sys.stdout.buffer

    def write(event: Shown) -> None:
        out.write(event.to_json(meta=meta) + b"\n")

    return write


def follow(
    client: Bybit,
    stream: Stream[Shown],
    write: Write[Shown],
    seconds: float | None,
    *,
    named: bool,
) -> None:
    """Write what ``stream`` of ``client`` gives; trouble on the way goes to standard error.

    ``seconds``: how long, ``None`` until its end. ``named``: it is of symbols that somebody
    named, so that a refused one ends it with an error. The client is closed at the end.
    Errors: the stream's own; ``BrokenPipeError`` when the reader of standard output has left.
    """

    async def run() -> None:
        trouble = Trouble(named=named)
        async with client:
            telling = client.status().subscribe(trouble.tell)
            try:
                await _until_end(stream, write, seconds)
            finally:
                telling.dispose()

    asyncio.run(run())


def follow_lines(client: Bybit, stream: Stream[Line], seconds: float | None) -> None:
    """Write the lines of ``stream``, whose statuses are in it; else as :func:`follow`."""

    async def run() -> None:
        async with client:
            await _until_end(stream, line_writer(), seconds)

    asyncio.run(run())


async def _until_end(stream: Stream[T], write: Write[T], seconds: float | None) -> None:
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    errors: list[Exception] = []
    flushing = False

    def fail(error: Exception) -> None:
        errors.append(error)
        end.set()

    def flush() -> None:
        nonlocal flushing
        flushing = False
        try:
            sys.stdout.flush()
        except OSError as error:
            fail(error)

    def on_next(event: T) -> None:
        # What came in one piece is written in one piece, but nothing waits for the next.
        nonlocal flushing
        write(event)
        if not flushing:
            flushing = True
            loop.call_soon(flush)

    # Not iterate(): a reader who is slow holds the exchange back, and loses nothing unsaid.
    subscription = stream.subscribe(on_next, fail, end.set)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await end.wait()
    finally:
        subscription.dispose()
    if errors:
        raise errors[0]
    sys.stdout.flush()


class Trouble:
    """What goes wrong with the connections, and the end of it.

    ``named``: the stream is of symbols that somebody named. The error that ends it when one is
    refused says so already.
    """

    def __init__(self, *, named: bool) -> None:
        told = (
            Disconnected,
            Reconnecting,
            RequestFailed,
            DecodeFailed,
            Gap,
            Stale,
            Resynced,
            Dropped,
        )
        self._told = told if named else (*told, Rejected)
        self._down: set[int | None] = set()

    def concerns(self, status: Status) -> bool:
        """Whether somebody has to hear of it; each status is asked about once, in order."""
        if isinstance(status, Connected) and status.connection in self._down:
            self._down.discard(status.connection)
            return True
        if isinstance(status, Disconnected):
            self._down.add(status.connection)
        return isinstance(status, self._told)

    def tell(self, status: Status) -> None:
        """Write it to standard error, if it concerns somebody."""
        if self.concerns(status):
            print(status_line(status).text, file=sys.stderr, flush=True)
