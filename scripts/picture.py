"""Writes ``docs/images/demo.svg``, the picture of the terminal view in the README.

It draws the packaged market as it is after a minute, with an outage that has healed; the same
frames give the same picture. It loads nothing: the fonts are those of whoever looks at it.
"""

from __future__ import annotations

import io
from datetime import datetime, timedelta, timezone
from pathlib import Path

from reactivex.subject import Subject
from rich.console import Console, Group

from rxbybit import (
    BookDelta,
    BookSnapshot,
    Connected,
    Connecting,
    Disconnected,
    Gap,
    Reconnecting,
    Status,
    TickerUpdate,
)
from rxbybit import operators as rxo
from rxbybit.cli.decode import LineDecoder
from rxbybit.sim import Recording
from rxbybit.view.board import Board
from rxbybit.view.render import render

PATH = Path(__file__).resolve().parent.parent / "docs" / "images" / "demo.svg"
WIDTH, HEIGHT = 100, 34
SYMBOLS = ("BTCUSD", "ETHUSD")
SHOWN_S = 70
"""How much of the recording is in the picture, in seconds."""
FRAME = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix, .{unique_id}-title {{
  font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-variant-east-asian: full-width;
}}
.{unique_id}-matrix {{ font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix" xml:space="preserve">
{matrix}
</g>
</g>
</svg>
"""


def demo_board() -> tuple[Board, float]:
    """The board after so many seconds of the packaged market, and the clock it has then."""
    board = Board.of(SYMBOLS, source="invented prices on http://127.0.0.1:8765")
    decoder = LineDecoder(print)
    frames = Recording.demo().frames
    began_ms = frames[0].sent_ms or 0
    _outage(board, datetime.fromtimestamp(began_ms / 1000, timezone.utc))
    now_s = 0.0
    tickers: Subject[TickerUpdate] = Subject()
    books: Subject[BookSnapshot | BookDelta] = Subject()
    tickers.pipe(rxo.merge_ticker()).subscribe(lambda ticker: board.apply(ticker, now_s))
    books.pipe(rxo.to_book()).subscribe(lambda book: board.apply(book, now_s))
    for frame in frames:
        now_s = ((frame.sent_ms or began_ms) - began_ms) / 1000
        if now_s > SHOWN_S:
            break
        for events in decoder.lines([frame.raw]):
            for event in events:
                match event:
                    case TickerUpdate():
                        tickers.on_next(event)
                    case BookSnapshot() | BookDelta():
                        books.on_next(event)
                    case _:
                        board.apply(event, now_s)
    return board, now_s


def _outage(board: Board, began: datetime) -> None:
    def at(seconds: float) -> datetime:
        return began + timedelta(seconds=seconds)

    url = "ws://127.0.0.1:8765/v5/public/inverse"
    story: list[Status] = [
        Connecting(time=at(-0.01), connection=1, url=url),
        Connected(time=at(0), connection=1, url=url),
        Disconnected(time=at(15), connection=1, reason="the connection was lost: connection reset"),
        Reconnecting(time=at(15), connection=1, attempt=1, delay_s=0.4),
        Connected(time=at(17.3), connection=1, url=url),
        *(Gap(time=at(17.4), topic=f"{n}", after_ms=None, before_ms=None) for n in range(6)),
    ]
    for status in story:
        if isinstance(status, Disconnected):
            board.note(status.time, "the demo cuts the connection on purpose now")
        board.apply(status, 0.0)


def svg() -> str:
    """The picture."""
    board, now_s = demo_board()
    console = Console(
        width=WIDTH,
        height=HEIGHT,
        file=io.StringIO(),
        record=True,
        force_terminal=True,
        color_system="truecolor",
    )
    keys = "q quit  ←→ market"
    console.print(Group(*render(board, WIDTH, HEIGHT, now_s=now_s, keys=keys)), end="")
    return console.export_svg(title="rxbybit demo", code_format=FRAME, unique_id="demo")


if __name__ == "__main__":
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(svg(), encoding="utf-8")
