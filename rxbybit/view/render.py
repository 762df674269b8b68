"""The whole picture: a board in a width and a height, in rows that neither wrap nor overflow."""

from __future__ import annotations

from rich.text import Text

from rxbybit.view import panels
from rxbybit.view.board import Board, Market
from rxbybit.view.chart import chart
from rxbybit.view.own import own, rows_for
from rxbybit.view.rows import below, beside, fit

__all__ = ["columns_in", "render"]

LEAST = (30, 8)
"""Less than this shows nothing that is worth it."""
COLUMN = 58
"""What a market with all its panels needs, in cells."""


def columns_in(width: int, markets: int) -> int:
    """How many markets fit next to each other."""
    return max(1, min(markets, (width + 3) // (COLUMN + 3)))


def render(
    board: Board, width: int, height: int, *, now_s: float, first: int = 0, keys: str = ""
) -> list[Text]:
    """The board as ``height`` rows of ``width`` cells; rich shows them as ``Group(*rows)``.

    ``first`` counts the market that is shown first, others follow where there is room.
    ``now_s`` is the clock of :meth:`Board.apply`; ``keys`` says what can be pressed.
    """
    if width < LEAST[0] or height < LEAST[1]:
        return below([Text(f"rxbybit needs {LEAST[0]} x {LEAST[1]}")], width, height)
    told = 2 if height < 18 else 4 if height < 32 else 8
    space = height - told - 2
    names = list(board.markets)
    count = columns_in(width, len(names))
    shown = [names[(first + i) % len(names)] for i in range(count)] if names else []
    return [
        fit(_head(board, shown, width), width),
        *_markets(board, shown, width, space),
        panels.rule(width, keys),
        *panels.status(board, now_s, width, told),
    ]


def _head(board: Board, shown: list[str], width: int) -> Text:
    head = Text.assemble((" rxbybit ", "bold reverse"), " ")
    for symbol in board.markets if len(board.markets) > len(shown) else ():
        head.append(f" {symbol} ", style="reverse" if symbol in shown else "dim")
    head.append(f" {board.source}", style="dim")
    time = "" if board.exchange_ms is None else f" {_clock(board.exchange_ms)} UTC"
    head.truncate(max(0, width - len(time)), overflow="ellipsis", pad=True)
    return head.append(time)


def _clock(at_ms: int) -> str:
    seconds = at_ms // 1000
    return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _markets(board: Board, shown: list[str], width: int, height: int) -> list[Text]:
    if not shown:
        return below([Text("no symbol", style="dim")], width, height)
    each = (width - 3 * (len(shown) - 1)) // len(shown)
    block: list[Text] | None = None
    left = width
    for place, symbol in enumerate(shown):
        wide = left if place == len(shown) - 1 else each
        left -= wide + 3
        one = _market(board, board.markets[symbol], wide, height)
        block = one if block is None else beside(block, one)
    return block or []


def _market(board: Board, market: Market, width: int, height: int) -> list[Text]:
    lines = 1 if height < 8 else 3
    top = panels.headline(market, board.exchange_ms, width, lines)
    rest = height - lines
    if market.own is None or not (rows := rows_for(rest)):
        return top + _panels(board, market, width, rest)
    return [
        *top,
        *_panels(board, market, width, rest - rows),
        *own(market.own, width, rows),
    ]


def _panels(board: Board, market: Market, width: int, rest: int) -> list[Text]:
    if width >= COLUMN - 6:
        book_width = min(46, (width - 3) // 2)
        side = width - book_width - 3
        upper = rest // 2
        right = [
            *chart(list(market.candles.kept), board.chart, side, upper),
            *panels.tape(market, side, rest - upper),
        ]
        return beside(panels.book(market.book, book_width, rest), right)
    if rest < 14:
        return panels.book(market.book, width, rest)
    upper = rest * 3 // 5
    return [
        *panels.book(market.book, width, upper),
        *panels.tape(market, width, rest - upper),
    ]
